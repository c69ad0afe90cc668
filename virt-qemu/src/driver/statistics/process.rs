//! Figures of a process and its threads, from /proc (proc(5)).

use std::os::unix::fs::MetadataExt;

/// The unit of times in /proc, fixed for user space since Linux 2.6 (`USER_HZ`).
const TICKS_PER_SECOND: u64 = 100;
const NANOSECONDS_PER_TICK: u64 = 1_000_000_000 / TICKS_PER_SECOND;

/// CPU time in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::driver) struct Times {
    /// Outside the kernel.
    pub(in crate::driver) user: u64,
    /// In the kernel.
    pub(in crate::driver) system: u64,
    /// The host CPU that it was last on.
    pub(in crate::driver) cpu: i32,
}

impl Times {
    pub(in crate::driver) const fn total(self) -> u64 {
        self.user.saturating_add(self.system)
    }
}

/// The times of a process; none once it is gone.
pub(in crate::driver) fn times(pid: u32) -> Option<Times> {
    parse_times(&read(&format!("/proc/{pid}/stat"))?)
}

/// A virtual CPU's thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::driver) struct VcpuThread {
    pub(in crate::driver) vcpu: u32,
    pub(in crate::driver) thread: u32,
}

/// The threads of a QEMU that run virtual CPUs, by their names, which QEMU gives them with `debug-threads=on`.
pub(in crate::driver) fn vcpu_threads(pid: u32) -> Vec<VcpuThread> {
    let mut found: Vec<VcpuThread> = threads(pid)
        .filter_map(|(thread, name)| Some(VcpuThread { vcpu: vcpu_of(&name)?, thread }))
        .collect();
    found.sort_unstable_by_key(|thread| thread.vcpu);
    found
}

/// The thread of an I/O thread with this alias. The kernel keeps 15 bytes of a name.
pub(in crate::driver) fn iothread(pid: u32, alias: &str) -> Option<u32> {
    let name = format!("IO {alias}");
    let kept = name.get(..15).unwrap_or(&name);
    threads(pid).find(|(_, name)| name == kept).map(|(thread, _)| thread)
}

/// `CPU 3/KVM`
fn vcpu_of(name: &str) -> Option<u32> {
    name.strip_prefix("CPU ")?.split('/').next()?.parse().ok()
}

fn threads(pid: u32) -> impl Iterator<Item = (u32, String)> {
    thread_ids(pid).filter_map(move |thread| {
        let name = read(&format!("/proc/{pid}/task/{thread}/comm"))?;
        Some((thread, name.trim_end().to_owned()))
    })
}

/// The threads of a process.
pub(in crate::driver) fn thread_ids(pid: u32) -> impl Iterator<Item = u32> {
    let entries = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The times of a thread.
pub(in crate::driver) fn thread_times(pid: u32, thread: u32) -> Option<Times> {
    parse_times(&read(&format!("/proc/{pid}/task/{thread}/stat"))?)
}

/// How long a thread waited for a host CPU, in nanoseconds: the second field of its schedstat, and the sum of what its
/// sched file tells, which few kernels keep.
pub(in crate::driver) fn thread_waits(pid: u32, thread: u32) -> (Option<u64>, Option<u64>) {
    let task = format!("/proc/{pid}/task/{thread}");
    let delay = read(&format!("{task}/schedstat")).and_then(|text| text.split(' ').nth(1)?.parse().ok());
    let wait = read(&format!("{task}/sched")).and_then(|text| wait_sum(&text));
    (wait, delay)
}

/// `se.statistics.wait_sum : 12.345678`, or without the first words; milliseconds.
fn wait_sum(sched: &str) -> Option<u64> {
    let line = sched.lines().find(|line| {
        let name = line.split(':').next().unwrap_or_default().trim_end();
        name == "wait_sum" || name == "se.statistics.wait_sum"
    })?;
    let milliseconds: f64 = line.split(':').nth(1)?.trim().parse().ok()?;
    Some((milliseconds * 1e6) as u64)
}

/// Resident memory of a process in KiB.
pub(in crate::driver) fn resident(pid: u32) -> Option<u64> {
    let pages: u64 = read(&format!("/proc/{pid}/statm"))?.split(' ').nth(1)?.parse().ok()?;
    Some(pages.saturating_mul(virt_sys::host::page_size() as u64) / 1024)
}

/// The user and group of a process.
pub(in crate::driver) fn owner(pid: u32) -> Option<(u32, u32)> {
    let metadata = std::fs::metadata(format!("/proc/{pid}")).ok()?;
    Some((metadata.uid(), metadata.gid()))
}

/// The host CPUs on which a process or thread may run.
pub(in crate::driver) fn affinity(thread: u32) -> Option<Vec<u32>> {
    let status = read(&format!("/proc/{thread}/status"))?;
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    let set: virt_conf::common::Bitmap = list.trim().parse().ok()?;
    Some(set.iter().collect())
}

fn read(path: &str) -> Option<String> {
    // A process may go at any time; then there is nothing to tell of it.
    std::fs::read_to_string(path).ok()
}

/// Fields 14, 15 and 39 of a stat line, counted after the name, which may hold anything.
fn parse_times(stat: &str) -> Option<Times> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    let ticks = |at: usize| Some(fields.get(at)?.parse::<u64>().ok()?.saturating_mul(NANOSECONDS_PER_TICK));
    let cpu = fields.get(36).and_then(|cpu| cpu.trim_end().parse().ok()).unwrap_or(0);
    Some(Times { user: ticks(11)?, system: ticks(12)?, cpu })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_come_after_a_name_with_anything_in_it() {
        let stat = "42 (qemu) x (1) S 1 42 42 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 4 0 100 0 0 18446744073709551615 \
                    0 0 0 0 0 0 0 0 0 0 0 0 17 3 0 0";
        let times = parse_times(stat).unwrap();
        assert_eq!((times.user, times.system, times.cpu), (2_500_000_000, 500_000_000, 3));
        assert_eq!(times.total(), 3_000_000_000);
        assert_eq!(parse_times(""), None);
    }

    #[test]
    fn threads_are_known_by_name() {
        for (name, vcpu) in
            [("CPU 0/TCG", Some(0)), ("CPU 12/KVM", Some(12)), ("worker", None), ("CPU x", None)]
        {
            assert_eq!(vcpu_of(name), vcpu, "{name}");
        }
    }

    #[test]
    fn waiting_is_told_in_either_form() {
        assert_eq!(wait_sum("se.statistics.wait_sum  :  1.500000\n"), Some(1_500_000));
        assert_eq!(wait_sum("wait_sum : 2.0\nwait_count : 9\n"), Some(2_000_000));
        assert_eq!(wait_sum("nr_switches : 2\n"), None);
    }

    #[test]
    fn this_process_has_figures() {
        let pid = std::process::id();
        assert!(resident(pid).unwrap() > 0);
        assert_eq!(owner(pid).unwrap().0, virt_sys::user::effective_uid());
        assert!(!affinity(pid).unwrap().is_empty());
        assert!(times(pid).is_some());
    }
}
