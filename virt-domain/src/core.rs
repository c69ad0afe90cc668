//! What is known of one domain, and the only ways in which it changes.
//!
//! The owning task and the jobs that it runs share it under a lock that is never held across an await. Every change
//! goes the same way: the state first, then the status file, then the published snapshot, then the events.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::SystemTime;

use tokio::sync::{Notify, mpsc, watch};
use virt_conf::domain::{AnyDevice, Domain};
use virt_driver::{DomainEventKind, DomainRef, Lifecycle};
use virt_types::{DomainName, DomainStatus, Result, ShutoffReason, StoppedDetail, Uuid};

use crate::bus::Bus;
use crate::implied::{Told, implied};
use crate::machine::{FollowUp, Happening, Machine};
use crate::ownership::{GuestLock, Peer};
use crate::status_file::{Binding, StatusFile};
use crate::store::{Store, StoredConfig, StoredStatus};
use crate::{BackendEvent, EventSink, Held, Holder, LeaseId, Phase, Running, Snapshot};

/// A running instance.
pub(crate) struct Guest {
    pub(crate) id: u32,
    pub(crate) live: Arc<Domain>,
    pub(crate) machine: Machine,
    pub(crate) pid: Option<u32>,
    pub(crate) phase: Phase,
    pub(crate) taint: Vec<String>,
    pub(crate) deprecations: Vec<String>,
    pub(crate) binding: Option<Binding>,
    /// The hold on it; none while it is being started, or while another process has it.
    pub(crate) running: Option<Arc<dyn Running>>,
    /// Reports of the hypervisor, in their order.
    pub(crate) reports: Option<mpsc::UnboundedReceiver<BackendEvent>>,
    /// What the driver recorded of a start that is under way.
    pub(crate) recorded: String,
    /// Tells a start that is under way to give up.
    pub(crate) cancel: watch::Sender<bool>,
    /// The connection of this process with which it ends.
    pub(crate) bound_to: Option<LeaseId>,
    /// Devices that it is getting: the status file tells of them already.
    pub(crate) intended: Vec<AnyDevice>,
}

impl Guest {
    /// An instance that is about to be started.
    pub(crate) fn starting(id: u32, live: Domain, machine: Machine, binding: Option<Binding>) -> Self {
        Self {
            id,
            live: Arc::new(live),
            machine,
            pid: None,
            phase: Phase::Starting,
            taint: Vec::new(),
            deprecations: Vec::new(),
            binding,
            running: None,
            reports: None,
            recorded: String::new(),
            cancel: watch::Sender::new(false),
            bound_to: None,
            intended: Vec::new(),
        }
    }

    /// An instance as its status file tells of it, which another process holds, or none.
    pub(crate) fn told(file: StatusFile) -> Self {
        let id = file.live.id.and_then(|id| u32::try_from(id).ok()).unwrap_or(0);
        let machine =
            Machine { fake_reboot: file.fake_reboot, ..Machine::found(file.status, file.live.lifecycle) };
        Self {
            pid: file.pid,
            phase: file.phase,
            taint: file.taint,
            deprecations: file.deprecations,
            ..Self::starting(id, file.live, machine, file.binding)
        }
    }

    pub(crate) fn sink(&mut self) -> EventSink {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.reports = Some(receiver);
        EventSink { sender }
    }
}

/// How far a process holds a domain.
pub(crate) enum Claimed {
    /// With its guest, if it has one.
    Fully,
    /// It has the lock, but an attempt to take hold of the guest was broken off.
    LockOnly(GuestLock),
    /// Not at all.
    Not,
}

/// The state of one domain.
pub(crate) struct State {
    pub(crate) uuid: Uuid,
    pub(crate) name: DomainName,
    pub(crate) config: Option<StoredConfig>,
    /// Whether it had a configuration at any time of the running instance: libvirt forgets that with the instance.
    pub(crate) was_defined: bool,
    pub(crate) guest: Option<Guest>,
    /// The state while it does not run.
    pub(crate) shutoff: ShutoffReason,
    pub(crate) since: SystemTime,
    pub(crate) held: Held,
    pub(crate) lock: Option<GuestLock>,
    pub(crate) other: Option<Option<Peer>>,
    pub(crate) removed: bool,
    /// What must be done about the last reports.
    pub(crate) follow_ups: Vec<FollowUp>,
    /// A panic was reported; it is looked at when the stop that comes with it was seen.
    pub(crate) panicked: bool,
    /// Devices that the guest has let go, by their aliases.
    pub(crate) unplugged: Vec<String>,
}

/// One domain, as the task, its jobs and the registry share it.
pub(crate) struct Core {
    pub(crate) store: Arc<Store>,
    pub(crate) bus: Arc<Bus>,
    state: Mutex<State>,
    snapshot: Mutex<Arc<Snapshot>>,
    /// Made when somebody watches; few domains are watched.
    watched: OnceLock<watch::Sender<Arc<Snapshot>>>,
    /// Wakes the task when there is something new to listen to or to do.
    pub(crate) stirred: Notify,
}

/// The locked state of a domain, with what is needed to change it.
pub(crate) struct Locked<'a> {
    core: &'a Core,
    state: MutexGuard<'a, State>,
}

impl std::ops::Deref for Locked<'_> {
    type Target = State;
    fn deref(&self) -> &State {
        &self.state
    }
}

impl std::ops::DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut State {
        &mut self.state
    }
}

impl Core {
    pub(crate) fn new(
        store: Arc<Store>,
        bus: Arc<Bus>,
        uuid: Uuid,
        name: DomainName,
        config: Option<StoredConfig>,
        guest: Option<Guest>,
    ) -> Self {
        let shutoff = store.shutoff_reason(name.as_str());
        let state = State {
            uuid,
            name,
            was_defined: config.is_some(),
            config,
            guest,
            shutoff,
            since: SystemTime::now(),
            held: Held::default(),
            lock: None,
            other: None,
            removed: false,
            follow_ups: Vec::new(),
            panicked: false,
            unplugged: Vec::new(),
        };
        let snapshot = Mutex::new(Arc::new(state.snapshot()));
        Self {
            store,
            bus,
            state: Mutex::new(state),
            snapshot,
            watched: OnceLock::new(),
            stirred: Notify::new(),
        }
    }

    /// The state. Never kept across an await.
    pub(crate) fn lock(&self) -> Locked<'_> {
        // A panic in a change leaves the state as far as it had come, which the next status file tells as well.
        Locked { core: self, state: self.state.lock().unwrap_or_else(PoisonError::into_inner) }
    }

    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.published())
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Arc<Snapshot>> {
        let published = self.published();
        let watched = self.watched.get_or_init(|| watch::Sender::new(Arc::clone(&published)));
        // Between the two nothing was published: the lock is held.
        watched.subscribe()
    }

    // What is done under it is one assignment.
    fn published(&self) -> MutexGuard<'_, Arc<Snapshot>> {
        self.snapshot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    pub(crate) fn is_active(&self) -> bool {
        self.guest.is_some()
    }

    pub(crate) fn status(&self) -> DomainStatus {
        self.guest.as_ref().map_or(DomainStatus::Shutoff(self.shutoff), |guest| guest.machine.status)
    }

    pub(crate) fn as_ref(&self) -> DomainRef {
        DomainRef {
            uuid: self.uuid,
            name: self.name.to_string(),
            id: self.guest.as_ref().map(|guest| guest.id),
        }
    }

    fn snapshot(&self) -> Snapshot {
        let guest = self.guest.as_ref();
        Snapshot {
            uuid: self.uuid,
            name: self.name.clone(),
            id: guest.map(|guest| guest.id),
            pid: guest.and_then(|guest| guest.pid),
            status: self.status(),
            since: self.since,
            live: guest.map(|guest| Arc::clone(&guest.live)),
            config: self.config.as_ref().map(|stored| Arc::clone(&stored.config)),
            autostart: self.config.as_ref().is_some_and(|stored| stored.autostart),
            taint: guest.map_or_else(Vec::new, |guest| guest.taint.clone()),
            deprecations: guest.map_or_else(Vec::new, |guest| guest.deprecations.clone()),
            held: self.held.clone(),
            holder: match (&self.lock, &self.other) {
                (Some(_), _) if self.is_active() => Holder::This,
                (None, Some(peer)) if self.is_active() => Holder::Other(peer.as_ref().and_then(Peer::pid)),
                _ => Holder::Nobody,
            },
            removed: self.removed,
        }
    }

    fn status_file(&self) -> Option<StatusFile> {
        let guest = self.guest.as_ref()?;
        let mut live = (*guest.live).clone();
        for device in &guest.intended {
            live.devices.insert(usize::MAX, device.clone());
        }
        Some(StatusFile {
            status: guest.machine.status,
            pid: guest.pid,
            taint: guest.taint.clone(),
            deprecations: guest.deprecations.clone(),
            fake_reboot: guest.machine.fake_reboot,
            phase: guest.phase,
            binding: guest.binding,
            live,
        })
    }

    pub(crate) fn bound_to(&self) -> Option<LeaseId> {
        self.guest.as_ref()?.bound_to
    }

    /// The hold on the guest, if this process has it.
    pub(crate) fn running(&self) -> Option<Arc<dyn Running>> {
        self.guest.as_ref()?.running.clone()
    }
}

impl Locked<'_> {
    /// Lets readers see the state as it is now.
    pub(crate) fn publish(&mut self) {
        let mut snapshot = self.state.snapshot();
        let before = self.core.snapshot();
        if before.status == snapshot.status && before.id == snapshot.id {
            snapshot.since = before.since;
        } else {
            self.state.since = SystemTime::now();
            snapshot.since = self.state.since;
        }
        let snapshot = Arc::new(snapshot);
        let mut published = self.core.published();
        published.clone_from(&snapshot);
        if let Some(watched) = self.core.watched.get() {
            watched.send_replace(snapshot);
        }
    }

    /// Writes the status file of the running instance.
    pub(crate) fn save(&mut self) -> Result<()> {
        let Some(file) = self.state.status_file() else { return Ok(()) };
        let guest = self.state.guest.as_ref();
        let text = file.format(&*self.core.store.backend, |w| {
            match guest.and_then(|guest| guest.running.as_ref()) {
                Some(running) => running.format_status(w),
                None => w.lines(guest.map_or("", |guest| &guest.recorded)),
            }
        });
        Ok(self.core.store.write_status(self.state.name.as_str(), &text)?)
    }

    /// Writes the status file; a failure is told in the log only, because what it tells of has happened.
    pub(crate) fn save_anyway(&mut self) {
        if let Err(error) = self.save() {
            log::error!("domain {}: {error}", self.state.name);
        }
    }

    /// Gives events to the subscribers, about the domain as it is now.
    pub(crate) fn tell(&self, events: impl IntoIterator<Item = DomainEventKind>) {
        self.tell_of(&self.state.as_ref(), events);
    }

    /// Gives events to the subscribers, about the domain as it was.
    pub(crate) fn tell_of(&self, domain: &DomainRef, events: impl IntoIterator<Item = DomainEventKind>) {
        for event in events {
            self.core.bus.publish(domain.clone(), event);
        }
    }

    pub(crate) fn tell_lifecycle(&self, event: Lifecycle) {
        self.tell([DomainEventKind::Lifecycle(event)]);
    }

    /// Takes in what the hypervisor has reported so far. A call's own reports come before its answer, so a job calls
    /// this after each call.
    pub(crate) fn settle(&mut self) {
        while let Some(report) =
            self.state.guest.as_mut().and_then(|guest| guest.reports.as_mut()?.try_recv().ok())
        {
            self.take_in(report);
        }
    }

    /// Takes in one report.
    pub(crate) fn take_in(&mut self, report: BackendEvent) {
        let Some(guest) = self.state.guest.as_mut() else { return };
        let happening = match report {
            BackendEvent::Stopped => Happening::Stopped,
            BackendEvent::Resumed => Happening::Resumed,
            BackendEvent::Reset => Happening::Reset,
            BackendEvent::PoweredOff { by_guest } => Happening::PoweredOff { by_guest },
            BackendEvent::PmSuspended => Happening::PmSuspended,
            BackendEvent::PmSuspendedDisk => Happening::PmSuspendedDisk,
            BackendEvent::WokeUp => Happening::WokeUp,
            BackendEvent::Exited { last_words } => {
                if let Some(words) = last_words {
                    log::info!("domain {}: {words}", self.state.name);
                }
                Happening::Exited
            }
            BackendEvent::Panicked => {
                self.state.panicked = true;
                return;
            }
            BackendEvent::Unplugged { alias } => {
                self.state.unplugged.push(alias);
                return;
            }
            BackendEvent::Changed(change) => {
                change(Arc::make_mut(&mut guest.live));
                return self.changed([]);
            }
            BackendEvent::Tainted(word) => {
                if guest.taint.contains(&word) {
                    return;
                }
                guest.taint.push(word);
                return self.changed([]);
            }
            BackendEvent::Deprecated(sentence) => {
                if guest.deprecations.contains(&sentence) {
                    return;
                }
                guest.deprecations.push(sentence);
                return self.changed([]);
            }
            BackendEvent::Told(tell) => {
                let kind = tell(&guest.live);
                return self.take_in(BackendEvent::Published(kind));
            }
            BackendEvent::Published(kind) => {
                let paused_by = paused_by(&kind);
                self.tell([kind]);
                match paused_by {
                    Some(reason) => Happening::PausedBy(reason),
                    None => return,
                }
            }
        };
        self.apply(happening);
    }

    pub(crate) fn apply(&mut self, happening: Happening) {
        let Some(guest) = self.state.guest.as_mut() else { return };
        let before = guest.machine.clone();
        let (events, follow_up) = guest.machine.apply(happening);
        let is_new = guest.machine != before;
        if follow_up != FollowUp::Nothing {
            self.state.follow_ups.push(follow_up);
        }
        if is_new {
            self.changed(events);
        } else {
            self.tell(events);
        }
    }

    pub(crate) fn apply_if(&mut self, wanted: impl Fn(&Machine) -> bool, happening: Happening) {
        if self.state.guest.as_ref().is_some_and(|guest| wanted(&guest.machine)) {
            self.apply(happening);
        }
    }

    /// After a change of the running instance: status file, snapshot, events.
    pub(crate) fn changed(&mut self, events: impl IntoIterator<Item = DomainEventKind>) {
        self.save_anyway();
        self.publish();
        self.tell(events);
    }

    /// The running instance is no more; its process is gone and what it held is released.
    pub(crate) fn ended(&mut self, reason: ShutoffReason, told_as: Option<StoppedDetail>) {
        let Some(guest) = self.state.guest.take() else { return };
        let before = DomainRef { id: Some(guest.id), ..self.state.as_ref() };
        self.state.shutoff = reason;
        self.state.panicked = false;
        self.state.follow_ups.clear();
        self.state.unplugged.clear();
        self.state.other = None;
        let persistent = self.state.config.is_some();
        self.state.was_defined = persistent;
        if let Err(error) = self.core.store.remove_status(self.state.name.as_str(), reason, persistent) {
            log::error!("domain {}: {error}", self.state.name);
        }
        self.publish();
        if let Some(detail) = told_as {
            // As libvirt does: an end that was ordered is told of a domain without a number already.
            let ordered =
                matches!(detail, StoppedDetail::Destroyed | StoppedDetail::Crashed | StoppedDetail::Saved);
            let domain = if ordered { self.state.as_ref() } else { before };
            self.tell_of(&domain, [DomainEventKind::Lifecycle(Lifecycle::Stopped(detail))]);
        }
    }

    /// The configuration was read or written.
    pub(crate) fn set_config(&mut self, config: Option<StoredConfig>) {
        self.state.was_defined |= config.is_some();
        self.state.config = config;
        self.publish();
    }

    /// How far this process holds the domain.
    pub(crate) fn claimed(&mut self) -> Claimed {
        let starting = self.state.held.long() == Some(crate::LongJob::Start);
        let needs_hold = self.state.guest.as_ref().is_some_and(Guest::is_told) && !starting;
        match self.state.lock.take() {
            None => Claimed::Not,
            Some(lock) if needs_hold => Claimed::LockOnly(lock),
            Some(lock) => {
                self.state.lock = Some(lock);
                Claimed::Fully
            }
        }
    }

    /// What another process wrote about the instance that it holds.
    pub(crate) fn told(&mut self, status: Option<StoredStatus>) {
        let domain = self.state.as_ref();
        let before = self.state.guest.as_ref().map(Told::of);
        let guest = status.map(|status| Guest::told(status.file));
        if guest.is_none() {
            let noted = self.core.store.shutoff_reason(self.state.name.as_str());
            self.state.shutoff = match before {
                Some(before) if noted == ShutoffReason::Unknown => before.likely_end(),
                _ => noted,
            };
        }
        let after = guest.as_ref().map(Told::of);
        let events = implied(before, after, self.state.shutoff);
        self.state.guest = guest;
        self.publish();
        let now = self.state.as_ref();
        for event in events {
            let ended = matches!(event, Lifecycle::Stopped(_));
            self.tell_of(if ended { &domain } else { &now }, [DomainEventKind::Lifecycle(event)]);
        }
    }
}

/// Why a guest stopped, if this is the event of something that stops it.
fn paused_by(kind: &DomainEventKind) -> Option<virt_types::PausedReason> {
    use virt_driver::{IoErrorAction, WatchdogAction};
    match kind {
        DomainEventKind::IoError { action: IoErrorAction::Pause, .. } => {
            Some(virt_types::PausedReason::Ioerror)
        }
        DomainEventKind::Watchdog { action: WatchdogAction::Pause } => {
            Some(virt_types::PausedReason::Watchdog)
        }
        _ => None,
    }
}
