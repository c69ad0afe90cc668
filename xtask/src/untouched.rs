//! Whether tests have left the machine as it was: its network devices, its firewall, its processes.

use std::{
    collections::BTreeSet,
    env,
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::process::{Failure, Result, output};

/// An environment variable that every process of a run has.
pub(crate) const MARK: &str = "VIRT_TEST_RUN";

/// How long what is on its way out may take: the kernel takes network namespaces apart in the background.
const GRACE: Duration = Duration::from_secs(10);

/// Devices that kernel modules make when they are loaded, which is when the first device of their kind is asked for.
const OF_MODULES: &[&str] = &["dummy0", "ifb0", "ifb1"];

/// What is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Host {
    links: BTreeSet<String>,
    /// None where this user may not look, or without `nft`.
    ruleset: Option<String>,
}

impl Host {
    pub(crate) fn look() -> Self {
        let links = output(Command::new("ip").args(["-brief", "link", "show"])).unwrap_or_default();
        let name = |line: &str| line.split_whitespace().next().map(str::to_owned);
        Self {
            links: links.lines().filter_map(name).collect(),
            ruleset: output(Command::new("nft").args(["--stateless", "list", "ruleset"])).ok(),
        }
    }

    /// What is different from `self` now, and what processes of the run are left; waits a while for it to go.
    pub(crate) fn changes(&self, mark: &str) -> Vec<String> {
        let deadline = Instant::now() + GRACE;
        loop {
            let mut changes = self.compare(&Self::look());
            changes.extend(left_behind(mark));
            if changes.is_empty() || Instant::now() >= deadline {
                return changes;
            }
            thread::sleep(Duration::from_millis(100));
        }
    }

    fn compare(&self, now: &Self) -> Vec<String> {
        let mut changes = Vec::new();
        let new = now.links.difference(&self.links).filter(|link| !OF_MODULES.contains(&link.as_str()));
        for link in new {
            changes.push(format!("the network device {link} is new"));
        }
        for link in self.links.difference(&now.links) {
            changes.push(format!("the network device {link} is gone"));
        }
        if let (Some(before), Some(after)) = (&self.ruleset, &now.ruleset)
            && before != after
        {
            changes.push("the rules of nftables are different".to_owned());
        }
        changes
    }
}

/// A directory for the temporary files of one program, that every user may write to; gone when it is dropped.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = env::temp_dir().join(format!("virt-netns-{}-{count}", std::process::id()));
        let failed = |error| Failure::new(format!("{}: {error}", dir.display()));
        fs::create_dir(&dir).map_err(failed)?;
        let scratch = Self(dir.clone());
        fs::set_permissions(&dir, Permissions::from_mode(0o1777)).map_err(failed)?;
        Ok(scratch)
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("cannot remove {}: {error}", self.0.display());
        }
    }
}

/// Processes that still have the run's mark.
fn left_behind(mark: &str) -> Vec<String> {
    let wanted = format!("{MARK}={mark}");
    let has = |pid: &str| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes())
    };
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()) && has(name))
        .map(|pid| {
            let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            format!("the process {pid} ({}) still runs", name.trim())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_different_is_named() {
        let host = |links: &[&str], ruleset: Option<&str>| Host {
            links: links.iter().map(|link| (*link).to_owned()).collect(),
            ruleset: ruleset.map(str::to_owned),
        };
        let before = host(&["lo", "eth0"], Some(""));
        assert!(before.compare(&before).is_empty());
        assert!(before.compare(&host(&["lo", "eth0"], None)).is_empty());
        assert!(before.compare(&host(&["lo", "eth0", "ifb0", "dummy0"], None)).is_empty());
        assert_eq!(
            before.compare(&host(&["lo", "virbr0"], Some("table ip x {}"))),
            [
                "the network device virbr0 is new",
                "the network device eth0 is gone",
                "the rules of nftables are different"
            ]
        );
    }

    #[test]
    fn everybody_s_directory_goes() {
        let scratch = Scratch::new().unwrap();
        let dir = scratch.dir().to_owned();
        fs::write(dir.join("file"), "").unwrap();
        assert_eq!(fs::metadata(&dir).unwrap().permissions().mode() & 0o7777, 0o1777);
        drop(scratch);
        assert!(!dir.exists());
    }

    #[test]
    fn a_process_of_the_run_is_found_until_it_ends() {
        let mark = format!("test-{}", std::process::id());
        let mut child = Command::new("sleep").arg("60").env(MARK, &mark).spawn().unwrap();
        let pid = child.id();
        // Between fork and exec it still has our environment.
        while fs::read_to_string(format!("/proc/{pid}/comm")).unwrap().trim() != "sleep" {
            thread::yield_now();
        }
        assert_eq!(left_behind(&mark), [format!("the process {pid} (sleep) still runs")]);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(left_behind(&mark).is_empty());
    }
}
