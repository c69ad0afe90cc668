//! Weights and limits of a domain's block I/O.

use virt_conf::domain::{Blkiotune, BlkiotuneDevice};
use virt_types::{Impact, Result, TypedParams, TypedValue};

use super::{Guest, config_argument};
use crate::params::{self, Kind};

const PARAMETERS: [(&str, Kind); 6] = [
    ("weight", Kind::UInt),
    ("device_weight", Kind::String),
    ("device_read_iops_sec", Kind::String),
    ("device_write_iops_sec", Kind::String),
    ("device_read_bytes_sec", Kind::String),
    ("device_write_bytes_sec", Kind::String),
];

/// Refuses parameters that are no weights.
pub(super) fn check_parameters(params: &TypedParams) -> Result<()> {
    params::check(params, &PARAMETERS)
}

/// One limit of a device, by the name of its parameter.
fn get(device: &BlkiotuneDevice, field: &str) -> u64 {
    match field {
        "device_weight" => device.weight.into(),
        "device_read_iops_sec" => device.read_iops_sec.into(),
        "device_write_iops_sec" => device.write_iops_sec.into(),
        "device_read_bytes_sec" => device.read_bytes_sec,
        _ => device.write_bytes_sec,
    }
}

fn set(device: &mut BlkiotuneDevice, field: &str, value: u64) {
    match field {
        "device_weight" => device.weight = value as u32,
        "device_read_iops_sec" => device.read_iops_sec = value as u32,
        "device_write_iops_sec" => device.write_iops_sec = value as u32,
        "device_read_bytes_sec" => device.read_bytes_sec = value,
        _ => device.write_bytes_sec = value,
    }
}

/// Devices and one limit of each, written as `/dev/sda,300,/dev/sdb,400`.
fn parse(field: &str, text: &str) -> Result<Vec<(String, u64)>> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let parts: Vec<&str> = text.split(',').collect();
    if !parts.len().is_multiple_of(2) {
        return Err(config_argument(format!("unable to parse blkio device '{field}' '{text}'")));
    }
    let limit = |pair: &[&str]| {
        let (path, value) = (pair[0], pair[1]);
        let fits = |value: &u64| field.ends_with("bytes_sec") || u32::try_from(*value).is_ok();
        let number = value.parse::<u64>().ok().filter(fits);
        number.map(|number| (path.to_owned(), number)).ok_or_else(|| {
            config_argument(format!("invalid value '{value}' for parameter '{field}' of device '{path}'"))
        })
    };
    parts.chunks(2).map(limit).collect()
}

fn merge(tune: &mut Blkiotune, field: &str, limits: Vec<(String, u64)>) {
    for (path, value) in limits {
        match tune.devices.iter_mut().find(|device| device.path == path) {
            Some(device) => set(device, field, value),
            None if value == 0 => {}
            None => {
                let mut device = BlkiotuneDevice { path, ..BlkiotuneDevice::default() };
                set(&mut device, field, value);
                tune.devices.push(device);
            }
        }
    }
}

impl Guest {
    pub(super) fn blkio_parameters(&mut self, impact: Impact) -> Result<TypedParams> {
        let tune = &self.config(impact)?.0.blkiotune;
        let mut params = TypedParams::new();
        params.push("weight", tune.weight);
        for (field, _) in &PARAMETERS[1..] {
            let limits = tune.devices.iter().map(|device| (&device.path, get(device, field)));
            let limits =
                limits.filter(|(_, value)| *value > 0).map(|(path, value)| format!("{path},{value}"));
            params.push(*field, limits.collect::<Vec<_>>().join(","));
        }
        Ok(params)
    }

    pub(super) fn set_blkio_parameters(&mut self, params: &TypedParams, impact: Impact) -> Result<()> {
        let tune = &mut self.config(impact)?.0.blkiotune;
        let mut outcome = Ok(());
        // A device that can not be read keeps the others from nothing.
        for param in &params.0 {
            match &param.value {
                TypedValue::UInt(weight) => tune.weight = *weight,
                TypedValue::String(text) => match parse(&param.field, text) {
                    Ok(limits) => merge(tune, &param.field, limits),
                    Err(error) => outcome = Err(error),
                },
                _ => {}
            }
        }
        outcome
    }
}
