//! Macvlans and macvtaps.

pub use virt_netlink::link::macvlan::{Kind, Mode, UnknownMode};
use virt_netlink::link::{self as request, Details};
use virt_types::MacAddr;

use crate::link::{get, verify_creation};
use crate::readback::{Readback, check_unicast};
use crate::{Error, InterfaceName, Link, Result, Socket};

/// A macvlan or macvtap to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Macvlan {
    /// Its name.
    pub name: InterfaceName,
    /// Which of the two.
    pub kind: Kind,
    /// The device that it stands on.
    pub parent: InterfaceName,
    /// How it reaches its siblings.
    pub mode: Mode,
    /// The hardware addresses whose frames it accepts in the mode [`Mode::Source`].
    pub sources: Vec<MacAddr>,
    /// Its hardware address; the kernel makes one up if there is none. In passthru mode it has its parent's, and
    /// can have no other.
    pub mac: Option<MacAddr>,
    /// Bytes of payload in a frame, at most the parent's, which is the default.
    pub mtu: Option<u32>,
    /// Switches it on at once.
    pub up: bool,
}

impl Macvlan {
    /// A device on `parent` with the kernel's defaults, switched off.
    #[must_use]
    pub fn new(name: InterfaceName, kind: Kind, parent: InterfaceName, mode: Mode) -> Self {
        Self { name, kind, parent, mode, sources: Vec::new(), mac: None, mtu: None, up: false }
    }
}

/// Creates a macvlan or macvtap by one `RTM_NEWLINK`, reads it back and compares.
///
/// # Errors
///
/// [`Error::Netlink`] when the parent does not exist or the kernel refuses; [`Error::PassthruAddress`];
/// [`Error::NotApplied`] when it came out differently, after it was deleted.
pub fn create(socket: &mut Socket, macvlan: &Macvlan) -> Result<Link> {
    check_unicast(macvlan.mac)?;
    let parent = get(socket, &macvlan.parent)?;
    if let (Mode::Passthru, Some(asked)) = (macvlan.mode, macvlan.mac)
        && parent.mac != Some(asked.0)
    {
        return Err(Error::PassthruAddress { asked, parent: macvlan.parent.clone() });
    }
    let sources: Vec<_> = macvlan.sources.iter().map(|mac| mac.0).collect();
    let told = request::macvlan::create(
        socket,
        &request::macvlan::Macvlan {
            sources: &sources,
            mac: macvlan.mac.map(|mac| mac.0),
            mtu: macvlan.mtu,
            up: macvlan.up,
            ..request::macvlan::Macvlan::new(&macvlan.name, macvlan.kind, parent.index, macvlan.mode)
        },
    )?;
    verify_creation(socket, &macvlan.name, told, |link| {
        let readback = Readback::of(macvlan.kind.as_str(), &macvlan.name);
        readback.common(link, macvlan.mac, macvlan.mtu, macvlan.up, None)?;
        readback.same("the mode", Some(Details::Macvlan(macvlan.mode)), &link.details, |details| {
            match details {
                Details::Macvlan(mode) => mode.to_string(),
                other => format!("{other:?}"),
            }
        })?;
        check_sources(&readback, &macvlan.sources, link)
    })
}

fn check_sources(readback: &Readback<'_>, asked: &[MacAddr], link: &Link) -> Result<()> {
    let sorted = |mut list: Vec<MacAddr>| {
        list.sort_by_key(|mac| mac.0);
        list
    };
    let asked = sorted(asked.to_vec());
    let found = sorted(link.sources.iter().copied().map(MacAddr).collect());
    readback.same("the sources", Some(asked), &found, |list| format!("{list:?}"))
}

/// Changes whose frames a device in the mode [`Mode::Source`] accepts, reads them back and compares.
///
/// # Errors
///
/// [`Error::WrongKind`], [`Error::Netlink`] for a device in another mode, [`Error::NotApplied`]. The list is then what it
/// was before.
pub fn set_sources(socket: &mut Socket, name: &InterfaceName, sources: &[MacAddr]) -> Result<()> {
    let before = get(socket, name)?;
    let kind = kind_of(&before)?;
    let list: Vec<_> = sources.iter().map(|mac| mac.0).collect();
    let outcome = request::macvlan::set_sources(socket, (before.index, name).into(), kind, &list)
        .map_err(Error::from)
        .and_then(|()| get(socket, name))
        .and_then(|link| check_sources(&Readback::of(kind.as_str(), name), sources, &link));
    outcome.map_err(|error| {
        if before.details != Details::Macvlan(Mode::Source) {
            return error;
        }
        let undo = request::macvlan::set_sources(socket, (before.index, name).into(), kind, &before.sources);
        error.after_undo(undo.map_err(Error::from))
    })
}

fn kind_of(link: &Link) -> Result<Kind> {
    match link.kind.as_deref() {
        Some("macvlan") => Ok(Kind::Macvlan),
        Some("macvtap") => Ok(Kind::Macvtap),
        other => Err(Error::WrongKind {
            name: link.name.clone(),
            wanted: "macvlan or macvtap",
            found: other.map_or_else(|| "hardware or loopback".to_owned(), |kind| format!("of kind {kind}")),
        }),
    }
}
