//! `virNodeGetCPUStats`: what the processors have done since the host started.

use crate::{Error, Result, Root, only_flags};

/// Time spent, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Times {
    /// In the kernel, interrupts included.
    pub kernel: u64,
    /// In programs, those of low priority included.
    pub user: u64,
    /// Doing nothing.
    pub idle: u64,
    /// Doing nothing while something waits for a disk.
    pub iowait: u64,
}

/// The times of one CPU, or of all together with -1.
///
/// # Errors
/// [`Error::NoCpu`]; [`Error::Flags`] for flags, of which there are none; where the kernel does not tell.
pub fn times(root: &Root, cpu: i32, flags: u32) -> Result<Times> {
    only_flags(flags, 0, "virHostCPUGetStats")?;
    let name = if cpu < 0 { "cpu".to_owned() } else { format!("cpu{cpu}") };
    let text = root.required("/proc/stat")?;
    let tick = 1_000_000_000 / virt_sys::host::clock_ticks().max(1);
    text.lines().find_map(|line| parse(line, &name, tick)).ok_or(Error::NoCpu { cpu })
}

/// `NAME user nice system idle iowait irq softirq …`, in clock ticks; the later ones are missing in old kernels.
fn parse(line: &str, name: &str, tick: u64) -> Option<Times> {
    let mut words = line.split_ascii_whitespace();
    if words.next()? != name {
        return None;
    }
    let ticks: Vec<u64> = words.map_while(|word| word.parse().ok()).collect();
    if ticks.len() < 4 {
        return None;
    }
    let at = |at: usize| ticks.get(at).copied().unwrap_or(0).saturating_mul(tick);
    Some(Times { kernel: at(2) + at(5) + at(6), user: at(0) + at(1), idle: at(3), iowait: at(4) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_become_nanoseconds() {
        let line = "cpu1 10 2 30 400 5 6 7 8 9 0";
        let times = Times { kernel: 430, user: 120, idle: 4000, iowait: 50 };
        assert_eq!(parse(line, "cpu1", 10), Some(times));
        assert_eq!(parse(line, "cpu", 10), None);
        assert_eq!(parse("cpu1 10 2 30", "cpu1", 10), None);
        assert_eq!(parse("cpu1 1 2 3 4", "cpu1", 1).map(|times| times.iowait), Some(0));
    }
}
