//! The bandwidth of interfaces, in KiB and KiB per second.

use virt_conf::common::bandwidth::{Bandwidth, Rate};
use virt_conf::domain::Domain;
use virt_driver::DomainRef;
use virt_types::{Error, ErrorCode, ErrorDomain, Impact, Result, TypedParams};

use super::super::QemuConnection;
use super::params::{self, Kind};
use super::{interface_named, read_late, write};

/// The fields of both directions, in libvirt's order.
const FIELDS: [&str; 7] = [
    "inbound.average",
    "inbound.peak",
    "inbound.burst",
    "inbound.floor",
    "outbound.average",
    "outbound.peak",
    "outbound.burst",
];

fn missing(device: &str) -> Error {
    Error::new(ErrorCode::InvalidArg, ErrorDomain::Qemu, format!("Can't find device {device}"))
}

/// `virDomainGetInterfaceParameters`
pub(super) async fn get(
    connection: &QemuConnection,
    domain: &DomainRef,
    device: &str,
    impact: Impact,
) -> Result<TypedParams> {
    read_late(connection, domain, impact, "qemuDomainGetInterfaceParameters", |document, _| {
        let interface = interface_named(document, device).ok_or_else(|| missing(device))?;
        let bandwidth = interface.bandwidth.unwrap_or_default();
        let mut params = TypedParams::new();
        for field in FIELDS {
            let value = place(&mut { bandwidth }, field).map_or(0, |value| *value);
            params.push(field, u32::try_from(value).unwrap_or(u32::MAX));
        }
        Ok(params)
    })
    .await
}

/// Where a field is; both directions are there afterwards.
fn place<'a>(bandwidth: &'a mut Bandwidth, field: &str) -> Option<&'a mut u64> {
    let (direction, name) = field.split_once('.')?;
    let rate = match direction {
        "inbound" => bandwidth.inbound.get_or_insert_with(Rate::default),
        _ => bandwidth.outbound.get_or_insert_with(Rate::default),
    };
    match name {
        "average" => Some(&mut rate.average),
        "peak" => Some(&mut rate.peak),
        "burst" => Some(&mut rate.burst),
        "floor" => Some(&mut rate.floor),
        _ => None,
    }
}

/// `virDomainSetInterfaceParameters`
pub(super) async fn set(
    connection: &QemuConnection,
    domain: &DomainRef,
    device: &str,
    params: &TypedParams,
    impact: Impact,
) -> Result<()> {
    params::check(params, &FIELDS.map(|field| (field, Kind::UInt)))?;
    let (device, params) = (device.to_owned(), params.clone());
    let names = ("virDomainSetInterfaceParameters", "qemuDomainSetInterfaceParameters");
    write(connection, domain, impact, names, move |config: &mut Domain| {
        let at = interface_named(config, &device).ok_or_else(|| missing(&device))?.mac;
        let interface = config.devices.interfaces.iter_mut().find(|interface| interface.mac == at);
        let interface = interface.ok_or_else(|| missing(&device))?;
        let mut bandwidth = interface.bandwidth.unwrap_or_default();
        for field in FIELDS {
            if let (Some(value), Some(place)) =
                (params::unsigned(&params, field), place(&mut bandwidth, field))
            {
                *place = value;
            }
        }
        // A direction without an average has no limit.
        bandwidth.inbound = bandwidth.inbound.filter(|rate| rate.average > 0 || rate.floor > 0);
        bandwidth.outbound = bandwidth.outbound.filter(|rate| rate.average > 0);
        let any = bandwidth.inbound.is_some() || bandwidth.outbound.is_some();
        interface.bandwidth = any.then_some(bandwidth);
        Ok(())
    })
    .await
}
