//! What a host has for the networks of guests, and to keep guests apart from it.

use std::fs;
use std::path::Path;

use virt_core::sys::{Namespaces, find_program, user};
use virt_core::types::probe::{Check, Need, Probe};

/// What guests' networks need.
pub(super) fn networks() -> Probe {
    let root = user::effective_uid() == 0;
    let checks = vec![
        Check::passed(
            "network of a plain user",
            Need::Required,
            "<interface type='user'/> needs nothing of the host (QEMU's own network)",
        ),
        program("passt", "faster user networking", "install the package passt"),
        if root {
            Check::passed("bridges and taps", Need::Optional, "this user may make them")
        } else {
            Check::failed(
                "bridges and taps",
                Need::Optional,
                "only root may make them",
                "run as root for bridged guests, or use <interface type='user'/>".to_owned(),
            )
        },
        device("/dev/net/tun", "taps", "`modprobe tun` as root"),
        device("/dev/vhost-net", "fast virtio networking through the kernel", "`modprobe vhost_net` as root"),
        firewall(),
    ];
    Probe { subject: "guests with networks".to_owned(), checks }
}

/// What keeps guests and host apart.
pub(super) fn isolation() -> Probe {
    Probe { subject: "confined guests".to_owned(), checks: vec![namespaces(), cgroups(Path::new("/")), lsm(Path::new("/"))] }
}

fn program(name: &str, purpose: &str, fix: &str) -> Check {
    match find_program(name) {
        Some(path) => Check::passed(name, Need::Optional, format!("{}, for {purpose}", path.display())),
        None => Check::failed(name, Need::Optional, format!("not installed, for {purpose}"), fix.to_owned()),
    }
}

fn device(path: &str, purpose: &str, fix: &str) -> Check {
    let opened = fs::OpenOptions::new().read(true).write(true).open(path);
    match opened {
        Ok(_) => Check::passed(path, Need::Optional, format!("usable, for {purpose}")),
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Check::failed(
            path,
            Need::Optional,
            format!("this user may not use it, for {purpose}"),
            format!("run as root, or give the user access to {path}"),
        ),
        Err(error) => {
            let text = error.to_string();
            let reason = text.split(" (os error").next().unwrap_or_default();
            Check::failed(path, Need::Optional, format!("not usable, for {purpose}: {reason}"), fix.to_owned())
        }
    }
}

/// The tools that a network's rules are made with, and those whose rules guests may meet.
fn firewall() -> Check {
    let nft = find_program("nft");
    let others: Vec<&str> = ["docker", "ufw", "firewall-cmd", "iptables"]
        .into_iter()
        .filter(|name| find_program(name).is_some())
        .collect();
    let others = if others.is_empty() { String::new() } else { format!("; also here: {}", others.join(", ")) };
    match nft {
        Some(path) => Check::passed("firewall", Need::Optional, format!("{}{others}", path.display())),
        None => Check::failed(
            "firewall",
            Need::Optional,
            format!("nft is not installed{others}"),
            "install the package nftables for guests behind NAT".to_owned(),
        ),
    }
}

fn namespaces() -> Check {
    const NAME: &str = "user namespaces";
    match Namespaces::ISOLATED.probe() {
        Ok(()) => Check::passed(NAME, Need::Optional, "this user may make them"),
        Err(error) => Check::failed(
            NAME,
            Need::Optional,
            format!("this user may not make them: {error}"),
            "`sysctl kernel.unprivileged_userns_clone=1 user.max_user_namespaces=15000` as root; in a container, start it with fewer restrictions".to_owned(),
        ),
    }
}

/// Whether there is one hierarchy for all controllers, and which it has (cgroups(7)).
fn cgroups(root: &Path) -> Check {
    const NAME: &str = "control groups";
    match fs::read_to_string(root.join("sys/fs/cgroup/cgroup.controllers")) {
        Ok(controllers) => Check::passed(NAME, Need::Optional, format!("version 2 with {}", controllers.trim())),
        Err(_) if root.join("sys/fs/cgroup/memory").is_dir() => {
            Check::passed(NAME, Need::Optional, "version 1, with a hierarchy for each controller")
        }
        Err(_) => Check::failed(
            NAME,
            Need::Optional,
            "not mounted at /sys/fs/cgroup: guests run without limits",
            "`mount -t cgroup2 none /sys/fs/cgroup` as root".to_owned(),
        ),
    }
}

/// The security modules of the kernel (Documentation/admin-guide/LSM).
fn lsm(root: &Path) -> Check {
    const NAME: &str = "security modules";
    let list = fs::read_to_string(root.join("sys/kernel/security/lsm")).unwrap_or_default();
    let selinux = fs::read_to_string(root.join("sys/fs/selinux/enforce")).is_ok_and(|text| text.trim() == "1");
    let profiled = list.split(',').any(|name| name.trim() == "apparmor");
    match (list.trim(), selinux, profiled) {
        ("", false, _) => Check::passed(
            NAME,
            Need::Optional,
            "none can be seen (securityfs is not mounted here): nothing but permissions of files applies",
        ),
        (list, true, _) => Check::passed(NAME, Need::Optional, format!("SELinux enforces ({list})")),
        (list, _, true) => Check::passed(NAME, Need::Optional, format!("AppArmor is there ({list})")),
        (list, ..) => Check::passed(NAME, Need::Optional, list.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(files: &[(&str, &str)]) -> std::path::PathBuf {
        static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let root = std::env::temp_dir().join(format!("virt-doctor-{}-{number}", std::process::id()));
        fs::create_dir_all(&root).unwrap();
        for (path, content) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        root
    }

    #[test]
    fn recorded_hosts_are_judged() {
        let unified = host(&[
            ("sys/fs/cgroup/cgroup.controllers", "cpu memory pids\n"),
            ("sys/kernel/security/lsm", "capability,yama,apparmor\n"),
        ]);
        assert_eq!(cgroups(&unified).detail, "version 2 with cpu memory pids");
        assert_eq!(lsm(&unified).detail, "AppArmor is there (capability,yama,apparmor)");
        let enforcing = host(&[
            ("sys/fs/selinux/enforce", "1"),
            ("sys/kernel/security/lsm", "capability,selinux"),
            ("sys/fs/cgroup/memory/tasks", ""),
        ]);
        assert_eq!(lsm(&enforcing).detail, "SELinux enforces (capability,selinux)");
        assert!(cgroups(&enforcing).detail.starts_with("version 1"));
        let bare = host(&[]);
        assert!(!cgroups(&bare).ok && cgroups(&bare).fix.is_some());
        assert!(lsm(&bare).detail.starts_with("none can be seen"));
        for root in [unified, enforcing, bare] {
            fs::remove_dir_all(root).unwrap();
        }
    }

    #[test]
    fn every_failure_has_a_fix() {
        for probe in [networks(), isolation()] {
            for failure in probe.failures() {
                assert!(failure.fix.is_some(), "{failure:?}");
            }
        }
    }
}
