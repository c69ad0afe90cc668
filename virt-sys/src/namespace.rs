//! Namespaces: whether and how new ones can be made, and working inside another one.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::panic::resume_unwind;

use rustix::thread::{LinkNameSpaceType, UnshareFlags};

use crate::error::{Error, Result};

/// A choice of namespace kinds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Namespaces {
    /// Users and groups; all others can be made without privileges together with this one.
    pub user: bool,
    /// Network interfaces, routes, firewall, abstract sockets.
    pub net: bool,
    /// Mounts.
    pub mount: bool,
    /// Process ids.
    pub pid: bool,
    /// System V IPC and message queues.
    pub ipc: bool,
    /// Host and domain name.
    pub uts: bool,
}

impl Namespaces {
    /// What tests of network and mounts need: user, net, mount and pid.
    pub const ISOLATED: Self = Self { user: true, net: true, mount: true, pid: true, ipc: false, uts: false };

    /// Whether nothing is chosen.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }

    pub(crate) fn clone_flags(self) -> libc::c_int {
        [
            (self.user, libc::CLONE_NEWUSER),
            (self.net, libc::CLONE_NEWNET),
            (self.mount, libc::CLONE_NEWNS),
            (self.pid, libc::CLONE_NEWPID),
            (self.ipc, libc::CLONE_NEWIPC),
            (self.uts, libc::CLONE_NEWUTS),
        ]
        .into_iter()
        .filter(|(chosen, _)| *chosen)
        .fold(0, |flags, (_, flag)| flags | flag)
    }

    /// Whether this process could put a child into these namespaces: makes one that ends at once.
    ///
    /// # Errors
    /// The kernel's reason: `EPERM` without the right, `ENOSPC` at the limit
    /// (`/proc/sys/user/max_*_namespaces`), `EINVAL` for a kind that the kernel lacks.
    pub fn probe(self) -> Result<()> {
        crate::spawn::probe_clone(self.clone_flags()).map_err(|e| Error::system("create the namespaces", e))
    }

    /// Moves the calling thread into new namespaces. With a user namespace among them it must be the
    /// only thread of its process, and the present user and group become 0. A pid namespace takes
    /// effect for children made later. With a mount namespace no mount propagates out of it.
    ///
    /// # Errors
    /// The kernel's reason; `EINVAL` for a user namespace in a process with several threads.
    ///
    /// ```standalone_crate
    /// use std::fs::read_link;
    /// use virt_sys::{Namespaces, user};
    ///
    /// let wanted = Namespaces { user: true, net: true, mount: true, ..Namespaces::default() };
    /// if wanted.probe().is_ok() {
    ///     let before = read_link("/proc/self/ns/net").unwrap();
    ///     wanted.unshare()?;
    ///     assert_ne!(read_link("/proc/self/ns/net").unwrap(), before);
    ///     assert_eq!((user::effective_uid(), user::effective_gid()), (0, 0));
    /// }
    /// # Ok::<(), virt_sys::Error>(())
    /// ```
    pub fn unshare(self) -> Result<()> {
        let maps = self.user.then(IdMaps::of_this_process);
        let flags = UnshareFlags::from_bits_retain(self.clone_flags() as u32);
        // SAFETY: the dangerous flag is the one that parts descriptor tables; it is never set here.
        unsafe { rustix::thread::unshare_unsafe(flags) }
            .map_err(|e| Error::system("create the namespaces", e))?;
        if let Some(maps) = maps {
            for (path, bytes) in maps.files() {
                let path = path.to_str().unwrap_or_default();
                std::fs::write(path, bytes).map_err(|e| Error::file("write", path, e))?;
            }
        }
        if self.mount {
            use rustix::mount::{MountPropagationFlags, mount_change};
            mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
                .map_err(|e| Error::file("make private the mount", "/", e))?;
        }
        Ok(())
    }
}

/// The contents of `/proc/self/{setgroups,uid_map,gid_map}` that map the present user to 0.
#[derive(Debug)]
pub(crate) struct IdMaps {
    uid: Vec<u8>,
    gid: Vec<u8>,
}

impl IdMaps {
    pub(crate) fn of_this_process() -> Self {
        Self {
            uid: format!("0 {} 1\n", rustix::process::geteuid()).into_bytes(),
            gid: format!("0 {} 1\n", rustix::process::getegid()).into_bytes(),
        }
    }

    /// In the order in which the kernel wants them written.
    pub(crate) fn files(&self) -> [(&'static CStr, &[u8]); 3] {
        [
            (c"/proc/self/setgroups", b"deny"),
            (c"/proc/self/uid_map", &self.uid),
            (c"/proc/self/gid_map", &self.gid),
        ]
    }
}

/// Runs `work` in another network namespace, on a thread of its own, and returns its value.
///
/// Sockets opened there keep belonging to that namespace when they are returned. A panic of `work`
/// continues in the caller.
///
/// # Errors
/// When the thread cannot be made or may not enter (`EPERM`), or `netns` is no network namespace
/// (`EINVAL`).
pub fn in_network<T: Send>(netns: BorrowedFd<'_>, work: impl FnOnce() -> T + Send) -> Result<T> {
    let enter_and_work = || -> io::Result<T> {
        rustix::thread::move_into_link_name_space(netns.as_fd(), Some(LinkNameSpaceType::Network))?;
        Ok(work())
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("netns".to_owned())
            .spawn_scoped(scope, enter_and_work)
            .map_err(|e| Error::system("make a thread", e))?;
        match thread.join() {
            Ok(result) => result.map_err(|e| Error::system("enter the network namespace", e)),
            Err(panic) => resume_unwind(panic),
        }
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;
    use std::time::Duration;

    use super::*;
    use crate::{Limits, PidFd, Signal, Spawn, run};

    /// A machine may forbid user namespaces; then there is nothing to test.
    fn possible() -> bool {
        match Namespaces::ISOLATED.probe() {
            Ok(()) => true,
            Err(error) => {
                eprintln!("skipped: {error} ({:?})", error.errno());
                false
            }
        }
    }

    fn inode(path: &str) -> u64 {
        std::fs::metadata(path).unwrap().ino()
    }

    #[test]
    fn a_child_sees_its_own_namespaces() {
        if !possible() {
            return;
        }
        let mut spawn = Spawn::new("/bin/sh");
        let script = "id -u; echo $$; grep -c : /proc/net/dev; ls -d /proc/[0-9]* | wc -l";
        spawn.args(["-c", script]).inherit_env("PATH").namespaces(Namespaces::ISOLATED);
        let output = run(spawn, b"", Limits::new(Duration::from_secs(20), 10_000)).unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(&lines[..2], ["0", "1"], "{text}{}", String::from_utf8_lossy(&output.stderr));
        // The loopback device of a new namespace is alone (some kernels add tunnel templates).
        assert!(lines[2].parse::<u32>().unwrap() >= 1);
        assert!(lines[3].parse::<u32>().unwrap() < 10, "{text}");
    }

    #[test]
    fn work_in_another_network() {
        if !rustix::process::geteuid().is_root() || !possible() {
            eprintln!("skipped: entering a network namespace needs root");
            return;
        }
        let mut spawn = Spawn::new("/bin/sleep");
        spawn.arg("100").namespaces(Namespaces { net: true, ..Namespaces::default() });
        let child = spawn.start().unwrap();
        let path = format!("/proc/{}/ns/net", child.pid);
        let netns = std::fs::File::open(&path).unwrap();
        let here = inode("/proc/thread-self/ns/net");
        let there = in_network(netns.as_fd(), || inode("/proc/thread-self/ns/net")).unwrap();
        assert_eq!(there, inode(&path));
        assert_ne!(there, here);
        assert_eq!(inode("/proc/thread-self/ns/net"), here);
        child.pidfd.send_signal(Signal::KILL).unwrap();
        child.pidfd.wait_exit(None).unwrap();
    }

    #[test]
    fn a_thread_among_others_cannot_change_its_user() {
        let error = Namespaces::ISOLATED.unshare().unwrap_err();
        assert!(matches!(error.errno(), Some(libc::EINVAL | libc::EPERM)), "{error:?}");
    }

    #[test]
    fn a_wrong_descriptor_is_refused() {
        let own = PidFd::open(rustix::process::getpid()).unwrap();
        let null = std::fs::File::open("/dev/null").unwrap();
        assert_eq!(in_network(null.as_fd(), || ()).unwrap_err().errno(), Some(libc::EINVAL));
        drop(own);
    }
}
