//! The domains of an engine.

use std::sync::Arc;

use tokio::time::{Instant, timeout_at};
use virt_conf::domain::Domain;
use virt_driver::{DomainEvent, DomainEventFilter, Lifecycle, Subscription};
use virt_types::{DefinedDetail, DomainName, Error, ErrorCode, ErrorDomain, ListFlags, Result, Uuid};

use crate::changes::{Changes, follow_changes};
use crate::config_jobs::defined_with;
use crate::control::Listener;
use crate::core::Guest;
use crate::engine::{Engine, Entry};
use crate::entries::write_entries;
use crate::handle::Offer;
use crate::layout::Layout;
use crate::lifecycle::StartOptions;
use crate::store::Store;
use crate::takeover::exists_with;
use crate::task::Input;
use crate::{Backend, DomainHandle, Lease, Limits, LoadProblem, list};

/// The domains of an engine. Cheap to clone; the last clone that is dropped lets go of every guest, and they run on.
#[derive(Clone)]
pub struct Registry {
    shell: Arc<Shell>,
}

struct Shell {
    engine: Arc<Engine>,
}

impl Drop for Shell {
    fn drop(&mut self) {
        self.engine.closing.send_replace(true);
    }
}

impl Registry {
    /// Opens an engine on its directories, which are made if they are not there: finishes or undoes what a process that
    /// died has left, reads every domain and takes hold of the guests that no other process holds. Must be called in a tokio
    /// runtime, which carries the engine's tasks.
    ///
    /// A file that cannot be taken in is left as it is and named in the answer.
    ///
    /// # Errors
    /// `VIR_ERR_SYSTEM_ERROR` if the directories cannot be used, `VIR_ERR_OPERATION_TIMEOUT` if another process keeps
    /// them locked.
    pub async fn open(
        backend: Arc<dyn Backend>,
        layout: Layout,
        limits: Limits,
    ) -> Result<(Self, Vec<LoadProblem>)> {
        let store = Arc::new(Store::new(layout, backend));
        store.prepare_dirs()?;
        let changes = Changes::watch(&store.layout)?;
        let engine = Arc::new(Engine::new(store, changes, limits));
        let listener = Listener::bind(&engine)?;
        engine.runtime.spawn(listener.serve(Arc::downgrade(&engine), engine.closing.subscribe()));
        let registry = Self { shell: Arc::new(Shell { engine: Arc::clone(&engine) }) };
        let root = engine.ownership.root(engine.deadline()).await?;
        engine.ownership.bury_the_dead(&root);
        let mut problems = Vec::new();
        if let Err(error) = engine.finish_rename().await {
            problems.push(LoadProblem { path: engine.store.layout.rename_journal(), error });
        }
        problems.extend(engine.load()?);
        drop(root);
        engine.runtime.spawn(write_entries(Arc::clone(&engine.store.entries), engine.closing.subscribe()));
        engine.runtime.spawn(follow_changes(Arc::downgrade(&engine), engine.closing.subscribe()));
        engine.recover_all().await;
        Ok((registry, problems))
    }

    /// Closes the engine: calls that are under way break off, and every guest is let go of and runs on. Answers when
    /// other processes, or another engine of this one, can have them. What dropping the last clone begins, this waits for.
    pub async fn close(self) {
        self.engine().closing.send_replace(true);
        self.engine().closing.closed().await;
    }

    fn engine(&self) -> &Arc<Engine> {
        &self.shell.engine
    }

    /// A connection's life, to which guests can be bound.
    #[must_use]
    pub fn connect(&self) -> Lease {
        Lease::new(Arc::clone(self.engine()))
    }

    /// Events of these domains and kinds, from now on; at most `capacity` wait for a slow reader.
    #[must_use]
    pub fn subscribe(&self, filter: DomainEventFilter, capacity: usize) -> Subscription<DomainEvent> {
        self.engine().bus.subscribe(filter, capacity)
    }

    /// The domain with this identity.
    ///
    /// # Errors
    /// `VIR_ERR_NO_DOMAIN`
    pub async fn by_uuid(&self, uuid: Uuid) -> Result<DomainHandle> {
        self.find(
            || self.engine().maps().uuid(uuid).cloned(),
            || format!("no domain with matching uuid '{uuid}'"),
        )
        .await
    }

    /// The domain with this name.
    ///
    /// # Errors
    /// `VIR_ERR_NO_DOMAIN`
    pub async fn by_name(&self, name: &str) -> Result<DomainHandle> {
        let find = || DomainName::new(name).ok().and_then(|name| self.engine().maps().name(&name).cloned());
        self.find(find, || format!("no domain with matching name '{name}'")).await
    }

    /// The running domain with this number.
    ///
    /// # Errors
    /// `VIR_ERR_NO_DOMAIN`
    pub async fn by_id(&self, id: u32) -> Result<DomainHandle> {
        let find =
            || self.engine().maps().entries().find(|entry| entry.core.snapshot().id == Some(id)).cloned();
        self.find(find, || format!("no domain with matching id '{id}'")).await
    }

    async fn find(
        &self,
        find: impl Fn() -> Option<Arc<Entry>>,
        words: impl Fn() -> String,
    ) -> Result<DomainHandle> {
        let find = || find().filter(|entry| entry.core.snapshot().exists());
        if let Some(entry) = find() {
            return Ok(DomainHandle::of(entry));
        }
        // Another process may have defined it just now, and its caller know so.
        let root = self.engine().ownership.root(self.engine().deadline()).await?;
        self.engine().catch_up(&root);
        drop(root);
        let refused = || Error::new(ErrorCode::NoDomain, self.engine().store.backend.error_domain(), words());
        find().map(DomainHandle::of).ok_or_else(refused)
    }

    /// The domains that match every group of flags in which one is set, by name.
    #[must_use]
    pub fn list(&self, flags: ListFlags) -> Vec<DomainHandle> {
        let entries: Vec<Arc<Entry>> = self.engine().maps().entries().cloned().collect();
        let backend = &self.engine().store.backend;
        let mut found: Vec<_> = entries
            .into_iter()
            .map(|entry| (entry.core.snapshot(), entry))
            .filter(|(snapshot, _)| {
                let saved = || backend.has_managed_save(snapshot.name.as_str());
                snapshot.exists() && list::matches(snapshot, saved, flags)
            })
            .collect();
        found.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
        found.into_iter().map(|(_, entry)| DomainHandle::of(entry)).collect()
    }

    /// Defines a domain, or replaces the configuration of the one with its name and UUID. The configuration is filled and
    /// valid, and has a UUID.
    ///
    /// # Errors
    /// `VIR_ERR_OPERATION_FAILED` if one of name and UUID is another domain's.
    pub async fn define(&self, config: Domain) -> Result<DomainHandle> {
        let (uuid, name) = identity(&config)?;
        let engine = self.engine();
        let deadline = engine.deadline();
        loop {
            self.let_leave(uuid, &name, deadline).await;
            if let Some(known) = self.known(uuid, &name)? {
                match known.redefine(config.clone()).await {
                    // It went away while the call waited: the name is free.
                    Err(error) if error.code() == ErrorCode::NoDomain && Instant::now() < deadline => {
                        continue;
                    }
                    other => return other.map(|()| known),
                }
            }
            let root = engine.ownership.root(deadline).await?;
            engine.catch_up(&root);
            if self.known(uuid, &name)?.is_some() {
                continue;
            }
            // The root lock goes with the work, so that it is held until the file is there even if this call is dropped.
            let worker = Arc::clone(engine);
            let defined = engine.at_once(move || -> Result<Arc<Entry>> {
                let stored = worker.store.write_config(config)?;
                let mut maps = worker.maps_mut();
                let entry = worker.add(&mut maps, uuid, name, Some(stored), None);
                drop(maps);
                entry.core.lock().tell_lifecycle(Lifecycle::Defined(DefinedDetail::Added));
                drop(root);
                Ok(entry)
            });
            return defined.await?.map(DomainHandle::of);
        }
    }

    /// Starts a domain without defining it. The domain is filled and valid, and has a UUID.
    ///
    /// # Errors
    /// As [`Registry::define`] and [`DomainHandle::start`].
    pub async fn create(&self, domain: Domain, options: StartOptions) -> Result<DomainHandle> {
        let (uuid, name) = identity(&domain)?;
        let deadline = self.engine().deadline();
        let offer = Offer::new(domain, options);
        loop {
            self.let_leave(uuid, &name, deadline).await;
            let known = self.known_or_new(uuid, &name, deadline).await?;
            match known.start_offered(offer.clone()).await {
                // It went away before the start had its turn: the name is free.
                Err(error)
                    if error.code() == ErrorCode::NoDomain
                        && offer.is_open()
                        && Instant::now() < deadline => {}
                other => return other.map(|_| known),
            }
        }
    }

    async fn known_or_new(&self, uuid: Uuid, name: &DomainName, deadline: Instant) -> Result<DomainHandle> {
        if let Some(known) = self.known(uuid, name)? {
            return Ok(known);
        }
        let engine = self.engine();
        let root = engine.ownership.root(deadline).await?;
        engine.catch_up(&root);
        if let Some(known) = self.known(uuid, name)? {
            return Ok(known);
        }
        let mut maps = engine.maps_mut();
        Ok(DomainHandle::of(engine.add(&mut maps, uuid, name.clone(), None, None)))
    }

    /// Waits for a domain of this identity or name to be taken out of the list that is gone already: whoever was told that
    /// it ended may use them. One that begins to start is waited for as well, until it runs.
    async fn let_leave(&self, uuid: Uuid, name: &DomainName, deadline: Instant) {
        loop {
            let listed = {
                let maps = self.engine().maps();
                maps.uuid(uuid).or_else(|| maps.name(name)).cloned()
            };
            let Some(leaving) = listed.filter(|entry| !entry.core.snapshot().exists()) else { return };
            let mut snapshots = leaving.core.watch();
            // Whoever ends it is still at it, or its task has the next word; then it is gone or it came back.
            if DomainHandle::of(leaving).pass().await.is_err() {
                return;
            }
            let settled = snapshots.wait_for(|snapshot| snapshot.removed || snapshot.exists());
            if timeout_at(deadline, settled).await.is_err() {
                return;
            }
        }
    }

    /// The domain with this identity and name, if there is one.
    fn known(&self, uuid: Uuid, name: &DomainName) -> Result<Option<DomainHandle>> {
        let maps = self.engine().maps();
        if let Some(entry) = maps.uuid(uuid) {
            let snapshot = entry.core.snapshot();
            return if snapshot.name == *name {
                Ok(Some(DomainHandle::of(Arc::clone(entry))))
            } else {
                Err(defined_with(snapshot.name.as_str(), uuid))
            };
        }
        match maps.name(name) {
            Some(entry) => Err(exists_with(name.as_str(), entry.core.snapshot().uuid)),
            None => Ok(None),
        }
    }

    /// Starts every domain that is to start with the engine and does not run. The failures, by name.
    pub async fn start_autostarted(&self) -> Vec<(DomainName, Error)> {
        let mut failures = Vec::new();
        for domain in self.list(ListFlags::AUTOSTART | ListFlags::INACTIVE) {
            if let Err(error) = domain.start(StartOptions::default()).await {
                failures.push((domain.snapshot().name.clone(), error));
            }
        }
        failures
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry").field("layout", &self.engine().store.layout).finish_non_exhaustive()
    }
}

fn identity(domain: &Domain) -> Result<(Uuid, DomainName)> {
    let uuid = domain.uuid.ok_or_else(|| {
        Error::new(
            ErrorCode::InternalError,
            ErrorDomain::Domain,
            "a domain without a UUID reached the engine",
        )
    })?;
    Ok((uuid, DomainName::new(domain.name.as_str())?))
}

impl Engine {
    /// Finishes or takes back a rename that a process left half done. The caller holds the root lock.
    async fn finish_rename(&self) -> Result<()> {
        let Some((from, to, forward)) = self.store.interrupted_rename()? else { return Ok(()) };
        let (keep, drop) = if forward { (&to, &from) } else { (&from, &to) };
        self.store.backend.rename(drop, keep).await?;
        self.store.repair_rename(from.as_str(), to.as_str(), forward)?;
        Ok(())
    }

    /// Reads every domain into the empty list. The caller holds the root lock.
    fn load(self: &Arc<Self>) -> Result<Vec<LoadProblem>> {
        let (configs, mut problems) = self.store.load_configs()?;
        let mut maps = self.maps_mut();
        for (name, stored) in configs {
            let (path, uuid) = (self.store.layout.config(&name), stored.uuid);
            match (maps.uuid(uuid), DomainName::new(name)) {
                (Some(other), _) => {
                    let other = other.core.snapshot();
                    problems.push(LoadProblem { path, error: defined_with(other.name.as_str(), uuid) });
                }
                (None, Ok(name)) => {
                    self.add(&mut maps, uuid, name, Some(stored), None);
                }
                (None, Err(error)) => problems.push(LoadProblem { path, error }),
            }
        }
        for name in self.store.names(&self.store.layout.status_dir)? {
            let path = self.store.layout.status(&name);
            match self.store.read_status(&name) {
                Ok(None) => {}
                Ok(Some(status)) => {
                    let (uuid, domain_name) = identity(&status.file.live)?;
                    let known = maps.uuid(uuid).cloned();
                    match known {
                        Some(entry) => {
                            let mut state = entry.core.lock();
                            state.guest = Some(Guest::told(status.file));
                            state.publish();
                        }
                        None if maps.name(&domain_name).is_some() => {
                            problems.push(LoadProblem { path, error: exists_with(&name, uuid) });
                        }
                        None => {
                            let guest = Guest::told(status.file);
                            self.add(&mut maps, uuid, domain_name, None, Some(guest));
                        }
                    }
                }
                Err(error) => problems.push(LoadProblem { path, error: error.into() }),
            }
        }
        Ok(problems)
    }

    /// Takes hold of every guest that nobody holds, all at once, and waits for those that answer in time.
    async fn recover_all(self: &Arc<Self>) {
        let told: Vec<Arc<Entry>> =
            self.maps().entries().filter(|entry| entry.core.snapshot().is_active()).cloned().collect();
        let mut recoveries = tokio::task::JoinSet::new();
        for entry in told {
            let engine = Arc::clone(self);
            recoveries.spawn(async move {
                let owned = entry.own_if_free(&engine, Instant::now() + engine.limits.call).await;
                if let Err(error) = owned {
                    log::warn!("domain {}: {}", entry.core.snapshot().name, error.report());
                }
                // One that turned out not to run needs no hold.
                entry.release_if_idle(&engine).await;
                // Whoever holds it is listened to from now on; what was found has its consequences.
                let _ = entry.inbox.send(Input::StatusTouched);
            });
        }
        let deadline = Instant::now() + self.limits.recovery;
        while let Ok(Some(_)) = timeout_at(deadline, recoveries.join_next()).await {}
        recoveries.detach_all();
    }
}
