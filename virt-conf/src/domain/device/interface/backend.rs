//! `<backend>` and `<portForward>`: the process or device on the host that moves the packets.

use std::net::IpAddr;

use virt_types::{TextEnum, text_enum};
use virt_xml::number::Base;
use virt_xml::{Element, Writer};

use crate::Result;
use crate::common::sanitize_path;
use crate::error::{unsupported, xml_error};

text_enum! {
    /// Who stands behind a user-mode network.
    pub enum BackendType { #[default] Default = "default", Passt = "passt" }
}

text_enum! {
    /// The protocol of a forwarded port.
    pub enum ForwardProto { #[default] None = "none", Tcp = "tcp", Udp = "udp" }
}

/// The host's end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Backend {
    /// `type`.
    pub kind: BackendType,
    /// `tap`: path of the device that makes tap devices.
    pub tap: Option<String>,
    /// `vhost`: path of the vhost device; of virtio interfaces only.
    pub vhost: Option<String>,
    /// `logFile` of `passt`.
    pub log_file: Option<String>,
}

impl Backend {
    pub(super) fn parse(el: Element<'_>, virtio: bool) -> Result<Self> {
        Ok(Self {
            kind: el.attr_enum_but("type", BackendType::Default)?.unwrap_or_default(),
            tap: el.attr("tap").map(sanitize_path),
            vhost: el.attr("vhost").filter(|_| virtio).map(sanitize_path),
            log_file: el.attr("logFile").map(str::to_owned),
        })
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.element_if_any("backend", |w| {
            if self.kind != BackendType::Default {
                w.attr("type", self.kind.text());
            }
            w.attr_opt("tap", self.tap.as_ref());
            w.attr_opt("vhost", self.vhost.as_ref());
            w.attr_opt("logFile", self.log_file.as_ref());
        });
    }
}

/// Ports of the host that lead into the guest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PortForward {
    /// `proto`.
    pub proto: ForwardProto,
    /// `address` of the host; all of them where absent.
    pub address: Option<IpAddr>,
    /// `dev`: a link of the host.
    pub dev: Option<String>,
    /// `<range>`; all ports where there is none.
    pub ranges: Vec<PortRange>,
}

/// A range of ports; `None` where not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PortRange {
    /// `start` on the host.
    pub start: Option<u32>,
    /// `end` on the host, inclusive.
    pub end: Option<u32>,
    /// `to`: where it starts in the guest.
    pub to: Option<u32>,
    /// `exclude`: these ports do not lead into the guest.
    pub exclude: Option<bool>,
}

impl PortForward {
    pub(super) fn parse(el: Element<'_>) -> Result<Self> {
        let proto = el.required("proto", el.attr_enum_but("proto", ForwardProto::None)?)?;
        let address = match el.attr("address") {
            Some(text) => Some(text.parse().map_err(|_| {
                xml_error(format!("Invalid address '{text}' in <portForward>")).at(el.place())
            })?),
            None => None,
        };
        let ranges = el.children_named("range").map(PortRange::parse).collect::<Result<_>>()?;
        Ok(Self { proto, address, dev: el.attr("dev").map(str::to_owned), ranges })
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.element("portForward", |w| {
            w.attr("proto", self.proto.text());
            w.attr_opt("address", self.address);
            w.attr_opt("dev", self.dev.as_ref());
            for range in &self.ranges {
                w.element_if_any("range", |w| {
                    w.attr_opt("start", range.start);
                    // The rest of a range means nothing without its start.
                    w.attr_opt("end", range.start.and(range.end));
                    w.attr_opt("to", range.start.and(range.to));
                    w.attr_yes_no("exclude", range.exclude);
                });
            }
        });
    }

    pub(super) fn validate(&self) -> Result<()> {
        let headless = |range: &PortRange| {
            range.start.is_none() && (range.end.is_some() || range.to.is_some() || range.exclude.is_some())
        };
        if self.ranges.iter().any(headless) {
            return Err(unsupported(
                "The 'range' of a 'portForward' requires 'start' attribute if 'end', 'to', or 'exclude' is specified",
            ));
        }
        Ok(())
    }
}

impl PortRange {
    fn parse(el: Element<'_>) -> Result<Self> {
        let port = |name| el.nonzero(name, el.attr_u32(name, Base::Ten)?);
        Ok(Self {
            start: port("start")?,
            end: port("end")?,
            to: port("to")?,
            exclude: el.attr_yes_no("exclude")?,
        })
    }
}

grammar! {
    pub(super) GRAMMAR = [
        Attr("type", OneOf(BackendType::NAMES)), Attr("logFile", PATH), Attr("tap", PATH), Attr("vhost", PATH),
    ];
    pub(super) PORT_FORWARD = [
        Must("proto", OneOf(&["tcp", "udp"])), Attr("address", Str), Attr("dev", Str),
        Many("range", &[Must("start", U16), Attr("end", U16), Attr("to", U16), Attr("exclude", YesNo)]),
    ];
}
