//! Sockets that a service manager opened before it started this process (sd_listen_fds(3)).

use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::io::FdFlags;

use crate::error::{Error, Result};

/// The first descriptor that is passed.
const FIRST: RawFd = 3;

/// More are not believed in.
const MOST: usize = 1024;

/// A descriptor with the name that its unit gave it (`FileDescriptorName=`, else the unit's own).
#[derive(Debug)]
pub struct Passed {
    /// The name; empty where the manager told none.
    pub name: String,
    /// The descriptor, close-on-exec from now on.
    pub fd: OwnedFd,
}

/// Takes the descriptors over that were passed to this process. They are there once: a second call answers none.
///
/// # Errors
/// For variables that make no sense, and descriptors that are not open.
pub fn take() -> Result<Vec<Passed>> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    let var = |name: &str| std::env::var(name).ok();
    let count = announced(var, std::process::id())?;
    if count == 0 || TAKEN.swap(true, Ordering::SeqCst) {
        return Ok(Vec::new());
    }
    let names = var("LISTEN_FDNAMES").unwrap_or_default();
    let mut names = names.split(':');
    let numbers = FIRST..FIRST + RawFd::try_from(count).unwrap_or(0);
    let mut passed = Vec::new();
    for number in numbers {
        // SAFETY: the manager passed this descriptor to this very process, which says so only while nothing in it has
        // opened one of these numbers, and it is taken over once.
        let fd = unsafe { OwnedFd::from_raw_fd(number) };
        if let Err(error) = rustix::io::fcntl_setfd(&fd, FdFlags::CLOEXEC) {
            // Not open, and so nobody's: closing it would be wrong.
            std::mem::forget(fd);
            return Err(Error::system("take over a passed socket", error));
        }
        passed.push(Passed { name: names.next().unwrap_or_default().to_owned(), fd });
    }
    Ok(passed)
}

/// How many descriptors were passed to the process of this number.
fn announced(var: impl Fn(&str) -> Option<String>, process: u32) -> Result<usize> {
    let (Some(pid), Some(count)) = (var("LISTEN_PID"), var("LISTEN_FDS")) else { return Ok(0) };
    // Meant for another process: this one has inherited the variables only.
    if pid.parse() != Ok(process) {
        return Ok(0);
    }
    count
        .parse()
        .ok()
        .filter(|count| *count <= MOST)
        .ok_or_else(|| Error::Invalid(format!("LISTEN_FDS is '{count}', which is no number of descriptors")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_meant_for_this_process_counts() {
        for (pid, count, expected) in [
            (Some("7"), Some("2"), Some(2)),
            (Some("8"), Some("2"), Some(0)),
            (Some(""), Some("2"), Some(0)),
            (None, Some("2"), Some(0)),
            (Some("7"), None, Some(0)),
            (Some("7"), Some("x"), None),
            (Some("7"), Some("-1"), None),
            (Some("7"), Some("100000"), None),
        ] {
            let var = |name: &str| if name == "LISTEN_PID" { pid } else { count }.map(str::to_owned);
            assert_eq!(announced(var, 7).ok(), expected, "{pid:?} {count:?}");
        }
    }
}
