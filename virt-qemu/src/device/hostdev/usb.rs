//! USB devices of the host.

use virt_conf::domain::device::{GuestReset, Hostdev, UsbHostdev};
use virt_types::Result;

use crate::caps::Cap;
use crate::device::QemuContext;
use crate::device::common::address;
use crate::error::{internal, unsupported};
use crate::plan::{PlanContext, Props};

pub(super) fn check(usb: &UsbHostdev, cx: &QemuContext<'_>) -> Result<()> {
    if usb.guest_reset.is_some() && !cx.caps.has(Cap::UsbHostGuestResetsAll) {
        return Err(unsupported("guestReset is not supported with this version of QEMU"));
    }
    Ok(())
}

pub(super) fn props(hostdev: &Hostdev, usb: &UsbHostdev, cx: &PlanContext<'_>) -> Result<Props> {
    let mut props = Props::new().str("driver", "usb-host");
    if !hostdev.missing {
        let (bus, device) =
            usb.address.ok_or_else(|| internal("USB host device is missing bus/device information"))?;
        props = match cx.caps.has(Cap::UsbHostHostdevice) {
            true => props.str("hostdevice", format!("/dev/bus/usb/{bus:03}/{device:03}")),
            false => props.u64("hostbus", bus).u64("hostaddr", device),
        };
    }
    let (reset, resets_all) = match usb.guest_reset {
        None => (None, None),
        Some(GuestReset::Off) => (Some(false), None),
        Some(GuestReset::Uninitialized) => (Some(true), Some(false)),
        Some(GuestReset::On) => (Some(true), Some(true)),
    };
    Ok(props
        .opt_str("id", hostdev.info.alias.clone())
        .opt_u64("bootindex", hostdev.info.boot_order)
        .opt_bool("guest-reset", reset)
        .opt_bool("guest-resets-all", resets_all)
        .extend(address::props(cx.domain, &hostdev.info)?))
}
