//! Counters of what processes do (`perf_event_open(2)`).

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{FromRawFd, OwnedFd};

use crate::error::{Error, Result};

/// What is counted: the type and the number that `linux/perf_event.h` has for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Counted {
    /// By the processor (`PERF_COUNT_HW_…`).
    Hardware(u64),
    /// By the kernel (`PERF_COUNT_SW_…`).
    Software(u64),
}

/// The head of `struct perf_event_attr`, in its first published length.
#[repr(C)]
#[derive(Default)]
struct Attributes {
    kind: u32,
    size: u32,
    config: u64,
    sample_period: u64,
    sample_type: u64,
    read_format: u64,
    flags: u64,
    wakeup_events: u32,
    bp_type: u32,
    bp_addr: u64,
}

/// Threads and children that come later are counted too.
const INHERIT: u64 = 1 << 1;

/// `PERF_FLAG_FD_CLOEXEC`
const CLOEXEC: libc::c_ulong = 8;

/// A counter of one process.
#[derive(Debug)]
pub struct Counter(File);

impl Counter {
    /// Counts from now on what a process does.
    ///
    /// # Errors
    /// Why the kernel does not count that.
    pub fn of_process(pid: u32, counted: Counted) -> Result<Self> {
        let (kind, config) = match counted {
            Counted::Hardware(number) => (0, number),
            Counted::Software(number) => (1, number),
        };
        let size = size_of::<Attributes>() as u32;
        let attributes = Attributes { kind, size, config, flags: INHERIT, ..Attributes::default() };
        let pid = libc::pid_t::try_from(pid).unwrap_or(libc::pid_t::MAX);
        // SAFETY: the kernel reads as many bytes of the attributes as their own field says, which is their size.
        let fd =
            unsafe { libc::syscall(libc::SYS_perf_event_open, &raw const attributes, pid, -1, -1, CLOEXEC) };
        if fd < 0 {
            return Err(Error::System { action: "count events", source: io::Error::last_os_error() });
        }
        // SAFETY: the kernel has just made this descriptor, and nobody else knows it.
        Ok(Self(File::from(unsafe { OwnedFd::from_raw_fd(fd as i32) })))
    }

    /// How often it has happened.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn read(&self) -> Result<u64> {
        let mut bytes = [0; 8];
        (&self.0)
            .read_exact(&mut bytes)
            .map_err(|source| Error::System { action: "read a counter", source })?;
        Ok(u64::from_ne_bytes(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_goes_on() {
        let counter = match Counter::of_process(std::process::id(), Counted::Software(0)) {
            Ok(counter) => counter,
            Err(error) => return eprintln!("skipped: {error}"),
        };
        let before = counter.read().unwrap();
        let sum = (0..100_000u64).fold(0, |sum: u64, number| sum.wrapping_mul(31) ^ number);
        assert_ne!(sum, 1);
        assert!(counter.read().unwrap() >= before);
        assert!(Counter::of_process(std::process::id(), Counted::Software(u64::MAX)).is_err());
    }
}
