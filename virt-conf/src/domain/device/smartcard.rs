//! `<smartcard>`: a smartcard in the guest's reader.

use virt_types::{TextEnum, text_enum};
use virt_xml::{Element, Writer};

use super::{Device, FormatContext, ParseContext};
use crate::Result;
use crate::common::chardev::{ChardevSource, Labels, SpicevmcName};
use crate::common::device_info::Takes;
use crate::common::{Address, Chardev, DeviceInfo};
use crate::domain::Domain;
use crate::error::{unsupported, xml_error};
use crate::grammar::Part;

text_enum! {
    /// Where the card comes from.
    pub enum SmartcardMode { #[default] Host = "host", HostCertificates = "host-certificates", Passthrough = "passthrough" }
}

/// Where the card comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum SmartcardSource {
    /// The host's own reader, through NSS.
    #[default]
    Host,
    /// A card made of certificates on the host.
    HostCertificates {
        /// `<certificate>`: their names in the database.
        certificates: [String; 3],
        /// `<database>`: an absolute path; absent for NSS's own.
        database: Option<String>,
    },
    /// A card that somebody at the other end of a character device holds.
    Passthrough(Chardev),
}

/// A smartcard.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Smartcard {
    /// `mode` and what belongs to it.
    pub source: SmartcardSource,
    /// Alias and address.
    pub info: DeviceInfo,
}

impl SmartcardSource {
    /// The kind.
    #[must_use]
    pub const fn mode(&self) -> SmartcardMode {
        match self {
            Self::Host => SmartcardMode::Host,
            Self::HostCertificates { .. } => SmartcardMode::HostCertificates,
            Self::Passthrough(_) => SmartcardMode::Passthrough,
        }
    }

    fn parse_certificates(el: Element<'_>) -> Result<Self> {
        let names: Vec<_> = el.children_named("certificate").map(Element::text).collect();
        let certificates = names.try_into().map_err(|_| {
            xml_error("host-certificates mode needs exactly three certificates").at(el.place())
        })?;
        let database = el.child_text("database");
        if let Some(path) = database.as_ref().filter(|path| !path.starts_with('/')) {
            return Err(xml_error(format!("expecting absolute path: {path}")).at(el.place()));
        }
        Ok(Self::HostCertificates { certificates, database })
    }

    fn parse_passthrough(el: Element<'_>, cx: &ParseContext<'_>) -> Result<Self> {
        let sentence = "unknown type presented to host for character device:";
        let Some(kind) = Chardev::parse_type(el, sentence)? else {
            let detail = "passthrough mode requires a character device type attribute";
            return Err(xml_error(detail).at(el.place()));
        };
        let mut chardev = Chardev::parse(el, kind, Labels::Ignored, cx.flags)?;
        if let ChardevSource::Spicevmc(name) = &mut chardev.source {
            *name = SpicevmcName::Smartcard;
        }
        Ok(Self::Passthrough(chardev))
    }
}

impl Device for Smartcard {
    const ELEMENT: &'static str = "smartcard";
    const GRAMMAR: &'static [Part] = GRAMMAR;

    fn parse(el: Element<'_>, cx: &ParseContext<'_>) -> Result<Self> {
        let source = match el.required("mode", el.attr_enum("mode")?)? {
            SmartcardMode::Host => SmartcardSource::Host,
            SmartcardMode::HostCertificates => SmartcardSource::parse_certificates(el)?,
            SmartcardMode::Passthrough => SmartcardSource::parse_passthrough(el, cx)?,
        };
        Ok(Self { source, info: DeviceInfo::parse(el, Takes::NOTHING, cx.flags)? })
    }

    fn format(&self, w: &mut Writer, cx: &FormatContext<'_>) {
        w.element(Self::ELEMENT, |w| {
            w.attr("mode", self.source.mode().text());
            match &self.source {
                SmartcardSource::Host => {}
                SmartcardSource::HostCertificates { certificates, database } => {
                    for certificate in certificates {
                        w.text_element("certificate", certificate);
                    }
                    w.text_element_opt("database", database.as_ref());
                }
                SmartcardSource::Passthrough(chardev) => {
                    w.attr("type", chardev.type_text());
                    chardev.format(w, cx.flags);
                }
            }
            self.info.format(w, Takes::NOTHING);
        });
    }

    has_info!();

    fn validate(&self, domain: &Domain) -> Result<()> {
        if !matches!(self.info.address, Address::None | Address::Ccid(_)) {
            return Err(unsupported("Controllers must use the 'ccid' address type"));
        }
        match &self.source {
            SmartcardSource::Passthrough(chardev) => chardev.validate(false, domain),
            SmartcardSource::Host | SmartcardSource::HostCertificates { .. } => Ok(()),
        }
    }
}

grammar! {
    GRAMMAR = [
        Must("mode", OneOf(SmartcardMode::NAMES)), With(crate::common::chardev::CHARDEV), Many("certificate", TEXT), Opt("database", TEXT), With(crate::common::device_info::INFO),
    ];
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::*;

    #[test]
    fn each_mode_has_its_parts() {
        for (xml, expected) in [
            ("<smartcard mode='host'/>", "<smartcard mode='host'/>"),
            (
                "<smartcard mode='host-certificates'><certificate>a</certificate><certificate>b</certificate><certificate>c</certificate><database>/d</database></smartcard>",
                "<smartcard mode='host-certificates'>\n  <certificate>a</certificate>\n  <certificate>b</certificate>\n  <certificate>c</certificate>\n  <database>/d</database>\n</smartcard>",
            ),
            (
                "<smartcard mode='passthrough' type='tcp'><source mode='bind' host='h' service='1'/><address type='ccid' slot='0'/></smartcard>",
                "<smartcard mode='passthrough' type='tcp'>\n  <source mode='bind' host='h' service='1'/>\n  <protocol type='raw'/>\n  <address type='ccid' controller='0' slot='0'/>\n</smartcard>",
            ),
            (
                "<smartcard mode='host-certificates'><certificate>a</certificate></smartcard>",
                "XML error: host-certificates mode needs exactly three certificates",
            ),
            (
                "<smartcard mode='passthrough'/>",
                "XML error: passthrough mode requires a character device type attribute",
            ),
            (
                "<smartcard mode='host'><address type='pci'/></smartcard>",
                "unsupported configuration: Controllers must use the 'ccid' address type",
            ),
        ] {
            check::<Smartcard>(xml, expected);
        }
    }
}
