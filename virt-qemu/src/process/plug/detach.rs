//! A device goes: QEMU asks the guest, and what the device was made of goes when the guest has let it go.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::timeout;
use virt_conf::domain::{AnyDevice, DeviceKind, DeviceRef, Domain};
use virt_domain::{BackendEvent, EventSink, JobContext};
use virt_driver::DomainEventKind;
use virt_qmp::command::{DeviceDel, QomList};
use virt_types::{Error, ErrorCode, ErrorDomain, Result};

use super::super::backend::QemuBackend;
use super::super::connections::Connections;
use super::super::filters::Filters;
use super::super::guest::Guest;
use super::super::monitor;
use super::super::removals::Removal;
use super::{alone, guest};
use crate::plan::{Monitor, Part, PlanContext, Props};
use crate::plug::{self, plugging};

/// How long a call waits for the guest to let a device go.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where QEMU has the devices that have an id.
const PERIPHERAL: &str = "/machine/peripheral";

impl QemuBackend {
    /// Asks the guest to let a device go, and, if `waits`, waits for a while. A guest that takes longer is no error: what is
    /// left to do is done when it lets the device go.
    ///
    /// # Errors
    /// For what can not go, and where QEMU or the guest refuse.
    pub(crate) async fn detach(
        &self,
        context: &JobContext,
        (kind, position): (DeviceKind, usize),
        waits: bool,
    ) -> Result<()> {
        let guest = guest(context).await?;
        let live = context.snapshot().live.clone().ok_or_else(|| monitor::failed("the guest is gone"))?;
        let Some(device) = live.devices.get(kind, position) else { return Ok(()) };
        plug::check_detach(device, &live)?;
        let Some(alias) = device.info().and_then(|info| info.alias.clone()) else {
            return context.change_live(|live| {
                live.devices.remove(kind, position);
                Ok(())
            });
        };
        let removal = waits.then(|| guest.removals().expect(&alias));
        let asked = guest.attempt(&DeviceDel { id: alias.clone() }).await;
        let gone = match asked {
            Ok(Ok(_)) => false,
            Ok(Err(refusal)) if refusal.is_not_found() => true,
            Ok(Err(refusal)) => {
                guest.removals().forget(&alias);
                let detail = format!("unable to execute QEMU command 'device_del': {}", refusal.desc);
                return Err(monitor::failed(detail));
            }
            Err(error) => {
                guest.removals().forget(&alias);
                return Err(error);
            }
        };
        let outcome = match removal {
            _ if gone => Some(Removal::Gone),
            Some(mut removal) => match timeout(PATIENCE, &mut removal).await {
                Ok(told) => told.ok(),
                Err(_) => {
                    guest.removals().forget(&alias);
                    // It may have been told in that instant.
                    removal.try_recv().ok()
                }
            },
            None => None,
        };
        context.settle();
        match outcome {
            Some(Removal::Gone) => finish(self, context, &alias).await,
            Some(Removal::Refused) => Err(Error::new(
                ErrorCode::OperationFailed,
                ErrorDomain::Qemu,
                "unplug of device was rejected by the guest",
            )),
            None => Ok(()),
        }
    }

    /// Takes away what a device was made of that QEMU does not have any more.
    async fn take_away(&self, guest: &Guest, live: &Domain, place: (DeviceKind, usize)) -> Result<()> {
        let parts = self.parts_of(live, place).await?;
        take_apart(guest, &parts, false).await;
        let old = alone(live, &[place]);
        let filters = Filters::of(&old, self.services());
        let connections = Connections::of(&old, self.services());
        filters.release().await;
        connections.release().await;
        guest.filters().leave(&filters);
        guest.connections().leave(&connections);
        Ok(())
    }

    async fn parts_of(&self, live: &Domain, (kind, position): (DeviceKind, usize)) -> Result<Vec<Part>> {
        let Some(device) = live.devices.get(kind, position) else { return Ok(Vec::new()) };
        let caps = self.capabilities(live).await?;
        let mut cx = PlanContext::new(live, &caps, self.config(), self.host());
        cx.monitor = Monitor::Descriptor;
        Ok(plug::plan(device, &mut cx)?.parts)
    }
}

/// Takes parts away, last first; `device` says whether the guest's device is among what is there.
pub(super) async fn take_apart(guest: &Guest, parts: &[Part], device: bool) {
    let no_secret = |_: &Part| Ok(Props::new());
    for part in parts.iter().rev() {
        let Ok(plugging) = plugging(part, &no_secret) else { continue };
        if let Some(command) = plugging.unplug.filter(|_| device || !plugging.is_device) {
            guest.take_back(&command).await;
        }
    }
}

/// The guest has let a device go: the rest goes too.
///
/// # Errors
/// Where it can not be found out what the device was made of.
pub(in super::super) async fn finish(backend: &QemuBackend, context: &JobContext, alias: &str) -> Result<()> {
    let Some(live) = context.snapshot().live.clone() else { return Ok(()) };
    let Some((kind, position)) = live.devices.find_alias(alias) else { return Ok(()) };
    let guest = guest(context).await?;
    backend.take_away(&guest, &live, (kind, position)).await?;
    context.settle();
    context.change_live(|live| {
        drop_device(live, alias);
        Ok(())
    })?;
    context.tell(DomainEventKind::DeviceRemoved { alias: alias.to_owned() });
    Ok(())
}

fn drop_device(live: &mut Domain, alias: &str) {
    let Some((kind, position)) = live.devices.find_alias(alias) else { return };
    if let Some(AnyDevice::MemoryDevice(memory)) = live.devices.remove(kind, position) {
        live.memory.total = live.memory.total.saturating_sub(memory.size);
        live.memory.current = live.memory.current.saturating_sub(memory.size);
    }
}

/// Compares the devices of a guest that was just found with those that QEMU has: a device that was being plugged in when its
/// engine died is there as a whole or not at all, and one that the guest has let go meanwhile goes.
///
/// # Errors
/// Where the guest does not answer.
pub(in super::super) async fn reconcile(
    backend: &QemuBackend,
    guest: &Guest,
    live: &mut Domain,
    events: &EventSink,
) -> Result<()> {
    let there: HashSet<String> = guest
        .execute(&QomList { path: PERIPHERAL.to_owned() })
        .await?
        .into_iter()
        .map(|device| device.name)
        .collect();
    let missing = |device: DeviceRef<'_>| {
        let alias = device.info()?.alias.clone()?;
        (!there.contains(&alias) && plug::check_detach(device, live).is_ok()).then_some(alias)
    };
    let missing: Vec<String> = live.devices.iter().filter_map(missing).collect();
    for alias in missing {
        let Some(place) = live.devices.find_alias(&alias) else { continue };
        let parts = backend.parts_of(live, place).await?;
        // What QEMU was never told of as a device is not gone.
        if plug::has_device(&parts, &alias) {
            backend.take_away(guest, live, place).await?;
            drop_device(live, &alias);
            events.send(BackendEvent::Published(DomainEventKind::DeviceRemoved { alias }));
        }
    }
    Ok(())
}
