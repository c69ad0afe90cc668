//! `<memtune>`: limits of the whole process's memory, in KiB.

use virt_xml::{Element, Writer};

use crate::Result;
use crate::common::scaled::{child_memory, child_memory_limit};

/// `<memtune>`; no limit where absent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Memtune {
    /// `<hard_limit>`
    pub hard_limit: Option<u64>,
    /// `<soft_limit>`
    pub soft_limit: Option<u64>,
    /// `<min_guarantee>`
    pub min_guarantee: Option<u64>,
    /// `<swap_hard_limit>`
    pub swap_hard_limit: Option<u64>,
}

impl Memtune {
    pub(in crate::domain) fn parse(domain: Element<'_>) -> Result<Self> {
        let Some(el) = domain.child("memtune") else { return Ok(Self::default()) };
        Ok(Self {
            hard_limit: child_memory_limit(el, "hard_limit")?,
            soft_limit: child_memory_limit(el, "soft_limit")?,
            min_guarantee: child_memory(el, "min_guarantee")?.filter(|kib| *kib > 0),
            swap_hard_limit: child_memory_limit(el, "swap_hard_limit")?,
        })
    }

    pub(in crate::domain) fn format(&self, w: &mut Writer) {
        w.element_if_any("memtune", |w| {
            for (name, limit) in [
                ("hard_limit", self.hard_limit),
                ("soft_limit", self.soft_limit),
                ("min_guarantee", self.min_guarantee),
                ("swap_hard_limit", self.swap_hard_limit),
            ] {
                if let Some(kib) = limit {
                    w.text_element_with(name, |w| w.attr("unit", "KiB"), kib);
                }
            }
        });
    }
}

grammar! {
    pub(in crate::domain) MEMTUNE = [
        Opt("hard_limit", SIZE), Opt("soft_limit", SIZE), Opt("min_guarantee", SIZE), Opt("swap_hard_limit", SIZE),
    ];
}
