//! Macvlan and macvtap: links with a hardware address of their own on top of another link.
//!
//! Both are the same device; a macvtap hands its frames to a character device instead of the network stack.

use std::fmt;
use std::str::FromStr;

use netlink_packet_route::link::{
    InfoData, InfoKind, InfoMacVlan, InfoMacVtap, LinkAttribute, LinkInfo, LinkMessage, MacVlanFlags,
    MacVlanMacAddressMode, MacVlanMode, MacVtapFlags,
};
use rustix::io::Errno;

use super::{Common, HardwareAddress, Link, LinkRef, new_link};
use crate::{InterfaceName, Result, Socket};

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Frames go to the network stack.
    Macvlan,
    /// Frames go to the character device `/dev/tapN`, N being the link's index.
    Macvtap,
}

impl Kind {
    /// The kernel's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Macvlan => "macvlan",
            Self::Macvtap => "macvtap",
        }
    }
}

/// How the links on one parent reach each other (`enum macvlan_mode` in `linux/if_link.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Not at all.
    Private,
    /// Through a switch outside that sends their frames back.
    Vepa,
    /// Directly.
    Bridge,
    /// The one link takes the parent for itself, with its hardware address.
    Passthru,
    /// Only frames from listed hardware addresses are accepted.
    Source,
}

const MODES: [(Mode, &str, MacVlanMode); 5] = [
    (Mode::Private, "private", MacVlanMode::Private),
    (Mode::Vepa, "vepa", MacVlanMode::Vepa),
    (Mode::Bridge, "bridge", MacVlanMode::Bridge),
    (Mode::Passthru, "passthru", MacVlanMode::Passthrough),
    (Mode::Source, "source", MacVlanMode::Source),
];

impl Mode {
    fn row(self) -> &'static (Self, &'static str, MacVlanMode) {
        &MODES[self as usize]
    }

    /// The word that the kernel's tools use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.row().1
    }

    pub(super) fn from_kernel(mode: MacVlanMode) -> Option<Self> {
        MODES.iter().find(|(.., kernel)| *kernel == mode).map(|(ours, ..)| *ours)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Mode {
    type Err = UnknownMode;

    fn from_str(word: &str) -> Result<Self, UnknownMode> {
        MODES
            .iter()
            .find(|(_, known, _)| *known == word)
            .map(|(mode, ..)| *mode)
            .ok_or_else(|| UnknownMode(word.to_owned()))
    }
}

/// A word that is no [`Mode`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown macvlan mode '{0}'")]
pub struct UnknownMode(String);

/// A macvlan or macvtap to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Macvlan<'a> {
    /// Its name.
    pub name: &'a InterfaceName,
    /// Which of the two.
    pub kind: Kind,
    /// The index of the link that it stands on.
    pub parent: u32,
    /// How it reaches its siblings.
    pub mode: Mode,
    /// The hardware addresses whose frames it accepts in the mode [`Mode::Source`].
    pub sources: &'a [HardwareAddress],
    /// In the mode [`Mode::Passthru`], the parent is not made to hear every frame.
    pub no_promiscuous: bool,
    /// Its hardware address; the kernel makes one up if there is none.
    pub mac: Option<HardwareAddress>,
    /// Bytes of payload in a frame, at most the parent's, which is the default.
    pub mtu: Option<u32>,
    /// Group to put it in, see [`delete_group`](super::delete_group).
    pub group: Option<u32>,
    /// Switches it on at once.
    pub up: bool,
}

impl<'a> Macvlan<'a> {
    /// A link on `parent` with the kernel's defaults, switched off.
    #[must_use]
    pub fn new(name: &'a InterfaceName, kind: Kind, parent: u32, mode: Mode) -> Self {
        Self {
            name,
            kind,
            parent,
            mode,
            sources: &[],
            no_promiscuous: false,
            mac: None,
            mtu: None,
            group: None,
            up: false,
        }
    }

    fn message(&self) -> LinkMessage {
        let mode = self.mode.row().2;
        let mut settings = vec![InfoMacVlan::Mode(mode)];
        if self.no_promiscuous {
            settings.push(InfoMacVlan::Flags(MacVlanFlags::NoPromisc));
        }
        if !self.sources.is_empty() {
            settings.extend(source_list(self.sources));
        }
        let (kind, data) = self.kind.data(settings);
        let common =
            Common { mac: self.mac, mtu: self.mtu, group: self.group, up: self.up, ..Common::default() };
        let mut message = new_link(self.name, kind, Some(data), common);
        message.attributes.push(LinkAttribute::Link(self.parent));
        message
    }
}

impl Kind {
    /// The same settings as the message of each kind calls them.
    fn data(self, settings: Vec<InfoMacVlan>) -> (InfoKind, InfoData) {
        match self {
            Self::Macvlan => (InfoKind::MacVlan, InfoData::MacVlan(settings)),
            Self::Macvtap => {
                (InfoKind::MacVtap, InfoData::MacVtap(settings.into_iter().filter_map(of_macvtap).collect()))
            }
        }
    }
}

fn of_macvtap(setting: InfoMacVlan) -> Option<InfoMacVtap> {
    match setting {
        InfoMacVlan::Mode(mode) => Some(InfoMacVtap::Mode(mode)),
        InfoMacVlan::Flags(flags) => Some(InfoMacVtap::Flags(MacVtapFlags::from_bits_retain(flags.bits()))),
        InfoMacVlan::MacAddrMode(mode) => Some(InfoMacVtap::MacAddrMode(mode)),
        InfoMacVlan::MacAddr(mac) => Some(InfoMacVtap::MacAddr(mac)),
        InfoMacVlan::MacAddrData(list) => {
            Some(InfoMacVtap::MacAddrData(list.into_iter().filter_map(of_macvtap).collect()))
        }
        _ => None,
    }
}

fn source_list(sources: &[HardwareAddress]) -> [InfoMacVlan; 2] {
    let list = sources.iter().copied().map(InfoMacVlan::MacAddr).collect();
    [InfoMacVlan::MacAddrMode(MacVlanMacAddressMode::Set), InfoMacVlan::MacAddrData(list)]
}

/// Changes whose frames a link in the mode [`Mode::Source`] accepts, by one message.
///
/// # Errors
///
/// [`Error::Refused`](crate::Error::Refused), with `EINVAL` for a link in another mode.
pub fn set_sources(
    socket: &mut Socket,
    link: LinkRef<'_>,
    kind: Kind,
    sources: &[HardwareAddress],
) -> Result<()> {
    let (kind, data) = kind.data(source_list(sources).into());
    change(socket, link, kind, data, "change the sources of")
}

/// Changes the mode. The kernel changes none to [`Mode::Passthru`] or back.
///
/// # Errors
///
/// [`Error::Refused`](crate::Error::Refused).
pub fn set_mode(socket: &mut Socket, link: LinkRef<'_>, kind: Kind, mode: Mode) -> Result<()> {
    let (kind, data) = kind.data(vec![InfoMacVlan::Mode(mode.row().2)]);
    change(socket, link, kind, data, "change the mode of")
}

fn change(socket: &mut Socket, link: LinkRef<'_>, kind: InfoKind, data: InfoData, what: &str) -> Result<()> {
    let mut message = link.message();
    message.attributes.push(LinkAttribute::LinkInfo(vec![LinkInfo::Kind(kind), LinkInfo::Data(data)]));
    super::modify(socket, message, format_args!("{what} {link}")).map_err(|error| {
        error.explain(|errno| {
            (errno == Errno::INVAL).then(|| "the link's mode does not go with that".to_owned())
        })
    })
}

/// Creates a macvlan or macvtap by one `RTM_NEWLINK`, and gives what the kernel told of it at once, as it does since Linux 6.2.
///
/// # Errors
///
/// [`Error::Refused`](crate::Error::Refused): the name is taken, the parent is missing or can not carry such links,
/// or has one in passthru mode already.
pub fn create(socket: &mut Socket, macvlan: &Macvlan<'_>) -> Result<Option<Link>> {
    let kind = macvlan.kind.as_str();
    super::create(socket, macvlan.message(), format_args!("create {kind} '{}'", macvlan.name)).map_err(|error| {
        error.explain(|errno| match errno {
            Errno::NODEV => Some(format!("its parent, link number {}, does not exist", macvlan.parent)),
            Errno::BUSY => Some("its parent is in use, by a bridge or another exclusive user".to_owned()),
            Errno::INVAL => Some(format!(
                "its parent, link number {}, can not carry it: one in passthru mode has it, or it is no Ethernet link",
                macvlan.parent
            )),
            Errno::OPNOTSUPP => Some(format!("this kernel has no {kind} (module '{kind}')")),
            _ => None,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_modes() {
        for (mode, word, kernel) in MODES {
            assert_eq!(mode.as_str(), word);
            assert_eq!(word.parse(), Ok(mode));
            assert_eq!(Mode::from_kernel(kernel), Some(mode));
        }
        assert_eq!("hub".parse::<Mode>().unwrap_err().to_string(), "unknown macvlan mode 'hub'");
    }

    #[test]
    fn the_mode_is_an_attribute_of_the_kind() {
        let name = "mv0".parse().unwrap();
        for (kind, expected) in [
            (Kind::Macvlan, InfoData::MacVlan(vec![InfoMacVlan::Mode(MacVlanMode::Vepa)])),
            (Kind::Macvtap, InfoData::MacVtap(vec![InfoMacVtap::Mode(MacVlanMode::Vepa)])),
        ] {
            let message = Macvlan::new(&name, kind, 3, Mode::Vepa).message();
            assert!(message.attributes.contains(&LinkAttribute::Link(3)));
            let data = message.attributes.iter().find_map(|attribute| match attribute {
                LinkAttribute::LinkInfo(info) => info.iter().find_map(|part| match part {
                    LinkInfo::Data(data) => Some(data.clone()),
                    _ => None,
                }),
                _ => None,
            });
            assert_eq!(data, Some(expected));
        }
    }
}
