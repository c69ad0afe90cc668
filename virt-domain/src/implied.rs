//! The events of a guest that another process holds, as far as its status file implies them.

use virt_driver::Lifecycle;
use virt_types::{
    CrashedDetail, DomainStatus, PausedReason, PmSuspendedDetail, RunningReason, ShutdownDetail,
    ShutoffReason, StartedDetail,
};

use crate::core::Guest;
use crate::machine::{resumed_detail, stopped_detail, suspended_detail};

/// What a status file tells of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) id: u32,
    pub(crate) status: DomainStatus,
}

impl Told {
    pub(crate) fn of(guest: &Guest) -> Self {
        Self { id: guest.id, status: guest.machine.status }
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
        (Some(before), Some(after)) if before.id == after.id => moved(before.status, after.status),
        (before, after) => {
            let mut events = Vec::new();
            if before.is_some() {
                let reason = if after.is_some() { ShutoffReason::Unknown } else { shutoff };
                events.push(Lifecycle::Stopped(stopped_detail(reason)));
            }
            if let Some(after) = after {
                events.extend(started(after.status));
            }
            events
        }
    }
}

fn started(status: DomainStatus) -> Vec<Lifecycle> {
    let started = Lifecycle::Started(StartedDetail::Booted);
    match status {
        DomainStatus::Running(_) => vec![Lifecycle::Resumed(resumed_detail(RunningReason::Booted)), started],
        other => {
            let booted = DomainStatus::Running(RunningReason::Booted);
            std::iter::once(started).chain(moved(booted, other)).collect()
        }
    }
}

fn moved(before: DomainStatus, after: DomainStatus) -> Vec<Lifecycle> {
    if before.state() == after.state() {
        return vec![];
    }
    match after {
        DomainStatus::Running(RunningReason::Wakeup) => vec![Lifecycle::Started(StartedDetail::Wakeup)],
        DomainStatus::Running(reason) => vec![Lifecycle::Resumed(resumed_detail(reason))],
        DomainStatus::Paused(reason) => vec![Lifecycle::Suspended(suspended_detail(reason))],
        DomainStatus::Shutdown(_) => vec![Lifecycle::Shutdown(ShutdownDetail::Finished)],
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
        let told = |id, status| Some(Told { id, status });
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
}
