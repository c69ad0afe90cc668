//! What can go wrong.

use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use rustix::io::Errno;
use virt_netlink::{InterfaceName, InvalidName};
use virt_types::{ErrorCode, ErrorDomain, MacAddr};

use crate::tap::InvalidTemplate;

/// The result of an operation on a network device.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An operation on a network device that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The kernel refused a request, or it could not be made.
    #[error(transparent)]
    Netlink(#[from] virt_netlink::Error),
    /// A device has the name but is of another kind.
    #[error("'{name}' is no {wanted}, but {found}")]
    WrongKind {
        /// The name.
        name: String,
        /// What was expected.
        wanted: &'static str,
        /// What it is.
        found: String,
    },
    /// A device is not a port of the bridge that it should be taken out of.
    #[error("'{port}' is no port of bridge '{bridge}'")]
    NotPort {
        /// The device.
        port: InterfaceName,
        /// The bridge.
        bridge: InterfaceName,
    },
    /// A device is not a port of any bridge.
    #[error("'{0}' is no port of a bridge")]
    NoPort(InterfaceName),
    /// The kernel accepted a request and did something else.
    #[error("{device} came out with {property} {found} instead of {wanted}")]
    NotApplied {
        /// The device: `bridge 'virbr0'`.
        device: String,
        /// What differs.
        property: &'static str,
        /// What was asked for.
        wanted: String,
        /// What the kernel tells.
        found: String,
    },
    /// A hardware address that no device can have.
    #[error("{0} can not be the address of a device: it is {reason}", reason = if .0.is_multicast() { "a multicast address" } else { "empty" })]
    NotUnicast(MacAddr),
    /// A device in passthru mode should have another address than its parent.
    #[error("a device in passthru mode has the address of its parent '{parent}', and can not have {asked}")]
    PassthruAddress {
        /// The address asked for.
        asked: MacAddr,
        /// The parent.
        parent: InterfaceName,
    },
    /// Somebody else on the link has an address.
    #[error("somebody else on the network of '{device}' has the address {address}")]
    DuplicateAddress {
        /// The device that it was given to.
        device: InterfaceName,
        /// The address.
        address: IpAddr,
    },
    /// Nobody could be asked about an address in time.
    #[error(
        "the kernel still does not know after {timeout:?} whether {address} on '{device}' is unique: has it a carrier?"
    )]
    DadTimeout {
        /// The device that it was given to.
        device: InterfaceName,
        /// The address.
        address: IpAddr,
        /// How long was waited.
        timeout: Duration,
    },
    /// A kernel that makes bridges only by ioctls has not all of their settings.
    #[error("this kernel makes bridge '{bridge}' by ioctl, which can not set {setting}")]
    NeedsNetlink {
        /// The bridge.
        bridge: InterfaceName,
        /// The setting.
        setting: &'static str,
    },
    /// The kernel refused a request for which there is no message.
    #[error("cannot {step} '{name}': {source}")]
    Ioctl {
        /// What was refused.
        step: &'static str,
        /// The name of the device.
        name: String,
        /// The system's error.
        source: io::Error,
    },
    /// A file of the system could not be read or written.
    #[error("cannot use {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The network namespace of a socket could not be entered.
    #[error("cannot enter the socket's network namespace")]
    Namespace(#[source] io::Error),
    /// A number of queues that a tap can not have.
    #[error("a tap can not have {0} queues: 1 to {max} are possible", max = crate::tap::MAX_QUEUES)]
    Queues(u16),
    /// The device that taps are made through could not be opened.
    #[error("cannot open /dev/net/tun")]
    TunDevice(#[source] io::Error),
    /// The kernel refused to make or read a tap.
    #[error("cannot {step} tap '{name}'")]
    Tap {
        /// What was refused.
        step: &'static str,
        /// The name or template of the tap.
        name: String,
        /// The system's error.
        source: io::Error,
    },
    /// A device that can not be deleted by a request.
    #[error("'{0}' can not be deleted: it is hardware, loopback or another device that no request has made")]
    NotDeletable(String),
    /// Every group that deletions borrow has devices in it.
    #[error("no group of devices is free to delete several at once")]
    NoGroup,
    /// A device has no virtual function of a number.
    #[error("'{physical}' has no virtual function {function}")]
    NoFunction {
        /// The device.
        physical: InterfaceName,
        /// The number.
        function: u32,
    },
    /// A port profile could not be negotiated.
    #[error("cannot set the port profile '{profile}' of '{device}': {reason}")]
    PortProfile {
        /// The device.
        device: InterfaceName,
        /// The profile.
        profile: String,
        /// What became of it.
        reason: String,
    },
    /// Open vSwitch did not do what it was asked.
    #[error("cannot {step} '{name}' of Open vSwitch: {message}")]
    Ovs {
        /// What was asked.
        step: &'static str,
        /// The port.
        name: InterfaceName,
        /// What its program says.
        message: String,
    },
    /// Every name of a prefix is taken.
    #[error("every name that begins with '{0}' is taken")]
    NoName(&'static str),
    /// An operation failed and then its beginning could not be undone either.
    #[error("{error}; undoing what was done failed too: {undo}")]
    Undo {
        /// Why the operation failed.
        #[source]
        error: Box<Self>,
        /// Why it could not be undone.
        undo: Box<Self>,
    },
    /// A name that is none.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// A template for names that is none.
    #[error(transparent)]
    Template(#[from] InvalidTemplate),
}

impl Error {
    /// Adds the outcome of undoing what was done before `self` happened.
    pub(crate) fn after_undo(self, undo: Result<()>) -> Self {
        match undo {
            Ok(()) => self,
            Err(undo) => Self::Undo { error: Box::new(self), undo: Box::new(undo) },
        }
    }

    /// The system's error number, where there is one.
    #[must_use]
    pub fn errno(&self) -> Option<Errno> {
        match self {
            Self::Netlink(error) => error.refusal().map(virt_netlink::Refusal::errno),
            Self::TunDevice(source)
            | Self::Namespace(source)
            | Self::Tap { source, .. }
            | Self::Ioctl { source, .. }
            | Self::File { source, .. } => source.raw_os_error().map(Errno::from_raw_os_error),
            Self::Undo { error, .. } => error.errno(),
            _ => None,
        }
    }

    fn code(&self) -> ErrorCode {
        match self {
            Self::WrongKind { .. } | Self::NotPort { .. } | Self::NoPort(_) | Self::NotDeletable(_) => {
                ErrorCode::OperationInvalid
            }
            Self::NeedsNetlink { .. } => ErrorCode::OperationUnsupported,
            Self::NotUnicast(_) | Self::Queues(_) | Self::Name(_) | Self::Template(_) => {
                ErrorCode::InvalidArg
            }
            Self::Undo { error, .. } => error.code(),
            _ if self.errno() == Some(Errno::OPNOTSUPP) => ErrorCode::OperationUnsupported,
            _ => ErrorCode::OperationFailed,
        }
    }

    fn hint(&self) -> Option<&'static str> {
        match (self, self.errno()?) {
            (Self::TunDevice(_), Errno::NOENT | Errno::NODEV | Errno::NXIO) => {
                Some("load the kernel module: `modprobe tun`")
            }
            (Self::TunDevice(_), Errno::ACCESS) => Some("give this user access to /dev/net/tun"),
            (_, Errno::PERM | Errno::ACCESS) => Some(
                "this needs CAP_NET_ADMIN: use the system connection, or an interface of type 'user', which needs no privilege",
            ),
            (Self::Tap { .. }, Errno::BUSY) => Some("a device with that name exists already"),
            _ => None,
        }
    }
}

impl From<Error> for virt_types::Error {
    fn from(error: Error) -> Self {
        let (code, hint) = (error.code(), error.hint());
        let converted = Self::new(code, ErrorDomain::None, error.to_string());
        let converted = match hint {
            Some(hint) => converted.with_hint(hint),
            None => converted,
        };
        converted.caused_by(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn converts_with_code_and_hint() {
        let denied = Error::Tap { step: "create", name: "vnet%d".to_owned(), source: Errno::PERM.into() };
        let converted = virt_types::Error::from(denied);
        assert_eq!(converted.code(), ErrorCode::OperationFailed);
        assert_eq!(converted.detail(), "cannot create tap 'vnet%d'");
        assert!(converted.hint().is_some_and(|hint| hint.contains("CAP_NET_ADMIN")));
        assert!(converted.report().contains("Operation not permitted"));

        let converted = virt_types::Error::from(Error::NotUnicast(MacAddr([1, 0, 0, 0, 0, 0])));
        assert_eq!(converted.code(), ErrorCode::InvalidArg);
        assert_eq!(
            converted.detail(),
            "01:00:00:00:00:00 can not be the address of a device: it is a multicast address"
        );
    }

    #[test]
    fn a_failed_undo_is_told_of_beside_the_failure() {
        let error = Error::Queues(0).after_undo(Err(Error::NotDeletable("lo".to_owned())));
        assert_eq!(
            error.to_string(),
            "a tap can not have 0 queues: 1 to 256 are possible; undoing what was done failed too: 'lo' can not be \
             deleted: it is hardware, loopback or another device that no request has made"
        );
        assert!(matches!(Error::Queues(0).after_undo(Ok(())), Error::Queues(0)));
    }
}
