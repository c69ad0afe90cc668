//! Whether this host can run Xen guests.

use std::fs;
use std::path::Path;

use rustix::fs::{Access, access};
use virt_types::probe::{Check, Need, Probe};

/// The kernel's devices for the domain that controls others, what each is for, and how much it matters.
const DEVICES: &[(&str, &str, Need)] = &[
    ("privcmd", "hypervisor calls", Need::Required),
    ("evtchn", "event channels", Need::Required),
    ("gntdev", "memory that guests share", Need::Optional),
];

/// Where the store daemon listens, the older place last.
const STORE_SOCKETS: &[&str] = &["run/xenstored/socket", "var/run/xenstored/socket"];

/// Looks at this host.
#[must_use]
pub fn probe() -> Probe {
    probe_at(Path::new("/"))
}

/// Looks at the host whose files are under `root`.
#[must_use]
pub fn probe_at(root: &Path) -> Probe {
    let mut checks = vec![hypervisor(root)];
    // Without Xen, or without control over it, what else is missing follows from that.
    if checks[0].ok {
        checks.push(control_domain(root));
        if !is_guest(root) {
            checks.extend(
                DEVICES.iter().map(|(device, purpose, need)| self::device(root, device, purpose, *need)),
            );
            checks.push(store(root));
        }
    }
    Probe { subject: "Xen guests".to_owned(), checks }
}

/// `/sys/hypervisor`, documented in `Documentation/ABI/stable/sysfs-hypervisor-xen` of the kernel.
fn hypervisor(root: &Path) -> Check {
    const NAME: &str = "hypervisor";
    let fix = "install the Xen hypervisor (Debian: xen-hypervisor-amd64) and boot its entry".to_owned();
    match line(&root.join("sys/hypervisor/type")).as_deref() {
        Some("xen") => {
            let version: String = ["major", "minor", "extra"]
                .iter()
                .filter_map(|part| line(&root.join("sys/hypervisor/version").join(part)))
                .enumerate()
                .map(|(position, part)| if position == 1 { format!(".{part}") } else { part })
                .collect();
            Check::passed(NAME, Need::Required, format!("the kernel runs on Xen {version}").trim_end())
        }
        Some(other) => {
            Check::failed(NAME, Need::Required, format!("the kernel runs on '{other}', not on Xen"), fix)
        }
        None => Check::failed(
            NAME,
            Need::Required,
            "the kernel does not run on Xen (no /sys/hypervisor/type)",
            fix,
        ),
    }
}

/// `/proc/xen/capabilities` of xenfs says `control_d` in the first domain and nothing in others.
fn control_domain(root: &Path) -> Check {
    const NAME: &str = "control domain";
    match capabilities(root) {
        Ok(words) if controls(&words) => {
            Check::passed(NAME, Need::Required, "this is the domain that controls the others (dom0)")
        }
        Ok(_) => Check::failed(
            NAME,
            Need::Required,
            "this is a guest of Xen itself, without control over other guests",
            "use the first domain (dom0) of this machine".to_owned(),
        ),
        Err(error) => Check::failed(
            NAME,
            Need::Required,
            format!("cannot read /proc/xen/capabilities: {}", reason(&error)),
            "`mount -t xenfs xenfs /proc/xen` as root".to_owned(),
        ),
    }
}

fn is_guest(root: &Path) -> bool {
    capabilities(root).is_ok_and(|words| !controls(&words))
}

fn capabilities(root: &Path) -> std::io::Result<String> {
    fs::read_to_string(root.join("proc/xen/capabilities"))
}

fn controls(capabilities: &str) -> bool {
    capabilities.split_whitespace().any(|word| word == "control_d")
}

fn device(root: &Path, device: &str, purpose: &str, need: Need) -> Check {
    let (name, path) = (format!("/dev/xen/{device}"), root.join("dev/xen").join(device));
    match access(&path, Access::READ_OK | Access::WRITE_OK) {
        Ok(()) => Check::passed(name, need, format!("usable, for {purpose}")),
        Err(rustix::io::Errno::ACCESS | rustix::io::Errno::PERM) => Check::failed(
            name,
            need,
            format!("this user may not use it, for {purpose}"),
            "run as root, or give the user access to the device".to_owned(),
        ),
        Err(error) => Check::failed(
            name,
            need,
            format!("not usable, for {purpose}: {}", reason(&error.into())),
            format!("`modprobe xen-{device}` as root"),
        ),
    }
}

/// The store is a daemon in this domain, or a domain of its own that only the kernel's device reaches.
fn store(root: &Path) -> Check {
    const NAME: &str = "xenstore";
    if let Some(socket) = STORE_SOCKETS.iter().find(|socket| root.join(socket).exists()) {
        return Check::passed(NAME, Need::Required, format!("its daemon listens at /{socket}"));
    }
    match access(root.join("dev/xen/xenbus"), Access::READ_OK | Access::WRITE_OK) {
        Ok(()) => Check::passed(NAME, Need::Required, "reached through /dev/xen/xenbus"),
        Err(_) => Check::failed(
            NAME,
            Need::Required,
            "its daemon does not listen, and /dev/xen/xenbus is not usable",
            "`systemctl start xenstored` as root".to_owned(),
        ),
    }
}

fn line(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

/// The system's words without the number.
fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use virt_types::probe::Verdict;

    use super::*;

    #[test]
    fn recorded_hosts_are_judged() {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/xen/probe");
        for (case, verdict) in [
            ("bare-metal", Verdict::NotRunnable),
            ("dom0", Verdict::Runnable),
            ("dom0-without-store", Verdict::NotRunnable),
            ("dom0-without-xenfs", Verdict::NotRunnable),
            ("guest", Verdict::NotRunnable),
        ] {
            let probe = probe_at(&fixtures.join(case).join("root"));
            let expected = fs::read_to_string(fixtures.join(case).join("expected.txt")).unwrap();
            assert_eq!(probe.to_string(), expected, "{case}");
            assert_eq!(probe.verdict(), verdict, "{case}");
        }
    }

    #[test]
    fn this_host_is_judged_by_its_hypervisor() {
        let on_xen = fs::read_to_string("/sys/hypervisor/type").is_ok_and(|kind| kind.trim() == "xen");
        let probe = probe();
        assert_eq!(probe.checks[0].ok, on_xen, "{probe}");
        assert!(on_xen || !probe.runnable(), "{probe}");
    }
}
