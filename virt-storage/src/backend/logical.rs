//! `logical`: the volumes of an LVM volume group.

use std::os::unix::fs::PermissionsExt;

use virt_conf::common::encryption::EncryptionFormat;
use virt_conf::storage_pool::{LogicalFormat, PoolDevice, PoolFormat, PoolSource, PoolType, StoragePool};
use virt_conf::storage_volume::{Extent, Volume, VolumeTarget, VolumeType};
use virt_types::Result;

use super::{Backend, NO_OVERWRITE, OVERWRITE, device, directory};
use crate::command::Command;
use crate::error::{cannot, internal, invalid, system, unsupported};
use crate::pool::Volumes;
use crate::probe;
use crate::volume::{self, Build, wanted_allocation};

#[derive(Debug)]
pub(super) struct Logical;

/// What is asked of lvs, in this order.
const COLUMNS: &str = "lv_name,origin,uuid,devices,segtype,stripes,seg_size,vg_extent_size,size,lv_attr";

fn group(pool: &StoragePool) -> &str {
    pool.source.name.as_deref().unwrap_or(&pool.name)
}

/// The command that makes the volumes of a group appear, or go.
pub(super) fn change_command(pool: &StoragePool, on: bool) -> Command {
    Command::new("vgchange", [if on { "-aly" } else { "-aln" }, group(pool)])
}

impl Backend for Logical {
    fn is_there(&self, pool: &StoragePool) -> Result<bool> {
        Ok(check_group(pool).is_ok())
    }

    fn build(&self, pool: &StoragePool, flags: u32) -> Result<()> {
        directory::check_build(flags & (OVERWRITE | NO_OVERWRITE))?;
        let mut made = Vec::new();
        let done = make_group(pool, flags, &mut made);
        if done.is_err() {
            made.iter().for_each(|path| remove_physical(path));
        }
        done
    }

    fn start(&self, pool: &StoragePool) -> Result<()> {
        check_group(pool)?;
        change_command(pool, true).run().map(drop)
    }

    fn stop(&self, pool: &StoragePool) -> Result<()> {
        change_command(pool, false).run().map(drop)
    }

    fn delete(&self, pool: &StoragePool, _: u32) -> Result<()> {
        Command::new("vgremove", ["-f", group(pool)]).run()?;
        pool.source.devices.iter().for_each(|device| remove_physical(&device.path));
        Ok(())
    }

    fn refresh(&self, pool: &mut StoragePool) -> Result<Volumes> {
        let volumes = volumes(pool)?;
        let arguments = ["--separator", ":", "--noheadings", "--units", "b", "--unbuffered", "--nosuffix"];
        let columns = ["--options", "vg_size,vg_free"];
        let name = group(pool).to_owned();
        let output =
            Command::new("vgs", arguments.into_iter().chain(columns).chain([name.as_str()])).run()?;
        let (size, free) = sizes(&output).ok_or_else(|| internal("malformed size of a volume group"))?;
        (pool.capacity, pool.available, pool.allocation) = (size, free, size.saturating_sub(free));
        Ok(volumes)
    }

    fn finds_sources(&self, _: PoolType) -> bool {
        true
    }

    fn find_sources(&self, _: Option<&PoolSource>) -> Result<Vec<PoolSource>> {
        groups()
    }

    fn makes_volumes(&self) -> bool {
        true
    }

    fn makes_at_once(&self) -> bool {
        true
    }

    fn place(&self, pool: &StoragePool, volume: &mut Volume) -> Result<()> {
        volume.kind = VolumeType::Block;
        volume.target.path = Some(format!("{}/{}", pool.target_path(), volume.name));
        if volume.target.encryption.as_ref().is_some_and(|it| it.format != EncryptionFormat::Luks) {
            return Err(unsupported("storage pool only supports LUKS encrypted volumes"));
        }
        Ok(())
    }

    fn build_volume(&self, pool: &StoragePool, build: &Build) -> Result<()> {
        create_command(pool, &build.volume).run()?;
        let fill = || {
            if build.original.is_some() || build.volume.target.encryption.is_some() {
                volume::build(build)?;
            }
            own(&build.volume)
        };
        fill().inspect_err(|_| {
            if let Err(error) = self.delete_volume(pool, &build.volume) {
                log::warn!("a volume that was not made whole is left: {error}");
            }
        })
    }

    fn refresh_volume(&self, pool: &StoragePool, volume: &mut Volume) -> Result<()> {
        if volume.key.is_some() {
            return Ok(());
        }
        let all = volumes(pool)?;
        let found = all.get(&volume.name).ok_or_else(|| {
            internal(format!("cannot find newly created volume '{}'", volume::path_of(volume)))
        })?;
        *volume = found.volume.clone();
        Ok(())
    }

    fn delete_volume(&self, _: &StoragePool, volume: &Volume) -> Result<()> {
        let path = volume::path_of(volume);
        let remove = || Command::new("lvremove", ["-f", path]).run().map(drop);
        remove().or_else(|_| {
            Command::new("lvchange", ["-aln", path]).run()?;
            remove()
        })
    }

    fn wipe_volume(&self, volume: &Volume, algorithm: u32) -> Result<()> {
        if wanted_allocation(volume) < volume.capacity.unwrap_or(0) {
            let path = volume::path_of(volume);
            let detail = format!("logical volume '{path}' is sparse, volume wipe not supported");
            return Err(cannot(detail));
        }
        volume::wipe(volume, algorithm)
    }
}

fn create_command(pool: &StoragePool, volume: &Volume) -> Command {
    /// What a header of LUKS may take.
    const LUKS_HEADER: u64 = 2 << 20;
    let kibibytes = |bytes: u64| format!("{}K", bytes.div_ceil(1024));
    let mut arguments = vec!["--name".to_owned(), volume.name.clone(), "-L".to_owned()];
    let (capacity, allocation) = (volume.capacity.unwrap_or(0), wanted_allocation(volume));
    if capacity != allocation {
        arguments.push(kibibytes(allocation.max(1)));
        arguments.extend(["--type", "snapshot", "--virtualsize"].map(str::to_owned));
    }
    let header = if volume.target.encryption.is_some() { LUKS_HEADER } else { 0 };
    arguments.push(kibibytes(capacity.saturating_add(header)));
    match volume.backing.as_ref().and_then(|backing| backing.path.clone()) {
        Some(origin) => arguments.extend(["-s".to_owned(), origin]),
        None => arguments.push(group(pool).to_owned()),
    }
    arguments.push("--yes".to_owned());
    Command::new("lvcreate", arguments)
}

fn own(volume: &Volume) -> Result<()> {
    let path = volume::path_of(volume);
    let wanted = &volume.target.permissions;
    if virt_sys::user::effective_uid() == 0 && (wanted.owner.is_some() || wanted.group.is_some()) {
        std::os::unix::fs::chown(path, wanted.owner, wanted.group)
            .map_err(|error| system(format_args!("cannot set file owner '{path}'"), error))?;
    }
    let mode = std::fs::Permissions::from_mode(wanted.mode.unwrap_or(volume::DEFAULT_MODE));
    std::fs::set_permissions(path, mode)
        .map_err(|error| system(format_args!("cannot set file mode '{path}'"), error))
}

fn make_group(pool: &StoragePool, flags: u32, made: &mut Vec<String>) -> Result<()> {
    let mut arguments = vec![group(pool).to_owned()];
    for device in &pool.source.devices {
        if flags & OVERWRITE == 0 {
            device::check_empty(&device.path, "LVM2_member")?;
        }
        initialize(&device.path)?;
        made.push(device.path.clone());
        arguments.push(device.path.clone());
    }
    Command::new("vgcreate", arguments).run().map(drop)
}

/// A device with a partition table is none that LVM takes.
fn initialize(path: &str) -> Result<()> {
    const TABLE: u64 = 4096;
    let device = std::fs::OpenOptions::new()
        .write(true)
        .open(path)
        .map_err(|error| system(format_args!("cannot open device '{path}'"), error))?;
    volume::zero(&device, 0, TABLE)
        .and_then(|()| device.sync_all())
        .map_err(|error| system(format_args!("cannot clear device header of '{path}'"), error))?;
    drop(device);
    Command::new("pvcreate", [path]).run().map(drop)
}

fn remove_physical(path: &str) {
    if let Err(error) = Command::new("pvremove", [path]).run() {
        log::warn!("{path} stays marked as a physical volume: {error}");
    }
}

/// The groups of the host and the devices that they are made of.
fn groups() -> Result<Vec<PoolSource>> {
    let output = Command::new("pvs", ["--noheadings", "-o", "pv_name,vg_name"]).run()?;
    Ok(read_groups(&output))
}

fn read_groups(output: &str) -> Vec<PoolSource> {
    let mut groups: Vec<PoolSource> = Vec::new();
    for line in output.lines() {
        let mut words = line.split_whitespace();
        // A device of no group has one word.
        let (Some(path), Some(name), None) = (words.next(), words.next(), words.next()) else { continue };
        let device = PoolDevice { path: path.to_owned(), ..PoolDevice::default() };
        match groups.iter_mut().find(|group| group.name.as_deref() == Some(name)) {
            Some(group) => group.devices.push(device),
            None => groups.push(PoolSource {
                name: Some(name.to_owned()),
                devices: vec![device],
                format: Some(PoolFormat::Logical(LogicalFormat::Lvm2)),
                ..PoolSource::default()
            }),
        }
    }
    groups
}

fn check_group(pool: &StoragePool) -> Result<()> {
    let name = group(pool);
    let groups = groups()?;
    let found = groups.iter().find(|group| group.name.as_deref() == Some(name));
    let found =
        found.ok_or_else(|| unsupported(format!("cannot find logical volume group name '{name}'")))?;
    let wanted = &pool.source.devices;
    let there = |device: &PoolDevice| found.devices.iter().any(|other| other.path == device.path);
    let count = wanted.iter().filter(|device| there(device)).count();
    if count == 0 && !wanted.is_empty() {
        let detail = format!("cannot find any matching source devices for logical volume group '{name}'");
        return Err(unsupported(detail));
    }
    if count != wanted.len() {
        log::warn!("volume group '{name}' is not made of the devices that pool '{}' names", pool.name);
    }
    Ok(())
}

fn sizes(output: &str) -> Option<(u64, u64)> {
    let line = output.lines().map(str::trim).find(|line| !line.is_empty())?;
    let mut numbers = line.trim_end_matches(':').split(':').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// The volumes of a group that have devices.
fn volumes(pool: &StoragePool) -> Result<Volumes> {
    let arguments = ["--separator", "#", "--noheadings", "--units", "b", "--unbuffered", "--nosuffix"];
    let rest = ["--options", COLUMNS, group(pool)];
    let output = Command::new("lvs", arguments.into_iter().chain(rest)).run()?;
    let mut volumes: Vec<Volume> = Vec::new();
    for segment in output.lines().filter_map(Segment::read) {
        if !segment.is_usable() {
            continue;
        }
        let extents = segment.extents()?;
        if let Some(volume) = volumes.iter_mut().find(|volume| volume.name == segment.name) {
            volume.extents.extend(extents);
            continue;
        }
        let mut volume = Volume {
            kind: VolumeType::Block,
            name: segment.name.to_owned(),
            key: Some(segment.uuid.to_owned()),
            extents,
            ..Volume::default()
        };
        volume.target.path = Some(format!("{}/{}", pool.target_path(), segment.name));
        probe::refresh(&mut volume)?;
        volume.allocation = Some(segment.size);
        if !segment.origin.is_empty() && !segment.origin.starts_with('[') {
            let path = format!("{}/{}", pool.target_path(), segment.origin);
            volume.backing = Some(VolumeTarget { path: Some(path), ..VolumeTarget::default() });
        }
        volumes.push(volume);
    }
    Ok(volumes.into_iter().collect())
}

/// A row of lvs: a part of a volume that is on some devices.
#[derive(Debug, PartialEq, Eq)]
struct Segment<'a> {
    name: &'a str,
    origin: &'a str,
    uuid: &'a str,
    devices: &'a str,
    length: u64,
    extent: u64,
    size: u64,
    attributes: &'a str,
}

impl<'a> Segment<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let mut columns = line.trim().trim_end_matches(',').split('#');
        let mut next = || columns.next();
        let (name, origin, uuid, devices) = (next()?, next()?, next()?, next()?);
        let (_kind, _stripes) = (next()?, next()?);
        let (length, extent, size) = (next()?.parse().ok()?, next()?.parse().ok()?, next()?.parse().ok()?);
        Some(Self { name, origin, uuid, devices, length, extent, size, attributes: next()? })
    }

    /// One that is not active has no device, and a pool of thin volumes never has.
    fn is_usable(&self) -> bool {
        let attributes = self.attributes.as_bytes();
        attributes.get(4) == Some(&b'a') && attributes.first() != Some(&b't')
    }

    fn extents(&self) -> Result<Vec<Extent>> {
        let wrong = || invalid("malformed volume extent devices value");
        let parts = self.devices.split(',').filter(|part| !part.is_empty());
        parts
            .map(|part| {
                let (path, offset) =
                    part.strip_suffix(')').and_then(|part| part.rsplit_once('(')).ok_or_else(wrong)?;
                let offset: u64 = offset.parse().map_err(|_| wrong())?;
                let start = offset.saturating_mul(self.extent);
                Ok(Extent { path: path.to_owned(), start, end: start.saturating_add(self.length) })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use virt_conf::storage_volume::Capacity;

    use super::*;

    #[test]
    fn groups_are_read_with_their_devices() {
        let groups = read_groups("  /dev/sdb\n  /dev/sdc vg0\n  /dev/sdd vg1\n  /dev/sde vg0\n");
        let shown: Vec<_> =
            groups.iter().map(|group| (group.name.as_deref().unwrap(), group.devices.len())).collect();
        assert_eq!(shown, [("vg0", 2), ("vg1", 1)]);
        assert_eq!(sizes("  10603200512:4328521728:\n"), Some((10_603_200_512, 4_328_521_728)));
        assert_eq!(sizes("nonsense\n"), None);
    }

    #[test]
    fn segments_are_read() {
        let line = "  data##abc-1#/dev/sdc1(10240),/dev/sdd1(0)#striped#2#8388608#4194304#8388608#-wi-a-,";
        let segment = Segment::read(line).unwrap();
        assert!(segment.is_usable());
        let extents = segment.extents().unwrap();
        assert_eq!(extents.len(), 2);
        assert_eq!(extents[0].start, 10240 * 4_194_304);
        assert_eq!(extents[1].end, 8_388_608);
        for (line, usable) in [
            ("thin##u#/dev/a(0)#thin-pool#1#1#1#1#twi-a-", false),
            ("off##u#/dev/a(0)#linear#1#1#1#1#-wi---", false),
        ] {
            assert_eq!(Segment::read(line).unwrap().is_usable(), usable, "{line}");
        }
        assert_eq!(Segment::read("short#line"), None);
        assert!(Segment::read("a##u#nothing#linear#1#1#1#1#-wi-a-").unwrap().extents().is_err());
    }

    #[test]
    fn volumes_are_made_by_commands() {
        let mut pool = StoragePool::parse("<pool type='logical'><name>vg</name></pool>").unwrap();
        pool.fill(None);
        for (inner, expected) in [
            ("<capacity>4096</capacity>", "lvcreate --name v -L 4K vg --yes"),
            (
                "<capacity>4096</capacity><allocation>1</allocation>",
                "lvcreate --name v -L 1K --type snapshot --virtualsize 4K vg --yes",
            ),
            (
                "<capacity>4096</capacity><backingStore><path>/dev/vg/o</path></backingStore>",
                "lvcreate --name v -L 4K -s /dev/vg/o --yes",
            ),
        ] {
            let xml = format!("<volume><name>v</name>{inner}</volume>");
            let volume = Volume::parse(&xml, PoolType::Logical, Capacity::Required).unwrap();
            assert_eq!(create_command(&pool, &volume).words().join(" "), expected);
        }
    }
}
