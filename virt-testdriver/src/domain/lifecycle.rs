//! Starting and ending domains.

use virt_conf::domain::{Domain, LifecycleAction};
use virt_driver::{DomainRef, Lifecycle};
use virt_types::{
    DomainState, DomainStatus, Error, ErrorCode, ErrorDomain, PausedReason, Result, ResumedDetail,
    RunningReason, ShutoffReason, StartedDetail, StoppedDetail, SuspendedDetail, TextEnum,
};

use super::{Guest, config_argument};
use crate::error::internal;
use crate::host::Host;

impl Guest {
    /// Makes it shut off, with the configuration of its next start.
    pub(crate) fn stop(&mut self, reason: ShutoffReason) {
        if let Some(next) = self.next.take() {
            self.live = next;
            self.live.id = None;
        }
        self.status = DomainStatus::Shutoff(reason);
    }

    /// Makes it run under a number of its own.
    pub(crate) fn run(&mut self, id: i32, reason: RunningReason) {
        self.status = DomainStatus::Running(reason);
        if self.persistent && self.next.is_none() {
            self.next = Some(self.live.clone());
        }
        self.live.id = Some(id);
        self.managed_save = false;
    }
}

impl Host {
    /// Makes a domain run; telling of it is the caller's.
    pub(crate) fn start(&mut self, domain: &DomainRef, reason: RunningReason) -> Result<DomainRef> {
        let id = self.next_id();
        let guest = self.guest(domain)?;
        guest.run(id, reason);
        Ok(guest.reference())
    }

    pub(super) fn create(&mut self, domain: &DomainRef) -> Result<DomainRef> {
        if self.guest(domain)?.status.state() != DomainState::Shutoff {
            return Err(internal(format!("Domain '{domain}' is already running")));
        }
        let started = self.start(domain, RunningReason::Booted)?;
        self.tell_lifecycle(started.clone(), Lifecycle::Started(StartedDetail::Booted));
        Ok(started)
    }

    /// Ends a domain and tells of it; a transient one is forgotten.
    pub(crate) fn end(
        &mut self,
        domain: &DomainRef,
        reason: ShutoffReason,
        detail: StoppedDetail,
    ) -> Result<()> {
        let guest = self.guest(domain)?;
        guest.stop(reason);
        let (reference, persistent) = (guest.reference(), guest.persistent);
        if !persistent {
            self.drop_guest(domain);
        }
        self.tell_lifecycle(reference, Lifecycle::Stopped(detail));
        Ok(())
    }

    pub(super) fn destroy(&mut self, domain: &DomainRef) -> Result<()> {
        self.running(domain)?;
        self.end(domain, ShutoffReason::Destroyed, StoppedDetail::Destroyed)
    }

    pub(super) fn shutdown(&mut self, domain: &DomainRef) -> Result<()> {
        let guest = self.guest(domain)?;
        if guest.status.state() == DomainState::Shutoff {
            return Err(internal(format!("domain '{domain}' not running")));
        }
        let action = guest.live.lifecycle.poweroff();
        self.follow(domain, action)
    }

    pub(super) fn reboot(&mut self, domain: &DomainRef) -> Result<()> {
        let action = self.running(domain)?.live.lifecycle.reboot();
        self.follow(domain, action)
    }

    /// Does what a domain wants done when it powers off or reboots.
    fn follow(&mut self, domain: &DomainRef, action: LifecycleAction) -> Result<()> {
        match action {
            LifecycleAction::Restart | LifecycleAction::RestartRename => {
                self.guest(domain)?.status = DomainStatus::Running(RunningReason::Booted);
                Ok(())
            }
            LifecycleAction::Destroy
            | LifecycleAction::Preserve
            | LifecycleAction::CoredumpDestroy
            | LifecycleAction::CoredumpRestart => {
                self.end(domain, ShutoffReason::Shutdown, StoppedDetail::Shutdown)
            }
        }
    }

    pub(super) fn suspend(&mut self, domain: &DomainRef) -> Result<()> {
        let guest = self.guest(domain)?;
        if matches!(guest.status.state(), DomainState::Shutoff | DomainState::Paused) {
            return Err(internal(format!("domain '{domain}' not running")));
        }
        guest.status = DomainStatus::Paused(PausedReason::User);
        let reference = guest.reference();
        self.tell_lifecycle(reference, Lifecycle::Suspended(SuspendedDetail::Paused));
        Ok(())
    }

    pub(super) fn resume(&mut self, domain: &DomainRef) -> Result<()> {
        let guest = self.guest(domain)?;
        if guest.status.state() != DomainState::Paused {
            return Err(internal(format!("domain '{domain}' not paused")));
        }
        guest.status = DomainStatus::Running(RunningReason::Unpaused);
        let reference = guest.reference();
        self.tell_lifecycle(reference, Lifecycle::Resumed(ResumedDetail::Unpaused));
        Ok(())
    }
}

/// What is to follow an event from now on.
pub(super) struct LifecycleChange {
    event: u32,
    action: LifecycleAction,
}

/// The events by number (`virDomainLifecycle`).
const EVENTS: [&str; 3] = ["poweroff", "reboot", "crash"];

impl LifecycleChange {
    /// By number (`virDomainLifecycle`, `virDomainLifecycleAction`).
    pub(super) fn new(event: u32, action: u32) -> Result<Self> {
        let name = EVENTS.get(event as usize);
        let name = name.ok_or_else(|| config_argument(format!("invalid lifecycle type '{event}'")))?;
        let found = LifecycleAction::SPELLINGS.get(action as usize);
        let (found, _) =
            *found.ok_or_else(|| config_argument(format!("invalid lifecycle action '{action}'")))?;
        let dumps = matches!(found, LifecycleAction::CoredumpDestroy | LifecycleAction::CoredumpRestart);
        if dumps && *name != "crash" {
            let detail = format!("Lifecycle event '{name}' doesn't support '{found}' action");
            return Err(Error::new(ErrorCode::ConfigUnsupported, ErrorDomain::Domain, detail));
        }
        Ok(Self { event, action: found })
    }

    pub(super) fn apply(&self, config: &mut Domain) {
        let lifecycle = &mut config.lifecycle;
        let slot = match self.event {
            0 => &mut lifecycle.on_poweroff,
            1 => &mut lifecycle.on_reboot,
            _ => &mut lifecycle.on_crash,
        };
        *slot = Some(self.action);
    }
}
