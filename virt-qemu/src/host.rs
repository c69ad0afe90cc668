//! What plans depend on of the host: data, read once by whoever plans.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use virt_conf::storage_pool::PoolType;
use virt_sys::kvm;
use virt_types::{Arch, PciAddress, TextEnum};

use crate::firmware::{self, Firmware};

/// The host as far as a domain's completion and plan depend on it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Host {
    /// The processor's architecture.
    pub arch: Arch,
    /// Online processors.
    pub cpus: u32,
    /// Memory in KiB.
    pub memory: u64,
    /// Ids of the NUMA nodes.
    pub numa_nodes: Vec<u32>,
    /// Sizes of the mounted huge pages, in KiB, with the mount point; the first is the default one.
    pub hugepages: Vec<(u64, String)>,
    /// What the TPM emulator `swtpm` can do; absent where it is not installed.
    pub swtpm: Option<Swtpm>,
    /// Whether `/dev/vhost-net` can be opened.
    pub vhost_net: bool,
    /// Whether devices can be handed to guests.
    pub vfio: bool,
    /// Firmware images, the preferred first.
    pub firmware: Vec<Firmware>,
    /// Why KVM can not be used here, in words, with what to do about it; absent where it can.
    pub kvm_refusal: Option<Refusal>,
    /// The first DRI device that can render without a screen.
    pub render_node: Option<String>,
    /// The host's address in each virtual network that has one.
    pub network_addresses: BTreeMap<String, String>,
    /// Storage pools that are active; absent where nobody tells.
    pub pools: Option<Vec<HostPool>>,
    /// PCI devices, by their place.
    pub pci_devices: BTreeMap<PciAddress, HostPciDevice>,
    /// `QEMU_AUDIO_DRV` of the engine's environment: the backend of guests that may use the host's sound.
    pub audio_driver: Option<String>,
    /// `SDL_AUDIODRIVER` of the engine's environment.
    pub sdl_audio_driver: Option<String>,
    /// Controllers of control groups; absent where there are none.
    pub control_groups: Option<Arc<virt_cgroup::Host>>,
}

/// A storage pool and what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPool {
    /// Its name.
    pub name: String,
    /// What it is made of.
    pub kind: PoolType,
    /// Those of its volumes that matter.
    pub volumes: Vec<HostVolume>,
}

/// A volume of a storage pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostVolume {
    /// Its name in the pool.
    pub name: String,
    /// Where it is.
    pub path: String,
}

/// What a guest's layout depends on of a PCI device of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostPciDevice {
    /// Whether it is a PCI Express device.
    pub express: bool,
    /// The IOMMU group that it is in, where the host has an IOMMU.
    pub iommu_group: Option<u32>,
}

/// The versions of the standard that the TPM emulator has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Swtpm {
    /// 1.2.
    pub tpm1: bool,
    /// 2.0.
    pub tpm2: bool,
}

/// Why something of the host can not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What is the matter.
    pub reason: String,
    /// What to do about it.
    pub hint: String,
}

impl Host {
    /// Reads this host.
    #[must_use]
    pub fn detect() -> Self {
        let root = virt_host::Root::host();
        Self {
            arch: Arch::from_text(&virt_sys::host::machine()).unwrap_or_default(),
            cpus: u32::try_from(virt_sys::host::online_cpus()).unwrap_or(1),
            memory: virt_sys::host::total_memory() / 1024,
            numa_nodes: virt_host::memory::nodes(&root).iter().collect(),
            hugepages: std::fs::read_to_string("/proc/mounts")
                .map(|mounts| hugepage_mounts(&mounts))
                .unwrap_or_default(),
            swtpm: detect_swtpm(),
            vhost_net: can_open(Path::new("/dev/vhost-net")),
            vfio: Path::new("/dev/vfio/vfio").exists() && virt_host::topology::has_iommu(&root),
            firmware: firmware::load(&["/usr/share/qemu/firmware".into(), "/etc/qemu/firmware".into()]),
            kvm_refusal: kvm_refusal(),
            render_node: render_node(Path::new("/dev/dri")),
            network_addresses: BTreeMap::new(),
            pools: None,
            pci_devices: pci_devices(Path::new("/sys/bus/pci/devices")),
            audio_driver: std::env::var("QEMU_AUDIO_DRV").ok(),
            sdl_audio_driver: std::env::var("SDL_AUDIODRIVER").ok(),
            control_groups: virt_cgroup::Host::detect("/").ok().map(Arc::new),
        }
    }
}

/// Why KVM can not be used by this process, if it can not.
#[must_use]
pub fn kvm_refusal() -> Option<Refusal> {
    let kvm = kvm::check();
    let hint = kvm.fix()?;
    Some(Refusal {
        reason: kvm.to_string(),
        hint: format!("{hint} Or use <domain type='qemu'>, which is slower."),
    })
}

/// The emulator is used through three programs; all releases since 0.7 have both versions of the standard.
fn detect_swtpm() -> Option<Swtpm> {
    let installed = |program: &str| {
        ["/usr/bin", "/usr/local/bin", "/bin"].iter().any(|dir| Path::new(dir).join(program).exists())
    };
    let complete = ["swtpm", "swtpm_setup", "swtpm_ioctl"].into_iter().all(installed);
    complete.then_some(Swtpm { tpm1: true, tpm2: true })
}

fn can_open(device: &Path) -> bool {
    std::fs::OpenOptions::new().read(true).write(true).open(device).is_ok()
}

fn pci_devices(dir: &Path) -> BTreeMap<PciAddress, HostPciDevice> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let device = |entry: std::fs::DirEntry| {
        let address = pci_address(entry.file_name().to_str()?)?;
        let path = entry.path();
        // Only the configuration space of PCI Express devices is larger than 256 bytes.
        let express = std::fs::metadata(path.join("config")).is_ok_and(|config| config.len() > 256);
        let group = std::fs::read_link(path.join("iommu_group")).ok();
        let iommu_group = group.and_then(|group| group.file_name()?.to_str()?.parse().ok());
        Some((address, HostPciDevice { express, iommu_group }))
    };
    entries.filter_map(device).collect()
}

/// A place as sysfs writes it: `0000:00:1f.2`.
fn pci_address(text: &str) -> Option<PciAddress> {
    let (domain, rest) = text.split_once(':')?;
    let (bus, rest) = rest.split_once(':')?;
    let (slot, function) = rest.split_once('.')?;
    let number = |digits| u32::from_str_radix(digits, 16).ok();
    Some(PciAddress {
        domain: number(domain)?,
        bus: number(bus)?,
        slot: number(slot)?,
        function: number(function)?,
    })
}

/// The first DRI device that renders without a screen.
fn render_node(dir: &Path) -> Option<String> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let first = names.filter(|name| name.starts_with("renderD")).min()?;
    Some(dir.join(first).display().to_string())
}

/// The hugetlbfs mounts of a mount table, with their page sizes in KiB.
fn hugepage_mounts(mounts: &str) -> Vec<(u64, String)> {
    let mut found = Vec::new();
    for line in mounts.lines() {
        let mut fields = line.split(' ').skip(1);
        let (Some(path), Some("hugetlbfs"), Some(options)) = (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let size = options.split(',').find_map(|option| option.strip_prefix("pagesize="));
        let size = match size {
            None => Some(2048),
            Some(text) => {
                let (digits, unit) = text.split_at(text.len() - text.ends_with(['K', 'M', 'G']) as usize);
                digits.parse::<u64>().ok().map(|value| match unit {
                    "M" => value << 10,
                    "G" => value << 20,
                    _ => value,
                })
            }
        };
        found.extend(size.map(|size| (size, path.to_owned())));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_pci_devices_are_read_as_sysfs_writes_them() {
        for text in ["0000:00:1f.2", "10000:e1:00.0"] {
            assert_eq!(pci_address(text).unwrap().to_string(), text);
        }
        assert_eq!(pci_address("uevent"), None);
    }

    #[test]
    fn page_sizes_are_read_from_mounts() {
        let mounts = "none /dev/hugepages hugetlbfs rw,pagesize=2M 0 0\nnone /huge1G hugetlbfs rw,pagesize=1024M 0 0\nproc /proc proc rw 0 0\n";
        assert_eq!(
            hugepage_mounts(mounts),
            [(2048, "/dev/hugepages".to_owned()), (1 << 20, "/huge1G".to_owned())]
        );
    }
}
