//! `<cache>`: the processor's caches that guests share.

use virt_types::text_enum;
use virt_xml::Writer;

use super::Monitor;
use crate::common::Bitmap;

/// `<cache>`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cache {
    /// `<bank>`
    pub banks: Vec<Bank>,
    /// `<monitor>`
    pub monitor: Option<Monitor>,
}

text_enum! {
    /// What a cache holds.
    pub enum CacheType { Both = "both", Code = "code", Data = "data" }
}

/// `<bank>`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bank {
    /// `id`: the kernel's number of it within its level.
    pub id: u32,
    /// `level`
    pub level: u32,
    /// `type`
    pub kind: CacheType,
    /// `size`, in bytes.
    pub size: u64,
    /// `cpus`
    pub cpus: Bitmap,
    /// `<control>`: how it can be divided.
    pub controls: Vec<Control>,
}

/// `<control>`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    /// `type`
    pub kind: CacheType,
    /// `granularity`, in bytes.
    pub granularity: u64,
    /// `min`, in bytes; 0 for one granule.
    pub min: u64,
    /// `maxAllocs`
    pub max_allocs: u32,
}

impl Cache {
    pub(super) fn format(&self, w: &mut Writer) {
        if self.banks.is_empty() && self.monitor.is_none() {
            return;
        }
        w.element("cache", |w| {
            self.banks.iter().for_each(|bank| bank.format(w));
            self.monitor.iter().for_each(|monitor| monitor.format(w));
        });
    }
}

impl Bank {
    fn format(&self, w: &mut Writer) {
        w.element("bank", |w| {
            let (size, unit) = pretty(self.size);
            w.attr("id", self.id);
            w.attr("level", self.level);
            w.attr("type", self.kind);
            w.attr("size", size);
            w.attr("unit", unit);
            w.attr("cpus", &self.cpus);
            self.controls.iter().for_each(|control| control.format(w));
        });
    }
}

impl Control {
    fn format(&self, w: &mut Writer) {
        w.element("control", |w| {
            // One unit for both, the smaller one.
            let step = [self.granularity, self.min].into_iter().filter(|bytes| *bytes > 0);
            let step = step.map(power).min().unwrap_or(0);
            w.attr("granularity", self.granularity >> (10 * step));
            w.attr_opt("min", Some(self.min >> (10 * step)).filter(|min| *min > 0));
            w.attr("unit", UNITS[step]);
            w.attr("type", self.kind);
            w.attr("maxAllocs", self.max_allocs);
        });
    }
}

const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/// By how many units above bytes a size divides without remainder.
fn power(bytes: u64) -> usize {
    if bytes == 0 { 0 } else { (bytes.trailing_zeros() / 10) as usize }
}

/// A size in the largest unit in which it is whole.
fn pretty(bytes: u64) -> (u64, &'static str) {
    let step = power(bytes);
    (bytes >> (10 * step), UNITS[step])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_written_in_the_largest_whole_unit() {
        for (bytes, expected) in
            [(0, (0, "B")), (1023, (1023, "B")), (1536 << 10, (1536, "KiB")), (33 << 20, (33, "MiB"))]
        {
            assert_eq!(pretty(bytes), expected);
        }
    }

    #[test]
    fn a_control_has_one_unit() {
        let control = |granularity, min| {
            let mut w = Writer::new();
            Control { kind: CacheType::Code, granularity, min, max_allocs: 4 }.format(&mut w);
            w.finish()
        };
        for (granularity, min, expected) in [
            (768 << 10, 1536 << 10, "granularity='768' min='1536' unit='KiB'"),
            (1 << 20, 1536 << 10, "granularity='1024' min='1536' unit='KiB'"),
            (1 << 20, 2 << 20, "granularity='1' min='2' unit='MiB'"),
            (1 << 20, 0, "granularity='1' unit='MiB'"),
        ] {
            assert_eq!(
                control(granularity, min),
                format!("<control {expected} type='code' maxAllocs='4'/>\n")
            );
        }
    }
}
