//! `<geometry>` and `<blockio>`: what the guest sees of cylinders and block sizes.

use virt_types::text_enum;
use virt_xml::number::Base;
use virt_xml::{Element, Writer};

use crate::Result;
use crate::error::unsupported;

text_enum! {
    /// How the BIOS translates cylinders.
    pub enum Translation { None = "none", Auto = "auto", Lba = "lba" }
}

/// Cylinders, heads and sectors; 0 for the hypervisor's choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Geometry {
    /// `cyls`.
    pub cylinders: u32,
    /// `heads`.
    pub heads: u32,
    /// `secs` per track.
    pub sectors: u32,
    /// `trans`.
    pub translation: Option<Translation>,
}

impl Geometry {
    pub(super) fn parse(el: Element<'_>) -> Result<Self> {
        Ok(Self {
            cylinders: el.attr_u32("cyls", Base::Ten)?.unwrap_or(0),
            heads: el.attr_u32("heads", Base::Ten)?.unwrap_or(0),
            sectors: el.attr_u32("secs", Base::Ten)?.unwrap_or(0),
            translation: el.attr_enum("trans")?,
        })
    }

    pub(super) fn format(&self, w: &mut Writer) {
        if self.is_complete() {
            w.element("geometry", |w| {
                w.attr("cyls", self.cylinders);
                w.attr("heads", self.heads);
                w.attr("secs", self.sectors);
                w.attr_opt("trans", self.translation);
            });
        }
    }

    /// Whether all three numbers are given; fewer have no effect.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.cylinders > 0 && self.heads > 0 && self.sectors > 0
    }
}

/// Block sizes in bytes; 0 for the hypervisor's choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BlockIo {
    /// `logical_block_size`.
    pub logical_block_size: u32,
    /// `physical_block_size`.
    pub physical_block_size: u32,
    /// `discard_granularity`.
    pub discard_granularity: u32,
}

impl BlockIo {
    pub(super) fn parse(el: Element<'_>) -> Result<Self> {
        Ok(Self {
            logical_block_size: el.attr_u32("logical_block_size", Base::Ten)?.unwrap_or(0),
            physical_block_size: el.attr_u32("physical_block_size", Base::Ten)?.unwrap_or(0),
            discard_granularity: el.attr_u32("discard_granularity", Base::Ten)?.unwrap_or(0),
        })
    }

    const fn fields(&self) -> [(&'static str, u32); 3] {
        [
            ("logical_block_size", self.logical_block_size),
            ("physical_block_size", self.physical_block_size),
            ("discard_granularity", self.discard_granularity),
        ]
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.element_if_any("blockio", |w| {
            for (name, value) in self.fields() {
                w.attr_opt(name, Some(value).filter(|value| *value > 0));
            }
        });
    }

    pub(super) fn check_abi(&self, target: &Self) -> Result<()> {
        for ((name, source), (_, target)) in self.fields().into_iter().zip(target.fields()) {
            if source != target {
                return Err(unsupported(format!(
                    "Target disk {name} {target} does not match source {source}"
                )));
            }
        }
        Ok(())
    }
}

grammar! {
    pub(super) GEOMETRY = [Must("cyls", U32), Must("heads", U32), Must("secs", U32), Attr("trans", OneOf(Translation::NAMES))];
    pub(super) BLOCKIO = [
        Attr("logical_block_size", U32), Attr("physical_block_size", U32), Attr("discard_granularity", U32),
    ];
}
