//! `<topology>`, `<cache>`, `<maxphysaddr>`.

use virt_types::text_enum;
use virt_xml::number::Base;
use virt_xml::{Element, Writer};

use crate::Result;
use crate::error::{unsupported, xml_error};

text_enum! {
    /// `<cache mode='…'>`
    pub enum CacheMode { Emulate = "emulate", Passthrough = "passthrough", Disable = "disable" }
}

text_enum! {
    /// `<maxphysaddr mode='…'>`
    pub enum MaxPhysAddrMode { Emulate = "emulate", Passthrough = "passthrough" }
}

/// `<topology>`: how vCPUs are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Topology {
    /// `sockets`
    pub sockets: u32,
    /// `dies` per socket.
    pub dies: u32,
    /// `cores` per die.
    pub cores: u32,
    /// `threads` per core.
    pub threads: u32,
}

impl Topology {
    /// How many vCPUs it holds.
    #[must_use]
    pub fn vcpus(&self) -> u64 {
        [self.sockets, self.dies, self.cores, self.threads]
            .into_iter()
            .map(u64::from)
            .fold(1, u64::saturating_mul)
    }
}

/// `<cache>`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CpuCache {
    /// `level`; absent for all.
    pub level: Option<u32>,
    /// `mode`
    pub mode: CacheMode,
}

/// `<maxphysaddr>`: the width of guest physical addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaxPhysAddr {
    /// `mode`
    pub mode: MaxPhysAddrMode,
    /// `bits`: for emulated ones.
    pub bits: Option<u32>,
    /// `limit`: an upper bound for passed-through ones.
    pub limit: Option<u32>,
}

impl Topology {
    pub(super) fn parse(el: Element<'_>) -> Result<Self> {
        let count = |name: &'static str| el.nonzero(name, el.attr_u32(name, Base::Ten)?);
        let required = |name: &'static str| el.required(name, count(name)?);
        Ok(Self {
            sockets: required("sockets")?,
            dies: count("dies")?.unwrap_or(1),
            cores: required("cores")?,
            threads: required("threads")?,
        })
    }

    pub(in crate::domain) fn validate(&self) -> Result<()> {
        if self.vcpus() > u64::from(u32::MAX) {
            return Err(unsupported(format!("cpu topology results in more than {} cpus", u32::MAX)));
        }
        Ok(())
    }

    pub(crate) fn format(self, w: &mut Writer) {
        w.element("topology", |w| {
            w.attr("sockets", self.sockets);
            w.attr("dies", self.dies);
            w.attr("cores", self.cores);
            w.attr("threads", self.threads);
        });
    }
}

impl CpuCache {
    pub(super) fn parse(el: Element<'_>) -> Result<Self> {
        let level = el.attr_u32("level", Base::Ten)?;
        if level.is_some_and(|level| !(1..=3).contains(&level)) {
            return Err(xml_error("invalid CPU cache level, must be in range [1,3]").at(el.place()));
        }
        Ok(Self { level, mode: el.required("mode", el.attr_enum("mode")?)? })
    }

    pub(super) fn format(self, w: &mut Writer) {
        w.element("cache", |w| {
            w.attr_opt("level", self.level);
            w.attr("mode", self.mode);
        });
    }
}

impl MaxPhysAddr {
    pub(super) fn parse(el: Element<'_>) -> Result<Self> {
        let mode = el.required("mode", el.attr_enum("mode")?)?;
        let bits = el.attr_u32("bits", Base::Ten)?;
        let limit = el.nonzero("limit", el.attr_u32("limit", Base::Ten)?)?;
        if limit.is_some() && mode != MaxPhysAddrMode::Passthrough {
            let detail = "attribute 'limit' is only supported for maxphysaddr mode 'passthrough'";
            return Err(unsupported(detail).at(el.place()));
        }
        Ok(Self { mode, bits, limit })
    }

    pub(crate) fn format(self, w: &mut Writer) {
        w.element("maxphysaddr", |w| {
            w.attr("mode", self.mode);
            w.attr_opt("bits", self.bits);
            w.attr_opt("limit", self.limit);
        });
    }
}

grammar! {
    pub(super) TOPOLOGY = [
        Must("sockets", POSITIVE), Attr("dies", POSITIVE), Must("cores", POSITIVE), Must("threads", POSITIVE),
    ];
    pub(super) CACHE = [Attr("level", Number(1, 3)), Must("mode", OneOf(CacheMode::NAMES))];
    pub(super) MAX_PHYS_ADDR = [Must("mode", OneOf(MaxPhysAddrMode::NAMES)), Attr("bits", U32), Attr("limit", U32)];
}
