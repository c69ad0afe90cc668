//! What a domain needs to run: data, nothing executed.

pub mod argv;
mod build;
mod companion;
mod cpu;
mod firmware;
mod identity;
mod iothread;
mod locked_memory;
mod machine;
pub mod memory;
pub mod memory_backend;
mod monitor;
mod power;
mod props;

use std::path::{Path, PathBuf};

use virt_conf::domain::Domain;

pub use build::build;
pub use companion::{Companion, Program, SwtpmState};
pub use locked_memory::LockedMemory;
pub use props::{Lists, Props, keyval};

use crate::block::SecretSource;
use crate::caps::{Capabilities, Machine};
use crate::config::Config;
use crate::host::Host;

/// One part of a guest, in the order in which QEMU is told of them.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// An option without a value, such as `-S`.
    Flag(&'static str),
    /// An option with a value in its own syntax, such as `-machine`; exists at cold start only.
    Option(&'static str, String),
    /// `-add-fd` / `add-fd`: a descriptor that QEMU finds by the path `/dev/fdset/SET`.
    FdSet {
        /// Number of the set.
        set: u32,
        /// Number of the descriptor in QEMU's process.
        fd: i32,
        /// What people see of it.
        opaque: String,
    },
    /// An argument that the user wrote.
    Raw(String),
    /// `-object` / `object-add`.
    Object(Props),
    /// A secret, as `-object secret`, encrypted with the guest's master key when QEMU is told of it.
    Secret {
        /// The object's id.
        id: String,
        /// Where it comes from.
        source: SecretSource,
    },
    /// `-chardev` / `chardev-add`.
    Chardev(String),
    /// `-blockdev` / `blockdev-add`.
    Blockdev(Props),
    /// `-netdev` / `netdev_add`.
    Netdev(Props),
    /// `-audiodev`.
    Audiodev(Props),
    /// `-device` / `device_add`.
    Device(Props),
}

/// Something of the host that has to be there before QEMU is told of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostNeed {
    /// An open descriptor at this number in QEMU's process.
    Fd {
        /// The number that the parts refer to.
        number: i32,
        /// What it is opened from.
        source: FdSource,
    },
    /// A directory that is made and removed with the domain.
    Directory(PathBuf),
    /// A file that is copied from another one where it is missing.
    CopyOf {
        /// What it is copied from.
        template: PathBuf,
        /// The file.
        path: PathBuf,
    },
    /// A file of 32 random bytes, the key under which secrets are handed to QEMU.
    RandomKey(PathBuf),
    /// A process that serves a device.
    Companion(Companion),
    /// A message bus of the domain's own that listens at this path.
    MessageBus(PathBuf),
    /// Memory that QEMU may keep from being swapped out.
    LockedMemory(LockedMemory),
}

impl std::fmt::Display for HostNeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fd { number, source } => write!(f, "descriptor {number}: {source}"),
            Self::Directory(path) => write!(f, "directory {}", path.display()),
            Self::CopyOf { template, path } => {
                write!(f, "file {}, a copy of {}", path.display(), template.display())
            }
            Self::RandomKey(path) => write!(f, "random key {}", path.display()),
            Self::Companion(companion) => companion.fmt(f),
            Self::MessageBus(path) => write!(f, "message bus at {}", path.display()),
            Self::LockedMemory(limit) => write!(f, "leave to lock {limit}"),
        }
    }
}

impl std::fmt::Display for FdSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tap { interface, queue } => write!(f, "queue {queue} of the tap device of {interface}"),
            Self::Monitor => f.write_str("listening socket of the monitor"),
            Self::VhostNet(path) => write!(f, "vhost device {}", path.display()),
            Self::VhostVsock => f.write_str("/dev/vhost-vsock"),
            Self::VhostUserGpu { device, .. } => {
                write!(f, "connection to the vhost-user GPU process of {device}")
            }
            Self::UnixListener(path) => write!(f, "listening socket {}", path.display()),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::TpmCancel { device } => write!(f, "cancel file of {}", device.display()),
        }
    }
}

/// What a descriptor is opened from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FdSource {
    /// A queue of a tap or macvtap device of the interface with this alias.
    Tap {
        /// Alias of the interface.
        interface: String,
        /// Queue, from 0.
        queue: u32,
    },
    /// The listening socket of the guest's monitor.
    Monitor,
    /// A vhost device, usually `/dev/vhost-net`, opened once per queue.
    VhostNet(PathBuf),
    /// `/dev/vhost-vsock`.
    VhostVsock,
    /// A socket to the vhost-user GPU process of this video device.
    VhostUserGpu {
        /// Alias of the device.
        device: String,
        /// The host's device that draws, where the guest's display is accelerated.
        render: Option<PathBuf>,
    },
    /// A listening unix socket at this path.
    UnixListener(PathBuf),
    /// A file or device opened for reading and writing.
    File(PathBuf),
    /// The file by which a command of this TPM is cancelled, opened for writing.
    TpmCancel {
        /// The TPM's device.
        device: PathBuf,
    },
}

/// How QEMU gets the socket on which its monitor listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Monitor {
    /// QEMU makes it at its path, as a plan on paper says.
    #[default]
    Path,
    /// QEMU inherits it, so that nobody has to wait until it is there.
    Descriptor,
}

/// What one device needs.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DevicePlan {
    /// What of the host has to be there.
    pub needs: Vec<HostNeed>,
    /// What QEMU is told, in order; undoing is the reverse.
    pub parts: Vec<Part>,
}

/// What a whole domain needs.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    /// Path of the QEMU binary.
    pub program: String,
    /// Environment, complete: nothing is inherited.
    pub env: Vec<(String, String)>,
    /// What of the host has to be there.
    pub needs: Vec<HostNeed>,
    /// What QEMU is told, in order.
    pub parts: Vec<Part>,
}

/// What a planner knows, and where it puts what it finds.
#[derive(Debug)]
pub struct PlanContext<'a> {
    /// The filled and validated domain.
    pub domain: &'a Domain,
    /// What the binary can do.
    pub caps: &'a Capabilities,
    /// The driver's settings.
    pub config: &'a Config,
    /// How QEMU gets its monitor's socket.
    pub monitor: Monitor,
    /// The host.
    pub host: &'a Host,
    /// What was planned so far.
    pub plan: Plan,
    /// QEMU fills all memory before the guest runs, so that no object has to ask for it.
    pub preallocates: bool,
    next_fd: i32,
    next_fd_set: u32,
}

impl<'a> PlanContext<'a> {
    /// An empty plan of a domain.
    #[must_use]
    pub fn new(domain: &'a Domain, caps: &'a Capabilities, config: &'a Config, host: &'a Host) -> Self {
        let (monitor, plan) = (Monitor::default(), Plan::default());
        let preallocates = false;
        Self { domain, caps, config, host, monitor, plan, preallocates, next_fd: 3, next_fd_set: 0 }
    }

    /// Appends a part.
    pub fn part(&mut self, part: Part) {
        self.plan.parts.push(part);
    }

    /// Appends what a device needs.
    pub fn device(&mut self, device: DevicePlan) {
        self.plan.needs.extend(device.needs);
        self.plan.parts.extend(device.parts);
    }

    /// Appends an option with a value.
    pub fn option(&mut self, name: &'static str, value: impl Into<String>) {
        self.part(Part::Option(name, value.into()));
    }

    /// A number for a descriptor that QEMU inherits, whose source is recorded in the plan.
    pub fn fd(&mut self, source: FdSource) -> i32 {
        let number = self.next_fd;
        self.next_fd += 1;
        self.plan.needs.push(HostNeed::Fd { number, source });
        number
    }

    /// A path under which QEMU finds a descriptor that it inherits, and the part that tells it so.
    ///
    /// `opaque` names the descriptor for people who look into the monitor.
    pub fn fd_set(&mut self, source: FdSource, opaque: String) -> (String, Part) {
        let fd = self.fd(source);
        let set = self.next_fd_set;
        self.next_fd_set += 1;
        (format!("/dev/fdset/{set}"), Part::FdSet { set, fd, opaque })
    }

    /// The socket of the domain's `swtpm` process.
    #[must_use]
    pub fn swtpm_socket(&self) -> PathBuf {
        swtpm_socket(&self.config.state_dir, self.domain)
    }

    /// The socket of the `passt` process of the interface with this alias.
    #[must_use]
    pub fn passt_socket(&self, alias: &str) -> PathBuf {
        passt_socket(&self.config.state_dir, self.domain, alias)
    }

    /// Sets a variable of QEMU's environment.
    pub fn env(&mut self, name: &str, value: impl Into<String>) {
        self.plan.env.retain(|(known, _)| known != name);
        self.plan.env.push((name.to_owned(), value.into()));
    }

    /// The machine type, as the binary describes it.
    #[must_use]
    pub fn machine_type(&self) -> Option<&'a Machine> {
        self.caps.machine(self.domain.virt_type, self.domain.os.machine.as_deref()?)
    }

    /// The id that the machine's memory has to have; absent where it is no object.
    #[must_use]
    pub fn default_ram_id(&self) -> Option<&'a str> {
        self.machine_type()?.default_ram_id.as_deref()
    }

    /// The domain's own directory, `domain-ID-NAME` (`domain--1-NAME` where it does not run).
    #[must_use]
    pub fn domain_dir(&self) -> PathBuf {
        domain_dir(&self.config.lib_dir, self.domain)
    }
}

/// Where the sockets of a domain's channels are.
#[must_use]
pub fn channel_dir(config: &Config, domain: &Domain) -> PathBuf {
    domain_dir(&config.lib_dir.join("channel/target"), domain)
}

/// The domain's own directory under `lib_dir`.
#[must_use]
pub fn domain_dir(lib_dir: &Path, domain: &Domain) -> PathBuf {
    lib_dir.join(format!("domain-{}", short_name(domain)))
}

/// The path of the domain's own message bus.
#[must_use]
pub fn message_bus(state_dir: &Path, domain: &Domain) -> PathBuf {
    state_dir.join("dbus").join(format!("{}-dbus.sock", short_name(domain)))
}

/// The socket of the domain's `swtpm` process.
#[must_use]
pub fn swtpm_socket(state_dir: &Path, domain: &Domain) -> PathBuf {
    state_dir.join("swtpm").join(format!("{}-swtpm.sock", short_name(domain)))
}

/// The socket of the `passt` process of the domain's interface with this alias.
#[must_use]
pub fn passt_socket(state_dir: &Path, domain: &Domain, alias: &str) -> PathBuf {
    state_dir.join("passt").join(format!("{}-{alias}.socket", short_name(domain)))
}

/// `ID-NAME`; long names are cut as libvirt does, so that socket paths fit.
#[must_use]
pub fn short_name(domain: &Domain) -> String {
    let name: String = domain.name.chars().take(20).collect();
    format!("{}-{name}", domain.id.unwrap_or(-1))
}
