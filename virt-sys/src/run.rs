use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::pipe::PipeFlags;

use crate::error::{Error, Result};
use crate::pidfd::timespec;
use crate::{Child, Signal, Spawn};

/// How long a killed helper may take to go before it is left to itself.
const KILLED: Duration = Duration::from_secs(1);

/// How long a helper may run, and how much it may write to each of its outputs.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// From the start.
    pub time: Duration,
    /// Of standard output, and of standard error.
    pub bytes: usize,
}

impl Limits {
    /// Both limits.
    pub fn new(time: Duration, bytes: usize) -> Self {
        Self { time, bytes }
    }
}

/// What a helper left.
#[derive(Debug, Clone)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// Everything that it wrote to standard output.
    pub stdout: Vec<u8>,
    /// Everything that it wrote to standard error.
    pub stderr: Vec<u8>,
}

/// Runs a short helper program with `input` on its standard input, and captures its output.
///
/// It ends with the helper itself: a grandchild that keeps an output open is not waited for. When a
/// limit is reached, the helper's process group is killed. Blocks the calling thread.
///
/// # Errors
/// [`Error::Spawn`], [`Error::Deadline`], [`Error::OutputTooLong`]. An exit status other than 0 is no error.
///
/// ```
/// use std::time::Duration;
/// use virt_sys::{Limits, Spawn, run};
///
/// let output = run(Spawn::new("/bin/cat"), b"hello", Limits::new(Duration::from_secs(10), 4096))?;
/// assert!(output.status.success());
/// assert_eq!(output.stdout, b"hello");
/// # Ok::<(), virt_sys::Error>(())
/// ```
pub fn run(mut spawn: Spawn, input: &[u8], limits: Limits) -> Result<Output> {
    let deadline = Instant::now() + limits.time;
    let program = spawn.program().to_path_buf();
    let mut streams = Streams::attach(&mut spawn, input, limits.bytes)?;
    let child = spawn.start()?;
    // The child's ends go with it: only then do ours see its last words' end.
    drop(spawn);
    match streams.pump(&child, deadline) {
        Ok(true) => {}
        outcome => {
            kill(&child, &program);
            return Err(match outcome {
                Ok(_) => Error::Deadline { program, after: limits.time },
                Err(Pump::TooLong) => Error::OutputTooLong { program, limit: limits.bytes },
                Err(Pump::Io(error)) => Error::system("read a helper's output", error),
            });
        }
    }
    let status = child.pidfd.wait_exit(None)?.ok_or(Error::Deadline { program, after: limits.time })?;
    let [stdout, stderr] = streams.outputs.map(|output| output.bytes);
    Ok(Output { status, stdout, stderr })
}

fn kill(child: &Child, program: &Path) {
    // The helper leads its session and is not collected yet, so the group's number is its own.
    let _ = rustix::process::kill_process_group(child.pid, Signal::KILL);
    let _ = child.pidfd.send_signal(Signal::KILL);
    match child.pidfd.wait_exit(Some(Instant::now() + KILLED)) {
        Ok(Some(_)) => {}
        _ => log::warn!("'{}' (process {}) does not go although it was killed", program.display(), child.pid),
    }
}

enum Pump {
    TooLong,
    Io(io::Error),
}

impl From<Errno> for Pump {
    fn from(errno: Errno) -> Self {
        Self::Io(errno.into())
    }
}

struct Streams<'a> {
    /// Closed when all input is written.
    stdin: Option<OwnedFd>,
    input: &'a [u8],
    outputs: [Capture; 2],
}

struct Capture {
    /// `None` after its end.
    fd: Option<OwnedFd>,
    bytes: Vec<u8>,
    limit: usize,
}

impl<'a> Streams<'a> {
    fn attach(spawn: &mut Spawn, input: &'a [u8], limit: usize) -> Result<Self> {
        let pipe = || {
            let (reader, writer) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
            Ok::<_, Errno>((reader, writer))
        };
        let fail = |e: Errno| Error::system("make a pipe", e);
        let stdin = if input.is_empty() {
            None
        } else {
            let (reader, writer) = pipe().map_err(fail)?;
            rustix::io::ioctl_fionbio(&writer, true).map_err(fail)?;
            spawn.stdin(reader);
            Some(writer)
        };
        let capture = || {
            let (reader, writer) = pipe().map_err(fail)?;
            rustix::io::ioctl_fionbio(&reader, true).map_err(fail)?;
            Ok::<_, Error>((writer, Capture { fd: Some(reader), bytes: Vec::new(), limit }))
        };
        let (stdout, out) = capture()?;
        let (stderr, err) = capture()?;
        spawn.stdout(stdout).stderr(stderr);
        Ok(Self { stdin, input, outputs: [out, err] })
    }

    /// Moves bytes until the child has ended, then takes what is left in the pipes. False at the deadline.
    fn pump(&mut self, child: &Child, deadline: Instant) -> Result<bool, Pump> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let mut fds = vec![PollFd::new(&child.pidfd, PollFlags::IN)];
            fds.extend(self.stdin.iter().map(|fd| PollFd::new(fd, PollFlags::OUT)));
            let outputs = self.outputs.iter().filter_map(|output| output.fd.as_ref());
            fds.extend(outputs.map(|fd| PollFd::new(fd, PollFlags::IN)));
            match rustix::event::poll(&mut fds, Some(&timespec(left))) {
                Ok(0) => return Ok(false),
                Err(Errno::INTR) => continue,
                result => result?,
            };
            let ended = !fds[0].revents().is_empty();
            drop(fds);
            self.feed()?;
            for output in &mut self.outputs {
                output.take()?;
            }
            if ended {
                return Ok(true);
            }
            if left.is_zero() {
                return Ok(false);
            }
        }
    }

    fn feed(&mut self) -> Result<(), Errno> {
        while let Some(fd) = &self.stdin {
            match rustix::io::write(fd.as_fd(), self.input) {
                Ok(written) => self.input = &self.input[written..],
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR) => {}
                // It has read as much as it wanted to.
                Err(Errno::PIPE) => self.input = &[],
                Err(error) => return Err(error),
            }
            if self.input.is_empty() {
                self.stdin = None;
            }
        }
        Ok(())
    }
}

impl Capture {
    fn take(&mut self) -> Result<(), Pump> {
        let mut buffer = [0; 16 * 1024];
        while let Some(fd) = &self.fd {
            match rustix::io::read(fd, &mut buffer) {
                Ok(0) => self.fd = None,
                Ok(len) if self.bytes.len() + len > self.limit => return Err(Pump::TooLong),
                Ok(len) => self.bytes.extend_from_slice(&buffer[..len]),
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, input: &[u8], limits: Limits) -> Result<Output> {
        let mut spawn = Spawn::new("/bin/sh");
        spawn.args(["-c", script]).env("PATH", "/usr/bin:/bin");
        run(spawn, input, limits)
    }

    fn generous() -> Limits {
        Limits::new(Duration::from_secs(30), 1 << 24)
    }

    #[test]
    fn captures_both_outputs_and_the_status() {
        let output = shell("echo out; echo err >&2; exit 7", b"", generous()).unwrap();
        assert_eq!(output.stdout, b"out\n");
        assert_eq!(output.stderr, b"err\n");
        assert_eq!(output.status.code(), Some(7));
    }

    #[test]
    fn big_input_and_output_pass_through() {
        let input: Vec<u8> = (0..3_000_000u32).map(|n| n as u8).collect();
        let output = shell("cat", &input, generous()).unwrap();
        assert!(output.stdout == input);
    }

    #[test]
    fn unread_input_is_no_error() {
        let output = shell("exec <&-; exit 0", &vec![b'x'; 1 << 20], generous()).unwrap();
        assert!(output.status.success());
    }

    #[test]
    fn the_deadline_kills_the_group() {
        let dir = crate::testing::TempDir::new("run");
        let file = dir.path().join("pid");
        let script = format!("sleep 1000 & echo $! >{}; wait", file.display());
        let started = Instant::now();
        let error = shell(&script, b"", Limits::new(Duration::from_millis(1500), 10)).unwrap_err();
        assert!(matches!(error, Error::Deadline { .. }), "{error}");
        assert!(started.elapsed() < Duration::from_secs(10));
        let grandchild: i32 = std::fs::read_to_string(&file).unwrap().trim().parse().unwrap();
        // It was reparented; wait for its end instead of looking once.
        match crate::PidFd::open(crate::Pid::from_raw(grandchild).unwrap()) {
            Ok(process) => assert!(process.wait(Some(Instant::now() + Duration::from_secs(10))).unwrap()),
            Err(error) => assert_eq!(error.errno(), Some(libc::ESRCH)),
        }
    }

    #[test]
    fn too_much_output_ends_it() {
        let error =
            shell("while :; do echo yes; done", b"", Limits::new(Duration::from_secs(30), 9999)).unwrap_err();
        assert!(matches!(error, Error::OutputTooLong { limit: 9999, .. }), "{error}");
    }

    #[test]
    fn a_grandchild_holding_the_output_is_not_waited_for() {
        let started = Instant::now();
        let output = shell("sleep 30 & echo $!", b"", generous()).unwrap();
        assert!(started.elapsed() < Duration::from_secs(20));
        let pid: i32 = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
        let process = crate::PidFd::open(crate::Pid::from_raw(pid).unwrap()).unwrap();
        process.send_signal(Signal::KILL).unwrap();
    }
}
