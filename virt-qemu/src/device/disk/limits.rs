//! `<iotune>`: limits that QEMU takes.

use virt_conf::domain::Domain;
use virt_conf::domain::device::{Disk, DiskBus};
use virt_types::{Error, ErrorCode, ErrorDomain, Result};

use crate::error::unsupported;

/// The largest limit that QEMU takes.
const MAX: u64 = 1_000_000_000_000_000;

pub(super) fn check(disk: &Disk, domain: &Domain) -> Result<()> {
    let limits = &disk.iotune;
    if limits.group_name.is_some() && !limits.has_limits() {
        return Err(unsupported("group_name can be configured only together with settings"));
    }
    if disk.bus() == DiskBus::Sd && limits.has_limits() {
        return Err(unsupported("<iotune> is not supported with bus='sd'"));
    }
    if limits.group_name.is_some() {
        let different = domain.devices.disks.iter().find(|other| {
            other.target.dev != disk.target.dev
                && other.iotune.group_name == limits.group_name
                && other.iotune != *limits
        });
        if let Some(other) = different {
            let detail = format!("different iotunes for disks {} and {}", disk.name(), other.name());
            return Err(unsupported(detail));
        }
    }
    if limits.rates().iter().any(|(_, value)| *value > MAX) {
        let detail = format!("block I/O throttle limit must be no more than {MAX} using QEMU");
        return Err(Error::new(ErrorCode::ArgumentUnsupported, ErrorDomain::Qemu, detail));
    }
    Ok(())
}
