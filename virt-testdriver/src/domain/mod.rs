//! The domains of a host.

mod block;
mod calls;
mod console;
mod cpu;
mod define;
mod guest;
mod interface;
mod iothread;
mod keys;
mod lifecycle;
mod memory;
mod messages;
mod metadata;
mod numa;
mod perf;
mod saved;
mod statistics;
mod tuning;
mod weight;

use virt_conf::domain::Domain;
use virt_driver::{DomainEvent, DomainEventKind, DomainInfo, DomainRef, Lifecycle};
use virt_types::{
    DomainState, DomainStatus, Error, ErrorCode, ErrorDomain, Impact, ListFlags, Result, ShutoffReason,
};

use crate::error::refuse;
use crate::flags::{either, matches};
use crate::host::{Host, now};
use crate::moment::{CheckpointTree, SnapshotTree};
pub(crate) use cpu::MAX_VCPUS;
pub(crate) use define::name_interfaces;
pub(crate) use guest::address_after;
use iothread::Polling;
use messages::Taint;

/// A domain.
#[derive(Debug)]
pub(crate) struct Guest {
    /// What runs, or while it is shut off the configuration.
    pub(crate) live: Domain,
    /// While it runs, the configuration of its next start; none if it is transient.
    pub(crate) next: Option<Domain>,
    pub(crate) status: DomainStatus,
    pub(crate) persistent: bool,
    pub(crate) autostart: bool,
    pub(crate) managed_save: bool,
    pub(crate) snapshots: SnapshotTree,
    pub(crate) checkpoints: CheckpointTree,
    pub(crate) taints: Vec<Taint>,
    pub(crate) deprecations: Vec<String>,
    /// Whether `/` and `/boot` are frozen.
    pub(crate) frozen: [bool; 2],
    /// The guest's clock: seconds since 1970 and nanoseconds. It stands still.
    pub(crate) clock: (i64, u32),
    pub(crate) polling: Vec<Polling>,
}

/// What the guest's clock says until somebody sets it: 1989-11-17.
const BIRTHDAY: i64 = 627_319_920;

impl Guest {
    pub(crate) const fn new(config: Domain) -> Self {
        Self {
            live: config,
            next: None,
            status: DomainStatus::Shutoff(ShutoffReason::Unknown),
            persistent: false,
            autostart: false,
            managed_save: false,
            snapshots: SnapshotTree::new(),
            checkpoints: CheckpointTree::new(),
            taints: Vec::new(),
            deprecations: Vec::new(),
            frozen: [false; 2],
            clock: (BIRTHDAY, 0),
            polling: Vec::new(),
        }
    }

    /// How callers know it.
    pub(crate) fn reference(&self) -> DomainRef {
        DomainRef {
            uuid: self.live.uuid.unwrap_or_default(),
            name: self.live.name.clone(),
            id: self.live.id.and_then(|id| u32::try_from(id).ok()),
        }
    }

    /// Whether it has a number: it may be paused or have crashed.
    pub(crate) const fn is_active(&self) -> bool {
        self.live.id.is_some()
    }

    /// Refuses what only a running domain can do.
    pub(crate) fn check_active(&self) -> Result<()> {
        if self.is_active() { Ok(()) } else { Err(not_running()) }
    }

    /// Takes a configuration over: for the next start if it runs.
    pub(crate) fn assign(&mut self, config: Domain) {
        if self.is_active() {
            self.next = Some(config);
        } else {
            self.live = config;
        }
    }

    /// The flags with the current configuration named: the live one of a running domain.
    fn impact(&self, impact: Impact) -> Result<Impact> {
        let asked = match impact & (Impact::LIVE | Impact::CONFIG) {
            asked if !asked.is_empty() => asked,
            _ if self.is_active() => Impact::LIVE,
            _ => Impact::CONFIG,
        };
        if asked.contains(Impact::LIVE) {
            self.check_active()?;
        }
        if asked.contains(Impact::CONFIG) && !self.persistent {
            return Err(config_invalid("transient domains do not have any persistent config"));
        }
        Ok(asked)
    }

    /// The one configuration that the flags mean, and whether it is the live one.
    pub(crate) fn config(&mut self, impact: Impact) -> Result<(&mut Domain, bool)> {
        if impact.contains(Impact::LIVE | Impact::CONFIG) {
            let detail =
                "Flags 'VIR_DOMAIN_AFFECT_LIVE' and 'VIR_DOMAIN_AFFECT_CONFIG' are mutually exclusive";
            return Err(Error::new(ErrorCode::InvalidArg, ErrorDomain::Domain, detail).verbatim());
        }
        let live = self.impact(impact)?.contains(Impact::LIVE);
        match &mut self.next {
            Some(next) if !live => Ok((next, false)),
            _ => Ok((&mut self.live, live)),
        }
    }

    /// The configurations that the flags mean: the live one, and that of the next start.
    pub(crate) fn configs(&mut self, impact: Impact) -> Result<(Option<&mut Domain>, Option<&mut Domain>)> {
        let impact = self.impact(impact)?;
        let (live, config) = (impact.contains(Impact::LIVE), impact.contains(Impact::CONFIG));
        Ok(if self.is_active() {
            (live.then_some(&mut self.live), self.next.as_mut().filter(|_| config))
        } else {
            (None, config.then_some(&mut self.live))
        })
    }

    fn matches(&self, flags: ListFlags) -> bool {
        let bits = |flag: ListFlags| flag.bits();
        let pair = |yes: ListFlags, no: ListFlags, is| either(bits(yes), bits(no), is);
        let states = ListFlags::RUNNING | ListFlags::PAUSED | ListFlags::SHUTOFF | ListFlags::OTHER;
        let state = match self.status.state() {
            DomainState::Running => ListFlags::RUNNING,
            DomainState::Paused => ListFlags::PAUSED,
            DomainState::Shutoff => ListFlags::SHUTOFF,
            _ => ListFlags::OTHER,
        };
        let groups = [
            pair(ListFlags::ACTIVE, ListFlags::INACTIVE, self.is_active()),
            pair(ListFlags::PERSISTENT, ListFlags::TRANSIENT, self.persistent),
            (bits(states), bits(state)),
            pair(ListFlags::MANAGEDSAVE, ListFlags::NO_MANAGEDSAVE, self.managed_save),
            pair(ListFlags::AUTOSTART, ListFlags::NO_AUTOSTART, self.autostart),
            pair(ListFlags::HAS_SNAPSHOT, ListFlags::NO_SNAPSHOT, !self.snapshots.is_empty()),
            pair(ListFlags::HAS_CHECKPOINT, ListFlags::NO_CHECKPOINT, !self.checkpoints.is_empty()),
        ];
        matches(bits(flags), &groups)
    }

    fn info(&self) -> DomainInfo {
        DomainInfo {
            state: self.status.state(),
            max_memory: self.live.memory.total,
            memory: self.live.memory.current,
            vcpus: self.live.vcpus.online_count(),
            cpu_time: now().saturating_mul(1000),
        }
    }
}

/// The refusal of what only a running domain can do.
fn not_running() -> Error {
    config_invalid("domain is not running")
}

/// `VIR_ERR_OPERATION_INVALID` in the name of the domains' configuration.
fn config_invalid(detail: impl Into<String>) -> Error {
    Error::new(ErrorCode::OperationInvalid, ErrorDomain::Domain, detail)
}

/// `VIR_ERR_INVALID_ARG` in the name of the domains' configuration.
fn config_argument(detail: impl Into<String>) -> Error {
    Error::new(ErrorCode::InvalidArg, ErrorDomain::Domain, detail)
}

impl Host {
    /// The domain that a caller names.
    pub(crate) fn guest(&mut self, domain: &DomainRef) -> Result<&mut Guest> {
        self.guests.iter_mut().find(|guest| guest.live.uuid == Some(domain.uuid)).ok_or_else(|| {
            let detail = format!("no domain with matching uuid '{}' ({})", domain.uuid, domain.name);
            refuse(ErrorCode::NoDomain, detail)
        })
    }

    /// The domain that a caller names, which has to run.
    pub(crate) fn running(&mut self, domain: &DomainRef) -> Result<&mut Guest> {
        let guest = self.guest(domain)?;
        guest.check_active()?;
        Ok(guest)
    }

    fn find_guest(&self, is: impl Fn(&Guest) -> bool) -> Result<DomainRef> {
        let found = self.guests.iter().find(|guest| is(guest)).map(Guest::reference);
        found.ok_or_else(|| refuse(ErrorCode::NoDomain, ""))
    }

    /// Tells subscribers what happened to a domain.
    pub(crate) fn tell(&mut self, domain: DomainRef, kind: DomainEventKind) {
        self.told += 1;
        let event = DomainEvent { number: self.told, domain, kind };
        self.domain_events.publish(&event, |filter| filter.wants(&event));
    }

    /// Tells subscribers of a step in a domain's life.
    pub(crate) fn tell_lifecycle(&mut self, domain: DomainRef, step: Lifecycle) {
        self.tell(domain, DomainEventKind::Lifecycle(step));
    }

    /// Forgets a domain that neither runs nor has a configuration.
    fn drop_guest(&mut self, domain: &DomainRef) {
        self.guests.retain(|guest| guest.live.uuid != Some(domain.uuid));
    }
}
