//! Weights and limits of block I/O.

use virt_cgroup::{Controller, DeviceLimit, Group};
use virt_conf::domain::{Blkiotune, BlkiotuneDevice, Domain};
use virt_driver::{DomainEventKind, DomainRef};
use virt_types::{ErrorCode, Impact, Result, TypedParams, TypedValue};

use super::super::QemuConnection;
use super::super::refusal::invalid_argument;
use super::super::sides::Side;
use super::live::{Change, Limits};
use super::params::{self, Kind};
use super::read;

const LIMITS: Limits = Limits {
    controller: Controller::Blkio,
    unmounted: "blkio cgroup isn't mounted",
    session: Some((ErrorCode::ConfigUnsupported, "Block I/O tuning is not available in session mode")),
};

/// A number of each host device: its field, how it is read and written.
struct Column {
    field: &'static str,
    get: fn(&BlkiotuneDevice) -> u64,
    set: fn(&mut BlkiotuneDevice, u64),
    limit: u64,
    /// The kernel's bound; absent for the weight.
    limit_of_group: Option<DeviceLimit>,
}

const COLUMNS: [Column; 5] = [
    Column {
        field: "device_weight",
        get: |device| device.weight.into(),
        set: |device, value| device.weight = value as u32,
        limit: u32::MAX as u64,
        limit_of_group: None,
    },
    Column {
        field: "device_read_iops_sec",
        get: |device| device.read_iops_sec.into(),
        set: |device, value| device.read_iops_sec = value as u32,
        limit: u32::MAX as u64,
        limit_of_group: Some(DeviceLimit::ReadIops),
    },
    Column {
        field: "device_write_iops_sec",
        get: |device| device.write_iops_sec.into(),
        set: |device, value| device.write_iops_sec = value as u32,
        limit: u32::MAX as u64,
        limit_of_group: Some(DeviceLimit::WriteIops),
    },
    Column {
        field: "device_read_bytes_sec",
        get: |device| device.read_bytes_sec,
        set: |device, value| device.read_bytes_sec = value,
        limit: u64::MAX,
        limit_of_group: Some(DeviceLimit::ReadBytes),
    },
    Column {
        field: "device_write_bytes_sec",
        get: |device| device.write_bytes_sec,
        set: |device, value| device.write_bytes_sec = value,
        limit: u64::MAX,
        limit_of_group: Some(DeviceLimit::WriteBytes),
    },
];

/// `virDomainGetBlkioParameters`
pub(super) async fn get(
    connection: &QemuConnection,
    domain: &DomainRef,
    impact: Impact,
) -> Result<TypedParams> {
    read(connection, domain, impact, "qemuDomainGetBlkioParameters", |document, side| {
        LIMITS.check_session(connection)?;
        let mut tune = document.blkiotune.clone();
        if side == Side::Live {
            tune.weight = LIMITS.group(&connection.backend, document)?.blkio_weight()?;
        }
        Ok(told(&tune))
    })
    .await
}

fn told(tune: &Blkiotune) -> TypedParams {
    let mut params = TypedParams::new();
    params.push("weight", tune.weight);
    for column in COLUMNS {
        let pairs: Vec<String> = tune
            .devices
            .iter()
            .map(|device| (device, (column.get)(device)))
            .filter(|(_, value)| *value != 0)
            .map(|(device, value)| format!("{},{value}", device.path))
            .collect();
        params.push(column.field, pairs.join(","));
    }
    params
}

/// `virDomainSetBlkioParameters`
pub(super) async fn set(
    connection: &QemuConnection,
    domain: &DomainRef,
    params: &TypedParams,
    impact: Impact,
) -> Result<()> {
    let mut known = vec![("weight", Kind::UInt)];
    known.extend(COLUMNS.iter().map(|column| (column.field, Kind::String)));
    params::check(params, &known)?;
    let (params, asked) = (params.clone(), params.clone());
    let names = ("virDomainSetBlkioParameters", "qemuDomainSetBlkioParameters");
    let set = move |group: &Group, _: &Domain| -> Result<Option<DomainEventKind>> {
        set_live(group, &asked).map(|()| None)
    };
    let write = move |document: &mut Domain, _: Side| {
        if let Some(TypedValue::UInt(weight)) = params.get("weight") {
            document.blkiotune.weight = *weight;
        }
        for column in &COLUMNS {
            let Some(text) = params::text(&params, column.field) else { continue };
            for (path, value) in pairs(text, column)? {
                change(&mut document.blkiotune, path, column, value);
            }
        }
        Ok(())
    };
    Change { names, limits: LIMITS, set, write }.make(connection, domain, impact).await
}

fn set_live(group: &Group, params: &TypedParams) -> Result<()> {
    if let Some(TypedValue::UInt(weight)) = params.get("weight") {
        group.set_blkio_weight(*weight)?;
    }
    for column in &COLUMNS {
        let Some(text) = params::text(params, column.field) else { continue };
        for (path, value) in pairs(text, column)? {
            match column.limit_of_group {
                Some(limit) => group.set_blkio_device_limit(path, limit, value)?,
                None => group.set_blkio_device_weight(path, u32::try_from(value).unwrap_or(u32::MAX))?,
            }
        }
    }
    Ok(())
}

/// `PATH,NUMBER,PATH,NUMBER`
fn pairs<'a>(text: &'a str, column: &Column) -> Result<Vec<(&'a str, u64)>> {
    let field = column.field;
    let malformed = || invalid_argument(format!("unable to parse blkio device '{field}' '{text}'"));
    let words: Vec<&str> = if text.is_empty() { Vec::new() } else { text.split(',').collect() };
    let (pairs, rest) = words.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(malformed());
    }
    let pair = |[path, value]: &[&'a str; 2]| {
        let value = value.parse().ok().filter(|value| *value <= column.limit);
        value.map(|value| (*path, value)).ok_or_else(malformed)
    };
    pairs.iter().map(pair).collect()
}

fn change(tune: &mut Blkiotune, path: &str, column: &Column, value: u64) {
    match tune.devices.iter_mut().find(|device| device.path == path) {
        Some(device) => (column.set)(device, value),
        None => {
            let mut device = BlkiotuneDevice { path: path.to_owned(), ..BlkiotuneDevice::default() };
            (column.set)(&mut device, value);
            tune.devices.push(device);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_of_path_and_number() {
        let column = &COLUMNS[0];
        assert_eq!(pairs("/dev/sda,5,/dev/sdb,7", column).unwrap(), [("/dev/sda", 5), ("/dev/sdb", 7)]);
        assert!(pairs("", column).unwrap().is_empty());
        for wrong in ["/dev/sda", "/dev/sda,x", "/dev/sda,5,", "/dev/sda,4294967296"] {
            assert!(pairs(wrong, column).is_err(), "{wrong}");
        }
        let mut tune = Blkiotune::default();
        change(&mut tune, "/dev/sda", column, 5);
        change(&mut tune, "/dev/sda", &COLUMNS[3], 9);
        let told = told(&tune);
        assert_eq!(told.get("device_weight"), Some(&"/dev/sda,5".to_owned().into()));
        assert_eq!(told.get("device_read_bytes_sec"), Some(&"/dev/sda,9".to_owned().into()));
        assert_eq!(told.get("device_read_iops_sec"), Some(&String::new().into()));
    }
}
