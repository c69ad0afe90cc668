//! `<channel>`: a private line between the host and a program in the guest.

use std::net::{IpAddr, Ipv4Addr};

use virt_types::{TextEnum, text_enum};
use virt_xml::number::Base;
use virt_xml::{Element, Writer};

use super::port::{self, unknown_target};
use super::{Device, FormatContext, ParseContext};
use crate::common::chardev::{ChardevSource, SpicevmcName};
use crate::common::device_info::Takes;
use crate::common::{Chardev, DeviceInfo};
use crate::domain::Domain;
use crate::error::{unsupported, xml_error};
use crate::grammar::Part;
use crate::{ParseFlags, Result};

text_enum! {
    /// How the guest sees it.
    pub enum ChannelType { #[default] None = "none", Guestfwd = "guestfwd", Virtio = "virtio", Xen = "xen" }
}

text_enum! {
    /// Whether a program in the guest holds its end open.
    pub enum ChannelState { #[default] Default = "default", Connected = "connected", Disconnected = "disconnected" }
}

/// The guest's end of a channel.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ChannelTarget {
    /// Nothing that a guest could see.
    #[default]
    None,
    /// TCP connections that the guest makes to this address of its user-mode network.
    Guestfwd {
        /// `address`.
        address: Ipv4Addr,
        /// `port`.
        port: u16,
    },
    /// A port of a virtio-serial controller.
    Virtio {
        /// `name`.
        name: Option<String>,
        /// `state`, of running domains only.
        state: ChannelState,
    },
    /// A Xen channel.
    Xen {
        /// `name`.
        name: Option<String>,
    },
}

impl ChannelTarget {
    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> ChannelType {
        match self {
            Self::None => ChannelType::None,
            Self::Guestfwd { .. } => ChannelType::Guestfwd,
            Self::Virtio { .. } => ChannelType::Virtio,
            Self::Xen { .. } => ChannelType::Xen,
        }
    }

    /// The name that programs in the guest find it by.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Virtio { name, .. } | Self::Xen { name } => name.as_deref(),
            Self::None | Self::Guestfwd { .. } => None,
        }
    }

    fn parse(el: Element<'_>, flags: ParseFlags) -> Result<Self> {
        let text = el.attr("type").ok_or_else(|| unknown_target(el, "type", "(null)"))?;
        let kind = ChannelType::from_text(text).ok_or_else(|| unknown_target(el, "type", text))?;
        let name = || el.attr("name").map(str::to_owned);
        Ok(match kind {
            ChannelType::None => Self::None,
            ChannelType::Guestfwd => Self::parse_guestfwd(el)?,
            ChannelType::Xen => Self::Xen { name: name() },
            ChannelType::Virtio => {
                let state = if flags.contains(ParseFlags::INACTIVE) {
                    None
                } else {
                    el.attr_enum_but("state", ChannelState::Default)?
                };
                Self::Virtio { name: name(), state: state.unwrap_or_default() }
            }
        })
    }

    fn parse_guestfwd(el: Element<'_>) -> Result<Self> {
        let Some(text) = el.attr("address") else {
            return Err(xml_error("guestfwd channel does not define a target address").at(el.place()));
        };
        let address = match text.parse() {
            Ok(IpAddr::V4(address)) => address,
            Ok(IpAddr::V6(_)) => {
                return Err(unsupported("guestfwd channel only supports IPv4 addresses").at(el.place()));
            }
            Err(_) => {
                return Err(virt_types::Error::new(
                    virt_types::ErrorCode::SystemError,
                    virt_types::ErrorDomain::None,
                    format!("Cannot parse socket address '{text}': Name or service not known"),
                )
                .at(el.place()));
            }
        };
        let port = el.required("port", el.attr_u32("port", Base::Ten)?)?;
        // The port is a 16-bit field of the socket address; libvirt keeps its low half.
        Ok(Self::Guestfwd { address, port: (port & 0xffff) as u16 })
    }

    fn format(&self, w: &mut Writer, inactive: bool) {
        w.element("target", |w| {
            w.attr("type", self.kind().text());
            match self {
                Self::None => {}
                Self::Guestfwd { address, port } => {
                    w.attr("address", address);
                    w.attr("port", port);
                }
                Self::Xen { name } => w.attr_opt("name", name.as_ref()),
                Self::Virtio { name, state } => {
                    w.attr_opt("name", name.as_ref());
                    if *state != ChannelState::Default && !inactive {
                        w.attr("state", state.text());
                    }
                }
            }
        });
    }
}

/// A channel.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Channel {
    /// The host end.
    pub chardev: Chardev,
    /// The guest's end.
    pub target: ChannelTarget,
    /// Alias and address.
    pub info: DeviceInfo,
}

impl Device for Channel {
    const ELEMENT: &'static str = "channel";
    const GRAMMAR: &'static [Part] = GRAMMAR;

    fn parse(el: Element<'_>, cx: &ParseContext<'_>) -> Result<Self> {
        let kind = port::parse_type(el)?;
        let target = match el.child("target") {
            Some(target) => ChannelTarget::parse(target, cx.flags)?,
            None => {
                return Err(xml_error("target type must be specified for channel device").at(el.place()));
            }
        };
        let mut chardev = port::parse_chardev(el, kind, cx.flags)?;
        if let ChardevSource::Spicevmc(name) = &mut chardev.source {
            if target.kind() != ChannelType::Virtio {
                return Err(unsupported("spicevmc device type only supports virtio").at(el.place()));
            }
            *name = SpicevmcName::Vdagent;
        }
        Ok(Self { chardev, target, info: DeviceInfo::parse(el, Takes::NOTHING, cx.flags)? })
    }

    fn format(&self, w: &mut Writer, cx: &FormatContext<'_>) {
        w.element(Self::ELEMENT, |w| {
            w.attr("type", self.chardev.type_text());
            self.chardev.format(w, cx.flags);
            self.target.format(w, cx.inactive());
            self.info.format(w, Takes::NOTHING);
        });
    }

    has_info!();

    fn validate(&self, domain: &Domain) -> Result<()> {
        let own_path = matches!(self.target, ChannelTarget::Virtio { .. } | ChannelTarget::Xen { .. });
        self.chardev.validate(own_path, domain)
    }

    fn same_device(&self, other: &Self) -> bool {
        let same_target = match (&self.target, &other.target) {
            (ChannelTarget::Virtio { name: a, .. }, ChannelTarget::Virtio { name: b, .. }) => a == b,
            (ChannelTarget::None, ChannelTarget::None) => false,
            (a, b) => a == b,
        };
        same_target && self.chardev.source.same(&other.chardev.source)
    }

    fn check_abi(&self, target: &Self) -> Result<()> {
        port::check_abi("channel type", self.target.kind(), target.target.kind())?;
        let (source_name, target_name) = (self.target.name(), target.target.name());
        if source_name != target_name {
            return Err(unsupported(format!(
                "Target channel name {} does not match source {}",
                target_name.unwrap_or("<null>"),
                source_name.unwrap_or("<null>")
            )));
        }
        if let (
            ChannelTarget::Guestfwd { address: a, port: p },
            ChannelTarget::Guestfwd { address: b, port: q },
        ) = (&self.target, &target.target)
            && (a, p) != (b, q)
        {
            return Err(unsupported(format!("Target channel addr {b}:{q} does not match source {a}:{p}")));
        }
        let spice = |channel: &Self| matches!(channel.chardev.source, ChardevSource::Spicevmc(_));
        if source_name.is_none()
            && self.target.kind() != ChannelType::Guestfwd
            && spice(self) != spice(target)
        {
            return Err(unsupported(
                "Changing device type to/from spicevmc would change default target channel name",
            ));
        }
        self.info.check_abi(&target.info)
    }
}

grammar! {
    GRAMMAR = [
        With(crate::common::chardev::CHARDEV),
        Opt("target", &[
            Must("type", OneOf(ChannelType::NAMES)), Attr("name", Str), Attr("state", OneOf(ChannelState::NAMES)),
            Attr("address", Str), Attr("port", U16),
        ]),
        With(crate::common::device_info::INFO),
    ];
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::*;

    #[test]
    fn each_target_has_its_own_attributes() {
        for (xml, expected) in [
            (
                "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0' state='connected'/></channel>",
                "<channel type='unix'>\n  <target type='virtio' name='org.qemu.guest_agent.0'/>\n</channel>",
            ),
            (
                "<channel type='pipe'><source path='/p'/><target type='guestfwd' address='10.0.2.1' port='4600'/></channel>",
                "<channel type='pipe'>\n  <source path='/p'/>\n  <target type='guestfwd' address='10.0.2.1' port='4600'/>\n</channel>",
            ),
            (
                "<channel type='qemu-vdagent'><source><clipboard copypaste='yes'/><mouse mode='client'/></source><target type='virtio'/></channel>",
                "<channel type='qemu-vdagent'>\n  <source>\n    <clipboard copypaste='yes'/>\n    <mouse mode='client'/>\n  </source>\n  <target type='virtio'/>\n</channel>",
            ),
            ("<channel type='pty'/>", "XML error: target type must be specified for channel device"),
            (
                "<channel type='pty'><target name='x'/></channel>",
                "unsupported configuration: unknown target type '(null)' specified for character device",
            ),
            (
                "<channel type='spicevmc'><target type='xen'/></channel>",
                "unsupported configuration: spicevmc device type only supports virtio",
            ),
            (
                "<channel type='pty'><target type='guestfwd' port='1'/></channel>",
                "XML error: guestfwd channel does not define a target address",
            ),
        ] {
            check::<Channel>(xml, expected);
        }
    }
}
