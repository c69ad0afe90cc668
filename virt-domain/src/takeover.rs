//! How a guest comes into this process's hands, and leaves them.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use virt_driver::Lifecycle;
use virt_types::{
    DefinedDetail, DomainState, Error, ErrorCode, ErrorDomain, Result, ShutoffReason, UndefinedDetail,
};

use crate::core::{Claimed, Guest};
use crate::engine::{Engine, Entry};
use crate::machine::{FollowUp, stopped_detail};
use crate::ownership::{Claim, GuestLock, Peer, Request};
use crate::status_file::Binding;
use crate::store::{StoredConfig, StoredStatus};
use crate::{Kill, Phase, Recover, Recovered};

impl Entry {
    /// Makes this process the holder of the domain, and brings what it knows of it up to date.
    ///
    /// A guest that is seized is to be destroyed: if this process gets hold of it here, it is ended at once, without
    /// its monitor being needed. Whether that was done.
    pub(crate) async fn own(&self, engine: &Engine, request: Request, deadline: Instant) -> Result<bool> {
        if request == Request::Seize {
            // Whoever waits for a hold on the guest waits for something that is about to go.
            self.seized.notify_waiters();
            return self.own_undisturbed(engine, request, deadline).await;
        }
        tokio::select! {
            owned = self.own_undisturbed(engine, request, deadline) => owned,
            () = self.seized.notified() => Err(crate::admission::not_running()),
        }
    }

    async fn own_undisturbed(&self, engine: &Engine, request: Request, deadline: Instant) -> Result<bool> {
        let _handing = self.handing.lock().await;
        let claimed = self.core.lock().claimed();
        let lock = match claimed {
            Claimed::Fully => return Ok(false),
            Claimed::LockOnly(lock) => Some(lock),
            Claimed::Not => None,
        };
        let lock = match lock {
            Some(lock) => lock,
            None => {
                let name = self.core.snapshot().name.clone();
                engine.ownership.acquire(name.as_str(), request, deadline).await?
            }
        };
        self.take(engine, lock, request).await
    }

    /// [`Entry::own`], but only if no other process is in the way. Whether this process has it now.
    pub(crate) async fn own_if_free(&self, engine: &Engine, deadline: Instant) -> Result<bool> {
        tokio::select! {
            owned = self.own_if_free_undisturbed(engine, deadline) => owned,
            () = self.seized.notified() => Err(crate::admission::not_running()),
        }
    }

    async fn own_if_free_undisturbed(&self, engine: &Engine, deadline: Instant) -> Result<bool> {
        let _handing = self.handing.lock().await;
        let claimed = self.core.lock().claimed();
        match claimed {
            Claimed::Fully => return Ok(true),
            Claimed::LockOnly(lock) => return self.take(engine, lock, Request::Yield).await.map(|_| true),
            Claimed::Not => {}
        }
        let name = self.core.snapshot().name.clone();
        loop {
            let root = engine.ownership.root(deadline).await?;
            let claim = engine.ownership.claim(&root, name.as_str())?;
            drop(root);
            let peer = match claim {
                Claim::Taken(lock) => return self.take(engine, lock, Request::Yield).await.map(|_| true),
                Claim::HeldBy(peer) => peer,
            };
            if peer.as_ref().is_some_and(Peer::lives) {
                self.core.lock().other = Some(peer);
                return Ok(false);
            }
            // What is left of a dead holder has the lock: the guest that it was about to start.
            engine.ownership.wait_until_free(name.as_str(), deadline).await?;
        }
    }

    async fn take(&self, engine: &Engine, lock: GuestLock, request: Request) -> Result<bool> {
        self.refresh_config(engine)?;
        let name = self.core.snapshot().name.clone();
        let status = engine.store.read_status(name.as_str())?;
        if let Some(other) = status
            .as_ref()
            .and_then(|status| status.file.live.uuid)
            .filter(|uuid| *uuid != self.core.snapshot().uuid)
        {
            return Err(exists_with(name.as_str(), other));
        }
        {
            let mut state = self.core.lock();
            state.told(status.clone());
            state.other = None;
            state.lock = Some(lock);
            state.publish();
        }
        let Some(mut status) = status else { return Ok(false) };
        let ends = request == Request::Seize && status.file.phase == Phase::Running;
        if ends {
            status.file.phase = Phase::Stopping(ShutoffReason::Destroyed);
        }
        let recovered = self.recover(engine, status).await;
        if recovered.is_err() {
            // Without a hold on it the guest is nobody's: whoever comes next tries again.
            let mut state = self.core.lock();
            state.lock = None;
            state.publish();
        }
        recovered.map(|()| ends)
    }

    async fn recover(&self, engine: &Engine, status: StoredStatus) -> Result<()> {
        let phase = status.file.phase;
        let recover = {
            let mut state = self.core.lock();
            let uuid = state.uuid;
            let Some(guest) = state.guest.as_mut() else { return Ok(()) };
            Recover {
                uuid,
                live: status.file.live,
                phase,
                status: status.file.status,
                pid: status.file.pid,
                status_xml: status.text,
                events: guest.sink(),
            }
        };
        match engine.store.backend.recover(recover).await? {
            Recovered::Gone(reason) => {
                let reason = reason.unwrap_or_else(|| match phase {
                    Phase::Starting => ShutoffReason::Failed,
                    Phase::Stopping(reason) => reason,
                    Phase::Running if status.file.status.state() == DomainState::Shutdown => {
                        ShutoffReason::Shutdown
                    }
                    Phase::Running => ShutoffReason::Crashed,
                });
                let told_as = (phase != Phase::Starting).then(|| stopped_detail(reason));
                self.core.lock().ended(reason, told_as);
            }
            Recovered::Running(started, observed) => {
                let running = Arc::clone(&started.running);
                let (binding, abandoned) = {
                    let mut state = self.core.lock();
                    let Some(guest) = state.guest.as_mut() else { return Ok(()) };
                    guest.live = Arc::new(started.live);
                    guest.pid = started.running.pid();
                    guest.running = Some(started.running);
                    guest.phase = Phase::Running;
                    let binding = guest.binding;
                    let events = guest.machine.observe(observed);
                    let abandoned = guest.machine.is_starting();
                    let unfinished = guest.machine.unfinished();
                    state.changed(events);
                    if unfinished != FollowUp::Nothing {
                        state.follow_ups.push(unfinished);
                    }
                    state.settle();
                    (binding, abandoned)
                };
                if abandoned {
                    // A start that nobody finished and nobody was told of.
                    running.kill(Kill::Force).await?;
                    running.release().await;
                    self.core.lock().ended(ShutoffReason::Failed, None);
                    return Ok(());
                }
                self.core.stirred.notify_one();
                if let (Some(binding), Some(entry)) = (binding, self.shared(engine)) {
                    engine.runtime.spawn(end_with(binding, entry, engine.closing.subscribe()));
                }
            }
        }
        Ok(())
    }

    fn shared(&self, engine: &Engine) -> Option<Arc<Self>> {
        engine.maps().uuid(self.core.snapshot().uuid).cloned()
    }

    /// Gives the guest to another process. Nothing of this process runs on it.
    pub(crate) async fn hand_over(&self, engine: &Engine, to: Peer) {
        let _handing = self.handing.lock().await;
        let running = self.core.lock().running();
        if let Some(running) = running {
            running.detach().await;
            let mut state = self.core.lock();
            if let Some(guest) = state.guest.as_mut() {
                guest.running = None;
                guest.reports = None;
            }
        }
        if !self.core.snapshot().is_active() {
            return self.retire_lock(engine).await;
        }
        let mut state = self.core.lock();
        state.other = Some(Some(to));
        state.lock = None;
        state.publish();
    }

    /// Lets go of the guest for good, because this engine is closed: it runs on, and whoever comes next finds it by its
    /// status file.
    pub(crate) async fn let_go(&self) {
        let running = self.core.lock().running();
        if let Some(running) = running {
            running.detach().await;
        }
        let mut state = self.core.lock();
        if let Some(guest) = state.guest.as_mut() {
            guest.running = None;
            guest.reports = None;
        }
        state.lock = None;
        state.publish();
    }

    /// Gives up the lock of a domain that does not run and on which nothing is going on.
    pub(crate) async fn release_if_idle(&self, engine: &Engine) {
        let _handing = self.handing.lock().await;
        self.retire_lock(engine).await;
    }

    async fn retire_lock(&self, engine: &Engine) {
        if self.core.lock().lock.is_none() {
            return;
        }
        let root = engine.ownership.root(Instant::now() + engine.limits.call).await;
        let mut state = self.core.lock();
        if state.is_active() || state.held.iter().any(|job| job.kind != crate::JobKind::HandOver) {
            return;
        }
        let lock = state.lock.take();
        match (lock, root) {
            (Some(lock), Ok(root)) => lock.retire(&root),
            // Its file stays, and whoever comes next takes it over.
            (_, Err(error)) => log::warn!("{}", error.report()),
            (None, Ok(_)) => {}
        }
        state.publish();
    }

    /// Takes in the configuration if another process has changed it. The caller keeps jobs that change it away.
    pub(crate) fn refresh_config(&self, engine: &Engine) -> Result<()> {
        let (name, known, uuid) = {
            let state = self.core.lock();
            (state.name.clone(), state.config.clone(), state.uuid)
        };
        // A file with another identity is another domain: this one was undefined.
        let found = engine.store.read_config(name.as_str(), known.as_ref())?;
        let found = found.filter(|found| found.uuid == uuid);
        let version = |stored: &StoredConfig| (stored.fingerprint, stored.autostart);
        if found.as_ref().map(version) == known.as_ref().map(version) {
            return Ok(());
        }
        let mut state = self.core.lock();
        let event = match (&state.config, &found) {
            (_, None) => Some(Lifecycle::Undefined(UndefinedDetail::Removed)),
            (None, Some(_)) => Some(Lifecycle::Defined(DefinedDetail::Added)),
            (Some(old), Some(new)) if old.fingerprint != new.fingerprint => {
                Some(Lifecycle::Defined(DefinedDetail::Updated))
            }
            (Some(_), Some(_)) => None,
        };
        state.set_config(found);
        if let Some(event) = event {
            state.tell_lifecycle(event);
        }
        Ok(())
    }

    /// Takes in the status of a guest that another process holds.
    pub(crate) fn refresh_status(&self, engine: &Engine) -> Result<()> {
        let Ok(_handing) = self.handing.try_lock() else { return Ok(()) };
        let (name, uuid) = {
            let state = self.core.lock();
            if state.lock.is_some() {
                return Ok(());
            }
            (state.name.clone(), state.uuid)
        };
        let status = engine.store.read_status(name.as_str())?;
        let ours = status.filter(|status| status.file.live.uuid == Some(uuid));
        self.core.lock().told(ours);
        Ok(())
    }
}

impl Guest {
    /// Whether another process may hold it.
    pub(crate) fn is_told(&self) -> bool {
        self.running.is_none()
    }
}

/// What a name that another domain has is refused with.
pub(crate) fn exists_with(name: &str, uuid: virt_types::Uuid) -> Error {
    let detail = format!("domain '{name}' already exists with uuid {uuid}");
    Error::new(ErrorCode::OperationFailed, ErrorDomain::Domain, detail)
}

/// Ends a guest with the process that it is bound to.
fn end_with(
    binding: Binding,
    entry: Arc<Entry>,
    mut closing: tokio::sync::watch::Receiver<bool>,
) -> virt_driver::BoxFuture<'static, ()> {
    Box::pin(async move {
        if binding.pid == std::process::id() {
            // The connection that it is bound to sees to it.
            return;
        }
        if let Some(process) = bound_process(binding)
            && let Ok(process) = virt_sys::Process::new(process)
        {
            tokio::select! {
                () = crate::engine::until_closed(&mut closing) => return,
                () = process.ended() => {}
            }
        }
        let still_bound =
            entry.core.lock().guest.as_ref().is_some_and(|guest| guest.binding == Some(binding));
        if still_bound && let Err(error) = crate::DomainHandle::of(entry).destroy(Kill::Force).await {
            log::warn!("{}", error.report());
        }
    })
}

fn bound_process(binding: Binding) -> Option<virt_sys::PidFd> {
    let pid = virt_sys::Pid::from_raw(i32::try_from(binding.pid).ok()?)?;
    let process = virt_sys::PidFd::open(pid).ok()?;
    (virt_sys::pidfd::start_time(pid).ok()? == binding.start_time).then_some(process)
}

/// How long a follower waits before a holder that left without a word is replaced by itself: no time at all, but the
/// take-over has the engine's deadline.
pub(crate) fn take_over_deadline(engine: &Engine) -> Instant {
    Instant::now() + engine.limits.call.max(Duration::from_secs(1))
}
