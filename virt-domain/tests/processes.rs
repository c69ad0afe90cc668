//! Several processes share an engine: guests change hands, and nothing is lost when one of them dies or hangs.

mod support;

use std::io::{BufRead, BufReader, Write};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use support::*;
use virt_domain::{Kill, Limits, StartOptions};
use virt_sys::{PidFd, Signal, Spawn};
use virt_types::{CreateFlags, DomainName, ErrorCode, UndefineFlags};

/// The variable that makes `child` more than an empty test.
const CHILD: &str = "VIRT_DOMAIN_TEST_CHILD";

/// What a child process of these tests does: it carries out the lines that it is sent.
#[test]
fn child() {
    let Ok(dir) = std::env::var(CHILD) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let limits = Limits { call: Duration::from_secs(3), ..Limits::default() };
        let engine = Engine::with(Path::new(&dir), limits).await;
        let mut ear = engine.listen();
        let lease = engine.registry.connect();
        answer("ready");
        let (lines, mut inbox) = tokio::sync::mpsc::unbounded_channel();
        std::thread::spawn(move || {
            for line in std::io::stdin().lines().map_while(Result::ok) {
                if lines.send(line).is_err() {
                    break;
                }
            }
        });
        while let Some(line) = inbox.recv().await {
            let words: Vec<&str> = line.split(' ').collect();
            match obey(&engine, &lease, &mut ear, &words).await {
                Ok(done) => answer(&format!("ok {done}")),
                Err(error) => answer(&format!("{:?} {}", error.code(), error.detail())),
            }
        }
    });
}

fn answer(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n> {line}").unwrap();
    out.flush().unwrap();
}

async fn obey(
    engine: &Engine,
    lease: &virt_domain::Lease,
    ear: &mut Ear,
    words: &[&str],
) -> virt_types::Result<String> {
    let name = words.get(1).copied().unwrap_or_default();
    let get = || engine.registry.by_name(name);
    match words[0] {
        "define" => drop(engine.registry.define(domain(name)).await?),
        // Another domain that wants the same name.
        "claim" => {
            let mut other = domain(words[2]);
            name.clone_into(&mut other.name);
            engine.registry.define(other).await?;
        }
        "undefine" => get().await?.undefine(UndefineFlags::empty()).await?,
        "rename" => get().await?.rename(DomainName::new(words[2])?).await?,
        "autostart" => get().await?.set_autostart(true).await?,
        "start" => drop(get().await?.start(options(CreateFlags::empty())).await?),
        "bound" => {
            let bound = StartOptions { bound_to: Some(lease.id()), ..StartOptions::default() };
            engine.registry.create(domain(name), bound).await?;
        }
        "suspend" => get().await?.suspend().await?,
        "resume" => get().await?.resume().await?,
        "destroy" => get().await?.destroy(Kill::Force).await?,
        "hang" => drop(engine.fake.hang(name, "suspend")),
        "begin-suspend" => {
            let web = get().await?;
            tokio::spawn(async move { web.suspend().await });
            let web = get().await?;
            web.watch().wait_for(|snapshot| !snapshot.held.is_free()).await.unwrap();
        }
        "state" => {
            let status = get().await?.snapshot().status;
            return Ok(format!("{} {}", status.state_name(), status.reason_name()));
        }
        "heard" => return Ok(ear.until(name).await.join(", ")),
        other => panic!("{other}"),
    }
    Ok(String::new())
}

/// A process of the engine.
struct Process {
    pid: u32,
    process: PidFd,
    to: std::fs::File,
    from: BufReader<std::fs::File>,
}

impl Process {
    fn new(dir: &Path) -> Self {
        let (child_in, to) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
        let (from, child_out) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
        let mut spawn = Spawn::new(std::env::current_exe().unwrap());
        spawn.args(["--exact", "child", "--nocapture"]).env(CHILD, dir);
        spawn.stdin(child_in).stdout(child_out);
        let child = spawn.start().unwrap();
        let file = |fd: OwnedFd| std::fs::File::from(fd);
        let mut this = Self {
            pid: child.pid.as_raw_nonzero().get().unsigned_abs(),
            process: child.pidfd,
            to: file(to),
            from: BufReader::new(file(from)),
        };
        assert_eq!(this.read(), "ready");
        this
    }

    fn read(&mut self) -> String {
        for line in (&mut self.from).lines() {
            if let Some(answer) = line.unwrap().strip_prefix("> ") {
                return answer.to_owned();
            }
        }
        panic!("the process is gone")
    }

    fn send(&mut self, line: &str) {
        writeln!(self.to, "{line}").unwrap();
    }

    fn ask(&mut self, line: &str) -> String {
        self.send(line);
        self.read()
    }

    fn ok(&mut self, line: &str) -> String {
        let answer = self.ask(line);
        answer.strip_prefix("ok ").unwrap_or_else(|| panic!("{line}: {answer}")).to_owned()
    }

    fn signal(&self, signal: Signal) {
        self.process.send_signal(signal).unwrap();
    }

    /// Stops it, for certain.
    fn stop(&self) {
        use rustix::process::{WaitId, WaitIdOptions};
        use std::os::fd::AsFd;
        self.signal(Signal::STOP);
        rustix::process::waitid(WaitId::PidFd(self.process.as_fd()), WaitIdOptions::STOPPED).unwrap();
    }

    fn kill(&self) {
        self.signal(Signal::KILL);
        self.process.wait_exit(None).unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.process.send_signal(Signal::KILL);
        let _ = self.process.wait_exit(None);
    }
}

fn guest(dir: &Path, name: &str) -> Option<PidFd> {
    let file = dir.join("guests").join(format!("{name}.pid"));
    virt_sys::PidFile::open_locked(file).unwrap().map(|(_, process)| process)
}

#[test]
fn a_guest_changes_hands() {
    let dir = TempDir::new("hands");
    let (mut one, mut two) = (Process::new(dir.path()), Process::new(dir.path()));
    one.ok("define web");
    one.ok("start web");
    assert_eq!(two.ok("heard started"), "defined/added, resumed/unpaused with id, started/booted with id");
    two.ok("suspend web");
    assert!(one.ok("heard suspended").ends_with("suspended/paused with id"));
    assert_eq!(one.ok("state web"), "paused user");
    one.ok("resume web");
    assert_eq!(two.ok("heard resumed"), "suspended/paused with id, resumed/unpaused with id");
    // Over and over, and never is it lost.
    for _ in 0..20 {
        one.ok("suspend web");
        two.ok("resume web");
    }
    two.ok("destroy web");
    assert!(one.ok("heard stopped").ends_with("stopped/destroyed with id"));
    assert_eq!(one.ok("state web"), "shutoff destroyed");
    assert!(guest(dir.path(), "web").is_none());
}

#[test]
fn a_dead_holder_is_replaced() {
    let dir = TempDir::new("dead");
    let (mut one, mut two) = (Process::new(dir.path()), Process::new(dir.path()));
    one.ok("define web");
    one.ok("start web");
    two.ok("heard started");
    one.kill();
    // The survivor hears what becomes of the guest although nobody asks it for anything.
    guest(dir.path(), "web").unwrap().send_signal(Signal::KILL).unwrap();
    assert!(two.ok("heard stopped").starts_with("stopped/failed"));
    assert_eq!(two.ok("state web"), "shutoff crashed");
    two.ok("start web");
    two.ok("destroy web");
}

#[test]
fn a_hung_holder_is_named() {
    let dir = TempDir::new("hung");
    let (mut one, mut two) = (Process::new(dir.path()), Process::new(dir.path()));
    one.ok("define web");
    one.ok("start web");
    two.ok("heard started");
    one.stop();
    let refused = two.ask("suspend web");
    let pid = one.pid;
    assert_eq!(
        refused,
        format!("OperationTimeout cannot acquire state change lock (held by monitor=process {pid})")
    );
    // What needs nothing of it goes on.
    assert_eq!(two.ok("state web"), "running booted");
    two.ok("define db");
    two.ok("start db");
    two.ok("destroy db");
    one.signal(Signal::CONT);
    two.ok("suspend web");
    two.ok("destroy web");
}

#[test]
fn a_stuck_call_of_the_holder_does_not_keep_others_from_destroying() {
    let dir = TempDir::new("seize");
    let (mut one, mut two) = (Process::new(dir.path()), Process::new(dir.path()));
    one.ok("define web");
    one.ok("start web");
    two.ok("heard started");
    one.ok("hang web");
    one.ok("begin-suspend web");
    let refused = two.ask("suspend web");
    assert!(refused.starts_with("OperationTimeout"), "{refused}");
    assert!(refused.contains("virDomainSuspend in process"), "{refused}");
    two.ok("destroy web");
    assert!(guest(dir.path(), "web").is_none());
    assert!(one.ok("heard stopped").contains("stopped/destroyed"));
}

#[test]
fn configurations_are_seen_by_all() {
    let dir = TempDir::new("configs");
    let (mut one, mut two) = (Process::new(dir.path()), Process::new(dir.path()));
    one.ok("define web");
    // No event needs to have come yet.
    assert_eq!(two.ok("state web"), "shutoff unknown");
    two.ok("autostart web");
    two.ok("rename web shop");
    assert_eq!(one.ok("state shop"), "shutoff unknown");
    assert_eq!(one.ok("heard defined/renamed"), "defined/added, undefined/renamed, defined/renamed");
    assert!(one.ask("state web").starts_with("NoDomain"));
    one.ok("undefine shop");
    two.ok("heard undefined/removed");
    assert!(two.ask("state shop").starts_with("NoDomain"));
    assert_eq!(std::fs::read_dir(dir.path().join("config/autostart")).unwrap().count(), 0);
}

#[test]
fn one_of_two_wins() {
    let dir = TempDir::new("races");
    let (mut one, mut two) = (Process::new(dir.path()), Process::new(dir.path()));
    for round in 0..20 {
        let name = format!("n{round}");
        one.send(&format!("claim {name} one{round}"));
        two.send(&format!("claim {name} two{round}"));
        let answers = [one.read(), two.read()];
        assert_eq!(answers.iter().filter(|answer| answer.starts_with("ok")).count(), 1, "{answers:?}");
        assert!(answers.iter().any(|answer| answer.contains("already exists with uuid")), "{answers:?}");
        let start = format!("start {name}");
        one.send(&start);
        two.send(&start);
        let answers = [one.read(), two.read()];
        assert_eq!(answers.iter().filter(|answer| answer.starts_with("ok")).count(), 1, "{answers:?}");
        assert!(answers.iter().any(|answer| answer.contains("domain is already running")), "{answers:?}");
        one.send(&format!("destroy {name}"));
        two.send(&format!("destroy {name}"));
        let answers = [one.read(), two.read()];
        assert_eq!(answers.iter().filter(|answer| answer.starts_with("ok")).count(), 1, "{answers:?}");
    }
}

#[test]
fn a_bound_guest_ends_with_its_process_wherever_it_is() {
    let dir = TempDir::new("bound");
    let (mut one, mut two) = (Process::new(dir.path()), Process::new(dir.path()));
    one.ok("bound web");
    two.ok("heard started");
    two.ok("suspend web");
    assert_eq!(two.ok("state web"), "paused user");
    one.kill();
    assert!(two.ok("heard stopped").contains("stopped/destroyed"));
    // And if nobody is left, whoever comes next ends it.
    two.ok("bound db");
    two.kill();
    assert!(guest(dir.path(), "db").is_some());
    let mut three = Process::new(dir.path());
    let answer = three.ask("state db");
    if !answer.starts_with(&format!("{:?}", ErrorCode::NoDomain)) {
        three.ok("heard stopped");
    }
    assert!(guest(dir.path(), "db").is_none());
}
