//! `virt` with real guests. Needs `VIRT_E2E=1` and `VIRT_GUEST_DIR`, the folder that `cargo xtask guest` makes; does nothing
//! without.
#![allow(clippy::print_stderr)] // a skipped test says so

mod support;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::Engine;

/// The longest that a guest may take for anything, emulated on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);

/// The test guest.
struct Guest(PathBuf);

impl Guest {
    /// The guest, or the word that there is none.
    fn find() -> Option<Self> {
        let dir = std::env::var_os("VIRT_E2E").and_then(|_| std::env::var_os("VIRT_GUEST_DIR"));
        if dir.is_none() {
            eprintln!("skipped: VIRT_E2E and VIRT_GUEST_DIR are not set (cargo xtask e2e sets them)");
        }
        Some(Self(dir?.into()))
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    fn cmdline(&self) -> String {
        std::fs::read_to_string(self.0.join("cmdline")).unwrap().trim_end().to_owned()
    }

    fn xml(&self, name: &str) -> String {
        format!(
            "<domain type='qemu'><name>{name}</name><memory unit='MiB'>256</memory>\
             <os><type arch='x86_64' machine='q35'>hvm</type><kernel>{}</kernel><initrd>{}</initrd><cmdline>{}</cmdline></os>\
             <features><acpi/></features><devices><serial type='pty'/><console type='pty'/>\
             <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel></devices></domain>",
            self.file("vmlinuz"),
            self.file("initrd"),
            self.cmdline()
        )
    }

    /// The arguments of `virt up` for it.
    fn up(&self, engine: &Engine, name: &str, more: &[&str]) -> std::process::Command {
        let mut command = engine.command(&["up", "--name", name, "--memory", "256", "--accel", "tcg"]);
        command.args(["--kernel", &self.file("vmlinuz"), "--initrd", &self.file("initrd")]);
        command.args(["--cmdline", &self.cmdline(), "--timeout", &PATIENCE.as_secs().to_string()]);
        command.args(more);
        command
    }
}

/// A process of `virt` that goes on; it is ended when dropped.
struct Running {
    child: Child,
    output: Receiver<Vec<u8>>,
    seen: String,
}

impl Running {
    fn start(mut command: std::process::Command) -> Self {
        command.stderr(Stdio::null());
        Self::spawn(command)
    }

    fn spawn(mut command: std::process::Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let output = read_on(child.stdout.take().unwrap());
        Self { child, output, seen: String::new() }
    }

    /// Waits until it has said this, and forgets what came up to its end.
    #[track_caller]
    fn expect(&mut self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.seen.find(text) {
                return self.seen.drain(..at + text.len()).collect();
            }
            match self.output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.seen.push_str(&String::from_utf8_lossy(&bytes)),
                Err(RecvTimeoutError::Timeout) => panic!("no '{text}' in time:\n{}", self.seen),
                Err(RecvTimeoutError::Disconnected) => panic!("it ended without '{text}':\n{}", self.seen),
            }
        }
    }

    fn say(&mut self, text: &str) {
        self.child.stdin.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn end(&mut self) -> i32 {
        self.child.wait().unwrap().code().unwrap_or(-1)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail if it has ended, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_on(mut stream: ChildStdout) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            if sender.send(buffer[..count].to_vec()).is_err() {
                return;
            }
        }
    });
    receiver
}

/// What happens to a domain from now on.
fn watch(engine: &Engine, name: &str) -> Running {
    let limit = PATIENCE.as_secs().to_string();
    let mut command =
        engine.command(&["events", "--timeout", &limit, "--kind", "lifecycle", "--domain", name]);
    command.stderr(Stdio::piped());
    let mut events = Running::spawn(command);
    let mut said = BufReader::new(events.child.stderr.take().unwrap()).lines();
    assert!(said.any(|line| line.unwrap() == "waiting for events"));
    events
}

/// Reads events until this one; gives all.
#[track_caller]
fn events_until(mut events: Running, last: &str) -> String {
    let mut said = events.expect(&format!(": {last}"));
    said += &events.expect("\n");
    said
}

/// Asks until the agent, which comes up after the prompt, is there to be asked.
#[track_caller]
fn shut_down(engine: &Engine, name: &str, mode: &str) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let asked = engine.run(&["shutdown", name, "--mode", mode]);
        if asked.status == 0 {
            return;
        }
        assert!(asked.err.contains("agent") && Instant::now() < deadline, "{asked:?}");
        engine.run(&["events", "--kind", "agent-lifecycle", "--timeout", "3", "--count", "1"]).ok();
    }
}

#[track_caller]
fn state(engine: &Engine, name: &str) -> String {
    engine.run(&["domstate", name]).ok().out.trim_end().to_owned()
}

/// A process that runs a guest of the engine.
fn hypervisor(engine: &Engine) -> Option<String> {
    let root = engine.root.to_str().unwrap();
    let lines = std::fs::read_dir("/proc").unwrap().flatten().map(|entry| {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).replace('\0', " ")
    });
    lines.into_iter().find(|line| line.contains("qemu-system") && line.contains(root))
}

/// No process and no file of a guest is left.
#[track_caller]
fn assert_nothing_left(engine: &Engine, name: &str) {
    assert_eq!(hypervisor(engine), None);
    let mut dirs = vec![engine.root.join("run"), engine.root.join("lib"), engine.root.join("config")];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            assert!(!entry.file_name().to_string_lossy().contains(name), "left: {}", entry.path().display());
            if entry.path().is_dir() {
                dirs.push(entry.path());
            }
        }
    }
}

/// Every line is a process of its own, which takes hold of the guest that the one before has left.
#[test]
fn a_defined_guest_lives_through_many_processes() {
    let Some(guest) = Guest::find() else { return };
    let engine = Engine::new("e2e-life");
    let file = engine.file("web.xml", &guest.xml("web"));
    engine.run(&["define", &file]).ok();
    engine.run(&["start", "web"]).ok().says(&["Domain 'web' started"]);
    engine.run(&["list"]).ok().says(&[" 1    web    running"]);
    engine.run(&["start", "web"]).ended(1).says(&["domain is already running", "code: 55"]);
    engine.run(&["suspend", "web"]).ok();
    engine.run(&["domstate", "--reason", "web"]).ok().says(&["paused (user)"]);
    engine.run(&["resume", "web"]).ok();
    assert_eq!(state(&engine, "web"), "running");
    let info = engine.run(&["dominfo", "1", "--json"]).ok().json();
    assert_eq!((&info["state"], &info["memory_kib"]), (&Value::from("running"), &Value::from(262_144)));

    let mut console = Running::start(engine.command(&["console", "web"]));
    // The prompt may have come before anybody listened.
    console.say("\n");
    console.expect("login: ");
    console.say("root\n");
    console.expect("# ");
    console.say("echo $((6 * 7))\n");
    console.expect("\n42");
    let second = engine.run(&["console", "web"]).ended(1);
    second.says(&["Active console session exists for this domain", "hint: "]);
    console.say("\x1d");
    assert_eq!(console.end(), 0);

    for mode in ["acpi", "agent"] {
        let ended = watch(&engine, "web");
        shut_down(&engine, "web", mode);
        let words = events_until(ended, "stopped");
        assert!(words.ends_with(": stopped, shutdown\n"), "{mode}: {words}");
        assert_eq!(state(&engine, "web"), "shut off", "{mode}");
        if mode == "acpi" {
            engine.run(&["start", "web"]).ok();
        }
    }

    engine.run(&["start", "web"]).ok();
    engine.run(&["destroy", "web"]).ok();
    engine.run(&["domstate", "--reason", "web"]).ok().says(&["shut off (destroyed)"]);
    engine.run(&["undefine", "web"]).ok();
    engine.run(&["domstate", "web"]).ended(1).says(&["code: 42"]);
    assert_nothing_left(&engine, "web");
}

#[test]
fn up_boots_logs_in_runs_a_command_and_leaves_nothing() {
    let Some(guest) = Guest::find() else { return };
    let engine = Engine::new("e2e-up");
    let login = ["--login", "root", "--exec", "uname -n; cat /proc/cmdline; exit 3"];
    let output = guest.up(&engine, "once", &login).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{out}\n{err}");
    assert!(out.contains("guest login: ") && out.contains(&guest.cmdline()), "{out}");
    for phase in [
        "engine ready",
        "probed",
        "monitor answers",
        "running",
        "first output",
        "login prompt",
        "powered off",
        "status 3",
    ] {
        assert!(err.contains(phase), "{phase}:\n{err}");
    }
    assert!(err.contains("acceleration: none, the processor is emulated, as asked for"), "{err}");
    assert_nothing_left(&engine, "once");

    let quiet =
        guest.up(&engine, "once", &["-q", "--login", "root", "--exec", "printf 'a\\nb'"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&quiet.stdout), "a\nb\n", "{quiet:?}");
    assert!(quiet.status.success() && quiet.stderr.is_empty(), "{quiet:?}");

    let json =
        guest.up(&engine, "once", &["--json", "--login", "root", "--exec", "uname -n"]).output().unwrap();
    let document: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(document["exec"]["output"], "guest\n", "{document}");
    assert_eq!(document["exec"]["status"], 0);
    assert_eq!(document["acceleration"]["type"], "qemu");
    let phases = document["phases"].as_array().unwrap();
    assert!(
        phases.iter().any(|phase| phase["phase"] == "login prompt" && phase["seconds"].as_f64() > Some(0.0)),
        "{document}"
    );
}

#[test]
fn a_timeout_shows_the_phase_and_the_last_lines() {
    let Some(guest) = Guest::find() else { return };
    let engine = Engine::new("e2e-timeout");
    let command = |cmdline: &str, timeout: &str| {
        let mut command =
            engine.command(&["up", "--name", "slow", "--memory", "256", "--accel", "tcg", "--login", "root"]);
        command.args(["--kernel", &guest.file("vmlinuz"), "--initrd", &guest.file("initrd")]);
        command.args(["--cmdline", cmdline, "--exec", "true", "--timeout", timeout]);
        command
    };
    // It boots, but without a driver for its serial port nobody hears of it, however fast the host is.
    let output = command("quiet 8250.nr_uarts=0", "3").output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{err}");
    for text in [
        "no login prompt within 3 s",
        "the last phase was 'running'",
        "nothing came from the console",
        "console=ttyS0",
    ] {
        assert!(err.contains(text), "{text}:\n{err}");
    }
    assert_nothing_left(&engine, "slow");
    // It panics for want of something to run, and stays so.
    let output = command("console=ttyS0 rdinit=/nothing root=/dev/none panic=0", "20").output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{err}");
    for text in ["no login prompt within 20 s", "the last lines on the console", "first output"] {
        assert!(err.contains(text), "{text}:\n{err}");
    }
    assert_nothing_left(&engine, "slow");
}

#[test]
fn two_processes_share_an_engine() {
    let Some(guest) = Guest::find() else { return };
    let engine = Engine::new("e2e-two");
    let file = engine.file("web.xml", &guest.xml("web"));
    engine.run(&["define", &file]).ok();
    let watching = watch(&engine, "web");
    let mut console = Running::start(engine.command(&["start", "--console", "web"]));
    console.expect("login: ");
    // The other process of the engine acts on the guest while its console is open here.
    engine.run(&["suspend", "web"]).ok();
    assert_eq!(state(&engine, "web"), "paused");
    engine.run(&["resume", "web"]).ok();
    console.say("root\n");
    console.expect("# ");
    engine.run(&["destroy", "web"]).ok();
    assert_eq!(console.end(), 0);
    let words = events_until(watching, "stopped");
    assert!(words.contains(": started, booted\n") && words.contains(": suspended, paused\n"), "{words}");
    engine.run(&["undefine", "web"]).ok();
    assert_nothing_left(&engine, "web");
}

#[test]
fn guests_outlive_a_killed_process_unless_they_were_bound_to_it() {
    let Some(guest) = Guest::find() else { return };
    let engine = Engine::new("e2e-kill");
    let file = engine.file("web.xml", &guest.xml("web"));
    engine.run(&["define", &file]).ok();
    let mut console = Running::start(engine.command(&["start", "--console", "web"]));
    console.expect("login: ");
    console.kill();
    engine.run(&["list"]).ok().says(&["web    running"]);
    let mut again = Running::start(engine.command(&["console", "web"]));
    again.say("root\n");
    again.expect("# ");
    again.kill();
    engine.run(&["destroy", "web"]).ok();
    engine.run(&["undefine", "web"]).ok();
    assert_nothing_left(&engine, "web");

    let mut up = Running::start(guest.up(&engine, "bound", &[]));
    up.expect("login: ");
    up.kill();
    // The next process of the engine ends what was bound to the dead one; if it ends before that is done, the next does.
    let deadline = Instant::now() + PATIENCE;
    while engine.run(&["-q", "list", "--name"]).ok().out.contains("bound") || hypervisor(&engine).is_some() {
        assert!(Instant::now() < deadline, "the guest of a killed process still runs");
    }
    assert_nothing_left(&engine, "bound");
}

#[test]
fn an_interrupt_ends_the_guest_of_up() {
    let Some(guest) = Guest::find() else { return };
    let engine = Engine::new("e2e-interrupt");
    let mut command = guest.up(&engine, "short", &["--login", "root", "--exec", "echo never"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().ends_with("running")));
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(lines.any(|line| line.unwrap().contains("interrupted: the guest was ended")));
    assert_nothing_left(&engine, "short");
}

#[test]
fn refusals_tell_the_truth_and_the_fix() {
    let Some(_) = Guest::find() else { return };
    let engine = Engine::new("e2e-errors");
    let xml = |memory: &str, devices: &str| {
        format!(
            "<domain type='qemu'><name>odd</name><memory unit='GiB'>{memory}</memory>\
             <os><type arch='x86_64' machine='q35'>hvm</type></os><devices>{devices}</devices></domain>"
        )
    };
    let network = "<interface type='network'><source network='default'/></interface>";
    let disk = "<disk type='file'><source file='/nonexistent/a.img'/><target dev='vda' bus='virtio'/></disk>";
    for (memory, devices, texts) in [
        ("900", "", &["wants 900.0 GiB of memory, this host has"][..]),
        ("1", network, &["Network not found", "code: 43", "<interface type='user'/>"]),
        ("1", disk, &["/nonexistent/a.img", "No such file or directory"]),
    ] {
        let file = engine.file("odd.xml", &xml(memory, devices));
        engine.run(&["create", &file]).ended(1).says(texts);
        assert_nothing_left(&engine, "odd");
    }
    let typo = xml("1", "").replace("q35", "q36");
    engine.run(&["define", &engine.file("odd.xml", &typo)]).ended(1).says(&["q36", "did you mean 'q35'?"]);
}

#[test]
fn a_console_gives_the_terminal_back_as_it_was() {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use rustix::termios::{LocalModes, tcgetattr};

    let Some(guest) = Guest::find() else { return };
    let engine = Engine::new("e2e-terminal");
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let path = ptsname(&terminal, Vec::new()).unwrap();
    let keyboard = std::fs::File::options().read(true).write(true).open(path.to_str().unwrap()).unwrap();
    let is_raw = || !tcgetattr(&keyboard).unwrap().local_modes.contains(LocalModes::ICANON);
    assert!(!is_raw());
    for key in ["\x1d", "signal"] {
        let mut command = guest.up(&engine, "seen", &[]);
        command.stdin(keyboard.try_clone().unwrap()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let output = read_on(child.stdout.take().unwrap());
        let mut seen = String::new();
        while !seen.contains("login: ") {
            seen.push_str(&String::from_utf8_lossy(&output.recv_timeout(PATIENCE).unwrap()));
        }
        assert!(is_raw());
        if key == "signal" {
            let pid = rustix::process::Pid::from_child(&child);
            rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        } else {
            rustix::io::write(&terminal, key.as_bytes()).unwrap();
        }
        assert_eq!(child.wait().unwrap().code(), Some(i32::from(key == "signal")));
        assert!(!is_raw());
        assert_nothing_left(&engine, "seen");
    }
}
