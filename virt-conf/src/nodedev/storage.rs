//! `<capability type='storage'>`: a block device.

use virt_xml::{Element, Writer};

use super::{REFUSE, inner_capabilities, large_number};
use crate::Result;

/// A block device.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Storage {
    /// `<block>`: its path.
    pub block: String,
    /// `<bus>`
    pub bus: Option<String>,
    /// `<drive_type>`
    pub drive_type: Option<String>,
    /// `<model>`
    pub model: Option<String>,
    /// `<vendor>`
    pub vendor: Option<String>,
    /// `<serial>`
    pub serial: Option<String>,
    /// `<capability type='removable'>`; what is in the drive.
    pub removable: Option<RemovableMedia>,
    /// `<size>` in bytes, of what is not removable.
    pub size: u64,
    /// `<logical_block_size>` in bytes; 0 where not known. Never read from a document, like the next.
    pub logical_block_size: u64,
    /// `<num_blocks>`
    pub num_blocks: u64,
    /// `<capability type='hotpluggable'>`
    pub hotpluggable: bool,
}

/// What is in a drive.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RemovableMedia {
    /// `<media_available>`
    pub available: bool,
    /// `<media_size>` in bytes.
    pub size: u64,
    /// `<media_label>`
    pub label: Option<String>,
}

impl Storage {
    pub(super) fn parse(el: Element<'_>, device: &str) -> Result<Self> {
        let block = el.child_text("block").ok_or_else(|| {
            REFUSE.internal(format!("no block device path supplied for '{device}'")).at(el.place())
        })?;
        let mut storage = Self {
            block,
            bus: el.child_text("bus"),
            drive_type: el.child_text("drive_type"),
            model: el.child_text("model"),
            vendor: el.child_text("vendor"),
            serial: el.child_text("serial"),
            ..Self::default()
        };
        el.pass_over(&["logical_block_size", "num_blocks"]);
        let missing = REFUSE.internal(format!("missing storage capability type for '{device}'"));
        for (kind, inner) in inner_capabilities(el, &missing)? {
            match kind {
                "hotpluggable" => storage.hotpluggable = true,
                "removable" => {
                    inner.pass_over(&["logical_block_size", "num_blocks"]);
                    storage.removable = Some(RemovableMedia {
                        available: inner.children_named("media_available").any(|el| el.text() == "1"),
                        size: large_number(inner, "media_size", "removable media size", device)?,
                        label: inner.child_text("media_label"),
                    });
                }
                kind => {
                    let detail = format!("unknown storage capability type '{kind}' for '{device}'");
                    return Err(REFUSE.internal(detail).at(inner.place()));
                }
            }
        }
        if storage.removable.is_none() {
            storage.size = large_number(el, "size", "size", device)?;
        }
        Ok(storage)
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.text_element("block", &self.block);
        w.text_element_opt("bus", self.bus.as_ref());
        w.text_element_opt("drive_type", self.drive_type.as_ref());
        w.text_element_opt("model", self.model.as_ref());
        w.text_element_opt("vendor", self.vendor.as_ref());
        w.text_element_opt("serial", self.serial.as_ref());
        match &self.removable {
            Some(media) => w.element("capability", |w| {
                w.attr("type", "removable");
                w.text_element("media_available", u8::from(media.available));
                w.text_element("media_size", media.size);
                w.text_element_opt("media_label", media.label.as_ref());
                self.format_blocks(w);
            }),
            None => {
                w.text_element("size", self.size);
                self.format_blocks(w);
            }
        }
        if self.hotpluggable {
            w.element("capability", |w| w.attr("type", "hotpluggable"));
        }
    }

    fn format_blocks(&self, w: &mut Writer) {
        w.text_element_opt("logical_block_size", Some(self.logical_block_size).filter(|size| *size > 0));
        w.text_element_opt("num_blocks", Some(self.num_blocks).filter(|count| *count > 0));
    }
}
