//! Figures of a guest's process.

/// CPU time of a process in nanoseconds; 0 where there is none (any more).
pub(super) fn cpu_time(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    ticks(&stat).unwrap_or(0).saturating_mul(1_000_000_000 / TICKS_PER_SECOND)
}

/// The unit of times in /proc, fixed for user space since Linux 2.6 (`USER_HZ`).
const TICKS_PER_SECOND: u64 = 100;

/// User and system time in a stat line (proc(5)): fields 14 and 15, counted after the name, which may hold anything.
fn ticks(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ').skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_come_after_a_name_with_anything_in_it() {
        let stat = "42 (qemu) x (1) S 1 42 42 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 4 0 100 0 0";
        assert_eq!(ticks(stat), Some(300));
        assert_eq!(ticks(""), None);
    }
}
