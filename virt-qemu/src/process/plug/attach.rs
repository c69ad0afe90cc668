//! A device comes: the host's side first, then QEMU's, and all of it or nothing.

use std::sync::Arc;

use virt_conf::common::chardev::ChardevSource;
use virt_conf::domain::device::{InterfaceSource, LinkState};
use virt_conf::domain::{AnyDevice, DeviceKind, DeviceMut, DeviceRef, Domain};
use virt_domain::JobContext;
use virt_driver::DomainEventKind;
use virt_qmp::command::{QueryChardev, SetLink};
use virt_types::Result;

use super::super::backend::QemuBackend;
use super::super::connections::Connections;
use super::super::filters::Filters;
use super::super::guest::Guest;
use super::super::{monitor, needs, secrets, volumes};
use super::{alone, guest, put_back};
use crate::host::Host;
use crate::plan::{DevicePlan, Monitor, PlanContext};
use crate::plug::{self, Grown};
use crate::preflight;
use crate::prepare::PrepareContext;

/// What the host does for a device as long as the guest has it.
struct HostSide {
    connections: Connections,
    filters: Filters,
}

impl QemuBackend {
    /// Brings a device into the running guest. The live domain has it, and the subscribers know, when this returns.
    ///
    /// # Errors
    /// For what can not be plugged in, and what the host or QEMU refuse; everything is as before then.
    pub(crate) async fn attach(&self, context: &JobContext, device: AnyDevice) -> Result<()> {
        let guest = guest(context).await?;
        let live = context.snapshot().live.clone().ok_or_else(|| monitor::failed("the guest is gone"))?;
        let caps = self.capabilities(&live).await?;
        let mut asked = Domain::default();
        asked.devices.insert(0, device.clone());
        let with_pools = volumes::of(&asked, self.services())
            .await?
            .map(|pools| Host { pools: Some(pools), ..self.host().clone() });
        let host = with_pools.as_ref().unwrap_or_else(|| self.host());
        let cx = PrepareContext { caps: &caps, config: self.config(), host, processor: None };
        let mut grown = plug::grow(&live, device, &cx)?;
        if let Some(DeviceRef::Lease(_)) = grown.wanted() {
            return context.fulfil(|live| insert(live, &grown));
        }
        let mut new = alone(&grown.domain, &grown.added);
        preflight::check(&new, host)?;
        preflight::interfaces(&new, self.services())?;
        let connections = Connections::decide(&mut new, self.services())?;
        take_over(&mut grown, &new);
        guest.connections().join(&connections);
        let mut side = HostSide { connections, filters: Filters::default() };
        let plugged = async {
            context.intend(devices(&grown))?;
            side.connections.take(&mut new).await?;
            take_over(&mut grown, &new);
            let plan = self.plan_of(&grown, &caps)?;
            let secrets = secrets::values(&plan.parts, self.services()).await?;
            let secrets = secrets::objects(&secrets, &guest.files.key())?;
            let fds = needs::open_for_plug(&plan.needs, &mut new)?;
            take_over(&mut grown, &new);
            side.filters = Filters::of(&new, self.services());
            guest.filters().join(&side.filters);
            context.intend(devices(&grown))?;
            side.filters.bind(&new).await?;
            guest.plug(&plan.parts, fds.into_iter().collect(), &secrets).await?;
            let settled = settle(&guest, &mut grown).await;
            if settled.is_err() {
                super::detach::take_apart(&guest, &plan.parts, true).await;
            }
            settled
        };
        let plugged = plugged.await;
        context.settle();
        if let Err(error) = plugged {
            side.filters.release().await;
            side.connections.release().await;
            guest.filters().leave(&side.filters);
            guest.connections().leave(&side.connections);
            // The guest may be gone meanwhile, and the intent with it.
            if let Err(error) = context.intend(Vec::new()) {
                log::debug!("{}", error.report());
            }
            return Err(error);
        }
        context.fulfil(|live| insert(live, &grown))?;
        for (kind, position) in &grown.added {
            let info = grown.domain.devices.get(*kind, *position).and_then(DeviceRef::info);
            if let Some(alias) = info.and_then(|info| info.alias.clone()) {
                context.tell(DomainEventKind::DeviceAdded { alias });
            }
        }
        Ok(())
    }

    fn plan_of(&self, grown: &Grown, caps: &Arc<crate::caps::Capabilities>) -> Result<DevicePlan> {
        let mut cx = PlanContext::new(&grown.domain, caps, self.config(), self.host());
        cx.monitor = Monitor::Descriptor;
        let mut all = DevicePlan::default();
        for (kind, position) in &grown.added {
            let Some(device) = grown.domain.devices.get(*kind, *position) else { continue };
            let plan = plug::plan(device, &mut cx)?;
            all.needs.extend(plan.needs);
            all.parts.extend(plan.parts);
        }
        Ok(all)
    }
}

/// The new devices as documents of their own.
fn devices(grown: &Grown) -> Vec<AnyDevice> {
    let get = |(kind, position): &(DeviceKind, usize)| {
        grown.domain.devices.get(*kind, *position).map(DeviceRef::to_any)
    };
    grown.added.iter().filter_map(get).collect()
}

/// What the host made of the new devices.
fn take_over(grown: &mut Grown, new: &Domain) {
    let mut next = 0;
    for (kind, position) in &grown.added {
        if *kind == DeviceKind::Interface {
            put_back(&mut grown.domain.devices, *kind, *position, new.devices.get(*kind, next));
            next += 1;
        }
    }
}

/// What QEMU is told of a device, or tells of it, once it is there.
async fn settle(guest: &Guest, grown: &mut Grown) -> Result<()> {
    let Some((kind, position)) = grown.added.last().copied() else { return Ok(()) };
    let chardev = match grown.domain.devices.get_mut(kind, position) {
        Some(DeviceMut::Interface(card)) if card.link == LinkState::Down => {
            let hosted = matches!(card.source, InterfaceSource::Hostdev(_));
            if let Some(name) = card.info.alias.clone().filter(|_| !hosted) {
                guest.execute(&SetLink { name, up: false }).await?;
            }
            None
        }
        Some(DeviceMut::Serial(device)) => Some((&device.info.alias, &mut device.chardev)),
        Some(DeviceMut::Parallel(device)) => Some((&device.info.alias, &mut device.chardev)),
        Some(DeviceMut::Console(device)) => Some((&device.info.alias, &mut device.chardev)),
        Some(DeviceMut::Channel(device)) => Some((&device.info.alias, &mut device.chardev)),
        _ => None,
    };
    if let Some((Some(alias), chardev)) = chardev
        && let ChardevSource::Pty { path } = &mut chardev.source
    {
        let label = format!("char{alias}");
        let known = guest.execute(&QueryChardev {}).await?;
        let found = known.into_iter().find(|info| info.label == label);
        *path = found.and_then(|info| Some(info.filename.strip_prefix("pty:")?.to_owned()));
    }
    Ok(())
}

/// Puts the new devices into the live domain, in the order of documents.
fn insert(live: &mut Domain, grown: &Grown) {
    for device in devices(grown) {
        let position = match &device {
            AnyDevice::Disk(disk) => plug::place_of(&live.devices.disks, disk),
            AnyDevice::MemoryDevice(memory) => {
                live.memory.total += memory.size;
                live.memory.current += memory.size;
                usize::MAX
            }
            _ => usize::MAX,
        };
        live.devices.insert(position, device);
    }
}
