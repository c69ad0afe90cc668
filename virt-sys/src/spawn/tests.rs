use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::time::{Duration, Instant};

use super::*;
use crate::testing::TempDir;
use crate::{FileLock, Limits, PidFile, Signal, run};

fn shell(script: &str) -> Spawn {
    let mut spawn = Spawn::new("/bin/sh");
    spawn.args(["-c", script]).env("PATH", "/usr/bin:/bin");
    spawn
}

fn output_of(spawn: Spawn) -> String {
    let output = run(spawn, b"", Limits::new(Duration::from_secs(30), 1 << 20)).unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The calling process's status, as the kernel tells it.
fn own_status(spawn: Spawn, field: &str) -> String {
    let text = output_of(spawn);
    let line =
        text.lines().find_map(|line| line.strip_prefix(field)).unwrap_or_else(|| panic!("{field} in {text}"));
    line.trim().to_owned()
}

fn cat_status() -> Spawn {
    let mut spawn = Spawn::new("/bin/cat");
    spawn.arg("/proc/self/status");
    spawn
}

#[test]
fn nothing_is_inherited_but_what_is_given() {
    let mut spawn = Spawn::new("/usr/bin/env");
    spawn.env("A", "1").env("B", "x=y").env("A", "2").inherit_env("NO_SUCH_VARIABLE");
    assert_eq!(output_of(spawn), "A=2\nB=x=y\n");

    // Not close-on-exec, and still not passed.
    let leaky = rustix::io::fcntl_dupfd_cloexec(File::open("/dev/null").unwrap(), 50).unwrap();
    rustix::io::fcntl_setfd(&leaky, rustix::io::FdFlags::empty()).unwrap();
    let text = output_of(shell("echo /proc/self/fd/*"));
    let numbers: Vec<&str> = text.split_whitespace().map(|path| path.rsplit('/').next().unwrap()).collect();
    // 3 is the shell's own handle on the directory.
    assert_eq!(numbers, ["0", "1", "2", "3"]);
}

#[test]
fn descriptors_get_their_numbers_even_when_they_cross() {
    let dir = TempDir::new("fds");
    let open = |name: &str| -> OwnedFd {
        let path = dir.path().join(name);
        std::fs::write(&path, name).unwrap();
        File::open(path).unwrap().into()
    };
    let (first, second, kept) = (open("first"), open("second"), open("kept"));
    let (a, b) = (first.as_raw_fd(), second.as_raw_fd());
    let mut spawn = Spawn::new("/bin/sh");
    // Each gets the other's number.
    spawn.pass_fd_as(first, b).pass_fd_as(second, a).pass_fd_as(open("high"), 300);
    let k = spawn.pass_fd(kept);
    let script = format!("for n in {a} {b} {k} 300; do readlink /proc/$$/fd/$n | sed 's,.*/,,'; done");
    spawn.args(["-c", &script]).env("PATH", "/usr/bin:/bin");
    assert_eq!(output_of(spawn), "second\nfirst\nkept\nhigh\n");
}

#[test]
fn impossible_descriptor_numbers_are_refused() {
    let null = || -> OwnedFd { File::open("/dev/null").unwrap().into() };
    for number in [1, -1] {
        let mut spawn = Spawn::new("/bin/true");
        spawn.pass_fd_as(null(), number);
        assert!(matches!(spawn.start(), Err(Error::Invalid(_))), "{number}");
    }
    let mut spawn = Spawn::new("/bin/true");
    spawn.pass_fd_as(null(), i32::MAX - 10);
    let error = spawn.start().unwrap_err();
    assert!(matches!(error, Error::Spawn { step: Step::Descriptors, .. }), "{error:?}");
}

#[test]
fn signals_start_fresh_in_a_new_session() {
    // The test harness's own runtime ignores SIGPIPE; another thread's mask is set here.
    let mut set = rustix_sigset();
    // SAFETY: the set is initialised; only this thread's mask changes.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) };
    let text = output_of(cat_status());
    // SAFETY: as above.
    unsafe { libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, &raw mut set) };
    for field in ["SigBlk:", "SigIgn:", "SigCgt:"] {
        let line = text.lines().find_map(|line| line.strip_prefix(field)).unwrap();
        assert_eq!(line.trim(), "0000000000000000", "{field}");
    }
    let child = Spawn::new("/bin/sleep").arg("100").start().unwrap();
    assert_eq!(rustix::process::getsid(Some(child.pid)).unwrap(), child.pid);
    child.pidfd.send_signal(Signal::KILL).unwrap();
    child.pidfd.wait_exit(None).unwrap();
}

fn rustix_sigset() -> libc::sigset_t {
    // SAFETY: the set is initialised by sigemptyset before it is used.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGUSR1);
        set
    }
}

#[test]
fn limits_priority_and_directory() {
    let mut spawn = shell("ulimit -n; ulimit -c; umask; pwd; nice; cat /proc/self/oom_score_adj");
    spawn.rlimit(Resource::Nofile, 77, 99).rlimit(Resource::Core, 0, 0);
    spawn.umask(0o027).cwd("/usr").nice(5).oom_score_adj(500);
    let own = std::fs::read_to_string("/proc/self/oom_score_adj").unwrap();
    assert_eq!(output_of(spawn), "77\n0\n0027\n/usr\n5\n500\n");
    assert_eq!(std::fs::read_to_string("/proc/self/oom_score_adj").unwrap(), own, "the parent keeps its own");

    let mut spawn = cat_status();
    spawn.affinity([0]);
    assert_eq!(own_status(spawn, "Cpus_allowed_list:"), "0");
    let memlock = own_limit(|spawn| {
        spawn.rlimit(Resource::Memlock, 4096, 4096);
    });
    assert!(memlock.contains("4096"), "{memlock}");
}

fn own_limit(change: impl Fn(&mut Spawn)) -> String {
    let mut spawn = Spawn::new("/bin/cat");
    spawn.arg("/proc/self/limits");
    change(&mut spawn);
    own_status(spawn, "Max locked memory")
}

#[test]
fn another_user() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: changing the user needs root");
        return;
    }
    let mut spawn = cat_status();
    spawn.credentials(Credentials { uid: 1234, gid: 2345, groups: vec![2345, 7, 8] });
    let text = output_of(spawn);
    for line in ["Uid:\t1234\t1234\t1234\t1234", "Gid:\t2345\t2345\t2345\t2345", "Groups:\t7 8 2345"] {
        assert!(text.contains(line), "{line} in {text}");
    }
    assert!(text.contains("CapEff:\t0000000000000000"), "{text}");
    // The parent stays as it was, traceability included.
    // SAFETY: takes no pointer.
    assert_eq!(unsafe { libc::prctl(libc::PR_GET_DUMPABLE) }, 1);
    assert!(rustix::process::geteuid().is_root());
}

#[test]
fn failures_name_their_step() {
    type Change<'a> = &'a dyn Fn(&mut Spawn);
    let cases: [(Change<'_>, Step, i32); 6] = [
        (&|_| (), Step::Exec, libc::EACCES),
        (&|s| _ = s.cwd("/nonexistent"), Step::Directory, libc::ENOENT),
        (&|s| _ = s.write_file("/nonexistent", "x"), Step::WriteFile, libc::ENOENT),
        (&|s| _ = s.pid_file("/nonexistent/x.pid"), Step::PidFile, libc::ENOENT),
        (&|s| _ = s.affinity(Vec::new()), Step::Affinity, libc::EINVAL),
        (&|s| _ = s.rlimit(Resource::Core, 2, 1), Step::Limit, libc::EINVAL),
    ];
    for (change, expected, errno) in cases {
        let mut spawn = Spawn::new("/etc/passwd");
        change(&mut spawn);
        let error = spawn.start().unwrap_err();
        assert_eq!(error.errno(), Some(errno), "{error:?}");
        let Error::Spawn { step, program, .. } = &error else { panic!("{error:?}") };
        assert_eq!((*step, program.as_path()), (expected, Path::new("/etc/passwd")));
    }
    assert!(matches!(Spawn::new("/bin/a\0b").start(), Err(Error::Nul { .. })));
    assert!(matches!(Spawn::new("/bin/true").arg("\0").start(), Err(Error::Nul { .. })));
}

#[test]
fn output_goes_to_the_log() {
    let dir = TempDir::new("log");
    let path = dir.path().join("log");
    let mut log = File::create(&path).unwrap();
    log.write_all(b"start\n").unwrap();
    let mut spawn = shell("echo out; echo err >&2");
    spawn.output(log.into()).unwrap();
    let child = spawn.start().unwrap();
    child.pidfd.wait_exit(None).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "start\nout\nerr\n");
}

#[test]
fn a_pid_file_lives_as_long_as_its_process() {
    let dir = TempDir::new("pid-file");
    let path = dir.path().join("x.pid");
    std::fs::write(&path, "stale").unwrap();
    let mut spawn = Spawn::new("/bin/sleep");
    spawn.arg("100").pid_file(&path);
    let child = spawn.start().unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("{}\n", child.pid));
    assert_eq!(PidFile::read_locked(&path).unwrap(), Some(child.pid));
    let error = spawn.start().unwrap_err();
    assert!(matches!(error, Error::Spawn { step: Step::PidFileLocked, .. }), "{error:?}");
    assert_eq!(PidFile::read_locked(&path).unwrap(), Some(child.pid));
    child.pidfd.send_signal(Signal::KILL).unwrap();
    // Ended, even before it is collected.
    assert!(child.pidfd.wait(None).unwrap());
    assert_eq!(PidFile::open_locked(&path).unwrap().map(|found| found.0), None);
    child.pidfd.wait_exit(None).unwrap();
    let again = spawn.start().unwrap();
    assert_eq!(PidFile::read_locked(&path).unwrap(), Some(again.pid));
    again.pidfd.send_signal(Signal::KILL).unwrap();
    again.pidfd.wait_exit(None).unwrap();
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_failed_start_leaves_no_pid_file() {
    let dir = TempDir::new("pid-file-fail");
    for program in ["/nonexistent", "/etc/passwd"] {
        let mut spawn = Spawn::new(program);
        spawn.pid_file(dir.path().join("x.pid"));
        spawn.start().unwrap_err();
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn reading_a_pid_file_all_the_time_does_not_unlock_it() {
    // A child inherits the reader's descriptor of the same path; closing it must not drop the lock.
    let dir = TempDir::new("pid-file-race");
    let path = dir.path().join("x.pid");
    // Ends with the sender, however this test ends.
    let (running, stopped) = std::sync::mpsc::channel::<()>();
    std::thread::scope(|scope| {
        let running = running;
        let reader_path = path.clone();
        scope.spawn(move || {
            while stopped.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
                PidFile::read_locked(&reader_path).unwrap();
            }
        });
        for _ in 0..100 {
            let mut spawn = Spawn::new("/bin/sleep");
            spawn.arg("100").pid_file(&path);
            let child = spawn.start().unwrap();
            let found = PidFile::read_locked(&path).unwrap();
            child.pidfd.send_signal(Signal::KILL).unwrap();
            child.pidfd.wait_exit(None).unwrap();
            assert_eq!(found, Some(child.pid));
        }
        drop(running);
    });
}

#[test]
fn many_threads_start_programs_at_once() {
    std::thread::scope(|scope| {
        for thread in 0..8 {
            scope.spawn(move || {
                for _ in 0..10 {
                    let child = shell(&format!("exit {thread}")).start().unwrap();
                    let status = child.pidfd.wait_exit(None).unwrap().unwrap();
                    assert_eq!(status.code(), Some(thread));
                }
            });
        }
    });
}

const DIR: &str = "VIRT_SYS_TEST_DIR";

/// Not a test of its own: the process that is killed by the test below. It takes the lock, says so,
/// and starts programs until it is killed.
#[test]
fn parent_to_be_killed() {
    let Some(dir) = std::env::var_os(DIR).map(PathBuf::from) else { return };
    let _lock = FileLock::exclusive(&dir).unwrap();
    let path = dir.join("x.pid");
    std::fs::write(dir.join("ready"), "").unwrap();
    for _ in 0..10_000 {
        let mut spawn = Spawn::new("/bin/sleep");
        spawn.arg("98.7654").pid_file(&path);
        let child = spawn.start().unwrap();
        child.pidfd.send_signal(Signal::KILL).unwrap();
        child.pidfd.wait_exit(None).unwrap();
    }
}

/// Pids of children that the parent above started, whether they have executed or not.
fn started_in(dir: &Path) -> Vec<i32> {
    let mut needle = DIR.as_bytes().to_vec();
    needle.push(b'=');
    needle.extend_from_slice(dir.as_os_str().as_bytes());
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // A dead one that nobody has collected has no memory, so no environment.
        let environ = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        let cmdline = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let cwd = std::fs::read_link(entry.path().join("cwd")).unwrap_or_default();
        let named = environ.windows(needle.len()).any(|part| part == needle);
        if named || (cwd == dir && cmdline.windows(7).any(|part| part == b"98.7654")) {
            found.push(pid);
        }
    }
    found
}

#[test]
fn a_killed_parent_leaves_no_child_that_cannot_be_found() {
    let executable = std::env::current_exe().unwrap();
    let (mut with_child, mut without) = (0, 0);
    for round in 0..40_u64 {
        let dir = TempDir::new("killed");
        let mut spawn = Spawn::new(&executable);
        spawn.args(["--exact", "spawn::tests::parent_to_be_killed", "--test-threads=1"]);
        spawn.env(DIR, dir.path()).cwd(dir.path());
        let parent = spawn.start().unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        while !dir.path().join("ready").exists() {
            assert!(Instant::now() < deadline, "the parent never got ready");
            assert!(!parent.pidfd.wait(Some(Instant::now() + Duration::from_millis(1))).unwrap());
        }
        // Another moment each time, spread over several starts.
        parent.pidfd.wait(Some(Instant::now() + Duration::from_micros(round * 173 % 4000))).unwrap();
        parent.pidfd.send_signal(Signal::KILL).unwrap();
        let status = parent.pidfd.wait_exit(None).unwrap().unwrap();
        assert_eq!(status.signal(), Some(libc::SIGKILL));

        let lock = FileLock::exclusive(dir.path()).unwrap();
        let found = PidFile::open_locked(dir.path().join("x.pid")).unwrap();
        let alive = started_in(dir.path());
        match found {
            Some((pid, process)) => {
                with_child += 1;
                // Without memory it is a process that its parent has killed, just short of giving up its
                // lock: it ends without being asked again.
                if !alive.is_empty() {
                    assert_eq!(alive, [pid.as_raw_pid()]);
                    process.send_signal(Signal::KILL).unwrap();
                }
                assert!(process.wait(Some(deadline)).unwrap());
            }
            None => {
                without += 1;
                assert_eq!(alive, [], "a child that its pid file does not tell of");
            }
        }
        drop(lock);
    }
    eprintln!("killed parents: {with_child} left a child that was found, {without} left none");
    assert!(with_child > 0);
}

#[test]
fn a_bound_child_ends_with_the_thread_that_started_it() {
    let start = |bound: bool| {
        let mut spawn = Spawn::new(find_program("sleep").unwrap());
        spawn.arg("600");
        if bound {
            spawn.end_with_parent();
        }
        std::thread::spawn(move || spawn.start().unwrap()).join().unwrap()
    };
    let (bound, free) = (start(true), start(false));
    let deadline = Instant::now() + Duration::from_secs(10);
    let status = bound.pidfd.wait_exit(Some(deadline)).unwrap().expect("it was not killed");
    assert_eq!(status.signal(), Some(Signal::KILL.as_raw()));
    assert!(!free.pidfd.has_ended().unwrap());
    free.pidfd.send_signal(Signal::KILL).unwrap();
    free.pidfd.wait_exit(Some(deadline)).unwrap().unwrap();
}

#[test]
fn programs_are_found_in_path() {
    assert_eq!(find_program("sh").unwrap().file_name().unwrap(), "sh");
    assert_eq!(find_program("/bin/sh").unwrap(), Path::new("/bin/sh"));
    assert_eq!(find_program("/etc/passwd"), None);
    assert_eq!(find_program("no-such-program-anywhere"), None);
}

#[test]
fn standard_input_is_empty_or_given() {
    assert_eq!(output_of(Spawn::new("/bin/cat")), "");
    let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
    let (out, inner) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
    let mut spawn = Spawn::new("/bin/cat");
    spawn.arg0("dog").stdin(reader).stdout(inner);
    let child = spawn.start().unwrap();
    drop(spawn);
    File::from(writer).write_all(b"woof").unwrap();
    let mut text = String::new();
    File::from(out).read_to_string(&mut text).unwrap();
    assert_eq!(text, "woof");
    assert!(child.pidfd.wait_exit(None).unwrap().unwrap().success());
}
