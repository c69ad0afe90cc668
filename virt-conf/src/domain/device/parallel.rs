//! `<parallel>`: a parallel port.

use virt_xml::{Element, Writer};

use super::port::{self, next_port, parse_port};
use super::{Device, FormatContext, ParseContext};
use crate::Result;
use crate::common::device_info::Takes;
use crate::common::{Chardev, DeviceInfo};
use crate::domain::Domain;
use crate::grammar::Part;

/// A parallel port.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Parallel {
    /// The host end.
    pub chardev: Chardev,
    /// `<target port='…'/>`, from 0.
    pub port: Option<u32>,
    /// Alias and address.
    pub info: DeviceInfo,
}

impl Device for Parallel {
    const ELEMENT: &'static str = "parallel";
    const GRAMMAR: &'static [Part] = GRAMMAR;

    fn parse(el: Element<'_>, cx: &ParseContext<'_>) -> Result<Self> {
        let kind = port::parse_type(el)?;
        let port = el.child("target").map(parse_port).transpose()?.flatten();
        let chardev = port::parse_chardev(el, kind, cx.flags)?;
        Ok(Self { chardev, port, info: DeviceInfo::parse(el, Takes::NOTHING, cx.flags)? })
    }

    fn format(&self, w: &mut Writer, cx: &FormatContext<'_>) {
        w.element(Self::ELEMENT, |w| {
            w.attr("type", self.chardev.type_text());
            self.chardev.format(w, cx.flags);
            w.element("target", |w| port::format_port(w, self.port));
            self.info.format(w, Takes::NOTHING);
        });
    }

    has_info!();

    fn fill(&mut self, domain: &Domain) -> Result<()> {
        if self.port.is_none() {
            self.port = Some(next_port(domain.devices.parallels.iter().map(|parallel| parallel.port)));
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
        port::check_port_abi("parallel", self.port, target.port)?;
        self.info.check_abi(&target.info)
    }

    // A port without a number follows those before it, whatever stands after it.
    fn parse_list<'a>(
        elements: impl Iterator<Item = Element<'a>>,
        cx: &ParseContext<'_>,
    ) -> Result<Vec<Self>> {
        let mut list: Vec<Self> = Vec::new();
        for el in elements {
            let mut parallel = Self::parse(el, cx)?;
            if parallel.port.is_none() {
                parallel.port = Some(next_port(list.iter().map(|other| other.port)));
            }
            list.push(parallel);
        }
        Ok(list)
    }
}

grammar! {
    GRAMMAR = [
        With(crate::common::chardev::CHARDEV), Opt("target", &[Attr("type", Str), Attr("port", U32)]), With(crate::common::device_info::INFO),
    ];
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::*;

    #[test]
    fn the_target_is_a_number() {
        for (xml, expected) in [
            (
                "<parallel type='dev'><source path='/dev/parport0'/><target port='0'/></parallel>",
                "<parallel type='dev'>\n  <source path='/dev/parport0'/>\n  <target port='0'/>\n</parallel>",
            ),
            (
                "<parallel type='pty'><source path='/dev/pts/1'/><target port='2'/></parallel>",
                "<parallel type='pty'>\n  <target port='2'/>\n</parallel>",
            ),
        ] {
            check::<Parallel>(xml, expected);
        }
    }
}
