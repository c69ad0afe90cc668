//! Whether this host can run containers.

mod cgroup;
mod filesystem;
mod namespace;

use std::path::Path;

use virt_types::probe::Probe;

/// Looks at this host and tries to make the namespaces of a container, for the user that asks.
#[must_use]
pub fn probe() -> Probe {
    let privileged = rustix::process::geteuid().is_root();
    let mut probe = probe_at(Path::new("/"), privileged);
    probe.checks.push(namespace::attempt(privileged));
    probe
}

/// Looks at the host whose files are under `root`, for root or another user.
#[must_use]
pub fn probe_at(root: &Path, privileged: bool) -> Probe {
    let mut checks = namespace::checks(root, privileged);
    checks.extend(cgroup::checks(root));
    checks.extend(filesystem::checks(root));
    Probe { subject: "containers".to_owned(), checks }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use virt_types::probe::Verdict;

    use super::*;

    #[test]
    fn recorded_hosts_are_judged() {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/lxc/probe");
        for (case, privileged, verdict) in [
            ("unified", true, Verdict::Runnable),
            ("hybrid", true, Verdict::Limited),
            ("user-forbidden", true, Verdict::Limited),
            ("user-forbidden", false, Verdict::NotRunnable),
            ("bare", true, Verdict::NotRunnable),
        ] {
            let probe = probe_at(&fixtures.join(case).join("root"), privileged);
            let file = if privileged { "expected.txt" } else { "expected-user.txt" };
            let expected = fs::read_to_string(fixtures.join(case).join(file)).unwrap();
            assert_eq!(probe.to_string(), expected, "{case} {privileged}");
            assert_eq!(probe.verdict(), verdict, "{case} {privileged}");
        }
    }

    #[test]
    fn this_host_has_the_namespaces_that_its_processes_are_in() {
        let probe = probe();
        let mount = probe.checks.iter().find(|check| check.name == "mount namespaces").unwrap();
        assert!(mount.ok, "{probe}");
        let attempt = probe.checks.last().unwrap();
        assert_eq!(attempt.name, "new namespaces");
        // What the kernel refuses, it gives a reason for.
        assert!(attempt.ok || attempt.detail.contains(':'), "{probe}");
    }
}
