//! What all domains of an engine share, and the list of them.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use virt_types::{DomainName, Error, ErrorCode, ErrorDomain, Result, Uuid};

use crate::bus::Bus;
use crate::changes::Changes;
use crate::core::{Core, Guest};
use crate::inbox::Inbox;
use crate::ownership::Ownership;
use crate::store::{Store, StoredConfig};
use crate::task::Task;

/// How long calls may take and how many may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long a call waits for its turn and for its answer before it ends with an error. Starts, ends and other long
    /// jobs are waited for once they have begun.
    pub call: Duration,
    /// How many jobs of a domain may wait; 0 is no limit.
    pub max_queued: usize,
    /// How long opening the engine waits for the guests that it finds.
    pub recovery: Duration,
}

impl Default for Limits {
    /// libvirt's thirty seconds and no limit of the queue; five seconds for guests that do not answer at the opening.
    fn default() -> Self {
        Self { call: Duration::from_secs(30), max_queued: 0, recovery: Duration::from_secs(5) }
    }
}

/// One domain: its state, and the way to its task.
pub(crate) struct Entry {
    pub(crate) core: Core,
    pub(crate) inbox: Inbox,
    engine: Weak<Engine>,
    /// Held while the guest changes hands, which takes many steps: the only lock that outlasts an await, and none but
    /// jobs of this one domain that need its guest ever wait for it.
    pub(crate) handing: tokio::sync::Mutex<()>,
    /// Tells those that wait for a hold on the guest that it is to be destroyed.
    pub(crate) seized: tokio::sync::Notify,
}

impl Entry {
    pub(crate) fn engine(&self) -> Result<Arc<Engine>> {
        self.engine.upgrade().ok_or_else(closed)
    }
}

/// Waits until the engine is closed.
pub(crate) async fn until_closed(closing: &mut watch::Receiver<bool>) {
    // The end of the sender is the end of the engine as well.
    let _ = closing.wait_for(|closing| *closing).await;
}

pub(crate) fn closed() -> Error {
    Error::new(ErrorCode::InvalidConn, ErrorDomain::Domain, "the engine was closed")
}

#[derive(Default)]
pub(crate) struct Maps {
    by_uuid: HashMap<Uuid, (DomainName, Arc<Entry>)>,
    by_name: HashMap<DomainName, Uuid>,
}

impl Maps {
    pub(crate) fn uuid(&self, uuid: Uuid) -> Option<&Arc<Entry>> {
        self.by_uuid.get(&uuid).map(|(_, entry)| entry)
    }

    pub(crate) fn name(&self, name: &DomainName) -> Option<&Arc<Entry>> {
        self.uuid(*self.by_name.get(name)?)
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.by_uuid.values().map(|(_, entry)| entry)
    }

    pub(crate) fn insert(&mut self, uuid: Uuid, name: DomainName, entry: Arc<Entry>) {
        self.by_name.insert(name.clone(), uuid);
        self.by_uuid.insert(uuid, (name, entry));
    }

    fn remove(&mut self, uuid: Uuid) {
        if let Some((name, _)) = self.by_uuid.remove(&uuid) {
            self.forget_name(&name, uuid);
        }
    }

    /// Forgets a domain whose name another one has now.
    pub(crate) fn drop_entry(&mut self, uuid: Uuid) {
        self.remove(uuid);
    }

    pub(crate) fn rename(&mut self, uuid: Uuid, to: DomainName) {
        let Some((name, _)) = self.by_uuid.get_mut(&uuid) else { return };
        let from = std::mem::replace(name, to.clone());
        self.forget_name(&from, uuid);
        self.by_name.insert(to, uuid);
    }

    /// A name goes with its domain, unless another one has it now.
    fn forget_name(&mut self, name: &DomainName, uuid: Uuid) {
        if self.by_name.get(name) == Some(&uuid) {
            self.by_name.remove(name);
        }
    }
}

/// What all domains share.
pub(crate) struct Engine {
    pub(crate) store: Arc<Store>,
    pub(crate) bus: Arc<Bus>,
    pub(crate) ownership: Ownership,
    pub(crate) changes: Changes,
    pub(crate) limits: Limits,
    pub(crate) closing: watch::Sender<bool>,
    pub(crate) runtime: tokio::runtime::Handle,
    maps: RwLock<Maps>,
}

impl Engine {
    pub(crate) fn new(store: Arc<Store>, changes: Changes, limits: Limits) -> Self {
        Self {
            bus: Arc::default(),
            ownership: Ownership::new(store.layout.clone()),
            store,
            changes,
            limits,
            closing: watch::Sender::new(false),
            runtime: tokio::runtime::Handle::current(),
            maps: RwLock::default(),
        }
    }

    /// The list, for a look-up; never kept across an await.
    pub(crate) fn maps(&self) -> RwLockReadGuard<'_, Maps> {
        self.maps.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn maps_mut(&self) -> RwLockWriteGuard<'_, Maps> {
        self.maps.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.limits.call
    }

    /// Puts a domain into the list and starts its task. The caller has made sure that it is unique.
    pub(crate) fn add(
        self: &Arc<Self>,
        maps: &mut Maps,
        uuid: Uuid,
        name: DomainName,
        config: Option<StoredConfig>,
        guest: Option<Guest>,
    ) -> Arc<Entry> {
        let core =
            Core::new(Arc::clone(&self.store), Arc::clone(&self.bus), uuid, name.clone(), config, guest);
        let entry = Arc::new(Entry {
            core,
            inbox: Inbox::default(),
            engine: Arc::downgrade(self),
            handing: tokio::sync::Mutex::new(()),
            seized: tokio::sync::Notify::new(),
        });
        maps.insert(uuid, name, Arc::clone(&entry));
        self.runtime.spawn(Task::new(Arc::clone(&entry), self).run(self.closing.subscribe()));
        entry
    }

    /// Does what blocks for a moment on the thread that is here already, which other tasks need not wait for: where the
    /// runtime has several threads it calls in another one for them.
    pub(crate) async fn at_once<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        use tokio::runtime::RuntimeFlavor::MultiThread;
        let done = if self.runtime.runtime_flavor() == MultiThread {
            self.runtime.spawn(async move { tokio::task::block_in_place(work) })
        } else {
            self.runtime.spawn_blocking(work)
        };
        done.await.map_err(|_| closed())
    }

    /// Takes a domain out of the list.
    pub(crate) fn remove(&self, uuid: Uuid) {
        self.maps_mut().remove(uuid);
    }
}
