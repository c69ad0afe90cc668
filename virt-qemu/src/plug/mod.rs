//! Devices that come and go while a guest runs: what a plan says of a device, as commands of QEMU's monitor.
//!
//! Nothing here touches the host or the guest; `process::plug` does what is found here.

mod chardev;
mod command;
mod refuse;
#[cfg(test)]
mod tests;

use virt_conf::ParseFlags;
use virt_conf::common::StorageSource;
use virt_conf::domain::device::{ControllerType, Device, Disk, DiskName, HostdevSource, InterfaceSource};
use virt_conf::domain::{AnyDevice, DeviceKind, DeviceRef, Domain};
use virt_types::{Error, ErrorCode, ErrorDomain, Result};

pub use command::{Command, Plugging, fd_name, plugging};
pub(crate) use refuse::not_there;

use crate::alias;
use crate::device;
use crate::error::internal;
use crate::plan::{DevicePlan, Part, PlanContext};
use crate::planner;
use crate::prepare::{self, PrepareContext};

/// A guest with devices that it is about to get.
#[derive(Debug, Clone)]
pub struct Grown {
    /// The running domain with the new devices, completed and checked.
    pub domain: Domain,
    /// The new devices, in the order in which they are plugged in; the last one is what was asked for, and those before it
    /// are the controllers that it needs.
    pub added: Vec<(DeviceKind, usize)>,
}

impl Grown {
    /// The device that was asked for.
    #[must_use]
    pub fn wanted(&self) -> Option<DeviceRef<'_>> {
        let (kind, position) = *self.added.last()?;
        self.domain.devices.get(kind, position)
    }
}

/// Adds a device to a running domain, on paper: checked, with the addresses and ids that it will have.
///
/// # Errors
/// For what can not be plugged into this guest, with libvirt's code and sentence.
pub fn grow(live: &Domain, mut device: AnyDevice, cx: &PrepareContext<'_>) -> Result<Grown> {
    // Whether a device can be plugged in depends on its bus, which may go without saying.
    match &mut device {
        AnyDevice::Disk(disk) => disk.fill(live)?,
        AnyDevice::Input(input) => input.fill(live)?,
        _ => {}
    }
    refuse::attach(&device, live)?;
    let kind = device.as_ref().kind();
    if let Some(wanted) = device.as_ref().info().and_then(|info| info.alias.as_deref())
        && live.devices.find_alias(wanted).is_some()
    {
        let detail = format!("non unique alias detected: {wanted}");
        return Err(Error::new(ErrorCode::XmlError, ErrorDomain::Domain, detail));
    }
    let mut completed = live.clone();
    if let AnyDevice::MemoryDevice(memory) = &device {
        completed.memory.total += memory.size;
        completed.memory.current += memory.size;
    }
    let chosen = device.as_ref().info().and_then(|info| info.alias.clone());
    completed.devices.insert(usize::MAX, device);
    planner::complete(&mut completed, cx.caps, cx.config, cx.host, ParseFlags::ABI_UPDATE)?;
    prepare::volumes(&mut completed, cx)?;
    // What was there before is as it was, whatever today's defaults are.
    let mut domain = live.clone();
    (domain.memory.total, domain.memory.current) = (completed.memory.total, completed.memory.current);
    let mut added = Vec::new();
    for of in [DeviceKind::Controller, kind] {
        if added.iter().any(|(known, _)| *known == of) {
            continue;
        }
        // Completion may sort; what has no id yet is new.
        let is_new = |device: DeviceRef<'_>| match device.info() {
            Some(info) => info.alias.is_none() || info.alias == chosen,
            None => true,
        };
        let mut place = 0;
        while let Some(device) = completed.devices.get(of, place) {
            let without_ids = device.info().is_none() && place < live.devices.count(of);
            if without_ids || !is_new(device) {
                place += 1;
                continue;
            }
            if let Some(new) = completed.devices.remove(of, place) {
                check_companion(&new)?;
                added.push((of, domain.devices.count(of)));
                domain.devices.insert(usize::MAX, new);
            }
        }
    }
    for (of, place) in &added {
        alias::assign_new(&mut domain, *of, *place);
    }
    number_images(&mut domain, live);
    prepare::chardevs(&mut domain, cx.config);
    Ok(Grown { domain, added })
}

/// Refuses controllers that a running guest can not get for the sake of another device.
fn check_companion(new: &AnyDevice) -> Result<()> {
    match new {
        AnyDevice::Controller(controller) => match controller.controller_type() {
            ControllerType::Scsi => Ok(()),
            ControllerType::Pci => {
                Err(internal("No more available PCI slots").with_hint(
                    "a running guest gets no further PCI buses: add controllers of model pcie-root-port to its configuration",
                ))
            }
            kind => Err(internal(format!("the guest has no free place on a {kind} controller"))),
        },
        _ => Ok(()),
    }
}

/// Gives new images numbers that no image of the guest has.
fn number_images(domain: &mut Domain, live: &Domain) {
    let known = |domain: &Domain| {
        let disks = domain.devices.disks.iter().flat_map(|disk| disk.source.chain());
        let units = domain.devices.hostdevs.iter().filter_map(|hostdev| match &hostdev.source {
            HostdevSource::Scsi(scsi) => scsi.index,
            _ => None,
        });
        disks.filter_map(|image| image.index).chain(units).max().unwrap_or(0)
    };
    let mut next = known(live) + 1;
    for disk in domain.devices.disks.iter_mut().skip(live.devices.disks.len()) {
        let mut image: Option<&mut StorageSource> = Some(&mut disk.source);
        while let Some(source) = image {
            source.index = (!source.is_empty()).then_some(next);
            next += 1;
            image = source.backing_source_mut();
        }
    }
    for hostdev in domain.devices.hostdevs.iter_mut().skip(live.devices.hostdevs.len()) {
        if let HostdevSource::Scsi(scsi) = &mut hostdev.source {
            scsi.index = Some(next);
            next += 1;
        }
    }
}

/// What a device needs, as at a start.
///
/// # Errors
/// As its plan.
pub fn plan(device: DeviceRef<'_>, cx: &mut PlanContext<'_>) -> Result<DevicePlan> {
    let plan = match device {
        DeviceRef::Interface(interface) if matches!(interface.source, InterfaceSource::Hostdev(_)) => {
            device::hostdev::plan_interface(interface, cx)?
        }
        device => device::plan(device, cx)?,
    };
    let mut needs = std::mem::take(&mut cx.plan.needs);
    needs.extend(plan.needs);
    let mut parts = std::mem::take(&mut cx.plan.parts);
    parts.extend(plan.parts);
    Ok(DevicePlan { needs, parts })
}

/// Where a new disk stands: those of one bus stand in the order of their names.
#[must_use]
pub fn place_of(disks: &[Disk], disk: &Disk) -> usize {
    let number = |disk: &Disk| DiskName::parse(disk.name()).map(|name| name.index);
    let mut place = disks.len();
    for (position, other) in disks.iter().enumerate().rev() {
        if other.bus() != disk.bus() {
            continue;
        }
        if number(other) < number(disk) {
            return if place == disks.len() { place } else { position + 1 };
        }
        place = position;
    }
    place
}

/// Whether QEMU was told of a device with this id in a plan.
#[must_use]
pub fn has_device(parts: &[Part], alias: &str) -> bool {
    parts.iter().any(|part| {
        matches!(part, Part::Device(props) if props.get("id").and_then(serde_json::Value::as_str) == Some(alias))
    })
}

/// Refuses to let a device go that can not.
///
/// # Errors
/// With libvirt's code and sentence.
pub fn check_detach(device: DeviceRef<'_>, live: &Domain) -> Result<()> {
    refuse::detach(device, live)
}
