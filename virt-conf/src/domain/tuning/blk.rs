//! `<blkiotune>`: shares and limits of block I/O.

use std::collections::BTreeSet;

use virt_xml::number::{Base, parse_u32, parse_u64};
use virt_xml::{Element, Writer};

use crate::Result;
use crate::error::unsupported;

/// Limits of one host device.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BlkiotuneDevice {
    /// `<path>`
    pub path: String,
    /// `<weight>`; 0 where not given, as with all below.
    pub weight: u32,
    /// `<read_iops_sec>`
    pub read_iops_sec: u32,
    /// `<write_iops_sec>`
    pub write_iops_sec: u32,
    /// `<read_bytes_sec>`
    pub read_bytes_sec: u64,
    /// `<write_bytes_sec>`
    pub write_bytes_sec: u64,
}

/// `<blkiotune>`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Blkiotune {
    /// `<weight>`; 0 where not given.
    pub weight: u32,
    /// `<device>`
    pub devices: Vec<BlkiotuneDevice>,
}

impl Blkiotune {
    pub(in crate::domain) fn parse(domain: Element<'_>) -> Result<Self> {
        let Some(el) = domain.child("blkiotune") else { return Ok(Self::default()) };
        // libvirt takes an unreadable weight for none.
        let weight = el.child_text("weight").and_then(|text| parse_u32(&text, Base::Ten)).unwrap_or(0);
        let devices = el.children_named("device").map(BlkiotuneDevice::parse).collect::<Result<Vec<_>>>()?;
        Ok(Self { weight, devices })
    }

    pub(in crate::domain) fn validate(&self) -> Result<()> {
        let mut paths = BTreeSet::new();
        match self.devices.iter().find(|device| !paths.insert(&device.path)) {
            Some(twin) => Err(unsupported(format!("duplicate blkio device path '{}'", twin.path))),
            None => Ok(()),
        }
    }

    pub(in crate::domain) fn format(&self, w: &mut Writer) {
        w.element_if_any("blkiotune", |w| {
            w.text_element_opt("weight", nonzero(self.weight));
            self.devices.iter().filter(|device| device.is_limited()).for_each(|device| device.format(w));
        });
    }
}

impl BlkiotuneDevice {
    fn parse(el: Element<'_>) -> Result<Self> {
        let path =
            el.child_text("path").ok_or_else(|| unsupported("missing per-device path").at(el.place()))?;
        Ok(Self {
            path,
            weight: limit(el, "weight", "weight", |text| parse_u32(text, Base::Ten))?,
            read_bytes_sec: limit(el, "read_bytes_sec", "read bytes sec", |text| parse_u64(text, Base::Ten))?,
            write_bytes_sec: limit(el, "write_bytes_sec", "write bytes sec", |text| {
                parse_u64(text, Base::Ten)
            })?,
            read_iops_sec: limit(el, "read_iops_sec", "read iops sec", |text| parse_u32(text, Base::Ten))?,
            write_iops_sec: limit(el, "write_iops_sec", "write iops sec", |text| parse_u32(text, Base::Ten))?,
        })
    }

    fn is_limited(&self) -> bool {
        *self != Self { path: self.path.clone(), ..Self::default() }
    }

    fn format(&self, w: &mut Writer) {
        w.element("device", |w| {
            w.text_element("path", &self.path);
            w.text_element_opt("weight", nonzero(self.weight));
            w.text_element_opt("read_iops_sec", nonzero(self.read_iops_sec));
            w.text_element_opt("write_iops_sec", nonzero(self.write_iops_sec));
            w.text_element_opt("read_bytes_sec", nonzero(self.read_bytes_sec));
            w.text_element_opt("write_bytes_sec", nonzero(self.write_bytes_sec));
        });
    }
}

fn limit<T: Default>(
    el: Element<'_>,
    name: &'static str,
    words: &str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<T> {
    match el.child_text(name) {
        None => Ok(T::default()),
        Some(text) => {
            read(&text).ok_or_else(|| unsupported(format!("could not parse {words} {text}")).at(el.place()))
        }
    }
}

fn nonzero<T: Default + PartialEq>(value: T) -> Option<T> {
    (value != T::default()).then_some(value)
}

grammar! {
    pub(in crate::domain) BLKIOTUNE = [
        Opt("weight", &[Text(Number(100, 1000))]),
        Many("device", &[
            One("path", &[Text(PATH)]), Opt("weight", NUMBER), Opt("read_iops_sec", NUMBER), Opt("write_iops_sec", NUMBER),
            Opt("read_bytes_sec", NUMBER), Opt("write_bytes_sec", NUMBER),
        ]),
    ];
}
