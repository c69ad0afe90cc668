//! A process that is killed at any moment leaves what the next one needs to find every guest in its true state.

mod support;

use std::path::Path;
use std::time::Duration;

use support::*;
use virt_domain::{Kill, Registry, StartOptions};
use virt_sys::{PidFd, PidFile, Signal, Spawn};
use virt_types::{CreateFlags, DomainName, DomainState, ListFlags, UndefineFlags};

const CHILD: &str = "VIRT_DOMAIN_TEST_TRAFFIC";
const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

/// A simple generator: the runs can be repeated by their seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// What a child process of this test does: traffic on every domain at once, until it is killed.
#[test]
fn child() {
    let Ok(work) = std::env::var(CHILD) else { return };
    let (seed, dir) = work.split_once(' ').unwrap();
    let seed: u64 = seed.parse().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let engine = Engine::open(Path::new(dir)).await;
        let mut users = tokio::task::JoinSet::new();
        for (number, name) in NAMES.into_iter().enumerate() {
            users.spawn(traffic(engine.registry.clone(), name, Random(seed * 31 + number as u64 + 1)));
        }
        // Ready: the parent chooses the moment from here on.
        rustix::io::write(rustix::stdio::stdout(), b"\n> ready\n").unwrap();
        while users.join_next().await.is_some() {}
    });
}

async fn traffic(registry: Registry, name: &'static str, mut random: Random) {
    let other_name = format!("{name}{name}");
    loop {
        let found = match registry.by_name(name).await {
            Ok(found) => Ok(found),
            Err(_) => registry.by_name(&other_name).await,
        };
        // Refusals are part of the traffic: what the domain is at the moment is not looked at.
        let _ = match (found, random.below(9)) {
            (Err(_), 0..=6) => registry.define(domain(name)).await.map(drop),
            (Err(_), _) => registry.create(domain(name), StartOptions::default()).await.map(drop),
            (Ok(found), 0..=2) => found.start(options(CreateFlags::empty())).await.map(drop),
            (Ok(found), 3) => found.suspend().await,
            (Ok(found), 4) => found.resume().await,
            (Ok(found), 5) => found.destroy(Kill::Force).await,
            (Ok(found), 6) => found.undefine(UndefineFlags::empty()).await,
            (Ok(found), 7) => found.set_autostart(random.below(2) == 0).await,
            (Ok(found), _) => {
                let to = if found.snapshot().name.as_str() == name { other_name.as_str() } else { name };
                found.rename(DomainName::new(to).unwrap()).await
            }
        };
    }
}

fn run_and_kill(dir: &Path, seed: u64, after: Duration) {
    use std::io::{BufRead, BufReader};
    let (from, child_out) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
    let mut spawn = Spawn::new(std::env::current_exe().unwrap());
    spawn.args(["--exact", "child", "--nocapture"]).env(CHILD, format!("{seed} {}", dir.display()));
    spawn.stdout(child_out);
    let child = spawn.start().unwrap();
    drop(spawn);
    let mut lines = BufReader::new(std::fs::File::from(from)).lines();
    assert!(lines.any(|line| line.unwrap() == "> ready"));
    // The moment is what is tested, and nothing but time tells it.
    child.pidfd.wait(Some(std::time::Instant::now() + after)).unwrap();
    child.pidfd.send_signal(Signal::KILL).unwrap();
    child.pidfd.wait_exit(None).unwrap();
}

fn guest(dir: &Path, name: &str) -> Option<PidFd> {
    PidFile::open_locked(dir.join("guests").join(format!("{name}.pid"))).unwrap().map(|(_, process)| process)
}

fn names(dir: &Path, suffix: &str) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|file| file.strip_suffix(suffix).map(str::to_owned))
        .collect();
    names.sort();
    names
}

/// Everything that must hold once an engine is open, whatever happened before.
async fn check(dir: &Path, round: u64) {
    let engine = Engine::open(dir).await;
    assert!(engine.problems.is_empty(), "round {round}: {:?}", engine.problems);
    // What was interrupted is finished in the background: a job on each domain comes after it.
    for found in engine.registry.list(ListFlags::empty()) {
        let _ = found.set_autostart(found.snapshot().autostart).await;
    }
    let mut persistent = Vec::new();
    let mut active = Vec::new();
    for found in engine.registry.list(ListFlags::empty()) {
        let snapshot = found.snapshot();
        let name = snapshot.name.to_string();
        let process = guest(dir, &name);
        assert_eq!(snapshot.is_active(), process.is_some(), "round {round}: {name} {:?}", snapshot.status);
        if snapshot.is_active() {
            let doing = std::fs::read_to_string(dir.join("guests").join(format!("{name}.doing"))).unwrap();
            let expected = if doing == "running" { DomainState::Running } else { DomainState::Paused };
            assert_eq!(snapshot.status.state(), expected, "round {round}: {name}");
            active.push(name.clone());
        }
        if snapshot.is_persistent() {
            persistent.push(name);
        }
    }
    assert_eq!(names(&engine.layout.config_dir, ".xml"), persistent, "round {round}");
    assert_eq!(names(&engine.layout.status_dir, ".xml"), active, "round {round}");
    // No guest without a domain, no file of anything that is not there.
    assert_eq!(names(&dir.join("guests"), ".pid"), active, "round {round}");
    let links = names(&engine.layout.autostart_dir, ".xml");
    assert!(links.iter().all(|link| persistent.contains(link)), "round {round}: {links:?} {persistent:?}");
    for dir in [&engine.layout.config_dir, &engine.layout.status_dir, &engine.layout.run_dir] {
        assert!(names(dir, ".virt-tmp").is_empty(), "round {round}: {}", dir.display());
    }
    assert!(!engine.layout.config_dir.join(".rename").exists(), "round {round}");
    engine.registry.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_when_a_process_is_killed() {
    // A longer run is asked for by the environment.
    let rounds = std::env::var("CRASH_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(25);
    let dir = TempDir::new("crash");
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for round in 1..=rounds {
        let after = Duration::from_micros(random.below(60_000));
        let path = dir.path().to_owned();
        tokio::task::spawn_blocking(move || run_and_kill(&path, round, after)).await.unwrap();
        check(dir.path(), round).await;
    }
}
