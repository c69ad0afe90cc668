//! Disks of domains: limits and figures.

use virt_conf::domain::Domain;
use virt_conf::domain::device::{Disk, IoTune};
use virt_driver::{BlockInfo, BlockStats, DiskError};
use virt_types::{Error, Impact, Result, TypedParams};

use super::Guest;
use crate::error::{argument, invalid_arg, unsupported};
use crate::host::now;
use crate::params::{self, Kind};

/// No limit may be higher.
const MOST: u64 = 1_000_000_000_000_000;

/// The disk with this target, or with the image at this path; where an image is that of several, none but
/// with `ambiguous`.
fn find<'a>(config: &'a mut Domain, name: &str, ambiguous: bool) -> Option<&'a mut Disk> {
    let by_path = name.starts_with('/');
    let is = |disk: &Disk| {
        if by_path { disk.source.location.local_path() == Some(name) } else { disk.name() == name }
    };
    let disks = &mut config.devices.disks;
    if by_path && !ambiguous && disks.iter().filter(|disk| is(disk)).count() > 1 {
        return None;
    }
    disks.iter_mut().find(|disk| is(disk))
}

/// The limits in the order in which they are given out: rates, the group, lengths of bursts.
fn fields() -> impl Iterator<Item = (&'static str, Kind)> {
    let tune = IoTune::default();
    let number = |(name, _): (&'static str, u64)| (name, Kind::ULLong);
    let rates: Vec<_> = tune.rates().into_iter().map(number).collect();
    let lengths = tune.lengths().into_iter().map(number);
    rates.into_iter().chain([("group_name", Kind::String)]).chain(lengths.collect::<Vec<_>>())
}

/// Refuses parameters that are no limits.
pub(super) fn check_parameters(params: &TypedParams) -> Result<()> {
    params::check(params, &fields().collect::<Vec<_>>())
}

/// Refuses limits that contradict each other.
fn check(tune: &IoTune) -> Result<()> {
    let together = [
        ("bytes_sec", tune.total_bytes_sec, tune.read_bytes_sec, tune.write_bytes_sec),
        ("iops_sec", tune.total_iops_sec, tune.read_iops_sec, tune.write_iops_sec),
        ("bytes_sec_max", tune.total_bytes_sec_max, tune.read_bytes_sec_max, tune.write_bytes_sec_max),
        ("iops_sec_max", tune.total_iops_sec_max, tune.read_iops_sec_max, tune.write_iops_sec_max),
    ];
    for (what, total, read, write) in together {
        if total > 0 && (read > 0 || write > 0) {
            let detail = format!("total and read/write of {what} cannot be set at the same time");
            return Err(invalid_arg(detail));
        }
    }
    let bursts = [
        ("total_bytes_sec", tune.total_bytes_sec, tune.total_bytes_sec_max),
        ("read_bytes_sec", tune.read_bytes_sec, tune.read_bytes_sec_max),
        ("write_bytes_sec", tune.write_bytes_sec, tune.write_bytes_sec_max),
        ("total_iops_sec", tune.total_iops_sec, tune.total_iops_sec_max),
        ("read_iops_sec", tune.read_iops_sec, tune.read_iops_sec_max),
        ("write_iops_sec", tune.write_iops_sec, tune.write_iops_sec_max),
    ];
    match bursts.into_iter().find(|(_, rate, burst)| rate > burst) {
        Some((what, ..)) => Err(invalid_arg(format!("{what} cannot be set higher than {what}_max "))),
        None => Ok(()),
    }
}

fn no_disk(disk: &str) -> Error {
    invalid_arg(format!("disk '{disk}' was not found in the domain config"))
}

impl Guest {
    /// The limits of a disk; without one, those that any can have, which clients count.
    pub(super) fn block_io_tune(&mut self, disk: Option<&str>, impact: Impact) -> Result<TypedParams> {
        let config = self.config(impact)?.0;
        let tune = match disk {
            Some(disk) => find(config, disk, true).ok_or_else(|| no_disk(disk))?.iotune.clone(),
            None => IoTune::default(),
        };
        let mut params = TypedParams::new();
        tune.rates().into_iter().for_each(|(field, value)| params.push(field, value));
        params.push("group_name", tune.group_name.clone().unwrap_or_default());
        tune.lengths().into_iter().for_each(|(field, value)| params.push(field, value));
        Ok(params)
    }

    pub(super) fn set_block_io_tune(
        &mut self,
        disk: &str,
        params: &TypedParams,
        impact: Impact,
    ) -> Result<()> {
        let disk = find(self.config(impact)?.0, disk, true)
            .ok_or_else(|| invalid_arg(format!("missing persistent configuration for disk '{disk}'")))?;
        let mut tune = disk.iotune.clone();
        for (field, _) in fields() {
            if let Some(group) = params::text(params, field) {
                tune.group_name = Some(group.to_owned()).filter(|group| !group.is_empty());
            }
            let Some(value) = params::unsigned(params, field) else { continue };
            if value > MOST {
                let detail = format!("block I/O throttle limit value must be no more than {MOST}");
                return Err(argument(detail));
            }
            if let Some(limit) = tune.limit_mut(field) {
                *limit = value;
            }
        }
        check(&tune)?;
        disk.iotune = tune;
        Ok(())
    }

    pub(super) fn block_stats(&mut self, disk: &str) -> Result<BlockStats> {
        find(&mut self.live, disk, false).ok_or_else(|| invalid_arg(format!("invalid path: {disk}")))?;
        let base = now() as i64;
        Ok(BlockStats {
            read_requests: base / 10,
            read_bytes: base / 20,
            write_requests: base / 30,
            write_bytes: base / 40,
            errors: base / 2_000_000,
        })
    }

    pub(super) fn block_info(&mut self, disk: &str) -> Result<BlockInfo> {
        let found = find(&mut self.live, disk, false)
            .ok_or_else(|| invalid_arg(format!("invalid path {disk} not assigned to domain")))?;
        if found.source.is_empty() {
            return Err(invalid_arg(format!("disk '{disk}' does not currently have a source assigned")));
        }
        Ok(BlockInfo { capacity: 1_099_506_450_432, allocation: 1 << 40, physical: 1 << 40 })
    }

    /// An error for each disk, of one kind and the other in turns.
    pub(super) fn disk_errors(&self) -> Vec<DiskError> {
        let disks = self.live.devices.disks.iter().zip([1, 2].into_iter().cycle());
        disks.map(|(disk, error)| DiskError { disk: disk.name().to_owned(), error }).collect()
    }
}

/// Refuses a path that means all disks together.
pub(super) fn check_path(disk: &str) -> Result<()> {
    if disk.is_empty() { Err(unsupported("summary statistics are not supported yet")) } else { Ok(()) }
}
