//! What can not come or go while a guest runs, in libvirt's words.

use virt_conf::common::{Address, address::AddressType};
use virt_conf::domain::device::{
    ConsoleTarget, ControllerType, Disk, DiskBus, DiskDevice, FilesystemDriver, HostdevSource, InputBus,
    InterfaceType, MemoryModel, ShmemModel, WatchdogModel,
};
use virt_conf::domain::{AnyDevice, DeviceRef, Domain};
use virt_types::{Error, ErrorCode, ErrorDomain, Result, TextEnum};

use crate::error::{internal, unsupported, xml_error};

fn not_possible(detail: impl Into<String>) -> Error {
    Error::new(ErrorCode::OperationUnsupported, ErrorDomain::Qemu, detail)
}

fn failed(detail: impl Into<String>) -> Error {
    Error::new(ErrorCode::OperationFailed, ErrorDomain::Qemu, detail)
}

fn invalid(detail: impl Into<String>) -> Error {
    Error::new(ErrorCode::OperationInvalid, ErrorDomain::Qemu, detail)
}

fn missing(detail: impl Into<String>) -> Error {
    Error::new(ErrorCode::DeviceMissing, ErrorDomain::Qemu, detail)
}

/// Refuses what can not be plugged into this guest, before anything is completed.
///
/// # Errors
/// With libvirt's code and sentence.
pub(super) fn attach(device: &AnyDevice, live: &Domain) -> Result<()> {
    let devices = &live.devices;
    let there = || !devices.find(device).is_empty();
    match device {
        AnyDevice::Disk(disk) => attach_disk(disk, live),
        AnyDevice::Controller(controller) => {
            let kind = controller.controller_type();
            if kind != ControllerType::Scsi {
                return Err(not_possible(format!("'{kind}' controller cannot be hot plugged.")));
            }
            match controller.index.filter(|_| there()) {
                Some(index) => Err(failed(format!("target {kind}:{index} already exists"))),
                None => Ok(()),
            }
        }
        AnyDevice::Interface(interface) => match interface.source.kind() {
            kind @ (InterfaceType::Server
            | InterfaceType::Client
            | InterfaceType::Mcast
            | InterfaceType::Udp
            | InterfaceType::Internal
            | InterfaceType::Null
            | InterfaceType::Vds) => {
                Err(not_possible(format!("hotplug of interface type of {kind} is not implemented yet")))
            }
            _ => Ok(()),
        },
        AnyDevice::Hostdev(hostdev) => match &hostdev.source {
            HostdevSource::Capability(_) => {
                Err(unsupported("hotplug is not supported for hostdev mode 'capabilities'"))
            }
            _ => Ok(()),
        },
        AnyDevice::Console(console) => {
            if matches!(console.target, ConsoleTarget::Serial | ConsoleTarget::None) {
                return Err(not_possible("attaching serial console is not supported"));
            }
            if there() { Err(invalid("chardev already exists")) } else { Ok(()) }
        }
        AnyDevice::Serial(_) | AnyDevice::Parallel(_) | AnyDevice::Channel(_) => {
            if there() {
                return Err(invalid("chardev already exists"));
            }
            Ok(())
        }
        AnyDevice::MemoryDevice(memory) => {
            if live.memory.max == 0 && matches!(memory.model(), MemoryModel::Dimm | MemoryModel::Nvdimm) {
                return Err(unsupported(
                    "cannot use/hotplug a memory device when domain 'maxMemory' is not defined",
                ));
            }
            Ok(())
        }
        AnyDevice::Shmem(shmem) => match shmem.model {
            ShmemModel::Ivshmem => {
                Err(not_possible(format!("live attach of shmem model '{}' is not supported", shmem.model)))
            }
            ShmemModel::IvshmemPlain | ShmemModel::IvshmemDoorbell => Ok(()),
        },
        AnyDevice::Watchdog(watchdog) => {
            if !devices.watchdogs.is_empty() {
                return Err(not_possible("domain already has a watchdog"));
            }
            if watchdog.model == WatchdogModel::I6300esb {
                return Ok(());
            }
            Err(not_possible(format!("hotplug of watchdog of model {} is not supported", watchdog.model)))
        }
        AnyDevice::Input(input) => match input.bus {
            InputBus::Usb | InputBus::Virtio => Ok(()),
            bus => Err(not_possible(format!("input device on bus '{bus}' cannot be hot plugged."))),
        },
        AnyDevice::Vsock(_) if devices.vsock.is_some() => {
            Err(not_possible("the domain already has a vsock device"))
        }
        AnyDevice::Filesystem(filesystem) if filesystem.driver != FilesystemDriver::Virtiofs => {
            Err(not_possible("only virtiofs filesystems can be hotplugged"))
        }
        AnyDevice::Lease(lease) if there() => {
            Err(invalid(format!("Lease {} in lockspace {} already exists", lease.key, lease.lockspace)))
        }
        AnyDevice::Rng(_)
        | AnyDevice::Redirdev(_)
        | AnyDevice::Vsock(_)
        | AnyDevice::Filesystem(_)
        | AnyDevice::Lease(_) => Ok(()),
        other => {
            let element = other.as_ref().kind().element();
            Err(not_possible(format!("live attach of device '{element}' is not supported")))
        }
    }
}

fn attach_disk(disk: &Disk, live: &Domain) -> Result<()> {
    if disk.device == DiskDevice::Floppy {
        return Err(not_possible("floppy device hotplug isn't supported"));
    }
    for other in &live.devices.disks {
        if other.target.dev == disk.target.dev {
            return Err(xml_error(format!(
                "target '{}' duplicated for disk sources '{}' and '{}'",
                disk.name(),
                other.source.location.local_path().unwrap_or("<null>"),
                disk.source.location.local_path().unwrap_or("<null>")
            )));
        }
        if disk.wwn.is_some() && disk.wwn == other.wwn {
            let detail = format!("Disks '{}' and '{}' have identical WWN", other.name(), disk.name());
            return Err(xml_error(detail));
        }
    }
    match disk.bus() {
        DiskBus::Usb if disk.device == DiskDevice::Lun => {
            Err(unsupported("disk device='lun' is not supported for usb bus"))
        }
        DiskBus::Virtio if disk.device == DiskDevice::Cdrom => {
            Err(not_possible("cdrom device with virtio bus isn't supported"))
        }
        DiskBus::Scsi => {
            let taken =
                |other: &Disk| other.bus() == DiskBus::Scsi && other.info.address == disk.info.address;
            if disk.drive().is_some() && live.devices.disks.iter().any(taken) {
                return Err(invalid("Domain already contains a disk with that address"));
            }
            Ok(())
        }
        DiskBus::Usb | DiskBus::Virtio => Ok(()),
        bus => Err(not_possible(format!("disk bus '{bus}' cannot be hotplugged."))),
    }
}

/// Refuses to let a device go that can not.
///
/// # Errors
/// With libvirt's code and sentence.
pub(super) fn detach(device: DeviceRef<'_>, live: &Domain) -> Result<()> {
    match device {
        DeviceRef::Disk(disk) => detach_disk(disk)?,
        DeviceRef::Controller(controller) => {
            let kind = controller.controller_type();
            if kind != ControllerType::Scsi {
                return Err(not_possible(format!("'{kind}' controller cannot be hot unplugged.")));
            }
            let index = controller.index.unwrap_or_default();
            let on = |disk: &Disk| {
                disk.bus() == DiskBus::Scsi && disk.drive().is_some_and(|drive| drive.controller == index)
            };
            let unit = |hostdev: &virt_conf::domain::device::Hostdev| {
                matches!(&hostdev.source, HostdevSource::Scsi(_))
                    && matches!(&hostdev.info.address, Address::Drive(drive) if drive.controller == index)
            };
            if live.devices.disks.iter().any(on) || live.devices.hostdevs.iter().any(unit) {
                return Err(failed("device cannot be detached: device is busy"));
            }
        }
        DeviceRef::Hostdev(hostdev) => {
            if let HostdevSource::Capability(_) = hostdev.source {
                return Err(unsupported("hot unplug is not supported for hostdev mode 'capabilities'"));
            }
        }
        DeviceRef::Shmem(shmem) if shmem.model == ShmemModel::Ivshmem => {
            return Err(not_possible(format!(
                "live detach of shmem model '{}' is not supported",
                shmem.model
            )));
        }
        DeviceRef::Watchdog(watchdog) if watchdog.model != WatchdogModel::I6300esb => {
            return Err(not_possible(format!(
                "hot unplug of watchdog of model {} is not supported",
                watchdog.model
            )));
        }
        DeviceRef::Console(console) if console.is_serial() => {
            return Err(not_possible(
                "detaching of <console/> is unsupported. Try corresponding <serial/> instead",
            ));
        }
        DeviceRef::Input(input) if !matches!(input.bus, InputBus::Usb | InputBus::Virtio) => {
            return Err(not_possible(format!("input device on bus '{}' cannot be detached", input.bus)));
        }
        DeviceRef::Filesystem(filesystem) if filesystem.driver != FilesystemDriver::Virtiofs => {
            return Err(not_possible("only virtiofs filesystems can be hotplugged"));
        }
        DeviceRef::Interface(_)
        | DeviceRef::Rng(_)
        | DeviceRef::MemoryDevice(_)
        | DeviceRef::Shmem(_)
        | DeviceRef::Watchdog(_)
        | DeviceRef::Serial(_)
        | DeviceRef::Parallel(_)
        | DeviceRef::Console(_)
        | DeviceRef::Channel(_)
        | DeviceRef::Input(_)
        | DeviceRef::Redirdev(_)
        | DeviceRef::Vsock(_)
        | DeviceRef::Filesystem(_)
        | DeviceRef::Lease(_) => {}
        other => {
            let element = other.kind().element();
            return Err(not_possible(format!("live detach of device '{element}' is not supported")));
        }
    }
    check_slot(device, live)
}

fn detach_disk(disk: &Disk) -> Result<()> {
    match (disk.device, disk.bus()) {
        (DiskDevice::Disk | DiskDevice::Lun, DiskBus::Virtio | DiskBus::Usb | DiskBus::Scsi)
        | (DiskDevice::Cdrom, DiskBus::Usb | DiskBus::Scsi) => Ok(()),
        (DiskDevice::Disk | DiskDevice::Lun, _) => {
            Err(not_possible("This type of disk cannot be hot unplugged"))
        }
        (device @ (DiskDevice::Cdrom | DiskDevice::Floppy), _) => {
            Err(not_possible(format!("disk device type '{device}' cannot be detached")))
        }
    }
}

/// A slot goes as a whole, and only where its controller lets it.
fn check_slot(device: DeviceRef<'_>, live: &Domain) -> Result<()> {
    let element = device.kind().element();
    let Some(info) = device.info() else { return Ok(()) };
    let alias = info.alias.as_deref();
    if alias.is_none() {
        return Err(internal(format!("Cannot detach {element} device with no alias")));
    }
    let Address::Pci(place) = &info.address else { return Ok(()) };
    let at = place.at;
    let shares = live.devices.iter().filter_map(DeviceRef::info).any(|other| {
        other.alias.as_deref() != alias
            && other.address.kind() == AddressType::Pci
            && other.address.pci().is_some_and(|place| {
                (place.at.domain, place.at.bus, place.at.slot) == (at.domain, at.bus, at.slot)
            })
    });
    let refuse = |words: &str, end: &str| {
        let place = format!("{:04x}:{:02x}:{:02x}.{}", at.domain, at.bus, at.slot, at.function);
        Err(failed(format!("cannot hot unplug {element} device with {words} address: {place}{end}")))
    };
    if shares {
        return refuse("multifunction PCI guest", "");
    }
    let Some(controller) = live.controller(ControllerType::Pci, at.bus) else {
        return refuse("PCI guest", " - controller not found");
    };
    let hotplug = match &controller.kind {
        virt_conf::domain::device::ControllerKind::Pci(pci) => pci.hotplug,
        _ => None,
    };
    if hotplug == Some(false) {
        return refuse("PCI guest", " - not allowed by controller");
    }
    Ok(())
}

/// The refusal of a device that is not there, in the words for its kind.
pub(crate) fn not_there(meant: &AnyDevice) -> Error {
    match meant {
        AnyDevice::Disk(disk) => missing(format!("disk {} not found", disk.name())),
        AnyDevice::Controller(controller) => {
            let kind = controller.controller_type();
            if kind != ControllerType::Scsi {
                return not_possible(format!("'{kind}' controller cannot be hot unplugged."));
            }
            let index = controller.index.unwrap_or_default();
            missing(format!("controller {kind}:{index} not found"))
        }
        AnyDevice::Hostdev(hostdev) => match &hostdev.source {
            HostdevSource::Usb(usb) => missing(match usb.address {
                Some((bus, device)) => format!("host usb device {bus:03}.{device:03} not found"),
                None => "host usb device not found".to_owned(),
            }),
            HostdevSource::Pci(pci) => {
                let at = pci.address.at;
                let place = format!("{:04x}:{:02x}:{:02x}.{}", at.domain, at.bus, at.slot, at.function);
                missing(format!("host pci device {place} not found"))
            }
            HostdevSource::Mdev(mdev) => {
                let uuid = mdev.uuid.map(|uuid| uuid.to_string()).unwrap_or_default();
                missing(format!("mediated device '{uuid}' not found"))
            }
            _ => missing("host device not found"),
        },
        AnyDevice::Shmem(shmem) => {
            missing(format!("model '{}' shmem device not present in domain configuration", shmem.model))
        }
        AnyDevice::Watchdog(_) => missing("watchdog device not present in domain configuration"),
        AnyDevice::Redirdev(_) => missing("no matching redirdev was not found"),
        AnyDevice::Serial(_) | AnyDevice::Parallel(_) | AnyDevice::Console(_) | AnyDevice::Channel(_) => {
            let element = meant.as_ref().kind().element();
            missing(format!("chr type '{element}' device not present in domain configuration"))
        }
        AnyDevice::Rng(rng) => {
            missing(format!("model '{}' RNG device not present in domain configuration", rng.backend.kind()))
        }
        AnyDevice::MemoryDevice(memory) => missing(format!(
            "model '{}' memory device not present in the domain configuration",
            memory.model().text()
        )),
        AnyDevice::Input(_) => missing("matching input device not found"),
        AnyDevice::Vsock(_) => missing("matching vsock device not found"),
        AnyDevice::Filesystem(_) => missing("matching filesystem not found"),
        AnyDevice::Lease(lease) => Error::new(
            ErrorCode::InvalidArg,
            ErrorDomain::Qemu,
            format!("Lease {} in lockspace {} does not exist", lease.key, lease.lockspace),
        ),
        other => {
            let element = other.as_ref().kind().element();
            not_possible(format!("live detach of device '{element}' is not supported"))
        }
    }
}
