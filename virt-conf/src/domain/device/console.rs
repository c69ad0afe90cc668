//! `<console>`: where the guest's own console is.
//!
//! The first console of a fully virtualized guest is another name for its first serial port: it is written with that
//! port's data, whatever it holds itself.

use std::borrow::Cow;

use virt_types::{TextEnum, text_enum};
use virt_xml::{Element, Writer};

use super::port::{self, next_port, parse_port, parse_target};
use super::{Device, FormatContext, ParseContext};
use crate::Result;
use crate::common::chardev::ChardevSource;
use crate::common::device_info::Takes;
use crate::common::{Chardev, DeviceInfo};
use crate::domain::{Domain, OsType};
use crate::grammar::Part;

text_enum! {
    /// What kind of console it is.
    pub enum ConsoleTarget {
        #[default] None = "none", Serial = "serial", Xen = "xen", Uml = "uml", Virtio = "virtio", Lxc = "lxc",
        Openvz = "openvz", Sclp = "sclp", Sclplm = "sclplm",
    }
}

/// A console.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Console {
    /// The host end.
    pub chardev: Chardev,
    /// `<target type='…'>`.
    pub target: ConsoleTarget,
    /// `<target port='…'>`, from 0.
    pub port: Option<u32>,
    /// Alias and address.
    pub info: DeviceInfo,
}

impl Console {
    /// Whether it is, or may become, another name for a serial port.
    #[must_use]
    pub const fn is_serial(&self) -> bool {
        matches!(self.target, ConsoleTarget::None | ConsoleTarget::Serial)
    }

    /// The console at this position as it is shown: with the data of the serial port that it stands for.
    fn shown<'a>(&'a self, position: usize, domain: &Domain) -> Cow<'a, Self> {
        match domain.devices.serials.get(position) {
            Some(serial) if domain.os.os_type == OsType::Hvm && self.is_serial() => Cow::Owned(Self {
                chardev: serial.chardev.clone(),
                target: ConsoleTarget::Serial,
                port: serial.port,
                info: serial.info.clone(),
            }),
            _ => Cow::Borrowed(self),
        }
    }
}

impl Device for Console {
    const ELEMENT: &'static str = "console";
    const GRAMMAR: &'static [Part] = GRAMMAR;

    fn parse(el: Element<'_>, cx: &ParseContext<'_>) -> Result<Self> {
        let kind = port::parse_type(el)?;
        let mut console = Self::default();
        if let Some(target) = el.child("target") {
            console.target = parse_target(target)?.unwrap_or_default();
            console.port = parse_port(target)?;
        }
        console.chardev = port::parse_chardev(el, kind, cx.flags)?;
        console.info = DeviceInfo::parse(el, Takes::NOTHING, cx.flags)?;
        Ok(console)
    }

    fn format(&self, w: &mut Writer, cx: &FormatContext<'_>) {
        w.element(Self::ELEMENT, |w| {
            w.attr("type", self.chardev.type_text());
            // The form of old readers, which look for the terminal here.
            if let ChardevSource::Pty { path: Some(path) } = &self.chardev.source
                && self.port == Some(0)
                && !cx.inactive()
            {
                w.attr("tty", path);
            }
            self.chardev.format(w, cx.flags);
            w.element("target", |w| {
                w.attr("type", self.target.text());
                port::format_port(w, self.port);
            });
            self.info.format(w, Takes::NOTHING);
        });
    }

    has_info!();

    fn fill(&mut self, domain: &Domain) -> Result<()> {
        if self.target == ConsoleTarget::None {
            self.target = ConsoleTarget::Serial;
        }
        if self.port.is_none() {
            self.port = Some(next_port(domain.devices.consoles.iter().map(|console| console.port)));
        }
        Ok(())
    }

    fn validate(&self, domain: &Domain) -> Result<()> {
        self.chardev.validate(false, domain)
    }

    fn same_device(&self, other: &Self) -> bool {
        self.chardev.source.same(&other.chardev.source) && self.port == other.port
    }

    fn check_abi(&self, target: &Self) -> Result<()> {
        port::check_abi("console type", self.target, target.target)?;
        self.info.check_abi(&target.info)
    }

    // The place in the list is the number, whatever is written.
    fn parse_list<'a>(
        elements: impl Iterator<Item = Element<'a>>,
        cx: &ParseContext<'_>,
    ) -> Result<Vec<Self>> {
        elements.zip(0..).map(|(el, port)| Ok(Self { port: Some(port), ..Self::parse(el, cx)? })).collect()
    }

    fn format_list(list: &[Self], w: &mut Writer, cx: &FormatContext<'_>) {
        for (position, console) in list.iter().enumerate() {
            console.shown(position, cx.domain).format(w, cx);
        }
    }
}

grammar! {
    GRAMMAR = [
        With(crate::common::chardev::CHARDEV), Attr("tty", Str), Opt("target", &[Attr("type", OneOf(ConsoleTarget::NAMES)), Attr("port", U32)]),
        With(crate::common::device_info::INFO),
    ];
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::*;

    #[test]
    fn the_target_is_always_written() {
        for (xml, expected) in [
            (
                "<console type='pty'><target type='virtio' port='3'/></console>",
                "<console type='pty'>\n  <target type='virtio' port='3'/>\n</console>",
            ),
            ("<console/>", "<console type='pty'>\n  <target type='serial' port='0'/>\n</console>"),
            (
                "<console><target type='vt'/></console>",
                "unsupported configuration: unknown target type 'vt' specified for character device",
            ),
        ] {
            check::<Console>(xml, expected);
        }
    }
}
