//! The transport options of a virtio device, within its `<driver>`.

use virt_xml::{Element, Writer};

use crate::Result;
use crate::error::unsupported;

/// Options that every virtio device has; absent where QEMU decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VirtioDriver {
    /// `iommu`: the device's DMA goes through the guest's IOMMU.
    pub iommu: Option<bool>,
    /// `ats`: address translation services, for devices behind an IOMMU.
    pub ats: Option<bool>,
    /// `packed`: packed virtqueues.
    pub packed: Option<bool>,
    /// `page_per_vq`: each queue's notification register has a page of its own.
    pub page_per_vq: Option<bool>,
}

impl VirtioDriver {
    /// Reads the options from a `<driver>` element.
    ///
    /// # Errors
    /// For other texts than `on` and `off`.
    pub fn parse(driver: Element<'_>) -> Result<Self> {
        Ok(Self {
            iommu: driver.attr_on_off("iommu")?,
            ats: driver.attr_on_off("ats")?,
            packed: driver.attr_on_off("packed")?,
            page_per_vq: driver.attr_on_off("page_per_vq")?,
        })
    }

    /// Reads the options from the `<driver>` child of a device, if it has one.
    ///
    /// # Errors
    /// As [`VirtioDriver::parse`].
    pub fn parse_child(device: Element<'_>) -> Result<Self> {
        device.child("driver").map_or_else(|| Ok(Self::default()), Self::parse)
    }

    /// Writes the attributes of the `<driver>` element that was just begun.
    pub fn format(&self, w: &mut Writer) {
        w.attr_on_off("iommu", self.iommu);
        w.attr_on_off("ats", self.ats);
        w.attr_on_off("packed", self.packed);
        w.attr_on_off("page_per_vq", self.page_per_vq);
    }

    /// Writes a `<driver>` element that holds nothing else, if any option is set.
    pub fn format_child(&self, w: &mut Writer) {
        w.element_if_any("driver", |w| self.format(w));
    }

    /// Refuses options on a device that is no virtio device.
    ///
    /// # Errors
    /// `VIR_ERR_CONFIG_UNSUPPORTED` that names the first option.
    pub fn refuse(&self) -> Result<()> {
        for (option, value) in [
            ("iommu driver", self.iommu),
            ("ats driver", self.ats),
            ("packed driver", self.packed),
            ("page_per_vq", self.page_per_vq),
        ] {
            if value.is_some() {
                return Err(unsupported(format!("{option} option is only supported for virtio devices")));
            }
        }
        Ok(())
    }

    /// Refuses a change of the options, which a guest would see.
    ///
    /// # Errors
    /// `VIR_ERR_CONFIG_UNSUPPORTED` that names source and target value.
    pub fn check_abi(&self, target: &Self) -> Result<()> {
        let text = |value: Option<bool>| match value {
            None => "default",
            Some(true) => "on",
            Some(false) => "off",
        };
        for (name, source, target) in [
            ("iommu", self.iommu, target.iommu),
            ("ats", self.ats, target.ats),
            ("packed", self.packed, target.packed),
            ("page_per_vq", self.page_per_vq, target.page_per_vq),
        ] {
            if source != target {
                return Err(unsupported(format!(
                    "Target device {name} option '{}' does not match source '{}'",
                    text(target),
                    text(source)
                )));
            }
        }
        Ok(())
    }
}

grammar! {
    /// The attributes of `<driver>` that virtio devices share.
    pub VIRTIO = [Attr("iommu", OnOff), Attr("ats", OnOff), Attr("packed", OnOff), Attr("page_per_vq", OnOff)];
}
