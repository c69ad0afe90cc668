//! Whether `/dev/kvm` can be used, and if not, why and what to do.

mod facts;

use std::fmt;
use std::fs::OpenOptions;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

pub use facts::{Tsc, max_vcpus, msr, threads_per_subcore, tsc};

use crate::user::{Accounts, effective_groups, effective_uid};

/// `_IO(KVMIO, 0x00)` of linux/kvm.h.
const KVM_GET_API_VERSION: libc::c_ulong = 0xae00;
/// `_IO(KVMIO, 0x01)` of linux/kvm.h.
const KVM_CREATE_VM: libc::c_ulong = 0xae01;
/// The only version there has been since Linux 2.6.22.
const KVM_API_VERSION: i32 = 12;

/// What became of trying to use `/dev/kvm`. Its `Display` is one sentence for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kvm {
    /// A virtual machine can be made.
    Usable,
    /// There is no `/dev/kvm`, and the processor has no (or hides its) virtualization extensions.
    NoVirtExtensions,
    /// There is no `/dev/kvm`, although the processor could: the module is not loaded, or the
    /// container that we are in was not given the device.
    Missing {
        /// Whether the kernel has KVM, as `/sys` says: then only the device node is missing.
        module_loaded: bool,
    },
    /// The device exists, but this user may not open it.
    PermissionDenied(Denied),
    /// The processor's extensions are in use by another hypervisor.
    Busy,
    /// Something is at `/dev/kvm` that does not speak KVM's interface.
    WrongVersion {
        /// What it answered.
        version: i32,
    },
    /// Another error of the kernel's.
    Other {
        /// The errno.
        errno: i32,
    },
}

/// Who may open `/dev/kvm`, and how this process stands to that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// Permission bits of the device.
    pub mode: u32,
    /// The device's group, by name, or its number.
    pub group: String,
    /// The name of this process's user, or its number.
    pub user: String,
    /// Whether the group may read and write the device.
    pub group_may: bool,
    /// Whether this process has the group.
    pub in_group: bool,
    /// Whether `/etc/group` has the user in the group: a new login will have it.
    pub in_group_after_login: bool,
}

/// Tries to use `/dev/kvm`: opens it, asks for its version, and makes an empty virtual machine.
///
/// ```
/// let kvm = virt_sys::kvm::check();
/// println!("{kvm}");
/// if let Some(fix) = kvm.fix() {
///     println!("{fix}");
/// }
/// ```
pub fn check() -> Kvm {
    check_device(Path::new("/dev/kvm"))
}

fn check_device(path: &Path) -> Kvm {
    let device = match OpenOptions::new().read(true).write(true).open(path) {
        Ok(device) => device,
        Err(error) => {
            return match error.raw_os_error().unwrap_or(libc::EIO) {
                libc::ENOENT => missing(),
                libc::EACCES | libc::EPERM => denied(path),
                // A device node whose module is not there.
                libc::ENODEV | libc::ENXIO => missing(),
                libc::EBUSY => Kvm::Busy,
                errno => Kvm::Other { errno },
            };
        }
    };
    match ioctl(device.as_fd(), KVM_GET_API_VERSION, 0) {
        Ok(KVM_API_VERSION) => {}
        Ok(version) => return Kvm::WrongVersion { version },
        Err(error) if error.raw_os_error() == Some(libc::ENOTTY) => return Kvm::WrongVersion { version: -1 },
        Err(error) => return Kvm::Other { errno: error.raw_os_error().unwrap_or(libc::EIO) },
    }
    match ioctl(device.as_fd(), KVM_CREATE_VM, 0) {
        Ok(fd) => {
            // SAFETY: the kernel has just made this descriptor for us; nobody else knows its number.
            drop(unsafe { <std::os::fd::OwnedFd as std::os::fd::FromRawFd>::from_raw_fd(fd) });
            Kvm::Usable
        }
        Err(error) => match error.raw_os_error().unwrap_or(libc::EIO) {
            libc::EBUSY => Kvm::Busy,
            errno => Kvm::Other { errno },
        },
    }
}

/// An ioctl with an integer as argument.
fn ioctl(
    fd: std::os::fd::BorrowedFd<'_>,
    request: libc::c_ulong,
    argument: libc::c_ulong,
) -> io::Result<i32> {
    // SAFETY: all requests that this is used for take an integer argument, no pointer.
    let result = unsafe { libc::ioctl(fd.as_raw_fd(), request as _, argument) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn missing() -> Kvm {
    let module_loaded =
        Path::new("/sys/class/misc/kvm").exists() || Path::new("/sys/devices/virtual/misc/kvm").exists();
    let flags = crate::fs::read_bounded("/proc/cpuinfo".as_ref(), 16 << 20).unwrap_or_default();
    if module_loaded || has_extensions(&flags) {
        Kvm::Missing { module_loaded }
    } else {
        Kvm::NoVirtExtensions
    }
}

/// Whether the processor says that it can virtualize. Only x86 says so; others are believed to.
fn has_extensions(cpuinfo: &[u8]) -> bool {
    let text = String::from_utf8_lossy(cpuinfo);
    match text.lines().find(|line| line.starts_with("flags")) {
        Some(flags) => flags.split_ascii_whitespace().any(|flag| flag == "vmx" || flag == "svm"),
        None => true,
    }
}

fn denied(path: &Path) -> Kvm {
    let Ok(metadata) = std::fs::metadata(path) else { return Kvm::Other { errno: libc::EACCES } };
    if !metadata.file_type().is_char_device() && metadata.is_dir() {
        return Kvm::Other { errno: libc::EISDIR };
    }
    let accounts = Accounts::load().unwrap_or_default();
    let (uid, gid) = (effective_uid(), metadata.gid());
    let user = accounts.user_by_id(uid);
    Kvm::PermissionDenied(Denied {
        mode: metadata.mode() & 0o7777,
        group: accounts.group_by_id(gid).map_or_else(|| gid.to_string(), |group| group.name.clone()),
        user: user.map_or_else(|| uid.to_string(), |user| user.name.clone()),
        group_may: metadata.mode() & 0o060 == 0o060,
        in_group: effective_groups().contains(&gid),
        in_group_after_login: user.is_some_and(|user| accounts.groups_of(user).contains(&gid)),
    })
}

impl Kvm {
    /// Whether guests can be accelerated.
    pub fn is_usable(&self) -> bool {
        *self == Self::Usable
    }

    /// What a person can do about it; `None` if nothing needs doing.
    pub fn fix(&self) -> Option<String> {
        Some(match self {
            Self::Usable => return None,
            Self::NoVirtExtensions => "Switch virtualization (Intel VT-x, AMD-V/SVM) on in the firmware setup; inside a \
                 virtual machine, switch nested virtualization on in its host."
                .to_owned(),
            Self::Missing { module_loaded: true } => {
                "In a container, start it with the device (--device /dev/kvm); else run 'mknod /dev/kvm c 10 232' as root."
                    .to_owned()
            }
            Self::Missing { module_loaded: false } => "Run 'modprobe kvm_intel' or 'modprobe kvm_amd' as root.".to_owned(),
            Self::PermissionDenied(denied) => denied.fix(),
            Self::Busy => "Stop the other hypervisor (VirtualBox, VMware) that is running on this machine.".to_owned(),
            Self::WrongVersion { .. } => "Use a kernel with KVM.".to_owned(),
            Self::Other { .. } => "See the kernel's log (dmesg).".to_owned(),
        })
    }
}

impl Denied {
    fn fix(&self) -> String {
        let Self { group, user, .. } = self;
        if !self.group_may || group == "root" {
            format!(
                "Run 'chgrp kvm /dev/kvm && chmod 660 /dev/kvm' as root, and 'usermod -aG kvm {user}'; then log in again."
            )
        } else if self.in_group {
            "A security module or a container forbids the access: see the kernel's log (dmesg).".to_owned()
        } else if self.in_group_after_login {
            format!("Log out and in again, or run 'newgrp {group}'.")
        } else {
            format!("Run 'usermod -aG {group} {user}' as root, then log in again.")
        }
    }
}

impl fmt::Display for Kvm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usable => f.write_str("/dev/kvm is usable"),
            Self::NoVirtExtensions => {
                f.write_str("the processor offers no virtualization extensions, so there is no /dev/kvm")
            }
            Self::Missing { module_loaded: true } => {
                f.write_str("the kernel has KVM, but there is no device /dev/kvm here")
            }
            Self::Missing { module_loaded: false } => {
                f.write_str("there is no /dev/kvm: the kernel's KVM module is not loaded")
            }
            Self::PermissionDenied(denied) => denied.fmt(f),
            Self::Busy => {
                f.write_str("the processor's virtualization extensions are in use by another hypervisor")
            }
            Self::WrongVersion { version } => {
                write!(
                    f,
                    "/dev/kvm does not speak KVM's interface (version {version}, wanted {KVM_API_VERSION})"
                )
            }
            Self::Other { errno } => {
                write!(f, "cannot use /dev/kvm: {}", io::Error::from_raw_os_error(*errno))
            }
        }
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mode, group, user, .. } = self;
        write!(f, "user '{user}' may not open /dev/kvm (mode {mode:04o}, group '{group}'): ")?;
        if !self.group_may || group == "root" {
            f.write_str("its mode lets no ordinary group use it")
        } else if self.in_group {
            f.write_str("refused although this process has the group")
        } else if self.in_group_after_login {
            f.write_str("the user is in the group, but was logged in before that")
        } else {
            f.write_str("the user is not in the group")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions() {
        assert!(has_extensions(b"processor: 0\nflags\t\t: fpu vmx sse\n"));
        assert!(has_extensions(b"flags : svm\n"));
        assert!(!has_extensions(b"flags : fpu vmxnet sse\n"));
        assert!(has_extensions(b"Features : fp asimd\n"));
    }

    #[test]
    fn something_else_than_kvm() {
        assert_eq!(check_device("/dev/null".as_ref()), Kvm::WrongVersion { version: -1 });
        assert_eq!(check_device("/tmp".as_ref()), Kvm::Other { errno: libc::EISDIR });
        assert!(matches!(check_device("/nonexistent".as_ref()), Kvm::Missing { .. } | Kvm::NoVirtExtensions));
    }

    #[test]
    fn a_refused_device_names_its_group() {
        if rustix::process::geteuid().is_root() {
            eprintln!("skipped: root is refused nothing");
            return;
        }
        let Kvm::PermissionDenied(denied) = check_device("/proc/1/mem".as_ref()) else {
            panic!("not refused")
        };
        assert_eq!(denied.group, "root");
    }

    #[test]
    fn sentences_and_fixes() {
        let base = Denied {
            mode: 0o660,
            group: "kvm".into(),
            user: "ada".into(),
            group_may: true,
            in_group: false,
            in_group_after_login: false,
        };
        let cases = [
            (base.clone(), "the user is not in the group", "usermod -aG kvm ada"),
            (Denied { in_group_after_login: true, ..base.clone() }, "was logged in before", "newgrp kvm"),
            (Denied { group_may: false, mode: 0o600, ..base.clone() }, "no ordinary group", "chmod 660"),
            (Denied { in_group: true, ..base }, "although", "security module"),
        ];
        for (denied, sentence, fix) in cases {
            let kvm = Kvm::PermissionDenied(denied);
            assert!(kvm.to_string().contains(sentence), "{kvm}");
            assert!(kvm.fix().unwrap().contains(fix), "{kvm:?}");
        }
        assert_eq!(Kvm::Usable.fix(), None);
    }

    #[test]
    fn the_real_device_agrees_with_its_permissions() {
        let kvm = check();
        let openable = OpenOptions::new().read(true).write(true).open("/dev/kvm").is_ok();
        if !openable {
            assert!(!kvm.is_usable(), "{kvm}");
        }
        eprintln!("{kvm}");
    }
}
