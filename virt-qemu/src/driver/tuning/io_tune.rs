//! Limits of disks, which QEMU keeps.

use virt_conf::domain::device::IoTune;
use virt_driver::DomainRef;
use virt_types::{Impact, Result, TypedParams};

use super::super::{QemuConnection, disks};
use super::read;

/// `virDomainGetBlockIoTune`
pub(super) async fn get(
    connection: &QemuConnection,
    domain: &DomainRef,
    disk: Option<&str>,
    impact: Impact,
) -> Result<TypedParams> {
    read(connection, domain, impact, "qemuDomainGetBlockIoTune", |document, _| {
        let limits = match disk {
            None => IoTune::default(),
            // A limit of a running guest is changed by nobody but this engine.
            Some(name) => disks::by_name(document, name)?.iotune.clone(),
        };
        let mut params = TypedParams::new();
        for (name, value) in limits.rates() {
            params.push(name, value);
        }
        params.push("group_name", limits.group_name.clone().unwrap_or_default());
        for (name, value) in limits.lengths() {
            params.push(name, value);
        }
        Ok(params)
    })
    .await
}
