//! The embedding process is killed at any moment, and nothing that it was told to be done is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use virt_core::{Connection, ListFlags};

use crate::support::{Lab, PATIENCE, enabled, runtime};
use crate::traffic::{Expected, Guest, Log, Random, carry_out, document, look_at};

const TEST: &str = "crash::nothing_acknowledged_is_lost_with_the_process";
const GUESTS: [&str; 5] = ["ant", "bee", "cat", "dog", "eel"];

/// In a child's environment: its engine's URI, and the seed of its choices.
const CHILD_URI: &str = "VIRT_E2E_CRASH_URI";
const CHILD_SEED: &str = "VIRT_E2E_CRASH_SEED";

#[test]
fn nothing_acknowledged_is_lost_with_the_process() {
    if let (Ok(uri), Ok(seed)) = (std::env::var(CHILD_URI), std::env::var(CHILD_SEED)) {
        return runtime().block_on(traffic(&uri, seed.parse().unwrap()));
    }
    if !enabled("crash") {
        return;
    }
    let rounds = std::env::var("CRASH_ROUNDS").map_or(25, |rounds| rounds.parse().unwrap());
    let seed = std::env::var("CRASH_SEED").map_or(1, |seed| seed.parse().unwrap());
    let mut random = Random(seed);
    let lab = Lab::new("crash");
    let runtime = runtime();
    runtime.block_on(learn(&lab));
    let mut seen = Tally::default();
    let mut truth = GUESTS.map(|name| (name, Guest::default())).into_iter().collect::<BTreeMap<_, _>>();
    let begun = Instant::now();
    for round in 0..rounds {
        let log = run_and_kill(&lab, random.next(), Duration::from_millis(random.below(600)));
        let expected = Expected::after(&truth, &log);
        truth = runtime.block_on(examine(&lab, &expected, &log, round, &mut seen));
    }
    println!("{rounds} kills in {:.1} s: {seen:?}", begun.elapsed().as_secs_f64());
    // Kills that hit nothing would prove nothing.
    assert!(seen.acknowledged > rounds && seen.cut_short > 0, "{seen:?}");
    runtime.block_on(tidy_up(&lab));
}

/// Has the engine ask QEMU what it can do, which takes longer than a child lives.
async fn learn(lab: &Lab) {
    let connection = Connection::open(&lab.uri()).await.unwrap();
    connection.define(&document("ant")).await.unwrap().undefine().await.unwrap();
    connection.close().await;
}

/// What was seen in all rounds.
#[derive(Debug, Default)]
struct Tally {
    acknowledged: u64,
    cut_short: u64,
    active: u64,
    opened_in: Duration,
}

/// The child's whole life: calls on all guests at once, each told before and after.
async fn traffic(uri: &str, seed: u64) {
    let connection = Connection::open(uri).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for (number, name) in GUESTS.into_iter().enumerate() {
        let connection = connection.clone();
        tasks.spawn(async move {
            let mut random =
                Random(seed.wrapping_add(number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
            let mut guest = look_at(&connection, name).await.unwrap();
            loop {
                let call = guest.choose(&mut random);
                say("intent", name, call);
                let done = carry_out(&connection, name, call).await;
                done.unwrap_or_else(|error| panic!("{call} {name}: {}", error.report()));
                say("done", name, call);
                guest = guest.after(call);
            }
        });
    }
    // Ends only with the process; a call that fails ends it too early, which the parent sees.
    tasks.join_next().await.unwrap().unwrap();
}

/// One write, so that it is told as a whole or not at all.
fn say(word: &str, name: &str, call: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("\n@{word} {name} {call}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

fn run_and_kill(lab: &Lab, seed: u64, after: Duration) -> Log {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([TEST, "--exact", "--nocapture"])
        .env(CHILD_URI, lab.uri())
        .env(CHILD_SEED, (seed >> 1).to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut log = Log::new();
    let mut line = String::new();
    // Its first words: the engine is open.
    while log.is_empty() {
        line.clear();
        if out.read_line(&mut line).unwrap() == 0 {
            break;
        }
        note(&mut log, &line);
    }
    std::thread::sleep(after);
    assert!(child.try_wait().unwrap().is_none(), "the child ended by itself: {}", words_of(&mut child));
    child.kill().unwrap();
    child.wait().unwrap();
    for line in out.lines() {
        note(&mut log, &line.unwrap());
    }
    log
}

fn words_of(child: &mut std::process::Child) -> String {
    let mut words = String::new();
    child.stderr.take().unwrap().read_to_string(&mut words).unwrap();
    words
}

fn note(log: &mut Log, line: &str) {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.as_slice() {
        ["@intent", name, call] => log.push(((*name).to_owned(), (*call).to_owned(), false)),
        ["@done", name, call] => {
            let entry = log.iter_mut().rev().find(|(of, _, _)| of == name).unwrap();
            assert_eq!(&entry.1, call);
            entry.2 = true;
        }
        _ => {}
    }
}

async fn examine(
    lab: &Lab,
    expected: &Expected,
    log: &Log,
    round: u64,
    seen: &mut Tally,
) -> BTreeMap<&'static str, Guest> {
    let root = lab.root();
    whole_files(&root);
    let asked: BTreeMap<_, _> = GUESTS.iter().map(|name| (*name, ask_qemu(&root, name))).collect();
    let begun = Instant::now();
    let connection = Connection::open(&lab.uri()).await.unwrap();
    seen.opened_in = seen.opened_in.max(begun.elapsed());
    let mut found = BTreeMap::new();
    for name in GUESTS {
        // What a recovery has yet to do is done when a call has had its turn.
        if let Ok(domain) = connection.domain(name).await
            && domain.state().await.unwrap().is_active()
        {
            let _ = domain.xml(virt_core::types::XmlFlags::empty()).await;
        }
        let guest = look_at(&connection, name).await.unwrap();
        let story: Vec<_> = log.iter().filter(|(of, _, _)| of == name).collect();
        assert!(
            expected.0[name].contains(&guest),
            "round {round}: {name} is {guest:?}, after {story:?} it may be {:?}",
            expected.0[name]
        );
        if guest.active
            && let Some(running) = asked[name]
        {
            assert_eq!(
                !guest.paused, running,
                "round {round}: {name} is {guest:?}, which QEMU denies; {story:?}"
            );
        }
        seen.active += u64::from(guest.active);
        found.insert(name, guest);
    }
    nothing_left(lab, &found, round);
    connection.close().await;
    seen.acknowledged += log.iter().filter(|(_, _, done)| *done).count() as u64;
    seen.cut_short += log.iter().filter(|(_, _, done)| !*done).count() as u64;
    found
}

/// Every file that is read again is a whole document.
fn whole_files(root: &Path) {
    for (dir, end) in [("config", "</domain>"), ("run/status", "</domstatus>")] {
        for entry in std::fs::read_dir(root.join(dir)).into_iter().flatten().flatten() {
            if entry.path().extension().is_some_and(|extension| extension == "xml") {
                let text = std::fs::read_to_string(entry.path()).unwrap();
                assert!(text.trim_end().ends_with(end), "{}: {text}", entry.path().display());
            }
        }
    }
}

/// Whether QEMU says that the virtual CPUs run; nothing where it can not be asked.
fn ask_qemu(root: &Path, name: &str) -> Option<bool> {
    let status = std::fs::read_to_string(root.join(format!("run/status/{name}.xml"))).ok()?;
    let path = status.split_once("<monitor path='")?.1.split_once('\'')?.0;
    let mut stream = UnixStream::connect(path).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    stream.write_all(b"{\"execute\":\"qmp_capabilities\"}\n{\"execute\":\"query-status\"}\n").ok()?;
    for line in BufReader::new(stream).lines() {
        let line = line.ok()?;
        if let Some((_, rest)) = line.split_once("\"running\": ") {
            return Some(rest.starts_with("true"));
        }
    }
    None
}

/// No process without its guest, no file without its reason.
fn nothing_left(lab: &Lab, guests: &BTreeMap<&'static str, Guest>, round: u64) {
    let active: BTreeSet<&str> =
        guests.iter().filter(|(_, guest)| guest.active).map(|(name, _)| *name).collect();
    // A guest's process goes just after its files when it was being ended.
    let deadline = Instant::now() + PATIENCE;
    let processes = loop {
        let processes = lab.processes();
        if processes.len() == active.len() || Instant::now() > deadline {
            break processes;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    assert_eq!(processes.len(), active.len(), "round {round}: {active:?} run, but {processes:#?}");
    for name in &active {
        assert!(processes.iter().any(|(_, line)| line.contains(&format!("guest={name},"))), "{processes:#?}");
    }
    let root = lab.root();
    let belongs = |path: &str| {
        let (dir, file) = path.rsplit_once('/').unwrap_or(("", path));
        let stem = file.split_once('.').map_or(file, |(stem, _)| stem);
        let guest = guests.get(stem);
        match dir {
            "run" if file.starts_with("peer-") => file.contains(&format!("-{}-", std::process::id())),
            "run" if ["engine-lock", "last-id"].contains(&file) => true,
            "run/network" if file == "engine.lock" => true,
            "run" if file.ends_with(".shutoff") => guest.is_some_and(|guest| guest.defined),
            "run" => {
                (file.ends_with(".pid") || file.ends_with(".lock")) && guest.is_some_and(|guest| guest.active)
            }
            "run/status" => guest.is_some_and(|guest| guest.active),
            "config" => guest.is_some_and(|guest| guest.defined),
            _ => {
                path.starts_with("log/")
                    || path.starts_with("cache/")
                    || (path.starts_with("lib/")
                        && active.iter().any(|name| path.contains(&format!("-{name}/"))))
            }
        }
    };
    let mut odd: Vec<String> = files(&root).into_iter().filter(|path| !belongs(path)).collect();
    let deadline = Instant::now() + PATIENCE;
    while !odd.is_empty() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
        odd = files(&root).into_iter().filter(|path| !belongs(path)).collect();
    }
    assert!(odd.is_empty(), "round {round}: {guests:?} and left are {odd:#?}");
}

/// Every file below a directory, and every empty directory of a guest, by its path in it.
fn files(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut dirs = vec![PathBuf::from(root)];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(&dir).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = path.strip_prefix(root).unwrap().display().to_string();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if entry.file_name().to_string_lossy().starts_with("domain-") {
                    found.push(format!("{name}/"));
                }
                dirs.push(path);
            } else {
                found.push(name);
            }
        }
    }
    found.sort();
    found
}

/// Everything goes, and only logs and directories stay.
async fn tidy_up(lab: &Lab) {
    let connection = Connection::open(&lab.uri()).await.unwrap();
    for domain in connection.list(ListFlags::empty()).await.unwrap() {
        let persistent = domain.is_persistent().await.unwrap();
        if domain.is_active().await.unwrap() {
            domain.destroy().await.unwrap();
        }
        if persistent {
            domain.undefine().await.unwrap();
        }
    }
    assert!(connection.list(ListFlags::empty()).await.unwrap().is_empty());
    connection.close().await;
    assert_eq!(lab.processes(), []);
    let left: Vec<String> = files(&lab.root())
        .into_iter()
        .filter(|path| !(path.starts_with("log/") || path.starts_with("cache/")))
        .collect();
    assert_eq!(left, ["run/engine-lock", "run/last-id", "run/network/engine.lock"]);
}
