//! The file systems that a container is given of its own.

use std::path::Path;

use virt_types::probe::{Check, Need};

/// Name, what a container has in it, how much it matters, the kernel's build option.
const KINDS: &[(&str, &str, Need, &str)] = &[
    ("proc", "its processes", Need::Required, "CONFIG_PROC_FS"),
    ("sysfs", "its network devices", Need::Required, "CONFIG_SYSFS"),
    ("devpts", "its terminals", Need::Required, "CONFIG_UNIX98_PTYS"),
    ("tmpfs", "its device nodes", Need::Required, "CONFIG_TMPFS"),
    ("fuse", "a view of its own memory limit in /proc/meminfo", Need::Optional, "CONFIG_FUSE_FS"),
];

pub(super) fn checks(root: &Path) -> Vec<Check> {
    let known = std::fs::read_to_string(root.join("proc/filesystems")).unwrap_or_default();
    KINDS
        .iter()
        .map(|(kind, purpose, need, option)| {
            let name = format!("file system {kind}");
            // A line is the name, behind `nodev` when it needs no block device.
            if known.lines().any(|line| line.split_whitespace().last() == Some(kind)) {
                Check::passed(name, *need, format!("the kernel has it, for {purpose}"))
            } else {
                // Of all these only fuse can be a module.
                let fix = match *kind {
                    "fuse" => "`modprobe fuse` as root".to_owned(),
                    _ => format!("use a kernel that is built with {option}"),
                };
                Check::failed(name, *need, format!("the kernel has none, for {purpose}"), fix)
            }
        })
        .collect()
}
