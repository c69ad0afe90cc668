//! Size of this machine.

/// All memory that the kernel manages, in bytes.
pub fn total_memory() -> u64 {
    let info = rustix::system::sysinfo();
    info.totalram.saturating_mul(u64::from(info.mem_unit).max(1))
}

/// Bytes of a memory page.
pub fn page_size() -> usize {
    rustix::param::page_size()
}

/// Ticks of the clock in a second, in which the kernel counts the times of processors.
pub fn clock_ticks() -> u64 {
    rustix::param::clock_ticks_per_second()
}

/// How many processors are online. At least 1.
pub fn online_cpus() -> usize {
    let list = crate::fs::read_bounded("/sys/devices/system/cpu/online".as_ref(), 64 * 1024).ok();
    list.and_then(|list| count_list(std::str::from_utf8(&list).ok()?.trim()))
        .or_else(|| std::thread::available_parallelism().ok().map(usize::from))
        .unwrap_or(1)
}

/// How many numbers a list such as `0-3,7` names.
fn count_list(list: &str) -> Option<usize> {
    let mut count = 0;
    for range in list.split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
        count += last.checked_sub(first)? + 1;
    }
    Some(count)
}

/// This machine's node name.
pub fn hostname() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// This machine's architecture in the kernel's spelling: `x86_64`, `aarch64`.
pub fn machine() -> String {
    rustix::system::uname().machine().to_string_lossy().into_owned()
}

/// How many seconds local time is ahead of UTC at this time, given in seconds since the epoch; `None` where the time
/// zone can not be told.
pub fn utc_offset(seconds: i64) -> Option<i64> {
    let time = libc::time_t::try_from(seconds).ok()?;
    let mut broken_down = std::mem::MaybeUninit::<libc::tm>::uninit();
    // SAFETY: both pointers are valid for the call, which fills the second one's target where it does not give null.
    let broken_down = unsafe {
        if libc::localtime_r(&raw const time, broken_down.as_mut_ptr()).is_null() {
            return None;
        }
        broken_down.assume_init()
    };
    Some(broken_down.tm_gmtoff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists() {
        for (list, count) in
            [("0", Some(1)), ("0-3", Some(4)), ("0-3,7,9-10", Some(7)), ("", None), ("3-1", None)]
        {
            assert_eq!(count_list(list), count, "{list}");
        }
    }

    #[test]
    fn agrees_with_proc() {
        let info = std::fs::read_to_string("/proc/meminfo").unwrap();
        let line = info.lines().find_map(|line| line.strip_prefix("MemTotal:")).unwrap();
        let kib: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
        assert_eq!(total_memory(), kib * 1024);
        let cpus = std::fs::read_to_string("/proc/stat").unwrap();
        let cpus = cpus.lines().filter(|l| l.starts_with("cpu") && !l.starts_with("cpu ")).count();
        assert_eq!(online_cpus(), cpus);
        assert_eq!(hostname(), std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim_end());
    }

    #[test]
    fn local_time_is_within_a_day_of_utc() {
        let offset = utc_offset(1_700_000_000).unwrap();
        assert!(offset.abs() < 86_400, "{offset}");
    }
}
