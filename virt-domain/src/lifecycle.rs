//! The jobs that move a domain through its life.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::{Arc, Weak};

use tokio::sync::watch;
use virt_conf::domain::{Domain, Lifecycle as Wishes, LifecycleAction};
use virt_driver::Lifecycle;
use virt_types::{
    CreateFlags, DomainState, DomainStatus, Error, ErrorCode, ErrorDomain, PausedReason, RebootFlags, Result,
    RunningReason, ShutdownFlags, ShutoffReason, StartedDetail, StoppedDetail, SuspendedDetail,
};

use crate::admission::not_running;
use crate::backend::Record;
use crate::context::JobContext;
use crate::core::Guest;
use crate::engine::Entry;
use crate::machine::{FollowUp, Happening, Machine, stopped_detail};
use crate::ownership::Request;
use crate::status_file::Binding;
use crate::{JobKind, Kill, LongJob, Phase, PowerWay, Running, Saved, Start, Started};

/// How a domain is started.
#[derive(Debug, Default)]
pub struct StartOptions {
    /// Flags of the call. Whether the guest ends with a connection is decided by [`StartOptions::bound_to`] alone.
    pub flags: CreateFlags,
    /// Descriptors for the guest.
    pub files: Vec<OwnedFd>,
    /// The connection with which the guest ends.
    pub bound_to: Option<crate::LeaseId>,
    /// The state that the guest goes on from.
    pub saved: Option<Saved>,
}

fn invalid(driver: ErrorDomain, words: &str) -> Error {
    Error::new(ErrorCode::OperationInvalid, driver, words)
}

/// Starts the configuration, or the given domain in its stead. Answers the number of the instance.
pub(crate) async fn start(
    context: JobContext,
    instead: Option<Domain>,
    options: StartOptions,
) -> Result<u32> {
    context.own(Request::Yield).await?;
    let driver = context.backend().error_domain();
    let config = {
        let state = context.state();
        if let Some(guest) = &state.guest {
            return Err(match &instead {
                None => invalid(driver, "domain is already running"),
                Some(_) => {
                    invalid(ErrorDomain::Domain, &format!("domain '{}' is already active", guest.live.name))
                }
            });
        }
        (instead, state.config.clone())
    };
    let given = config.0.is_some();
    let mut config = match config {
        (Some(instead), _) => instead,
        (None, Some(stored)) => (*stored.config.model()?).clone(),
        (None, None) => return Err(crate::task::no_domain(&context.snapshot())),
    };
    let mut saved = options.saved;
    if !given && let Some(waiting) = context.backend().saved(&config, options.flags).await? {
        config = waiting.domain.clone();
        saved = Some(waiting);
    }
    let id = {
        let root = context.engine.ownership.root(context.deadline).await?;
        let id = context.engine.store.next_id();
        drop(root);
        id?
    };
    // Names on the host are made of the number.
    config.id = i32::try_from(id).ok();
    let mut live = match context.backend().prepare(&config, options.flags).await {
        Ok(live) => live,
        Err(error) => {
            let mut state = context.state();
            state.shutoff = ShutoffReason::Failed;
            state.publish();
            return Err(error);
        }
    };
    live.id = config.id;
    let mut machine = Machine::starting(live.lifecycle);
    machine.run_reason = Some(if saved.is_some() { RunningReason::Restored } else { RunningReason::Booted });
    let binding = options.bound_to.map(|_| this_process());
    let mut guest = Guest::starting(id, live.clone(), machine, binding);
    guest.bound_to = options.bound_to;
    let events = guest.sink();
    let cancel = guest.cancel.subscribe();
    {
        let mut state = context.state();
        state.guest = Some(guest);
        if let Err(error) = state.save() {
            state.guest = None;
            return Err(error);
        }
        state.publish();
    }
    context.entry.core.stirred.notify_one();
    let record: Arc<dyn Record> = Arc::new(Recorder(Arc::downgrade(&context.entry)));
    let paused = options.flags.contains(CreateFlags::START_PAUSED);
    let (incoming, restored) = match saved {
        Some(Saved { state, running, removes, .. }) => (Some(state), Some(Restored { running, removes })),
        None => (None, None),
    };
    let start = Start { live, flags: options.flags, files: options.files, incoming, events, record, cancel };
    let started = match context.backend().start(start).await {
        Ok(started) => started,
        Err(error) => {
            context.state().ended(ShutoffReason::Failed, None);
            return Err(error);
        }
    };
    match go(&context, started, paused, restored).await {
        Ok(()) => Ok(id),
        Err(error) => {
            end(&context, ShutoffReason::Failed, Kill::Force, None).await?;
            Err(error)
        }
    }
}

/// How a guest goes on that was not booted.
struct Restored {
    running: bool,
    removes: Option<PathBuf>,
}

/// From a guest whose virtual CPUs stand still to one that is announced.
async fn go(context: &JobContext, started: Started, paused: bool, restored: Option<Restored>) -> Result<()> {
    let running = Arc::clone(&started.running);
    let cancelled = {
        let mut state = context.state();
        let guest = state.guest.as_mut().ok_or_else(not_running)?;
        guest.live = Arc::new(started.live);
        guest.pid = running.pid();
        guest.running = Some(Arc::clone(&running));
        guest.phase = Phase::Running;
        let cancelled = *guest.cancel.borrow();
        state.save()?;
        state.publish();
        cancelled
    };
    if cancelled {
        return Err(not_running());
    }
    let started_as = if restored.is_some() { StartedDetail::Restored } else { StartedDetail::Booted };
    let stays = restored.as_ref().is_some_and(|restored| !restored.running);
    if let Some(path) = restored.and_then(|restored| restored.removes)
        && let Err(error) = std::fs::remove_file(&path)
    {
        log::warn!("the state in {} is of the past but stays: {error}", path.display());
    }
    if paused || stays {
        let mut state = context.state();
        state.settle();
        if let Some(guest) = state.guest.as_mut() {
            guest.machine.status = DomainStatus::Paused(PausedReason::User);
            guest.machine.run_reason = None;
        }
        // Both kinds of listeners are served: those that care for on and off, and those that care for running.
        state.changed([
            virt_driver::DomainEventKind::Lifecycle(Lifecycle::Started(started_as)),
            virt_driver::DomainEventKind::Lifecycle(Lifecycle::Suspended(match paused {
                true => SuspendedDetail::Paused,
                false => SuspendedDetail::Restored,
            })),
        ]);
        return Ok(());
    }
    if started_as == StartedDetail::Restored {
        context.state().tell_lifecycle(Lifecycle::Started(started_as));
    }
    running.resume().await?;
    let mut state = context.state();
    state.settle();
    state.apply_if(|machine| machine.is_starting(), Happening::Resumed);
    if state.guest.is_none() {
        return Err(not_running());
    }
    if started_as == StartedDetail::Booted {
        state.tell_lifecycle(Lifecycle::Started(started_as));
    }
    Ok(())
}

#[derive(Debug)]
struct Recorder(Weak<Entry>);

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry").field("name", &self.core.snapshot().name).finish_non_exhaustive()
    }
}

impl Record for Recorder {
    fn record(&self, pid: Option<u32>, elements: &str) -> Result<()> {
        let entry = self.0.upgrade().ok_or_else(crate::engine::closed)?;
        let mut state = entry.core.lock();
        let guest = state.guest.as_mut().ok_or_else(not_running)?;
        if pid.is_some() {
            guest.pid = pid;
        }
        guest.recorded = elements.to_owned();
        state.save()
    }
}

fn this_process() -> Binding {
    let pid = rustix::process::getpid();
    Binding {
        pid: std::process::id(),
        // A process can always read its own entry; without one the binding holds as long as the pid lives.
        start_time: virt_sys::pidfd::start_time(pid).unwrap_or_default(),
    }
}

/// Ends the running instance: the intent, the kill, the release, then the state.
async fn end(
    context: &JobContext,
    reason: ShutoffReason,
    kill: Kill,
    told_as: Option<StoppedDetail>,
) -> Result<()> {
    let (running, before) = {
        let mut state = context.state();
        let (Some(running), Some(guest)) = (state.running(), state.guest.as_mut()) else {
            return Err(not_running());
        };
        let before = (guest.phase, guest.machine.ending, guest.machine.fake_reboot);
        guest.machine.ending = Some(reason);
        guest.machine.fake_reboot = false;
        if kill == Kill::Force {
            guest.phase = Phase::Stopping(reason);
        }
        state.save_anyway();
        (running, before)
    };
    if let Err(error) = running.kill(kill).await {
        let mut state = context.state();
        if let Some(guest) = state.guest.as_mut() {
            (guest.phase, guest.machine.ending, guest.machine.fake_reboot) = before;
        }
        state.save_anyway();
        return Err(error);
    }
    finish(context, &running, reason, told_as).await;
    Ok(())
}

/// The process is gone: what it held is released, and the state says so.
async fn finish(
    context: &JobContext,
    running: &Arc<dyn Running>,
    reason: ShutoffReason,
    told_as: Option<StoppedDetail>,
) {
    {
        let mut state = context.state();
        state.settle();
        if let Some(guest) = state.guest.as_mut() {
            guest.machine.ending = Some(reason);
            guest.phase = Phase::Stopping(reason);
        }
        state.save_anyway();
    }
    running.release().await;
    context.state().ended(reason, told_as);
}

/// `virDomainDestroyFlags`
pub(crate) async fn destroy(context: JobContext, kill: Kill) -> Result<()> {
    let starting = stop_start(&context).await;
    if starting && !context.snapshot().is_active() {
        return Ok(());
    }
    let request = if kill == Kill::Force { Request::Seize } else { Request::Yield };
    let ended = context.own(request).await?;
    if context.state().guest.is_none() {
        // Taking hold of a guest that is to go has ended it already; or the start was given up.
        return if ended || starting { Ok(()) } else { Err(not_running()) };
    }
    end(&context, ShutoffReason::Destroyed, kill, Some(StoppedDetail::Destroyed)).await
}

/// Tells a start that is under way to give up, and waits for it. Whether there was one.
async fn stop_start(context: &JobContext) -> bool {
    let starting =
        |snapshot: &crate::Snapshot| snapshot.held.any(|kind| kind == JobKind::Long(LongJob::Start));
    if !starting(&context.snapshot()) {
        return false;
    }
    if let Some(guest) = &context.state().guest {
        guest.cancel.send_replace(true);
    }
    let mut snapshots: watch::Receiver<_> = context.entry.core.watch();
    let _ = snapshots.wait_for(|snapshot| !starting(snapshot)).await;
    true
}

/// `virDomainSuspend`
pub(crate) async fn suspend(context: JobContext) -> Result<()> {
    let running = context.running().await?;
    match context.snapshot().status.state() {
        DomainState::PmSuspended => {
            return Err(invalid(context.backend().error_domain(), "domain is pmsuspended"));
        }
        DomainState::Paused => return Ok(()),
        _ => {}
    }
    stop_cpus(&context, &running, PausedReason::User).await
}

async fn stop_cpus(context: &JobContext, running: &Arc<dyn Running>, reason: PausedReason) -> Result<()> {
    expect(context, |machine| machine.pause_reason = Some(reason));
    let done = running.suspend().await;
    settle_as(context, &done, Happening::Stopped, |status| matches!(status.state(), DomainState::Running));
    expect(context, |machine| machine.pause_reason = None);
    done
}

impl JobContext {
    /// Stops the virtual CPUs of a running guest as a part of a job; `true` if they ran.
    ///
    /// # Errors
    /// As [`JobContext::running`], and why they can not be stopped.
    pub async fn pause(&self, reason: PausedReason) -> Result<bool> {
        let running = self.running().await?;
        if self.snapshot().status.state() != DomainState::Running {
            return Ok(false);
        }
        stop_cpus(self, &running, reason).await.map(|()| true)
    }

    /// Starts the virtual CPUs again.
    ///
    /// # Errors
    /// As [`JobContext::running`], and why they can not be started.
    pub async fn go_on(&self) -> Result<()> {
        self.go_on_as(RunningReason::Unpaused).await
    }

    /// The same, for another reason.
    ///
    /// # Errors
    /// As [`JobContext::go_on`].
    pub async fn go_on_as(&self, reason: RunningReason) -> Result<()> {
        let running = self.running().await?;
        start_cpus(self, &running, reason).await
    }

    /// Ends the guest as one that has crashed.
    ///
    /// # Errors
    /// Where its process can not be ended.
    pub async fn end_as_crashed(&self) -> Result<()> {
        self.end_as(ShutoffReason::Crashed, StoppedDetail::Crashed).await
    }

    /// Ends the guest for this reason, which its subscribers are told.
    ///
    /// # Errors
    /// Where its process can not be ended.
    pub async fn end_as(&self, reason: ShutoffReason, told_as: StoppedDetail) -> Result<()> {
        end(self, reason, Kill::Force, Some(told_as)).await
    }
}

/// `virDomainResume`
pub(crate) async fn resume(context: JobContext) -> Result<()> {
    let running = context.running().await?;
    let driver = context.backend().error_domain();
    match context.snapshot().status.state() {
        DomainState::PmSuspended => return Err(invalid(driver, "domain is pmsuspended")),
        DomainState::Running => return Err(invalid(driver, "domain is already running")),
        DomainState::Paused | DomainState::Crashed => {}
        _ => return Ok(()),
    }
    start_cpus(&context, &running, RunningReason::Unpaused).await
}

async fn start_cpus(context: &JobContext, running: &Arc<dyn Running>, reason: RunningReason) -> Result<()> {
    expect(context, |machine| machine.run_reason = Some(reason));
    let done = running.resume().await;
    settle_as(context, &done, Happening::Resumed, |status| {
        matches!(status.state(), DomainState::Paused | DomainState::Crashed)
    });
    expect(context, |machine| machine.run_reason = None);
    done
}

/// `virDomainReset`
pub(crate) async fn reset(context: JobContext) -> Result<()> {
    let running = context.running().await?;
    running.reset().await?;
    context.settle();
    {
        let mut state = context.state();
        if let Some(guest) = state.guest.as_mut() {
            guest.machine.fake_reboot = false;
            if guest.machine.status.state() == DomainState::Crashed {
                guest.machine.status = DomainStatus::Paused(PausedReason::Crashed);
            }
        }
        state.changed([]);
    }
    observe(&context, &running).await
}

/// `virDomainPMWakeup`
pub(crate) async fn wake_up(context: JobContext) -> Result<()> {
    let running = context.running().await?;
    // Whether it sleeps is the hypervisor's to say.
    running.wake_up().await?;
    context.settle();
    Ok(())
}

/// Whether a call goes to the agent, and what then if that fails.
struct Route {
    agent: bool,
    agent_only: bool,
}

impl Route {
    fn new(flags: u32, agent_bit: u32, acpi_bit: u32, has_agent: bool) -> Self {
        let asked = flags & agent_bit != 0;
        Self { agent: asked || (flags == 0 && has_agent), agent_only: asked && flags & acpi_bit == 0 }
    }
}

/// `virDomainShutdownFlags`, of which the agent's and the power button's part are jobs of their own kinds.
pub(crate) async fn power(
    context: JobContext,
    way: PowerWay,
    reboot: bool,
    running_only: bool,
) -> Result<()> {
    let running = context.running().await?;
    if running_only && context.snapshot().status.state() != DomainState::Running {
        return Err(invalid(context.backend().error_domain(), "domain is not running"));
    }
    {
        let mut state = context.state();
        if let Some(guest) = state.guest.as_mut() {
            guest.machine.fake_reboot = reboot && way == PowerWay::Acpi;
        }
        state.changed([]);
    }
    running.power(way, reboot).await
}

/// The ways of a shutdown or reboot, in the order in which they are tried.
pub(crate) fn ways(has_agent: bool, flags: u32) -> Vec<PowerWay> {
    const _: () = assert!(ShutdownFlags::GUEST_AGENT.bits() == RebootFlags::GUEST_AGENT.bits());
    let (agent, acpi) = (ShutdownFlags::GUEST_AGENT.bits(), ShutdownFlags::ACPI_POWER_BTN.bits());
    let other = [
        (ShutdownFlags::INITCTL.bits(), PowerWay::Initctl),
        (ShutdownFlags::SIGNAL.bits(), PowerWay::Signal),
        (ShutdownFlags::PARAVIRT.bits(), PowerWay::Paravirt),
    ];
    let asked: Vec<PowerWay> =
        other.iter().filter(|(bit, _)| flags & bit != 0).map(|(_, way)| *way).collect();
    let route = Route::new(flags, agent, acpi, has_agent);
    let mut ways = asked;
    if route.agent {
        ways.push(PowerWay::Agent);
    }
    let only_others = flags & !(agent | acpi) != 0 && flags & acpi == 0;
    if !(route.agent_only || only_others) {
        ways.push(PowerWay::Acpi);
    }
    ways
}

/// Whether a shutdown becomes a reboot, or a reboot a shutdown, because the domain wants it so.
pub(crate) fn reboots(wishes: Wishes, reboot: bool) -> bool {
    if reboot {
        !matches!(wishes.reboot(), LifecycleAction::Destroy | LifecycleAction::Preserve)
    } else {
        matches!(wishes.poweroff(), LifecycleAction::Restart | LifecycleAction::RestartRename)
    }
}

/// A power-off that is to be a reboot: reset, and on.
pub(crate) async fn fake_reboot(context: JobContext) -> Result<()> {
    let rebooted = reset_and_go(&context).await;
    {
        let mut state = context.state();
        if let Some(guest) = state.guest.as_mut() {
            guest.machine.paused_shutdown = false;
            guest.machine.fake_reboot = false;
        }
        state.changed([]);
    }
    let running = context.state().running();
    if rebooted.is_err()
        && let Some(running) = running
    {
        // Its end is reported, and then the domain is shut off as after a crash.
        running.kill(Kill::Force).await?;
    }
    rebooted
}

async fn reset_and_go(context: &JobContext) -> Result<()> {
    let running = context.running().await?;
    running.reset().await?;
    context.settle();
    let crashed = context.snapshot().status.state() == DomainState::Crashed;
    let reason = if crashed { RunningReason::Crashed } else { RunningReason::Booted };
    expect(context, |machine| machine.run_reason = Some(reason));
    let done = running.resume().await;
    settle_as(context, &done, Happening::Resumed, |status| status.state() != DomainState::Running);
    done
}

/// A panic was reported.
pub(crate) async fn panicked(context: JobContext) -> Result<()> {
    let running = context.running().await?;
    // The stop that comes with the panic is reported before this is answered.
    let _ = running.observe().await;
    {
        let mut state = context.state();
        state.settle();
        state.apply(Happening::Crashed);
        // What follows is done right here.
        state.follow_ups.retain(|follow_up| !matches!(follow_up, FollowUp::Crash(_)));
    }
    after_crash(context).await
}

/// What the domain wants done after a panic.
pub(crate) async fn after_crash(context: JobContext) -> Result<()> {
    let running = context.running().await?;
    let wish = context.state().guest.as_ref().map(|guest| guest.machine.wishes.crash());
    if matches!(wish, Some(LifecycleAction::CoredumpDestroy | LifecycleAction::CoredumpRestart)) {
        running.core_dump().await?;
    }
    match wish {
        Some(LifecycleAction::Destroy | LifecycleAction::CoredumpDestroy) => {
            end(&context, ShutoffReason::Crashed, Kill::Force, Some(StoppedDetail::Crashed)).await
        }
        Some(LifecycleAction::Restart | LifecycleAction::CoredumpRestart) => fake_reboot(context).await,
        Some(LifecycleAction::Preserve | LifecycleAction::RestartRename) | None => Ok(()),
    }
}

/// The process went by itself.
pub(crate) async fn after_exit(context: JobContext, reason: ShutoffReason) -> Result<()> {
    // A start whose guest has just gone notices that itself, and must have said so first.
    stop_start(&context).await;
    let Some(running) = context.state().running() else { return Ok(()) };
    finish(&context, &running, reason, Some(stopped_detail(reason))).await;
    Ok(())
}

fn expect(context: &JobContext, change: impl FnOnce(&mut Machine)) {
    if let Some(guest) = context.state().guest.as_mut() {
        change(&mut guest.machine);
    }
}

/// Takes in the reports of a call; if it worked but nothing was reported, what it did happened anyway.
fn settle_as(
    context: &JobContext,
    done: &Result<()>,
    happening: Happening,
    pending: impl Fn(DomainStatus) -> bool,
) {
    let mut state = context.state();
    state.settle();
    if done.is_ok() && pending(state.status()) {
        state.apply(happening);
    }
}

async fn observe(context: &JobContext, running: &Arc<dyn Running>) -> Result<()> {
    let observed = running.observe().await?;
    let mut state = context.state();
    state.settle();
    if let Some(guest) = state.guest.as_mut() {
        let before = guest.machine.clone();
        let events = guest.machine.observe(observed);
        let unfinished = guest.machine.unfinished();
        // What it was reported to do has its follow-up; what was only found has none yet.
        if guest.machine != before && unfinished != FollowUp::Nothing {
            state.follow_ups.push(unfinished);
        }
        state.changed(events);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use PowerWay::{Acpi, Agent, Initctl};

    #[test]
    fn ways_of_a_shutdown() {
        let (agent, acpi, initctl) =
            (ShutdownFlags::GUEST_AGENT, ShutdownFlags::ACPI_POWER_BTN, ShutdownFlags::INITCTL);
        let none = ShutdownFlags::empty();
        for (has_agent, flags, expected) in [
            (false, none, vec![Acpi]),
            (true, none, vec![Agent, Acpi]),
            (true, acpi, vec![Acpi]),
            (false, agent, vec![Agent]),
            (true, agent | acpi, vec![Agent, Acpi]),
            (false, initctl, vec![Initctl]),
        ] {
            assert_eq!(ways(has_agent, flags.bits()), expected, "{has_agent} {flags:?}");
        }
    }

    #[test]
    fn wishes_turn_shutdowns_and_reboots_into_each_other() {
        use LifecycleAction::{Destroy, Restart};
        let wishes = |on_poweroff, on_reboot| Wishes {
            on_poweroff: Some(on_poweroff),
            on_reboot: Some(on_reboot),
            ..Wishes::default()
        };
        assert!(!reboots(Wishes::default(), false) && reboots(Wishes::default(), true));
        assert!(reboots(wishes(Restart, Restart), false));
        assert!(!reboots(wishes(Destroy, Destroy), true));
    }
}
