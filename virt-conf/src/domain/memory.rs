//! `<memory>`, `<currentMemory>`, `<maxMemory>`. All sizes are KiB.

use virt_xml::number::Base;
use virt_xml::{Element, Writer};

use crate::Result;
use crate::common::scaled::child_memory;
use crate::error::xml_error;

/// How much memory a guest has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Memory {
    /// `<memory>`: all of it, that of memory devices included; 0 where the document is silent.
    pub total: u64,
    /// `<memory dumpCore='…'>`: whether QEMU's core dumps hold it.
    pub dump_core: Option<bool>,
    /// `<currentMemory>`: what the balloon leaves; 0 until filled where the document is silent.
    pub current: u64,
    /// `<maxMemory>`: up to how much can be plugged; 0 where nothing can.
    pub max: u64,
    /// `<maxMemory slots='…'>`.
    pub slots: u32,
}

impl Memory {
    pub(super) fn parse(domain: Element<'_>) -> Result<Self> {
        let mut memory = Self {
            total: child_memory(domain, "memory")?.unwrap_or(0),
            current: child_memory(domain, "currentMemory")?.unwrap_or(0),
            max: child_memory(domain, "maxMemory")?.unwrap_or(0),
            ..Self::default()
        };
        if let Some(el) = domain.child("maxMemory") {
            let slots = el.attr_u32("slots", Base::Ten);
            memory.slots = slots
                .map_err(|_| xml_error("Failed to parse memory slot count").at(el.place()))?
                .unwrap_or(0);
        }
        if let Some(el) = domain.child("memory") {
            memory.dump_core = el.attr_on_off("dumpCore")?;
        }
        Ok(memory)
    }

    pub(super) fn format(&self, w: &mut Writer) {
        if self.has_hotplug() {
            let attributes = |w: &mut Writer| {
                w.attr_opt("slots", (self.slots > 0).then_some(self.slots));
                w.attr("unit", "KiB");
            };
            w.text_element_with("maxMemory", attributes, self.max);
        }
        let attributes = |w: &mut Writer| {
            w.attr_on_off("dumpCore", self.dump_core);
            w.attr("unit", "KiB");
        };
        w.text_element_with("memory", attributes, self.total);
        w.text_element_with("currentMemory", |w| w.attr("unit", "KiB"), self.current);
    }

    /// Whether memory can be plugged.
    #[must_use]
    pub const fn has_hotplug(&self) -> bool {
        self.slots > 0 || self.max > 0
    }
}

grammar! {
    pub(super) GRAMMAR = [
        Opt("memory", &[Attr("unit", UNIT), Attr("dumpCore", OnOff), Text(U64)]), Opt("currentMemory", SIZE),
        Opt("maxMemory", &[Attr("unit", UNIT), Must("slots", U32), Text(U64)]),
    ];
}
