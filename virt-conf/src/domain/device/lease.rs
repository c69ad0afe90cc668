//! `<lease>`: a lock that the guest holds while it runs.

use virt_xml::number::Base;
use virt_xml::{Element, Writer};

use super::{Device, FormatContext, ParseContext};
use crate::Result;
use crate::common::DeviceInfo;
use crate::error::xml_error;
use crate::grammar::Part;

/// A lock of a lock manager.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lease {
    /// `<lockspace>`.
    pub lockspace: String,
    /// `<key>`.
    pub key: String,
    /// `<target path='…'/>`: the file that holds the lock.
    pub path: String,
    /// `<target offset='…'/>`, bytes.
    pub offset: u64,
}

impl Device for Lease {
    const ELEMENT: &'static str = "lease";
    const GRAMMAR: &'static [Part] = GRAMMAR;

    fn parse(el: Element<'_>, _cx: &ParseContext<'_>) -> Result<Self> {
        let missing = |detail: &str| xml_error(detail).at(el.place());
        let key = el.child_text("key").ok_or_else(|| missing("Missing 'key' element for lease"))?;
        let lockspace =
            el.child_text("lockspace").ok_or_else(|| missing("Missing 'lockspace' element for lease"))?;
        let target = el.child("target").ok_or_else(|| missing("Missing 'target' element for lease"))?;
        let path = target
            .attr("path")
            .ok_or_else(|| missing("Missing 'path' attribute to 'target' element for lease"))?
            .to_owned();
        let offset = target.attr_u64("offset", Base::Ten)?.unwrap_or(0);
        Ok(Self { lockspace, key, path, offset })
    }

    fn format(&self, w: &mut Writer, _cx: &FormatContext<'_>) {
        w.element(Self::ELEMENT, |w| {
            w.text_element("lockspace", &self.lockspace);
            w.text_element("key", &self.key);
            w.element("target", |w| {
                w.attr("path", &self.path);
                w.attr_opt("offset", Some(self.offset).filter(|offset| *offset > 0));
            });
        });
    }

    fn info(&self) -> Option<&DeviceInfo> {
        None
    }

    fn info_mut(&mut self) -> Option<&mut DeviceInfo> {
        None
    }

    fn same_device(&self, other: &Self) -> bool {
        self.key == other.key && self.lockspace == other.lockspace
    }
}

grammar! {
    GRAMMAR = [
        Opt("lockspace", TEXT), One("key", TEXT), One("target", &[Must("path", PATH), Attr("offset", U64)]),
    ];
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::*;

    #[test]
    fn what_is_read_is_written() {
        check::<Lease>(
            "<lease><key>k</key><target path='/p' offset='512'/><lockspace>s</lockspace></lease>",
            "<lease>\n  <lockspace>s</lockspace>\n  <key>k</key>\n  <target path='/p' offset='512'/>\n</lease>",
        );
        check::<Lease>(
            "<lease><lockspace>s</lockspace></lease>",
            "XML error: Missing 'key' element for lease",
        );
    }
}
