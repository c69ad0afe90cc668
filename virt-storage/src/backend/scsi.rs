//! `scsi`: the disks behind a host adapter.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use virt_conf::storage_pool::{Adapter, StoragePool};
use virt_conf::storage_volume::{Volume, VolumeType};
use virt_types::{Error, Result};

use super::Backend;
use crate::command::Command;
use crate::error::{internal, invalid_arg, system};
use crate::pool::Volumes;
use crate::probe;

/// Where the kernel shows adapters and what is behind them.
const SYSFS: &str = "/sys";
/// Every channel, target and unit.
const EVERYTHING: &str = "- - -";
/// The types of devices that have bytes to read: disks and CD-ROM drives (SPC, peripheral device type).
const DISK: u32 = 0;
const ROM: u32 = 5;
/// udev's program that tells who made a device, and which one of theirs it is.
const SCSI_ID: &str = "/lib/udev/scsi_id";

#[derive(Debug)]
pub(super) struct Scsi;

impl Backend for Scsi {
    fn is_there(&self, pool: &StoragePool) -> Result<bool> {
        let host = host_of(pool)?;
        Ok(Path::new(SYSFS).join(format!("class/scsi_host/host{host}")).exists())
    }

    fn refresh(&self, pool: &mut StoragePool) -> Result<Volumes> {
        let host = host_of(pool)?;
        rescan(host)?;
        units_of(pool, host)
    }
}

/// The number of the adapter.
fn host_of(pool: &StoragePool) -> Result<u32> {
    match &pool.source.adapter {
        Some(Adapter::ScsiHost(host)) => match (&host.name, &host.parent) {
            (Some(name), None) => number_of(name),
            _ => Err(Error::no_support("adapters that are named by their PCI address")),
        },
        Some(Adapter::FcHost(_)) => Err(Error::no_support("virtual adapters of Fibre Channel")),
        None => Err(internal("missing storage pool source adapter")),
    }
}

/// `host3` and `scsi_host3` are the third one.
fn number_of(name: &str) -> Result<u32> {
    let number = name.strip_prefix("scsi_").unwrap_or(name).strip_prefix("host").map(str::parse);
    match number {
        Some(Ok(number)) => Ok(number),
        _ => Err(internal(format!("Invalid adapter name '{name}' for SCSI pool"))),
    }
}

fn rescan(host: u32) -> Result<()> {
    let path = format!("{SYSFS}/class/scsi_host/host{host}/scan");
    let wrong = |error: io::Error| {
        let doing = format!("Could not open '{path}' to trigger host scan");
        system(doing, error)
    };
    let file = fs::OpenOptions::new().write(true).open(&path).map_err(wrong)?;
    io::Write::write_all(&mut &file, EVERYTHING.as_bytes())
        .map_err(|error| system(format_args!("Write to '{path}' to trigger host scan failed"), error))
}

/// A unit behind an adapter that can be a volume.
#[derive(Debug, PartialEq, Eq)]
struct Unit {
    /// Its name in the pool, which does not change with the adapter's number.
    name: String,
    /// The kernel's name of the block device.
    device: String,
}

/// The volumes that the units behind an adapter are, and what they sum up to.
pub(super) fn units_of(pool: &mut StoragePool, host: u32) -> Result<Volumes> {
    let directory = pool.target_path().trim_end_matches('/').to_owned();
    let links = links(&directory);
    let mut volumes = Vec::new();
    for unit in units(Path::new(SYSFS), host)? {
        let device = format!("/dev/{}", unit.device);
        let path = if directory == "/dev" {
            device
        } else if !directory.starts_with("/dev/") {
            let detail = format!("unable to use target path '{directory}' for dev '{}'", unit.device);
            return Err(invalid_arg(detail));
        } else {
            // A unit that the directory has no link to is none of the pool's.
            let real = Path::new(&device);
            let Some((link, _)) = links.iter().find(|(_, target)| target == real) else { continue };
            link.clone()
        };
        let mut volume = Volume { kind: VolumeType::Block, name: unit.name, ..Volume::default() };
        volume.key = Some(serial(&path).unwrap_or_else(|| path.clone()));
        volume.target.path = Some(path);
        match probe::refresh(&mut volume) {
            Ok(()) => volumes.push(volume),
            // A drive without a medium is no volume either.
            Err(error) => log::warn!("unit '{}' is passed over: {error}", volume.name),
        }
    }
    let sum = |size: fn(&Volume) -> Option<u64>| volumes.iter().filter_map(size).sum();
    pool.capacity = sum(|volume| volume.capacity);
    pool.allocation = sum(|volume| volume.allocation);
    pool.available = 0;
    Ok(volumes.into_iter().collect())
}

/// The links in a directory, and what they lead to.
fn links(directory: &str) -> Vec<(String, PathBuf)> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let link = |path: PathBuf| Some((path.to_str()?.to_owned(), fs::canonicalize(&path).ok()?));
    let mut links: Vec<_> = entries.flatten().filter_map(|entry| link(entry.path())).collect();
    links.sort();
    links
}

/// The disks behind an adapter, in the order of their numbers.
fn units(sysfs: &Path, host: u32) -> Result<Vec<Unit>> {
    let devices = sysfs.join("bus/scsi/devices");
    let entries = match fs::read_dir(&devices) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            return Err(system(format_args!("cannot open directory '{}'", devices.display()), error));
        }
    };
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let Some(place) = entry.file_name().to_str().and_then(|name| place(name, host)) else { continue };
        let directory = entry.path();
        let kind = fs::read_to_string(directory.join("type")).ok();
        let kind = kind.and_then(|kind| kind.trim().parse().ok());
        if !matches!(kind, Some(DISK | ROM)) {
            continue;
        }
        let block = fs::read_dir(directory.join("block")).ok().and_then(|mut block| block.next()?.ok());
        if let Some(device) = block.and_then(|block| block.file_name().into_string().ok()) {
            found.push((place, device));
        }
    }
    found.sort();
    let unit = |([bus, target, unit], device): ([u32; 3], String)| Unit {
        name: format!("unit:{bus}:{target}:{unit}"),
        device,
    };
    Ok(found.into_iter().map(unit).collect())
}

/// Bus, target and unit in a name such as `2:0:0:1`, of this adapter.
fn place(name: &str, host: u32) -> Option<[u32; 3]> {
    let mut numbers = name.split(':').map(|number| number.parse::<u32>().ok());
    if numbers.next()?? != host {
        return None;
    }
    let place = [numbers.next()??, numbers.next()??, numbers.next()??];
    numbers.next().is_none().then_some(place)
}

/// What the device itself says who it is.
fn serial(path: &str) -> Option<String> {
    if !Path::new(SCSI_ID).exists() {
        return None;
    }
    let command = Command::new(SCSI_ID, ["--replace-whitespace", "--whitelisted", "--device", path]);
    let output = command.run().inspect_err(|error| log::debug!("{error}")).ok()?;
    let serial = output.lines().next()?.trim();
    (!serial.is_empty()).then(|| serial.to_owned())
}

#[cfg(test)]
mod tests {
    use virt_types::ErrorCode;

    use super::*;

    #[test]
    fn units_of_one_adapter_are_found_in_order() {
        let root = std::env::temp_dir().join(format!("virt-storage-scsi-{}", std::process::id()));
        for (name, kind, device) in [
            ("2:0:1:0", "0", Some("sdb")),
            ("2:0:0:10", "0", Some("sdc")),
            ("2:0:0:2", "5", Some("sr0")),
            ("2:0:0:3", "3", None),
            ("2:0:0:4", "0", None),
            ("3:0:0:0", "0", Some("sdd")),
            ("target2:0:0", "0", None),
        ] {
            let directory = root.join("bus/scsi/devices").join(name);
            fs::create_dir_all(directory.join("block").join(device.unwrap_or_default())).unwrap();
            fs::write(directory.join("type"), format!("{kind}\n")).unwrap();
        }
        let found = units(&root, 2).unwrap();
        let shown: Vec<_> = found.iter().map(|unit| (unit.name.as_str(), unit.device.as_str())).collect();
        assert_eq!(shown, [("unit:0:0:2", "sr0"), ("unit:0:0:10", "sdc"), ("unit:0:1:0", "sdb")]);
        fs::remove_dir_all(&root).unwrap();
        assert_eq!(units(&root, 2).unwrap(), []);
    }

    #[test]
    fn adapters_have_numbers() {
        for (name, number) in [("host3", Some(3)), ("scsi_host12", Some(12)), ("host", None), ("3", None)] {
            assert_eq!(number_of(name).ok(), number, "{name}");
        }
        assert_eq!(number_of("x").unwrap_err().code(), ErrorCode::InternalError);
    }
}
