//! Handles on processes: signals and waiting without the risk of hitting a reused pid.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::process::{PidfdFlags, WaitId, WaitIdOptions, WaitIdStatus};

use crate::error::{Error, Result};
use crate::{Pid, Signal};

/// A process file descriptor. It becomes readable when the process ends, which an event loop can
/// wait for (`tokio::io::unix::AsyncFd`), and never comes to name another process.
#[derive(Debug)]
pub struct PidFd(OwnedFd);

impl PidFd {
    /// The process that has this pid now.
    ///
    /// # Errors
    /// `ESRCH` when there is none.
    pub fn open(pid: Pid) -> Result<Self> {
        rustix::process::pidfd_open(pid, PidfdFlags::empty())
            .map(Self)
            .map_err(|e| Error::system("open a handle on a process", e))
    }

    /// Sends a signal.
    ///
    /// # Errors
    /// `ESRCH` when the process has ended (and been collected), `EPERM` when it is not ours to signal.
    pub fn send_signal(&self, signal: Signal) -> Result<()> {
        rustix::process::pidfd_send_signal(&self.0, signal).map_err(|e| Error::system("send a signal", e))
    }

    /// Waits until the process, child of ours or not, has ended; false if the deadline came first.
    ///
    /// # Errors
    /// When the kernel cannot wait.
    pub fn wait(&self, deadline: Option<Instant>) -> Result<bool> {
        poll_in(self.0.as_fd(), deadline).map_err(|e| Error::system("wait for a process", e))
    }

    /// Whether the process has ended.
    ///
    /// # Errors
    /// When the kernel cannot tell.
    pub fn has_ended(&self) -> Result<bool> {
        self.wait(Some(Instant::now()))
    }

    /// Waits for a child of this process and collects it: its pid is free from then on. `None` if
    /// the deadline came first.
    ///
    /// # Errors
    /// `ECHILD` when the process is no child of ours, or has been collected.
    pub fn wait_exit(&self, deadline: Option<Instant>) -> Result<Option<ExitStatus>> {
        if deadline.is_some() && !self.wait(deadline)? {
            return Ok(None);
        }
        self.collect(WaitIdOptions::EXITED)
    }

    /// Collects a child of this process if it has ended.
    ///
    /// # Errors
    /// Like [`PidFd::wait_exit`].
    pub fn try_exit(&self) -> Result<Option<ExitStatus>> {
        self.collect(WaitIdOptions::EXITED | WaitIdOptions::NOHANG)
    }

    fn collect(&self, options: WaitIdOptions) -> Result<Option<ExitStatus>> {
        let status =
            rustix::io::retry_on_intr(|| rustix::process::waitid(WaitId::PidFd(self.0.as_fd()), options))
                .map_err(|e| Error::system("collect a process", e))?;
        Ok(status.map(|status| exit_status(&status)))
    }
}

fn exit_status(status: &WaitIdStatus) -> ExitStatus {
    let raw = match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => (code & 0xff) << 8,
        (None, Some(signal)) => signal | if status.dumped() { 0x80 } else { 0 },
        (None, None) => 0,
    };
    ExitStatus::from_raw(raw)
}

/// Waits until `fd` is readable or hung up; false if the deadline came first.
pub(crate) fn poll_in(fd: BorrowedFd<'_>, deadline: Option<Instant>) -> io::Result<bool> {
    loop {
        let timeout = deadline.map(|deadline| timespec(deadline.saturating_duration_since(Instant::now())));
        match rustix::event::poll(&mut [PollFd::new(&fd, PollFlags::IN)], timeout.as_ref()) {
            Ok(0) => return Ok(false),
            Ok(_) => return Ok(true),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

pub(crate) fn timespec(duration: Duration) -> Timespec {
    Timespec::try_from(duration).unwrap_or_else(|_| Timespec { tv_sec: i64::from(i32::MAX), tv_nsec: 0 })
}

/// When the process started, in clock ticks since boot (field 22 of `/proc/PID/stat`). Together
/// with the pid it names a process for good, until the next boot.
///
/// # Errors
/// `ENOENT` when there is no such process.
pub fn start_time(pid: Pid) -> Result<u64> {
    let path = format!("/proc/{pid}/stat");
    let text = crate::fs::read_bounded(path.as_ref(), 64 * 1024)?;
    parse_start_time(&text).ok_or_else(|| Error::Invalid(format!("'{path}' has an unknown format")))
}

/// The command name, field 2, may hold spaces and parentheses: count from its last closing one.
fn parse_start_time(stat: &[u8]) -> Option<u64> {
    let after_name = stat.iter().rposition(|byte| *byte == b')')? + 1;
    let rest = std::str::from_utf8(stat.get(after_name..)?).ok()?;
    rest.split_ascii_whitespace().nth(22 - 3)?.parse().ok()
}

impl AsFd for PidFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for PidFd {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl From<OwnedFd> for PidFd {
    fn from(fd: OwnedFd) -> Self {
        Self(fd)
    }
}

impl From<PidFd> for OwnedFd {
    fn from(fd: PidFd) -> Self {
        fd.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Spawn;

    #[test]
    fn start_time_survives_a_hostile_name() {
        let fields: Vec<String> = (4..=52).map(|n| n.to_string()).collect();
        let stat = format!("42 (a) b) S {}", fields.join(" "));
        assert_eq!(parse_start_time(stat.as_bytes()), Some(22));
        assert_eq!(parse_start_time(b"42 (a S 1"), None);
        assert_eq!(parse_start_time(b"42 (a) S 1 2"), None);
    }

    #[test]
    fn own_start_time_lies_after_boot() {
        let own = start_time(rustix::process::getpid()).unwrap();
        let child = Spawn::new("/bin/true").start().unwrap();
        assert!(start_time(child.pid).unwrap() >= own);
        child.pidfd.wait_exit(None).unwrap();
        assert_eq!(start_time(child.pid).unwrap_err().errno(), Some(libc::ENOENT));
    }

    #[test]
    fn signals_waits_and_statuses() {
        let child = Spawn::new("/bin/sleep").arg("100").start().unwrap();
        let other = PidFd::open(child.pid).unwrap();
        assert!(!other.has_ended().unwrap());
        assert_eq!(child.pidfd.try_exit().unwrap(), None);
        let soon = Instant::now() + Duration::from_millis(5);
        assert_eq!(child.pidfd.wait_exit(Some(soon)).unwrap(), None);
        other.send_signal(Signal::TERM).unwrap();
        assert!(other.wait(None).unwrap());
        let status = child.pidfd.wait_exit(None).unwrap().unwrap();
        assert_eq!(status.signal(), Some(libc::SIGTERM));
        assert_eq!(other.send_signal(Signal::TERM).unwrap_err().errno(), Some(libc::ESRCH));
        assert_eq!(child.pidfd.try_exit().unwrap_err().errno(), Some(libc::ECHILD));
        assert_eq!(PidFd::open(child.pid).unwrap_err().errno(), Some(libc::ESRCH));
    }
}
