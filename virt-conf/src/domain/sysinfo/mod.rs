//! `<sysinfo>`: what the firmware tells the guest of its machine.

use virt_types::{Uuid, text_enum};
use virt_xml::{Element, Writer};

use crate::Result;

text_enum! { enum Kind { Smbios = "smbios", FwCfg = "fwcfg" } }

mod fwcfg;
mod smbios;

pub use fwcfg::{FwCfg, FwCfgData};
pub use smbios::{BaseBoard, Bios, Chassis, Entry as SmbiosEntry, Smbios, System};

/// `<sysinfo>`
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sysinfo {
    /// `type='smbios'`
    Smbios(Box<Smbios>),
    /// `type='fwcfg'`
    FwCfg(Vec<FwCfg>),
}

impl Sysinfo {
    /// `uuid` is the domain's, which the system's has to equal; where it is absent it becomes the system's.
    pub(super) fn parse_all(domain: Element<'_>, uuid: &mut Option<Uuid>) -> Result<Vec<Self>> {
        domain.children_named("sysinfo").map(|el| Self::parse(el, uuid)).collect()
    }

    fn parse(el: Element<'_>, uuid: &mut Option<Uuid>) -> Result<Self> {
        match el.required("type", el.attr_enum("type")?)? {
            Kind::Smbios => Smbios::parse(el, uuid).map(Box::new).map(Self::Smbios),
            Kind::FwCfg => {
                el.children_named("entry").map(FwCfg::parse).collect::<Result<_>>().map(Self::FwCfg)
            }
        }
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.element("sysinfo", |w| match self {
            Self::Smbios(smbios) => {
                w.attr("type", Kind::Smbios);
                smbios.format(w);
            }
            Self::FwCfg(entries) => {
                w.attr("type", Kind::FwCfg);
                entries.iter().for_each(|entry| entry.format(w));
            }
        });
    }
}

grammar! {
    pub(super) GRAMMAR = [
        Must("type", OneOf(Kind::NAMES)),
        When("type", &["smbios"], smbios::GRAMMAR),
        When("type", &["fwcfg"], &[Many("entry", &[Must("name", Str), Attr("file", PATH), Text(Str)])]),
    ];
}

#[cfg(test)]
mod tests {
    use virt_types::ErrorCode;
    use virt_xml::Document;

    use super::*;

    #[test]
    fn what_is_read_is_written() {
        for (xml, written) in [
            (
                "<d><sysinfo type='fwcfg'><entry name='opt/a'>v</entry><entry name='opt/b' file='/x//y/'/></sysinfo></d>",
                "<sysinfo type='fwcfg'>\n  <entry name='opt/a'>v</entry>\n  <entry name='opt/b' file='/x/y'/>\n</sysinfo>\n",
            ),
            (
                "<d><sysinfo type='smbios'><oemStrings><entry>a</entry></oemStrings><baseBoard/><bios><entry name='date'>1/2/99</entry></bios><system><entry name='uuid'>C7A5FDBDEDAF9455926AD65C16DB1809</entry></system></sysinfo></d>",
                "<sysinfo type='smbios'>\n  <bios>\n    <entry name='date'>1/2/99</entry>\n  </bios>\n  <system>\n    <entry name='uuid'>c7a5fdbd-edaf-9455-926a-d65c16db1809</entry>\n  </system>\n  <oemStrings>\n    <entry>a</entry>\n  </oemStrings>\n</sysinfo>\n",
            ),
        ] {
            let document = Document::parse(xml).unwrap();
            let mut w = Writer::new();
            for sysinfo in Sysinfo::parse_all(document.root(), &mut None).unwrap() {
                sysinfo.format(&mut w);
            }
            assert_eq!(w.finish(), written);
        }
    }

    #[test]
    fn contradictions_are_refused() {
        for (xml, code) in [
            ("<d><sysinfo/></d>", ErrorCode::XmlError),
            (
                "<d><sysinfo type='smbios'><bios><entry name='date'>13/1/99</entry></bios></sysinfo></d>",
                ErrorCode::XmlDetail,
            ),
            (
                "<d><sysinfo type='smbios'><system><entry name='uuid'>c7a5fdbd-edaf-9455-926a-d65c16db1809</entry></system></sysinfo></d>",
                ErrorCode::XmlDetail,
            ),
            ("<d><sysinfo type='fwcfg'><entry name='opt/a'/></sysinfo></d>", ErrorCode::XmlError),
        ] {
            let document = Document::parse(xml).unwrap();
            let mut uuid = Some(Uuid::default());
            assert_eq!(Sysinfo::parse_all(document.root(), &mut uuid).unwrap_err().code(), code, "{xml}");
        }
    }
}
