//! Mediated devices of the host.

use virt_conf::domain::device::{Hostdev, HostdevSource, Mdev, MdevModel};
use virt_types::{Result, TextEnum};

use crate::caps::Cap;
use crate::device::QemuContext;
use crate::device::common::address;
use crate::error::unsupported;
use crate::plan::{PlanContext, Props};

pub(super) fn check(hostdev: &Hostdev, mdev: &Mdev, cx: &QemuContext<'_>) -> Result<()> {
    let (cap, name) = match mdev.model {
        MdevModel::VfioPci => (Cap::VfioPci, "PCI"),
        MdevModel::VfioCcw => (Cap::VfioCcw, "CCW"),
        MdevModel::VfioAp => (Cap::VfioAp, "AP"),
    };
    if !cx.caps.has(cap) {
        return Err(unsupported(format!(
            "VFIO {name} device assignment is not supported by this version of QEMU"
        )));
    }
    if hostdev.info.boot_order.is_some() && mdev.model != MdevModel::VfioCcw {
        return Err(unsupported(format!(
            "booting from assigned devices is not supported by mediated devices of model {}",
            mdev.model
        )));
    }
    match mdev.model {
        MdevModel::VfioPci if mdev.display == Some(true) && cx.domain.devices.graphics.is_empty() => {
            Err(unsupported("graphics device is needed for attribute value 'display=on' in <hostdev>"))
        }
        MdevModel::VfioAp => {
            let is_ap = |hostdev: &&Hostdev| matches!(&hostdev.source, HostdevSource::Mdev(mdev) if mdev.model == MdevModel::VfioAp);
            match cx.domain.devices.hostdevs.iter().filter(is_ap).count() {
                0 | 1 => Ok(()),
                _ => Err(unsupported("Only one hostdev of model vfio-ap is supported")),
            }
        }
        MdevModel::VfioPci | MdevModel::VfioCcw => Ok(()),
    }
}

pub(super) fn props(hostdev: &Hostdev, mdev: &Mdev, cx: &PlanContext<'_>) -> Result<Props> {
    let ramfb = mdev.model == MdevModel::VfioPci && mdev.ramfb == Some(true);
    let driver = if ramfb { "vfio-pci-nohotplug" } else { mdev.model.text() };
    let uuid = mdev.uuid.map(|uuid| uuid.to_string()).unwrap_or_default();
    Ok(Props::new()
        .str("driver", driver)
        .opt_str("id", hostdev.info.alias.clone())
        .str("sysfsdev", format!("/sys/bus/mdev/devices/{uuid}"))
        .opt_on_off("display", mdev.display)
        .opt_bool("ramfb", mdev.ramfb.filter(|ramfb| *ramfb))
        .opt_u64("bootindex", hostdev.info.boot_order)
        .extend(address::props(cx.domain, &hostdev.info)?))
}
