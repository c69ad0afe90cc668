//! The control groups that hold a container's processes and limits.

use std::path::Path;

use virt_types::probe::{Check, Need};

/// Name in version 2, name in version 1, what it is for. `None`: version 2 has it without a controller.
const CONTROLLERS: &[(Option<&str>, &str, &str)] = &[
    (Some("cpu"), "cpu", "shares and quotas of processor time"),
    (Some("cpuset"), "cpuset", "pinning to processors and memory nodes"),
    (Some("memory"), "memory", "memory limits"),
    (Some("io"), "blkio", "weights and limits of disk traffic"),
    (Some("pids"), "pids", "limits on the number of processes"),
    (None, "devices", "keeping devices from the container"),
    (None, "freezer", "suspending"),
];

/// What is mounted.
#[derive(Debug, Default, PartialEq, Eq)]
struct Mounted {
    /// Controllers of version 1 hierarchies.
    v1: Vec<String>,
    /// Where version 2 is.
    v2: Option<String>,
    /// Controllers that version 2 has at its top.
    v2_controllers: Vec<String>,
}

pub(super) fn checks(root: &Path) -> Vec<Check> {
    let mounts = std::fs::read_to_string(root.join("proc/self/mountinfo")).unwrap_or_default();
    let mut mounted = parse_mounts(&mounts);
    if let Some(place) = &mounted.v2 {
        let file = root.join(place.trim_start_matches('/')).join("cgroup.controllers");
        let controllers = std::fs::read_to_string(file).unwrap_or_default();
        mounted.v2_controllers = controllers.split_whitespace().map(str::to_owned).collect();
    }
    let mut checks = vec![hierarchy(&mounted)];
    if checks[0].ok {
        checks.extend(CONTROLLERS.iter().map(|(v2, v1, purpose)| controller(&mounted, *v2, v1, purpose)));
    }
    checks
}

fn hierarchy(mounted: &Mounted) -> Check {
    const NAME: &str = "control groups";
    let detail = match (&mounted.v2, mounted.v1.is_empty()) {
        (Some(place), true) => format!("version 2 at {place}"),
        (Some(place), false) => format!("version 1 ({}), and version 2 at {place}", mounted.v1.join(", ")),
        (None, false) => format!("version 1 ({})", mounted.v1.join(", ")),
        (None, true) => {
            let fix = "`mount -t cgroup2 none /sys/fs/cgroup` as root".to_owned();
            return Check::failed(NAME, Need::Required, "no hierarchy is mounted", fix);
        }
    };
    Check::passed(NAME, Need::Required, detail)
}

fn controller(mounted: &Mounted, v2: Option<&str>, v1: &str, purpose: &str) -> Check {
    let name = format!("{} controller", v2.unwrap_or(v1));
    if mounted.v1.iter().any(|controller| controller == v1) {
        return Check::passed(name, Need::Optional, format!("version 1, for {purpose}"));
    }
    let in_v2 = match v2 {
        Some(v2) => mounted.v2_controllers.iter().any(|controller| controller == v2),
        None => mounted.v2.is_some(),
    };
    if in_v2 {
        return Check::passed(name, Need::Optional, format!("version 2, for {purpose}"));
    }
    let fix = match v2 {
        Some("memory") => "boot with `cgroup_enable=memory`".to_owned(),
        _ => format!("mount it if /proc/cgroups lists '{v1}', else use a kernel that has it"),
    };
    Check::failed(name, Need::Optional, format!("no hierarchy has it, for {purpose}"), fix)
}

/// Reads `/proc/self/mountinfo`, `proc_pid_mountinfo(5)`.
fn parse_mounts(mounts: &str) -> Mounted {
    let mut mounted = Mounted::default();
    for line in mounts.lines() {
        // Behind the separator: type, source, options of the file system.
        let Some((mount, file_system)) = line.split_once(" - ") else { continue };
        let mut fields = file_system.split(' ');
        match (fields.next(), fields.nth(1)) {
            (Some("cgroup"), Some(options)) => {
                let known = options
                    .split(',')
                    .filter(|option| CONTROLLERS.iter().any(|(_, controller, _)| controller == option));
                mounted.v1.extend(known.map(str::to_owned));
            }
            (Some("cgroup2"), _) if mounted.v2.is_none() => {
                mounted.v2 = mount.split(' ').nth(4).map(unescape);
            }
            _ => {}
        }
    }
    mounted
}

/// Undoes the kernel's writing of space, tab, newline and backslash as `\` and three octal digits.
fn unescape(text: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .iter()
        .fold(text.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_of_both_versions_are_told_apart() {
        let mounts = "\
            23 1 0:22 / /sys rw,relatime - sysfs sysfs rw\n\
            32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n\
            40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n\
            41 31 0:38 / /mnt/with\\040space rw - cgroup2 none rw,nsdelegate\n\
            42 31 0:39 / /elsewhere rw - cgroup2 none rw\n\
            damaged\n";
        let mounted = parse_mounts(mounts);
        assert_eq!(mounted.v1, ["cpu"]);
        assert_eq!(mounted.v2.as_deref(), Some("/mnt/with space"));
    }

    #[test]
    fn nothing_mounted_is_one_failure() {
        assert_eq!(checks(Path::new("/nonexistent")).len(), 1);
    }
}
