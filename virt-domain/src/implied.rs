//! The events of a guest that another process holds, as far as its status file implies them.

use virt_driver::Lifecycle;
use virt_types::{
    CrashedDetail, DomainStatus, PausedReason, PmSuspendedDetail, RunningReason, ShutdownDetail,
    ShutoffReason, StartedDetail,
};

use crate::Phase;
use crate::core::Guest;
use crate::machine::{resumed_detail, stopped_detail, suspended_detail};

/// What a status file tells of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) id: u32,
    pub(crate) status: DomainStatus,
    pub(crate) phase: Phase,
}

impl Told {
    pub(crate) fn of(guest: &Guest) -> Self {
        Self { id: guest.id, status: guest.machine.status, phase: guest.phase }
    }

    /// Why it ended, where nobody left a note: a power-off and an ordered end show in the file before it goes.
    pub(crate) fn likely_end(self) -> ShutoffReason {
        match (self.phase, self.status) {
            (Phase::Stopping(reason), _) => reason,
            (_, DomainStatus::Shutdown(_)) => ShutoffReason::Shutdown,
            (_, DomainStatus::Crashed(_)) => ShutoffReason::Crashed,
            _ => ShutoffReason::Destroyed,
        }
    }

    fn is_announced(self) -> bool {
        self.status != DomainStatus::Paused(PausedReason::StartingUp)
    }
}

/// What must have happened between two looks at a status file; `shutoff` is why the instance is gone, if it is.
pub(crate) fn implied(before: Option<Told>, after: Option<Told>, shutoff: ShutoffReason) -> Vec<Lifecycle> {
    let before = before.filter(|told| told.is_announced());
    let after = after.filter(|told| told.is_announced());
    match (before, after) {
        (Some(before), Some(after)) if before.id == after.id => moved(before.status, after),
        (before, after) => {
            let mut events = Vec::new();
            if before.is_some() {
                let reason = if after.is_some() { ShutoffReason::Unknown } else { shutoff };
                events.push(Lifecycle::Stopped(stopped_detail(reason)));
            }
            if let Some(after) = after {
                events.extend(started(after));
            }
            events
        }
    }
}

fn started(after: Told) -> Vec<Lifecycle> {
    let started = Lifecycle::Started(StartedDetail::Booted);
    if matches!(after.status, DomainStatus::Running(_)) {
        return vec![Lifecycle::Resumed(resumed_detail(RunningReason::Booted)), started];
    }
    let booted = DomainStatus::Running(RunningReason::Booted);
    std::iter::once(started).chain(moved(booted, after)).collect()
}

fn moved(before: DomainStatus, after: Told) -> Vec<Lifecycle> {
    if before.state() == after.status.state() {
        return vec![];
    }
    match after.status {
        DomainStatus::Running(RunningReason::Wakeup) => vec![Lifecycle::Started(StartedDetail::Wakeup)],
        DomainStatus::Running(reason) => vec![Lifecycle::Resumed(resumed_detail(reason))],
        DomainStatus::Paused(reason) => vec![Lifecycle::Suspended(suspended_detail(reason))],
        DomainStatus::Shutdown(_) => {
            // An order to end reaches the guest's machine as a power-off by the host.
            let ordered = matches!(after.phase, Phase::Stopping(_));
            vec![Lifecycle::Shutdown(if ordered { ShutdownDetail::Host } else { ShutdownDetail::Finished })]
        }
        DomainStatus::Crashed(_) => vec![Lifecycle::Crashed(CrashedDetail::Panicked)],
        DomainStatus::PmSuspended(_) => vec![Lifecycle::PmSuspended(PmSuspendedDetail::Memory)],
        DomainStatus::NoState(_) | DomainStatus::Blocked(_) | DomainStatus::Shutoff(_) => vec![],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_between_two_looks() {
        let told = |id, status| Some(Told { id, status, phase: Phase::Running });
        let starting = told(1, DomainStatus::Paused(PausedReason::StartingUp));
        let running = told(1, DomainStatus::Running(RunningReason::Booted));
        let paused = told(1, DomainStatus::Paused(PausedReason::User));
        let again = told(2, DomainStatus::Running(RunningReason::Booted));
        let unpaused = told(1, DomainStatus::Running(RunningReason::Unpaused));
        for (before, after, words) in [
            (None, starting, ""),
            (starting, None, ""),
            (None, running, "resumed started"),
            (starting, running, "resumed started"),
            (starting, paused, "started suspended"),
            (running, paused, "suspended"),
            (paused, unpaused, "resumed"),
            (running, unpaused, ""),
            (running, None, "stopped"),
            (running, again, "stopped resumed started"),
        ] {
            let got: Vec<_> = implied(before, after, ShutoffReason::Destroyed)
                .iter()
                .map(|event| event.event().word())
                .collect();
            assert_eq!(got.join(" "), words, "{before:?} to {after:?}");
        }
    }

    #[test]
    fn an_end_without_a_note_shows_before_it() {
        let running = DomainStatus::Running(RunningReason::Booted);
        let down = DomainStatus::Shutdown(virt_types::ShutdownReason::Unknown);
        for (status, phase, end, shutdown) in [
            (running, Phase::Running, ShutoffReason::Destroyed, None),
            (down, Phase::Running, ShutoffReason::Shutdown, Some(ShutdownDetail::Finished)),
            (
                down,
                Phase::Stopping(ShutoffReason::Destroyed),
                ShutoffReason::Destroyed,
                Some(ShutdownDetail::Host),
            ),
            (running, Phase::Stopping(ShutoffReason::Failed), ShutoffReason::Failed, None),
        ] {
            let told = Told { id: 1, status, phase };
            assert_eq!(told.likely_end(), end);
            let events = moved(running, told);
            assert_eq!(events, shutdown.map(Lifecycle::Shutdown).into_iter().collect::<Vec<_>>());
        }
    }
}
