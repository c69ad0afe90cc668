//! The namespaces of a container.

use std::path::Path;

use virt_sys::Namespaces;
use virt_types::probe::{Check, Need};

/// A kind of namespace: its file in `/proc/self/ns`, what people call it, the kernel's build option, and how much a
/// container of root's needs it.
const KINDS: &[(&str, &str, &str, Need)] = &[
    ("mnt", "mount namespaces", "CONFIG_NAMESPACES", Need::Required),
    ("pid", "process namespaces", "CONFIG_PID_NS", Need::Required),
    ("ipc", "IPC namespaces", "CONFIG_IPC_NS", Need::Required),
    ("uts", "host name namespaces", "CONFIG_UTS_NS", Need::Required),
    ("net", "network namespaces", "CONFIG_NET_NS", Need::Optional),
    ("user", "user namespaces", "CONFIG_USER_NS", Need::Optional),
    ("cgroup", "control group namespaces", "CONFIG_CGROUPS", Need::Optional),
];

/// Switches of distributions that keep user namespaces from users other than root: file, the value that does so,
/// the command that undoes it.
const USER_SWITCHES: &[(&str, &str, &str)] = &[
    (
        "proc/sys/kernel/unprivileged_userns_clone",
        "0",
        "`sysctl -w kernel.unprivileged_userns_clone=1` as root",
    ),
    (
        "proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "`sysctl -w kernel.apparmor_restrict_unprivileged_userns=0` as root, or an AppArmor profile that allows `userns`",
    ),
];

pub(super) fn checks(root: &Path, privileged: bool) -> Vec<Check> {
    KINDS
        .iter()
        .map(|(file, name, option, need)| {
            // All other kinds are made inside a user namespace, where there is no root.
            let need = if *file == "user" && !privileged { Need::Required } else { *need };
            kind(root, file, name, option, need, privileged)
        })
        .collect()
}

fn kind(root: &Path, file: &str, name: &str, option: &str, need: Need, privileged: bool) -> Check {
    if !root.join("proc/self/ns").join(file).exists() {
        return Check::failed(
            name,
            need,
            "the kernel has none",
            format!("use a kernel that is built with {option}"),
        );
    }
    let limit = format!("user.max_{file}_namespaces");
    let max = value(root, &format!("proc/sys/{}", limit.replace('.', "/")));
    if max.as_deref() == Some("0") {
        return Check::failed(
            name,
            need,
            format!("{limit} allows none"),
            format!("`sysctl -w {limit}=10000` as root"),
        );
    }
    if file == "user" && !privileged {
        let forbidden =
            USER_SWITCHES.iter().find(|(switch, off, _)| value(root, switch).as_deref() == Some(off));
        if let Some((switch, off, fix)) = forbidden {
            let switch = switch.trim_start_matches("proc/sys/").replace('/', ".");
            return Check::failed(
                name,
                need,
                format!("{switch}={off} keeps them from users other than root"),
                (*fix).to_owned(),
            );
        }
    }
    match max {
        Some(max) => Check::passed(name, need, format!("the kernel allows {max}")),
        None => Check::passed(name, need, "the kernel has them"),
    }
}

fn value(root: &Path, file: &str) -> Option<String> {
    std::fs::read_to_string(root.join(file)).ok().map(|text| text.trim().to_owned())
}

/// Makes the namespaces that every container has, for a moment.
pub(super) fn attempt(privileged: bool) -> Check {
    const NAME: &str = "new namespaces";
    let required = Namespaces { user: !privileged, net: false, mount: true, pid: true, ipc: true, uts: true };
    match required.probe() {
        Ok(()) => {
            Check::passed(NAME, Need::Required, "a process was put into one of every kind that is required")
        }
        Err(error) => Check::failed(
            NAME,
            Need::Required,
            chain(&error),
            "see the checks above; inside another container, let that one make namespaces".to_owned(),
        ),
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}
