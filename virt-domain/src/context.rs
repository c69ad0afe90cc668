//! What a job works with.

use std::sync::Arc;

use tokio::time::Instant;
use virt_conf::domain::{AnyDevice, Domain};
use virt_driver::DomainEventKind;
use virt_types::{Error, Result};

use crate::admission::{Needs, not_running};
use crate::core::Locked;
use crate::engine::{Engine, Entry};
use crate::ownership::Request;
use crate::store::StoredConfig;
use crate::{Backend, JobKind, Running, Snapshot};

/// What a call asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobSpec {
    /// The call, such as `virDomainSuspend`, which the errors of those that wait name.
    pub api: &'static str,
    /// What it may run beside.
    pub kind: JobKind,
    /// What the domain must be when its turn has come.
    pub needs: Needs,
}

impl JobSpec {
    /// A job on a running domain.
    #[must_use]
    pub const fn active(api: &'static str, kind: JobKind) -> Self {
        Self { api, kind, needs: Needs::Active }
    }

    /// A job on a domain in any state.
    #[must_use]
    pub const fn any(api: &'static str, kind: JobKind) -> Self {
        Self { api, kind, needs: Needs::Nothing }
    }
}

/// A job's hold on its domain.
pub struct JobContext {
    pub(crate) entry: Arc<Entry>,
    pub(crate) engine: Arc<Engine>,
    pub(crate) number: u64,
    pub(crate) deadline: Instant,
}

impl JobContext {
    /// The domain as it is now.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.entry.core.snapshot()
    }

    /// The driver.
    #[must_use]
    pub fn backend(&self) -> &dyn Backend {
        &*self.engine.store.backend
    }

    /// The hold on the guest. If another process has it, it is asked to give it up.
    ///
    /// # Errors
    /// `VIR_ERR_OPERATION_INVALID` if the domain does not run (any more), `VIR_ERR_OPERATION_TIMEOUT` if another
    /// process does not let go of it.
    pub async fn running(&self) -> Result<Arc<dyn Running>> {
        self.own(Request::Yield).await?;
        self.entry.core.lock().running().ok_or_else(not_running)
    }

    /// Takes in what the hypervisor has reported: after a call that caused a report, before looking at the snapshot.
    pub fn settle(&self) {
        self.entry.core.lock().settle();
        self.entry.core.stirred.notify_one();
    }

    /// Changes the live domain; its status file has the change when this returns.
    ///
    /// # Errors
    /// What the change answers, in which case nothing is changed; `VIR_ERR_OPERATION_INVALID` if the domain does not
    /// run.
    pub fn change_live<T>(&self, change: impl FnOnce(&mut Domain) -> Result<T>) -> Result<T> {
        let mut state = self.entry.core.lock();
        let guest = state.guest.as_mut().ok_or_else(not_running)?;
        let mut live = (*guest.live).clone();
        let answer = change(&mut live)?;
        guest.machine.wishes = live.lifecycle;
        guest.live = Arc::new(live);
        state.changed([]);
        Ok(answer)
    }

    /// Writes down that the guest is about to get these devices, which its live domain does not have yet: whoever takes hold of it
    /// after this process has died finds them in its document, and finishes or undoes what was begun. An empty list takes
    /// the intent back.
    ///
    /// # Errors
    /// If the status file cannot be written; `VIR_ERR_OPERATION_INVALID` if the domain does not run.
    pub fn intend(&self, devices: Vec<AnyDevice>) -> Result<()> {
        let mut state = self.entry.core.lock();
        state.guest.as_mut().ok_or_else(not_running)?.intended = devices;
        state.save()
    }

    /// Changes the live domain to what was intended, and takes the intent back with it.
    ///
    /// # Errors
    /// `VIR_ERR_OPERATION_INVALID` if the domain does not run.
    pub fn fulfil(&self, change: impl FnOnce(&mut Domain)) -> Result<()> {
        let mut state = self.entry.core.lock();
        let guest = state.guest.as_mut().ok_or_else(not_running)?;
        guest.intended.clear();
        change(Arc::make_mut(&mut guest.live));
        state.changed([]);
        Ok(())
    }

    /// Changes the configuration; it is on the disk when this returns. Only for a job of kind
    /// [`JobKind::ModifyConfig`] or [`JobKind::Config`].
    ///
    /// # Errors
    /// What the change answers, in which case nothing is changed; `VIR_ERR_OPERATION_INVALID` for a transient domain.
    pub async fn change_config<T>(&self, change: impl FnOnce(&mut Domain) -> Result<T>) -> Result<T> {
        let root = self.engine.ownership.root(self.deadline).await?;
        self.engine.catch_up(&root);
        self.refresh_config()?;
        let stored = self.entry.core.lock().config.clone();
        let Some(stored) = stored else {
            return Err(transient("cannot change the configuration of a transient domain"));
        };
        let mut config = (*stored.config.model()?).clone();
        let answer = change(&mut config)?;
        let written = self.blocking(move |engine| engine.store.write_config(config)).await?;
        drop(root);
        let autostart = stored.autostart;
        self.entry.core.lock().set_config(Some(StoredConfig { autostart, ..written }));
        Ok(answer)
    }

    /// Gives the subscribers an event of this domain.
    pub fn tell(&self, event: DomainEventKind) {
        self.entry.core.lock().tell([event]);
    }

    /// Notes why the running instance is tainted, in libvirt's words.
    pub fn taint(&self, word: &str) {
        self.entry.core.lock().take_in(crate::BackendEvent::Tainted(word.to_owned()));
    }

    pub(crate) fn state(&self) -> Locked<'_> {
        self.entry.core.lock()
    }

    /// Does what blocks away from the tasks.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Engine) -> Result<T, crate::error::Error> + Send + 'static,
    ) -> Result<T> {
        let engine = Arc::clone(&self.engine);
        match tokio::task::spawn_blocking(move || work(&engine)).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(crate::engine::closed()),
        }
    }

    /// Reads the configuration again if another process has changed it.
    pub(crate) fn refresh_config(&self) -> Result<()> {
        self.entry.refresh_config(&self.engine)
    }

    pub(crate) async fn own(&self, request: Request) -> Result<bool> {
        self.entry.own(&self.engine, request, self.deadline).await
    }
}

impl std::fmt::Debug for JobContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JobContext").field("number", &self.number).finish_non_exhaustive()
    }
}

/// The refusal of a call that a transient domain cannot serve.
pub(crate) fn transient(words: &str) -> Error {
    Error::new(virt_types::ErrorCode::OperationInvalid, virt_types::ErrorDomain::Domain, words)
}
