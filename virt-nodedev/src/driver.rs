//! The devices that are there, and what happens to them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use virt_conf::nodedev::{Capability, NodeDevice};
use virt_driver::{
    NodeDeviceEvent, NodeDeviceEventKind, ObjectEventFilter, Publisher, Subscription, channel,
};
use virt_types::{ErrorCode, Result};

use crate::describe::scan;
use crate::error::{not_found, refuse};
use crate::uevent::Uevents;

/// `VIR_NODE_DEVICE_EVENT_CREATED`
const CREATED: i32 = 0;
/// `VIR_NODE_DEVICE_EVENT_DELETED`
const DELETED: i32 = 1;

/// Devices by their names.
pub(crate) type Devices = BTreeMap<String, Arc<NodeDevice>>;

type Subscriber = (ObjectEventFilter<String>, Publisher<NodeDeviceEvent>);

/// The devices of this host. Clones share what is known of them.
#[derive(Debug, Clone)]
pub struct HostDevices {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    root: PathBuf,
    /// Whether the kernel tells of changes.
    follows: bool,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// None before somebody asks.
    devices: Option<Arc<Devices>>,
    subscribers: Vec<Subscriber>,
}

impl Default for HostDevices {
    fn default() -> Self {
        Self::new()
    }
}

impl HostDevices {
    /// Those of this host. Nothing is looked at before somebody asks.
    #[must_use]
    pub fn new() -> Self {
        Self::over(PathBuf::from("/"), true)
    }

    /// Those of a recorded host, of which the kernel tells nothing.
    #[cfg(test)]
    pub(crate) fn below(root: impl Into<PathBuf>) -> Self {
        Self::over(root.into(), false)
    }

    fn over(root: PathBuf, follows: bool) -> Self {
        Self { shared: Arc::new(Shared { root, follows, known: Mutex::default() }) }
    }

    /// What is there. The first to ask looks at everything; from then on the kernel tells of changes.
    pub(crate) async fn devices(&self) -> Result<Arc<Devices>> {
        if let Some(devices) = &self.shared.known().devices {
            return Ok(Arc::clone(devices));
        }
        // Listening first: nothing can happen unseen in between.
        let uevents = self.shared.follows.then(Uevents::open).transpose().unwrap_or_else(|error| {
            log::warn!("changes of devices are not seen: {error}");
            None
        });
        let first = self.look().await?;
        if let Some(uevents) = uevents.filter(|_| first) {
            tokio::spawn(follow(Arc::downgrade(&self.shared), uevents));
        }
        Ok(self.shared.known().devices.clone().unwrap_or_default())
    }

    /// Looks at everything, and tells subscribers of what is other than before. Answers whether it is the first look.
    pub(crate) async fn look(&self) -> Result<bool> {
        let shared = Arc::clone(&self.shared);
        let found = tokio::task::spawn_blocking(move || scan(&shared.root)).await.map_err(|error| {
            refuse(ErrorCode::InternalError, "the devices could not be looked at").caused_by(error)
        })?;
        let found = found.into_iter().map(|device| (device.name.clone(), Arc::new(device))).collect();
        Ok(self.shared.known().take(found))
    }

    pub(crate) fn add_subscriber(
        &self,
        filter: ObjectEventFilter<String>,
        capacity: usize,
    ) -> Subscription<NodeDeviceEvent> {
        let (publisher, subscription) = channel(capacity);
        self.shared.known().subscribers.push((filter, publisher));
        subscription
    }
}

impl Shared {
    fn known(&self) -> MutexGuard<'_, Known> {
        // What is known is replaced as a whole.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn take(&mut self, found: Devices) -> bool {
        let found = Arc::new(found);
        let Some(before) = self.devices.replace(Arc::clone(&found)) else { return true };
        let mut events = Vec::new();
        let mut tell = |device: &str, kind| {
            events.push(NodeDeviceEvent { device: device.to_owned(), kind });
        };
        for name in before.keys().filter(|name| !found.contains_key(*name)) {
            tell(name, NodeDeviceEventKind::Lifecycle(DELETED));
        }
        for (name, device) in &*found {
            match before.get(name) {
                None => tell(name, NodeDeviceEventKind::Lifecycle(CREATED)),
                Some(known) if known != device => tell(name, NodeDeviceEventKind::Update),
                Some(_) => {}
            }
        }
        self.subscribers.retain(|(filter, publisher)| {
            let wanted = events.iter().filter(|event| filter.wants(&event.device, event.kind.id()));
            wanted.fold(!publisher.is_closed(), |open, event| open && publisher.publish(event.clone()))
        });
        false
    }
}

/// Looks anew whenever the kernel tells of a change. Ends with the driver.
async fn follow(shared: Weak<Shared>, uevents: Uevents) {
    loop {
        if let Err(error) = uevents.changed().await {
            log::error!("changes of devices are no longer seen: {error}");
            return;
        }
        let Some(shared) = shared.upgrade() else { return };
        if let Err(error) = (HostDevices { shared }).look().await {
            log::error!("{}", error.report());
        }
    }
}

/// The device with this name.
pub(crate) fn find<'a>(devices: &'a Devices, name: &str) -> Result<&'a Arc<NodeDevice>> {
    devices.get(name).ok_or_else(|| not_found(name))
}

/// Refuses what only a PCI device can have done to it.
pub(crate) fn check_pci(device: &NodeDevice) -> Result<()> {
    let is_pci = device.capabilities.iter().any(|capability| matches!(capability, Capability::Pci(_)));
    if is_pci {
        return Ok(());
    }
    Err(refuse(ErrorCode::InvalidArg, format!("device {} is not a PCI device", device.name)))
}
