//! How much memory QEMU has to be able to keep from being swapped out (`RLIMIT_MEMLOCK`).

use std::fmt;

use virt_conf::common::storage_source::Location;
use virt_conf::domain::device::{
    Controller, ControllerKind, HostdevSource, InterfaceSource, PciModel, PciModelName,
};
use virt_conf::domain::{Domain, VirtType};

/// How much memory a process may lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockedMemory {
    /// This many bytes.
    Bytes(u64),
    /// All that there is.
    Unlimited,
}

impl fmt::Display for LockedMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "{bytes} bytes"),
            Self::Unlimited => f.write_str("all memory"),
        }
    }
}

const KIB_PER_MIB: u64 = 1 << 10;
const KIB_PER_GIB: u64 = 1 << 20;

impl LockedMemory {
    /// What a filled domain needs; nothing where the usual limit does.
    ///
    /// Devices of the host reach all of the guest's memory, so all of it stays where it is: once for all behind VFIO, unless
    /// each has a guest's IOMMU before it, and once more for every NVMe or vDPA device. KVM on POWER locks its tables too.
    #[must_use]
    pub fn of(domain: &Domain) -> Option<Self> {
        if let Some(kib) = domain.memtune.hard_limit {
            return Some(Self::Bytes(kib.saturating_mul(1024)));
        }
        if domain.memory_backing.locked {
            return Some(Self::Unlimited);
        }
        let total = domain.memory.total;
        let kib = if domain.os.arch.is_ppc64() && domain.virt_type == VirtType::Kvm {
            pseries(domain, total)
        } else {
            let vfio = match vfio_devices(domain) {
                0 => 0,
                _ if domain.devices.iommu.is_none() => 1,
                each => each,
            };
            let times = vfio + nvme_disks(domain) + vdpa_devices(domain);
            if times == 0 {
                return None;
            }
            total.saturating_mul(times).saturating_add(KIB_PER_GIB)
        };
        Some(Self::Bytes(kib.saturating_mul(1024)))
    }
}

/// KiB: the hash table, the tables of each host bridge's 32-bit window, and with devices of the host what they reach.
fn pseries(domain: &Domain, total: u64) -> u64 {
    let bridges = domain.devices.controllers.iter().filter(is_host_bridge).count();
    let bridges = u64::try_from(bridges).unwrap_or(u64::MAX);
    let most = if domain.memory.max > 0 { domain.memory.max } else { total };
    let tables = most / 128 + 4 * KIB_PER_MIB * bridges + 8 * KIB_PER_MIB;
    let reached = if vfio_devices(domain) + nvme_disks(domain) + vdpa_devices(domain) > 0 {
        let wide = total + total / 512 * bridges + 8 * KIB_PER_MIB;
        wide.max(2 * KIB_PER_GIB * bridges)
    } else {
        0
    };
    tables + reached
}

fn is_host_bridge(controller: &&Controller) -> bool {
    let ControllerKind::Pci(pci) = &controller.kind else { return false };
    pci.model == Some(PciModel::PciRoot) && pci.name == Some(PciModelName::SpaprPciHostBridge)
}

fn count<T>(all: impl Iterator<Item = T>) -> u64 {
    all.fold(0, |count, _| count + 1)
}

fn vfio_devices(domain: &Domain) -> u64 {
    let devices = &domain.devices;
    let hostdevs = devices
        .hostdevs
        .iter()
        .filter(|hostdev| matches!(hostdev.source, HostdevSource::Pci(_) | HostdevSource::Mdev(_)));
    let interfaces =
        devices.interfaces.iter().filter(|interface| matches!(interface.source, InterfaceSource::Hostdev(_)));
    count(hostdevs) + count(interfaces)
}

fn nvme_disks(domain: &Domain) -> u64 {
    let disks = domain.devices.disks.iter();
    count(disks.filter(|disk| disk.source.chain().any(|image| matches!(image.location, Location::Nvme(_)))))
}

fn vdpa_devices(domain: &Domain) -> u64 {
    let interfaces = domain.devices.interfaces.iter();
    let images = domain.devices.disks.iter().flat_map(|disk| disk.source.chain());
    count(interfaces.filter(|interface| matches!(interface.source, InterfaceSource::Vdpa { .. })))
        + count(images.filter(|image| matches!(image.location, Location::VhostVdpa { .. })))
}

#[cfg(test)]
mod tests {
    use virt_conf::ParseFlags;

    use super::*;

    fn of(inner: &str, devices: &str) -> Option<LockedMemory> {
        let xml = format!(
            "<domain type='kvm'><name>d</name><memory unit='MiB'>512</memory>{inner}
             <os><type arch='x86_64'>hvm</type></os><devices>{devices}</devices></domain>"
        );
        LockedMemory::of(&Domain::parse(&xml, ParseFlags::INACTIVE).unwrap())
    }

    #[test]
    fn what_reaches_memory_keeps_it_in_place() {
        let pci = "<hostdev mode='subsystem' type='pci'><source>
            <address domain='0' bus='6' slot='0' function='0'/></source></hostdev>";
        let vdpa = "<interface type='vdpa'><source dev='/dev/vhost-vdpa-0'/></interface>";
        let iommu = "<iommu model='intel'/>";
        let limit = "<memtune><hard_limit unit='KiB'>7</hard_limit></memtune>";
        let locked = "<memoryBacking><locked/></memoryBacking>";
        let mib = |mib: u64| Some(LockedMemory::Bytes(mib << 20));
        for (inner, devices, expected) in [
            ("", String::new(), None),
            ("", pci.to_owned(), mib(1536)),
            ("", pci.repeat(2), mib(1536)),
            ("", pci.repeat(2) + iommu, mib(2048)),
            ("", pci.to_owned() + vdpa, mib(2048)),
            (locked, pci.to_owned(), Some(LockedMemory::Unlimited)),
            (limit, pci.to_owned(), Some(LockedMemory::Bytes(7168))),
        ] {
            assert_eq!(of(inner, &devices), expected, "{inner} {devices}");
        }
    }
}
