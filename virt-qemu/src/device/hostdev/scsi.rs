//! SCSI units and targets of the host.

use virt_conf::common::StorageSource;
use virt_conf::common::storage_source::Location;
use virt_conf::domain::device::{Hostdev, ScsiAdapter, ScsiHostdev, ScsiUnit, VhostScsi, VhostScsiModel};
use virt_types::{Error, ErrorCode, ErrorDomain, Result};

use crate::block::{Image, ImageOptions};
use crate::caps::Cap;
use crate::device::QemuContext;
use crate::device::common::address::{self, DriveBus};
use crate::device::common::virtio::{self, Revision};
use crate::error::{internal, unsupported};
use crate::plan::{DevicePlan, FdSource, PlanContext, Props};

pub(super) fn check_vhost(hostdev: &Hostdev, cx: &QemuContext<'_>) -> Result<()> {
    if hostdev.info.boot_order.is_some() {
        return Err(unsupported("booting from assigned devices is not supported by vhost SCSI devices"));
    }
    if !cx.caps.has(Cap::VhostScsi) {
        return Err(unsupported("This QEMU doesn't support vhost-scsi devices"));
    }
    Ok(())
}

pub(super) fn vhost_props(hostdev: &Hostdev, vhost: &VhostScsi, cx: &mut PlanContext<'_>) -> Result<Props> {
    let revision = match vhost.model {
        VhostScsiModel::Default | VhostScsiModel::Virtio => Revision::Any,
        VhostScsiModel::VirtioTransitional => Revision::Transitional,
        VhostScsiModel::VirtioNonTransitional => Revision::NonTransitional,
    };
    let fd = cx.fd(FdSource::File("/dev/vhost-scsi".into()));
    let driver = virtio::driver("vhost-scsi", revision, &hostdev.info)?;
    Ok(Props::new()
        .str("driver", driver)
        .str("wwpn", vhost.wwpn.clone())
        .str("vhostfd", fd.to_string())
        .opt_str("id", hostdev.info.alias.clone())
        .extend(address::props(cx.domain, &hostdev.info)?))
}

pub(super) fn plan(
    hostdev: &Hostdev,
    scsi: &ScsiHostdev,
    cx: &PlanContext<'_>,
    plan: &mut DevicePlan,
) -> Result<()> {
    let source = StorageSource {
        readonly: hostdev.readonly,
        location: match &scsi.unit {
            ScsiUnit::Adapter(adapter) => Location::Block { path: Some(host_device(adapter)?.to_owned()) },
            ScsiUnit::Iscsi(iscsi) => Location::Network(Box::new(iscsi.network.clone())),
        },
        auth: match &scsi.unit {
            ScsiUnit::Adapter(_) => None,
            ScsiUnit::Iscsi(iscsi) => iscsi.auth.clone(),
        },
        ..StorageSource::default()
    };
    let number = scsi.index.ok_or_else(|| internal("SCSI unit has no number"))?;
    let prefix = format!("libvirt-{number}");
    let image = Image { source: &source, prefix: &prefix, options: ImageOptions::default() };
    plan.parts.extend(image.bare_parts(cx)?);
    let place = hostdev.scsi_place().ok_or_else(|| internal("SCSI unit has no place"))?;
    let props = Props::new()
        .str("driver", "scsi-generic")
        .str("drive", image.bare_node())
        .opt_str("id", hostdev.info.alias.clone())
        .opt_u64("bootindex", hostdev.info.boot_order)
        .extend(address::drive_props(cx.domain, place, DriveBus::Scsi)?);
    plan.device(&hostdev.info, props);
    Ok(())
}

/// The host's generic device of a unit, which the start looks up.
fn host_device(adapter: &ScsiAdapter) -> Result<&str> {
    adapter.device.as_deref().ok_or_else(|| {
        let host = adapter.name.trim_start_matches("scsi_host");
        let detail = format!(
            "cannot open directory '/sys/bus/scsi/devices/{host}:{}:{}:{}/scsi_generic': No such file or directory",
            adapter.bus, adapter.target, adapter.unit
        );
        Error::new(ErrorCode::SystemError, ErrorDomain::None, detail)
    })
}
