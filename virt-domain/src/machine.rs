//! The state machine of a running guest: what a report of the hypervisor does to state and reason, which events it
//! gives, and what must be done about it. Pure; everything has its place in the table of the tests.

use virt_driver::{DomainEventKind, Lifecycle};
use virt_types::{
    CrashedDetail, CrashedReason, DomainState, DomainStatus, PausedReason, PmSuspendedDetail,
    PmSuspendedReason, ResumedDetail, RunningReason, ShutdownDetail, ShutdownReason, ShutoffReason,
    StartedDetail, StoppedDetail, SuspendedDetail,
};

use virt_conf::domain::{Lifecycle as Wishes, LifecycleAction};

use crate::Observed;

/// What happened to a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Happening {
    Stopped,
    Resumed,
    Reset,
    PoweredOff {
        by_guest: Option<bool>,
    },
    /// A panic, looked at once the stop that comes with it was seen.
    Crashed,
    PmSuspended,
    PmSuspendedDisk,
    WokeUp,
    /// A disk error or a watchdog stopped it.
    PausedBy(PausedReason),
    Exited,
}

/// What must be done after a happening.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FollowUp {
    Nothing,
    /// End the process, which waits for it.
    AskToGo,
    /// Turn the power-off into a reboot.
    Reboot,
    /// The panic's wish.
    Crash(LifecycleAction),
    /// The process is gone: shut off.
    Ended(ShutoffReason),
}

/// A guest's state, and what the next report means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Machine {
    pub(crate) status: DomainStatus,
    pub(crate) wishes: Wishes,
    /// The next power-off is a reboot in disguise.
    pub(crate) fake_reboot: bool,
    /// A power-off that becomes a reboot stopped it: nobody sees that.
    pub(crate) paused_shutdown: bool,
    /// Why the next stop comes.
    pub(crate) pause_reason: Option<PausedReason>,
    /// Why the next resume comes.
    pub(crate) run_reason: Option<RunningReason>,
    /// It is being ended, to be shut off for this reason: its end is not a crash.
    pub(crate) ending: Option<ShutoffReason>,
}

impl Machine {
    /// A guest that is being started.
    pub(crate) fn starting(wishes: Wishes) -> Self {
        Self::found(DomainStatus::Paused(PausedReason::StartingUp), wishes)
    }

    /// A guest in a known state.
    pub(crate) fn found(status: DomainStatus, wishes: Wishes) -> Self {
        Self {
            status,
            wishes,
            fake_reboot: false,
            paused_shutdown: false,
            pause_reason: None,
            run_reason: None,
            ending: None,
        }
    }

    pub(crate) fn is_starting(&self) -> bool {
        self.status == DomainStatus::Paused(PausedReason::StartingUp)
    }

    fn is(&self, state: DomainState) -> bool {
        self.status.state() == state
    }

    fn reboots_on_poweroff(&self) -> bool {
        self.fake_reboot || self.wishes.poweroff() == LifecycleAction::Restart
    }

    fn enter(&mut self, status: DomainStatus, event: Lifecycle) -> Vec<DomainEventKind> {
        self.status = status;
        vec![DomainEventKind::Lifecycle(event)]
    }

    /// Takes in a report.
    pub(crate) fn apply(&mut self, happening: Happening) -> (Vec<DomainEventKind>, FollowUp) {
        match happening {
            Happening::Stopped => (self.stopped(), FollowUp::Nothing),
            Happening::Resumed => (self.resumed(), FollowUp::Nothing),
            Happening::Reset => (self.reset(), FollowUp::Nothing),
            Happening::PoweredOff { by_guest } => self.powered_off(by_guest),
            Happening::Crashed => {
                let event = Lifecycle::Crashed(CrashedDetail::Panicked);
                let events = self.enter(DomainStatus::Crashed(CrashedReason::Panicked), event);
                (events, FollowUp::Crash(self.wishes.crash()))
            }
            Happening::PmSuspended => (self.slept(PmSuspendedDetail::Memory), FollowUp::Nothing),
            Happening::PmSuspendedDisk => (self.slept(PmSuspendedDetail::Disk), FollowUp::Nothing),
            Happening::WokeUp => (self.woke_up(), FollowUp::Nothing),
            Happening::PausedBy(reason) => (self.paused_by(reason), FollowUp::Nothing),
            Happening::Exited if self.ending.is_some() || self.is_starting() => (vec![], FollowUp::Nothing),
            Happening::Exited if self.is(DomainState::Shutdown) => {
                (vec![], FollowUp::Ended(ShutoffReason::Shutdown))
            }
            Happening::Exited => (vec![], FollowUp::Ended(ShutoffReason::Crashed)),
        }
    }

    fn stopped(&mut self) -> Vec<DomainEventKind> {
        let reason = self.pause_reason.take().unwrap_or(PausedReason::Unknown);
        if !self.is(DomainState::Running) || self.paused_shutdown {
            return vec![];
        }
        self.enter(DomainStatus::Paused(reason), Lifecycle::Suspended(suspended_detail(reason)))
    }

    fn resumed(&mut self) -> Vec<DomainEventKind> {
        let reason = self.run_reason.take().unwrap_or(RunningReason::Unpaused);
        if self.is(DomainState::Running) {
            return vec![];
        }
        self.enter(DomainStatus::Running(reason), Lifecycle::Resumed(resumed_detail(reason)))
    }

    fn reset(&mut self) -> Vec<DomainEventKind> {
        if self.is_starting() {
            return vec![];
        }
        self.fake_reboot = false;
        vec![DomainEventKind::Reboot]
    }

    fn powered_off(&mut self, by_guest: Option<bool>) -> (Vec<DomainEventKind>, FollowUp) {
        if self.is(DomainState::Shutdown) {
            return (vec![], FollowUp::Nothing);
        }
        let reboot = self.reboots_on_poweroff();
        let unheard = matches!(self.ending, Some(reason) if reason != ShutoffReason::Destroyed);
        let events = if reboot {
            self.paused_shutdown = true;
            vec![]
        } else if unheard {
            // libvirt listens to a guest that a destroy ends, but not to one that it ends of its own accord.
            vec![]
        } else {
            let detail = match by_guest {
                Some(true) => ShutdownDetail::Guest,
                Some(false) => ShutdownDetail::Host,
                None => ShutdownDetail::Finished,
            };
            self.enter(DomainStatus::Shutdown(ShutdownReason::Unknown), Lifecycle::Shutdown(detail))
        };
        let follow_up = match (self.ending, reboot) {
            (Some(_), _) => FollowUp::Nothing,
            (None, true) => FollowUp::Reboot,
            (None, false) => FollowUp::AskToGo,
        };
        (events, follow_up)
    }

    fn slept(&mut self, detail: PmSuspendedDetail) -> Vec<DomainEventKind> {
        let mut events = vec![match detail {
            PmSuspendedDetail::Memory => DomainEventKind::PmSuspend,
            PmSuspendedDetail::Disk => DomainEventKind::PmSuspendDisk,
        }];
        if self.is(DomainState::Running) {
            let status = DomainStatus::PmSuspended(PmSuspendedReason::Unknown);
            events.extend(self.enter(status, Lifecycle::PmSuspended(detail)));
        }
        events
    }

    fn woke_up(&mut self) -> Vec<DomainEventKind> {
        let mut events = vec![DomainEventKind::PmWakeup];
        // A guest that did not send itself to sleep was stopped by somebody, and stays so.
        if self.is(DomainState::PmSuspended) {
            let status = DomainStatus::Running(RunningReason::Wakeup);
            events.extend(self.enter(status, Lifecycle::Started(StartedDetail::Wakeup)));
        }
        events
    }

    fn paused_by(&mut self, reason: PausedReason) -> Vec<DomainEventKind> {
        if !self.is(DomainState::Running) {
            return vec![];
        }
        let detail = match reason {
            PausedReason::Watchdog => SuspendedDetail::Watchdog,
            PausedReason::Ioerror => SuspendedDetail::Ioerror,
            other => suspended_detail(other),
        };
        self.enter(DomainStatus::Paused(reason), Lifecycle::Suspended(detail))
    }

    /// Brings the state in line with what the hypervisor says now: after a re-attach, or a reset.
    pub(crate) fn observe(&mut self, observed: Observed) -> Vec<DomainEventKind> {
        match (observed, self.status) {
            (Observed::Running, DomainStatus::Paused(PausedReason::StartingUp)) => {
                self.run_reason = Some(RunningReason::Booted);
                self.resumed()
            }
            (Observed::Running, DomainStatus::Paused(_)) => self.resumed(),
            (Observed::Paused(reason), DomainStatus::Running(_)) => {
                self.pause_reason = reason;
                self.stopped()
            }
            (Observed::ShutDown, DomainStatus::Running(_) | DomainStatus::Paused(_))
                if !self.is_starting() =>
            {
                if self.reboots_on_poweroff() {
                    self.paused_shutdown = true;
                    return vec![];
                }
                let event = Lifecycle::Shutdown(ShutdownDetail::Finished);
                self.enter(DomainStatus::Shutdown(ShutdownReason::Unknown), event)
            }
            (Observed::Crashed, DomainStatus::Running(_)) => {
                let event = Lifecycle::Crashed(CrashedDetail::Panicked);
                self.enter(DomainStatus::Crashed(CrashedReason::Panicked), event)
            }
            (Observed::PmSuspended, DomainStatus::Running(_)) => self.slept(PmSuspendedDetail::Memory),
            _ => vec![],
        }
    }

    /// What is left to do for a guest that was found in its state.
    pub(crate) fn unfinished(&self) -> FollowUp {
        if self.paused_shutdown {
            FollowUp::Reboot
        } else if self.is(DomainState::Shutdown) {
            FollowUp::AskToGo
        } else if self.is(DomainState::Crashed) && self.wishes.crash() != LifecycleAction::Preserve {
            FollowUp::Crash(self.wishes.crash())
        } else {
            FollowUp::Nothing
        }
    }
}

/// How a stop for this reason is announced.
pub(crate) fn suspended_detail(reason: PausedReason) -> SuspendedDetail {
    match reason {
        PausedReason::Migration => SuspendedDetail::Migrated,
        PausedReason::FromSnapshot => SuspendedDetail::FromSnapshot,
        PausedReason::Postcopy => SuspendedDetail::Postcopy,
        PausedReason::PostcopyFailed => SuspendedDetail::PostcopyFailed,
        _ => SuspendedDetail::Paused,
    }
}

/// How a resume for this reason is announced.
pub(crate) fn resumed_detail(reason: RunningReason) -> ResumedDetail {
    match reason {
        RunningReason::Restored | RunningReason::FromSnapshot => ResumedDetail::FromSnapshot,
        RunningReason::Migrated | RunningReason::MigrationCanceled => ResumedDetail::Migrated,
        RunningReason::Postcopy => ResumedDetail::Postcopy,
        RunningReason::PostcopyFailed => ResumedDetail::PostcopyFailed,
        _ => ResumedDetail::Unpaused,
    }
}

/// How an end for this reason is announced.
pub(crate) fn stopped_detail(reason: ShutoffReason) -> StoppedDetail {
    match reason {
        ShutoffReason::Unknown | ShutoffReason::Shutdown => StoppedDetail::Shutdown,
        ShutoffReason::Destroyed => StoppedDetail::Destroyed,
        ShutoffReason::Crashed | ShutoffReason::Failed | ShutoffReason::Daemon => StoppedDetail::Failed,
        ShutoffReason::Migrated => StoppedDetail::Migrated,
        ShutoffReason::Saved => StoppedDetail::Saved,
        ShutoffReason::FromSnapshot => StoppedDetail::FromSnapshot,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use DomainStatus as S;

    const BOOTED: S = S::Running(RunningReason::Booted);
    const UNPAUSED: S = S::Running(RunningReason::Unpaused);
    const BY_USER: S = S::Paused(PausedReason::User);
    const STARTING: S = S::Paused(PausedReason::StartingUp);
    const DOWN: S = S::Shutdown(ShutdownReason::Unknown);
    const PANICKED: S = S::Crashed(CrashedReason::Panicked);
    const ASLEEP: S = S::PmSuspended(PmSuspendedReason::Unknown);
    const BY_GUEST: Happening = Happening::PoweredOff { by_guest: Some(true) };
    const BY_HOST: Happening = Happening::PoweredOff { by_guest: Some(false) };

    fn words(events: &[DomainEventKind]) -> String {
        let words: Vec<String> = events
            .iter()
            .map(|event| match event {
                DomainEventKind::Lifecycle(pair) => format!("{}/{}", pair.event().word(), pair.detail_word()),
                other => format!("{other:?}").to_lowercase(),
            })
            .collect();
        words.join(", ")
    }

    /// Before, what happens, after, events, what is to be done: as libvirt 9.0.0 with QEMU 7.2 was seen to do.
    #[test]
    fn every_transition() {
        let table = [
            (
                BOOTED,
                Happening::Stopped,
                S::Paused(PausedReason::Unknown),
                "suspended/paused",
                FollowUp::Nothing,
            ),
            (BY_USER, Happening::Stopped, BY_USER, "", FollowUp::Nothing),
            (BY_USER, Happening::Resumed, UNPAUSED, "resumed/unpaused", FollowUp::Nothing),
            (BOOTED, Happening::Resumed, BOOTED, "", FollowUp::Nothing),
            (PANICKED, Happening::Resumed, UNPAUSED, "resumed/unpaused", FollowUp::Nothing),
            (BOOTED, Happening::Reset, BOOTED, "reboot", FollowUp::Nothing),
            (STARTING, Happening::Reset, STARTING, "", FollowUp::Nothing),
            (BOOTED, BY_GUEST, DOWN, "shutdown/guest", FollowUp::AskToGo),
            (BOOTED, BY_HOST, DOWN, "shutdown/host", FollowUp::AskToGo),
            (BOOTED, Happening::PoweredOff { by_guest: None }, DOWN, "shutdown/finished", FollowUp::AskToGo),
            (DOWN, BY_HOST, DOWN, "", FollowUp::Nothing),
            (DOWN, Happening::Stopped, DOWN, "", FollowUp::Nothing),
            (DOWN, Happening::Exited, DOWN, "", FollowUp::Ended(ShutoffReason::Shutdown)),
            (BOOTED, Happening::Exited, BOOTED, "", FollowUp::Ended(ShutoffReason::Crashed)),
            (BY_USER, Happening::Exited, BY_USER, "", FollowUp::Ended(ShutoffReason::Crashed)),
            (STARTING, Happening::Exited, STARTING, "", FollowUp::Nothing),
            (
                BOOTED,
                Happening::Crashed,
                PANICKED,
                "crashed/panicked",
                FollowUp::Crash(LifecycleAction::Destroy),
            ),
            (BOOTED, Happening::PmSuspended, ASLEEP, "pmsuspend, pm suspended/memory", FollowUp::Nothing),
            (
                BOOTED,
                Happening::PmSuspendedDisk,
                ASLEEP,
                "pmsuspenddisk, pm suspended/disk",
                FollowUp::Nothing,
            ),
            (BY_USER, Happening::PmSuspended, BY_USER, "pmsuspend", FollowUp::Nothing),
            (
                ASLEEP,
                Happening::WokeUp,
                S::Running(RunningReason::Wakeup),
                "pmwakeup, started/wakeup",
                FollowUp::Nothing,
            ),
            (BY_USER, Happening::WokeUp, BY_USER, "pmwakeup", FollowUp::Nothing),
            (
                BOOTED,
                Happening::PausedBy(PausedReason::Ioerror),
                S::Paused(PausedReason::Ioerror),
                "suspended/ioerror",
                FollowUp::Nothing,
            ),
            (
                BOOTED,
                Happening::PausedBy(PausedReason::Watchdog),
                S::Paused(PausedReason::Watchdog),
                "suspended/watchdog",
                FollowUp::Nothing,
            ),
            (BY_USER, Happening::PausedBy(PausedReason::Watchdog), BY_USER, "", FollowUp::Nothing),
        ];
        for (before, happening, after, events, follow_up) in table {
            let mut machine = Machine::found(before, Wishes::default());
            let (got, next) = machine.apply(happening);
            assert_eq!(
                (machine.status, words(&got).as_str(), next),
                (after, events, follow_up),
                "{before:?}, {happening:?}"
            );
        }
    }

    #[test]
    fn a_call_s_reason_goes_with_the_report_that_it_caused() {
        let mut machine = Machine::starting(Wishes::default());
        machine.run_reason = Some(RunningReason::Booted);
        assert_eq!(words(&machine.apply(Happening::Resumed).0), "resumed/unpaused");
        assert_eq!(machine.status, BOOTED);
        machine.pause_reason = Some(PausedReason::User);
        machine.apply(Happening::Stopped);
        assert_eq!(machine.status, BY_USER);
        machine.apply(Happening::Resumed);
        // The reason was for one stop only.
        machine.apply(Happening::Stopped);
        assert_eq!(machine.status, S::Paused(PausedReason::Unknown));
    }

    #[test]
    fn a_reboot_in_disguise_is_not_seen() {
        let restart = Wishes { on_poweroff: Some(LifecycleAction::Restart), ..Wishes::default() };
        for (fake_reboot, wishes) in [(true, Wishes::default()), (false, restart)] {
            let mut machine = Machine { fake_reboot, ..Machine::found(BOOTED, wishes) };
            assert_eq!(machine.apply(BY_GUEST), (vec![], FollowUp::Reboot));
            assert_eq!(machine.apply(Happening::Stopped), (vec![], FollowUp::Nothing));
            assert_eq!(machine.status, BOOTED);
            assert_eq!(words(&machine.apply(Happening::Reset).0), "reboot");
            assert!(!machine.fake_reboot);
        }
    }

    #[test]
    fn a_destroyed_guest_does_not_crash_or_reboot() {
        let restart = Wishes { on_poweroff: Some(LifecycleAction::Restart), ..Wishes::default() };
        for (wishes, reason, events) in [
            (Wishes::default(), ShutoffReason::Destroyed, "shutdown/host"),
            (restart, ShutoffReason::Destroyed, ""),
            (Wishes::default(), ShutoffReason::Crashed, ""),
        ] {
            let mut machine = Machine { ending: Some(reason), ..Machine::found(BOOTED, wishes) };
            let (got, follow_up) = machine.apply(BY_HOST);
            assert_eq!((words(&got).as_str(), follow_up), (events, FollowUp::Nothing));
            assert_eq!(machine.apply(Happening::Exited), (vec![], FollowUp::Nothing));
        }
    }

    #[test]
    fn what_is_found_corrects_what_was_written() {
        let table = [
            (BOOTED, Observed::Running, BOOTED, ""),
            (STARTING, Observed::Running, BOOTED, "resumed/unpaused"),
            (BY_USER, Observed::Running, UNPAUSED, "resumed/unpaused"),
            (BOOTED, Observed::Paused(None), S::Paused(PausedReason::Unknown), "suspended/paused"),
            (
                BOOTED,
                Observed::Paused(Some(PausedReason::Ioerror)),
                S::Paused(PausedReason::Ioerror),
                "suspended/paused",
            ),
            (BY_USER, Observed::Paused(None), BY_USER, ""),
            (STARTING, Observed::Paused(None), STARTING, ""),
            (BOOTED, Observed::ShutDown, DOWN, "shutdown/finished"),
            (BOOTED, Observed::Crashed, PANICKED, "crashed/panicked"),
            (PANICKED, Observed::Crashed, PANICKED, ""),
            (BOOTED, Observed::PmSuspended, ASLEEP, "pmsuspend, pm suspended/memory"),
        ];
        for (before, observed, after, events) in table {
            let mut machine = Machine::found(before, Wishes::default());
            let got = machine.observe(observed);
            assert_eq!((machine.status, words(&got).as_str()), (after, events), "{before:?}, {observed:?}");
        }
    }

    #[test]
    fn what_was_cut_short_is_taken_up_again() {
        let follow_up = |status, wishes| Machine::found(status, wishes).unfinished();
        let preserve = Wishes { on_crash: Some(LifecycleAction::Preserve), ..Wishes::default() };
        assert_eq!(follow_up(DOWN, Wishes::default()), FollowUp::AskToGo);
        assert_eq!(follow_up(PANICKED, Wishes::default()), FollowUp::Crash(LifecycleAction::Destroy));
        assert_eq!(follow_up(PANICKED, preserve), FollowUp::Nothing);
        assert_eq!(follow_up(BOOTED, Wishes::default()), FollowUp::Nothing);
        let mut machine = Machine { fake_reboot: true, ..Machine::found(BOOTED, Wishes::default()) };
        machine.observe(Observed::ShutDown);
        assert_eq!(machine.unfinished(), FollowUp::Reboot);
    }
}
