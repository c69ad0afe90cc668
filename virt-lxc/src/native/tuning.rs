//! `lxc.cgroup.*`: shares and limits.

use std::str::FromStr;

use virt_conf::Result;
use virt_conf::domain::{BlkiotuneDevice, Domain, NumaMemory, NumaPlacement, Placement};

use super::internal;
use super::mount::size;
use super::settings::Settings;

pub(super) fn add(domain: &mut Domain, settings: &Settings<'_>) -> Result<()> {
    let kib = |key| settings.first(&[key]).map(size).transpose().map(|bytes| bytes.map(|bytes| bytes / 1024));
    domain.memtune.hard_limit = kib("lxc.cgroup.memory.limit_in_bytes")?;
    domain.memtune.soft_limit = kib("lxc.cgroup.memory.soft_limit_in_bytes")?;
    domain.memtune.swap_hard_limit = kib("lxc.cgroup.memory.memsw.limit_in_bytes")?;
    domain.memory.total = domain.memtune.hard_limit.unwrap_or(domain.memory.total);
    domain.cputune.shares = number(settings, "lxc.cgroup.cpu.shares")?;
    domain.cputune.vcpu_quota.quota = number(settings, "lxc.cgroup.cpu.cfs_quota_us")?.unwrap_or(0);
    domain.cputune.vcpu_quota.period = number(settings, "lxc.cgroup.cpu.cfs_period_us")?.unwrap_or(0);
    if let Some(cpus) = settings.first(&["lxc.cgroup.cpuset.cpus"]) {
        domain.vcpus.cpuset = Some(cpus.parse()?);
        domain.vcpus.placement = Placement::Static;
    }
    if let Some(nodes) = settings.first(&["lxc.cgroup.cpuset.mems"]) {
        domain.numatune.memory = Some(NumaMemory {
            placement: NumaPlacement::Static,
            nodeset: Some(nodes.parse()?),
            ..NumaMemory::default()
        });
    }
    domain.blkiotune.weight = number(settings, "lxc.cgroup.blkio.weight")?.unwrap_or(0);
    settings.below("lxc.cgroup.blkio.").try_for_each(|(setting, value)| add_device(domain, setting, value))
}

fn number<T: FromStr>(settings: &Settings<'_>, key: &str) -> Result<Option<T>> {
    let read = |text: &str| text.parse().map_err(|_| internal(format!("failed to parse integer: '{text}'")));
    settings.first(&[key]).map(read).transpose()
}

/// `MAJOR:MINOR VALUE`: one setting of a device; all of a device come together.
fn add_device(domain: &mut Domain, setting: &str, value: &str) -> Result<()> {
    if setting == "weight" {
        return Ok(());
    }
    let mut words = value.split([' ', '\t']).filter(|word| !word.is_empty());
    let (Some(device), Some(figure)) = (words.next(), words.next()) else {
        return Err(internal(format!("invalid lxc.cgroup.blkio.{setting} value: '{value}'")));
    };
    let path = format!("/dev/block/{device}");
    let devices = &mut domain.blkiotune.devices;
    let position = devices.iter().position(|device| device.path == path).unwrap_or_else(|| {
        devices.push(BlkiotuneDevice { path, ..BlkiotuneDevice::default() });
        devices.len() - 1
    });
    let device = &mut devices[position];
    match setting {
        "device_weight" => device.weight = read(figure, "device weight")?,
        "throttle.read_bps_device" => device.read_bytes_sec = read(figure, "read_bps_device")?,
        "throttle.write_bps_device" => device.write_bytes_sec = read(figure, "write_bps_device")?,
        "throttle.read_iops_device" => device.read_iops_sec = read(figure, "read_iops_device")?,
        "throttle.write_iops_device" => device.write_iops_sec = read(figure, "write_iops_device")?,
        // libvirt does not look at other figures of devices either.
        _ => {}
    }
    Ok(())
}

fn read<T: FromStr>(text: &str, what: &str) -> Result<T> {
    text.parse().map_err(|_| internal(format!("failed to parse {what}: '{text}'")))
}
