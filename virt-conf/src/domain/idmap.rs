//! `<idmap>`: the user namespace of a container.

use virt_xml::number::Base;
use virt_xml::{Element, Writer};

use crate::Result;
use crate::error::{unsupported, xml_error};

/// `<uid …/>` or `<gid …/>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IdRange {
    /// `start`: the first id inside.
    pub start: u32,
    /// `target`: the first id on the host.
    pub target: u32,
    /// `count`
    pub count: u32,
}

/// `<idmap>`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Idmap {
    /// `<uid>`
    pub uids: Vec<IdRange>,
    /// `<gid>`
    pub gids: Vec<IdRange>,
}

impl Idmap {
    pub(super) fn parse(domain: Element<'_>) -> Result<Self> {
        let Some(el) = domain.child("idmap") else { return Ok(Self::default()) };
        Ok(Self { uids: IdRange::parse_all(el, "uid")?, gids: IdRange::parse_all(el, "gid")? })
    }

    pub(super) fn validate(&self) -> Result<()> {
        if self.uids.is_empty() != self.gids.is_empty() {
            return Err(unsupported("uid and gid should be mapped both"));
        }
        let starts = self.uids.first().into_iter().chain(self.gids.first());
        if starts.into_iter().any(|range| range.start != 0) {
            return Err(unsupported("You must map the root user of container"));
        }
        Ok(())
    }

    pub(super) fn format(&self, w: &mut Writer) {
        if self.uids.is_empty() {
            return;
        }
        w.element("idmap", |w| {
            self.uids.iter().for_each(|range| range.format("uid", w));
            self.gids.iter().for_each(|range| range.format("gid", w));
        });
    }
}

impl IdRange {
    fn parse_all(idmap: Element<'_>, name: &'static str) -> Result<Vec<Self>> {
        let mut ranges = idmap.children_named(name).map(Self::parse).collect::<Result<Vec<_>>>()?;
        ranges.sort_by_key(|range| range.start);
        Ok(ranges)
    }

    fn parse(el: Element<'_>) -> Result<Self> {
        let number = |name| {
            el.attr_u32(name, Base::Ten)
                .ok()
                .flatten()
                .ok_or_else(|| xml_error("invalid idmap start/target/count settings").at(el.place()))
        };
        Ok(Self { start: number("start")?, target: number("target")?, count: number("count")? })
    }

    fn format(self, name: &str, w: &mut Writer) {
        w.element(name, |w| {
            w.attr("start", self.start);
            w.attr("target", self.target);
            w.attr("count", self.count);
        });
    }
}

grammar! {
    pub(super) GRAMMAR = [Many("uid", RANGE), Many("gid", RANGE)];
    RANGE = [Must("start", U32), Must("target", U32), Must("count", U32)];
}
