//! What the domain calls take and give.

use std::fmt;

use bitflags::bitflags;
use virt_types::{DomainState, Uuid};

/// How a caller names a domain: drivers find it by UUID; name and id are what the caller last knew.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DomainRef {
    /// The identity, which never changes.
    pub uuid: Uuid,
    /// The name.
    pub name: String,
    /// The number of the running instance; none while it is shut off (-1 on the wire).
    pub id: Option<u32>,
}

impl fmt::Display for DomainRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// The figures of `virDomainGetInfo`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DomainInfo {
    /// The state.
    pub state: DomainState,
    /// The most memory it may have, in KiB.
    pub max_memory: u64,
    /// The memory it has, in KiB.
    pub memory: u64,
    /// Virtual CPUs that are online.
    pub vcpus: u32,
    /// CPU time used, in nanoseconds; 0 while it is shut off.
    pub cpu_time: u64,
}

/// What the control channel of a domain is doing (`virDomainControlState`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum ControlState {
    /// Free.
    Ok = 0,
    /// A job holds the domain; the channel itself is free.
    Job = 1,
    /// A command is under way at the hypervisor.
    Occupied = 2,
    /// The channel is unusable.
    Error = 3,
}

/// The answer of `virDomainGetControlInfo`, and which job it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControlInfo {
    /// What the channel is doing.
    pub state: ControlState,
    /// Why it is in [`ControlState::Error`] (`virDomainControlErrorReason`), 0 otherwise.
    pub details: u32,
    /// For how long, in milliseconds; 0 if it is free or broken.
    pub state_time: u64,
    /// The call that holds the domain, such as `virDomainShutdown`.
    pub held_by: Option<String>,
}

/// Which metadata of a domain (`virDomainMetadataType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum MetadataKind {
    /// `<description>`
    Description = 0,
    /// `<title>`
    Title = 1,
    /// The child of `<metadata>` of one name space.
    Element = 2,
}

impl MetadataKind {
    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> i32 {
        self as i32
    }

    /// The value with this number, if there is one.
    #[must_use]
    pub const fn from_number(number: i32) -> Option<Self> {
        match number {
            0 => Some(Self::Description),
            1 => Some(Self::Title),
            2 => Some(Self::Element),
            _ => None,
        }
    }
}

/// The label of a domain's process (`virSecurityLabel`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityLabel {
    /// The label, empty if it has none.
    pub label: String,
    /// Whether the host enforces it.
    pub enforcing: bool,
}

/// What the numbers of a key press mean (`virKeycodeSet`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
#[expect(missing_docs, reason = "each is the name of a published code set")]
pub enum KeycodeSet {
    Linux = 0,
    Xt = 1,
    Atset1 = 2,
    Atset2 = 3,
    Atset3 = 4,
    Osx = 5,
    XtKbd = 6,
    Usb = 7,
    Win32 = 8,
    Qnum = 9,
}

impl KeycodeSet {
    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u32 {
        self as u32
    }

    /// The value with this number, if there is one.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        [
            Self::Linux,
            Self::Xt,
            Self::Atset1,
            Self::Atset2,
            Self::Atset3,
            Self::Osx,
            Self::XtKbd,
            Self::Usb,
            Self::Win32,
            Self::Qnum,
        ]
        .into_iter()
        .find(|set| set.number() == number)
    }
}

impl ControlState {
    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u32 {
        self as u32
    }

    /// The value with this number, if there is one.
    #[must_use]
    pub const fn from_number(number: u32) -> Option<Self> {
        match number {
            0 => Some(Self::Ok),
            1 => Some(Self::Job),
            2 => Some(Self::Occupied),
            3 => Some(Self::Error),
            _ => None,
        }
    }
}

bitflags! {
    /// How a console is opened (`virDomainConsoleFlags`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct OpenConsoleFlags: u32 {
        /// `VIR_DOMAIN_CONSOLE_FORCE`: take it from whoever has it.
        const FORCE = 0x1;
        /// `VIR_DOMAIN_CONSOLE_SAFE`: only if nobody else has it and the driver can tell.
        const SAFE = 0x2;
    }
}

bitflags! {
    /// The language of a monitor command (`virDomainQemuMonitorCommandFlags`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct MonitorCommandFlags: u32 {
        /// `VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP`: the human monitor's language instead of QMP.
        const HMP = 0x1;
    }
}
