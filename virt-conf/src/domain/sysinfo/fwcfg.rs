//! `<sysinfo type='fwcfg'>`: blobs for the guest's firmware.

use virt_xml::{Element, Writer};

use crate::Result;
use crate::common::path::sanitize;
use crate::error::xml_error;

/// What an entry holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FwCfgData {
    /// The element's text.
    Value(String),
    /// `file`
    File(String),
}

/// `<entry name='…'>`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FwCfg {
    /// `name`, such as `opt/com.example/key`.
    pub name: String,
    /// What it holds.
    pub data: FwCfgData,
}

impl FwCfg {
    pub(super) fn parse(el: Element<'_>) -> Result<Self> {
        let name = el
            .attr("name")
            .ok_or_else(|| xml_error("Firmware entry is missing 'name' attribute").at(el.place()))?
            .to_owned();
        let text = el.text();
        let data = match el.attr("file") {
            Some(file) => FwCfgData::File(sanitize(file)),
            None if !text.is_empty() => FwCfgData::Value(text),
            None => {
                let detail = "Firmware entry must have either value or 'file' attribute";
                return Err(xml_error(detail).at(el.place()));
            }
        };
        Ok(Self { name, data })
    }

    pub(super) fn format(&self, w: &mut Writer) {
        match &self.data {
            FwCfgData::File(file) => w.element("entry", |w| {
                w.attr("name", &self.name);
                w.attr("file", file);
            }),
            FwCfgData::Value(value) => w.text_element_with("entry", |w| w.attr("name", &self.name), value),
        }
    }
}
