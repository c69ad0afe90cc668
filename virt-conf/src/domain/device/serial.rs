//! `<serial>`: a serial port.

use virt_types::{TextEnum, text_enum};
use virt_xml::{Element, Writer};

use super::port::{self, next_port, parse_port, parse_target, unknown_target};
use super::{Device, FormatContext, ParseContext};
use crate::Result;
use crate::common::device_info::Takes;
use crate::common::{Address, Chardev, DeviceInfo};
use crate::domain::Domain;
use crate::error::unsupported;
use crate::grammar::Part;

text_enum! {
    /// The bus of a serial port.
    pub enum SerialTarget {
        #[default] None = "none", Isa = "isa-serial", Usb = "usb-serial", Pci = "pci-serial",
        SpaprVio = "spapr-vio-serial", System = "system-serial", Sclp = "sclp-serial", IsaDebug = "isa-debug",
    }
}

text_enum! {
    /// The device of a serial port.
    pub enum SerialModel {
        #[default] None = "none", IsaSerial = "isa-serial", UsbSerial = "usb-serial", PciSerial = "pci-serial",
        SpaprVty = "spapr-vty", Pl011 = "pl011", SclpConsole = "sclpconsole", SclpLmConsole = "sclplmconsole",
        Uart16550a = "16550a", IsaDebugcon = "isa-debugcon",
    }
}

/// A serial port.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Serial {
    /// The host end.
    pub chardev: Chardev,
    /// `<target type='…'>`; none where the machine decides.
    pub target: SerialTarget,
    /// `<model name='…'/>`; none where the target decides.
    pub model: SerialModel,
    /// `<target port='…'>`, from 0.
    pub port: Option<u32>,
    /// Alias and address.
    pub info: DeviceInfo,
}

impl Device for Serial {
    const ELEMENT: &'static str = "serial";
    const GRAMMAR: &'static [Part] = GRAMMAR;

    fn parse(el: Element<'_>, cx: &ParseContext<'_>) -> Result<Self> {
        let kind = port::parse_type(el)?;
        let mut serial = Self::default();
        if let Some(target) = el.child("target") {
            serial.target = parse_target(target)?.unwrap_or_default();
            let model = target.child("model");
            if let Some(text) = model.and_then(|model| model.attr("name")).filter(|name| !name.is_empty()) {
                serial.model =
                    SerialModel::from_text(text).ok_or_else(|| unknown_target(target, "model", text))?;
            }
            serial.port = parse_port(target)?;
        }
        serial.chardev = port::parse_chardev(el, kind, cx.flags)?;
        serial.info = DeviceInfo::parse(el, Takes::NOTHING, cx.flags)?;
        if serial.target == SerialTarget::Usb
            && !matches!(serial.info.address, Address::None | Address::Usb(_))
        {
            return Err(unsupported("usb-serial requires address of usb type").at(el.place()));
        }
        Ok(serial)
    }

    fn format(&self, w: &mut Writer, cx: &FormatContext<'_>) {
        w.element(Self::ELEMENT, |w| {
            w.attr("type", self.chardev.type_text());
            self.chardev.format(w, cx.flags);
            w.element("target", |w| {
                if self.target != SerialTarget::None {
                    w.attr("type", self.target.text());
                }
                port::format_port(w, self.port);
                if self.model != SerialModel::None {
                    w.element("model", |w| w.attr("name", self.model.text()));
                }
            });
            self.info.format(w, Takes::NOTHING);
        });
    }

    has_info!();

    fn fill(&mut self, domain: &Domain) -> Result<()> {
        if self.target == SerialTarget::IsaDebug && !domain.os.arch.is_x86() {
            return Err(unsupported("isa-debug serial type only valid on x86 architecture"));
        }
        if self.port.is_none() {
            self.port = Some(next_port(domain.devices.serials.iter().map(|serial| serial.port)));
        }
        Ok(())
    }

    fn validate(&self, domain: &Domain) -> Result<()> {
        self.chardev.validate(false, domain)
    }

    fn same_device(&self, other: &Self) -> bool {
        self.chardev.source.same(&other.chardev.source)
            && self.target == other.target
            && self.port == other.port
    }

    fn check_abi(&self, target: &Self) -> Result<()> {
        port::check_abi("serial type", self.target, target.target)?;
        port::check_abi("serial model", self.model, target.model)?;
        port::check_port_abi("serial", self.port, target.port)?;
        self.info.check_abi(&target.info)
    }
}

grammar! {
    GRAMMAR = [
        With(crate::common::chardev::CHARDEV),
        Opt("target", &[
            Attr("type", Str), Attr("port", U32), Opt("model", &[Must("name", OneOf(SerialModel::NAMES))]),
        ]),
        With(crate::common::device_info::INFO),
    ];
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::*;

    #[test]
    fn ports_are_written_with_target_and_model() {
        for (xml, expected) in [
            ("<serial/>", "<serial type='pty'>\n  <target port='0'/>\n</serial>"),
            (
                "<serial type='file'><source path='/a,b' append='on'/><log file='/l' append='off'/><target type='isa-serial' port='1'><model name='isa-serial'/></target></serial>",
                "<serial type='file'>\n  <source path='/a,b' append='on'/>\n  <log file='/l' append='off'/>\n  <target type='isa-serial' port='1'>\n    <model name='isa-serial'/>\n  </target>\n</serial>",
            ),
            (
                "<serial type='udp'><source mode='bind' service='1'/><source host='h' service='2'/><target port='0'/></serial>",
                "<serial type='udp'>\n  <source mode='bind' service='1'/>\n  <source mode='connect' host='h' service='2'/>\n  <target port='0'/>\n</serial>",
            ),
            (
                "<serial type='tcp'><source mode='connect' host='h' service='2' tls='no'><reconnect enabled='yes' timeout='5'/></source><protocol type='telnet'/><target port='0'/></serial>",
                "<serial type='tcp'>\n  <source mode='connect' host='h' service='2' tls='no'>\n    <reconnect enabled='yes' timeout='5'/>\n  </source>\n  <protocol type='telnet'/>\n  <target port='0'/>\n</serial>",
            ),
            (
                "<serial type='pyt'/>",
                "unsupported configuration: unknown type presented to host for character device: pyt",
            ),
            (
                "<serial><target type='com'/></serial>",
                "unsupported configuration: unknown target type 'com' specified for character device",
            ),
            (
                "<serial><target><model name='8250'/></target></serial>",
                "unsupported configuration: unknown target model '8250' specified for character device",
            ),
            ("<serial><target port='x'/></serial>", "XML error: Invalid port number: x"),
            (
                "<serial type='unix'><source path='/a'/><source path='/b'/></serial>",
                "XML error: only one source element is allowed for character device",
            ),
            (
                "<serial type='tcp'><source mode='connect'><reconnect enabled='yes'/></source></serial>",
                "XML error: Missing required attribute 'timeout' in element 'reconnect'",
            ),
            (
                "<serial><target type='usb-serial'/><address type='pci'/></serial>",
                "unsupported configuration: usb-serial requires address of usb type",
            ),
        ] {
            check::<Serial>(xml, expected);
        }
    }
}
