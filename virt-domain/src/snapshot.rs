//! The published state of a domain, which readers get without waiting.

use std::sync::Arc;
use std::time::SystemTime;

use virt_conf::domain::Domain;
use virt_driver::{ControlInfo, ControlState, DomainRef};
use virt_types::{DomainName, DomainStatus, Result, Uuid};

use crate::{ActiveJob, Brief, Held, KeptConfig, Lane};

/// Which process holds a running guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// This one.
    This,
    /// Another one of the engine, with this pid if it is known.
    Other(Option<u32>),
    /// None: the domain does not run, or its holder has just gone.
    Nobody,
}

/// Everything about a domain that is known without asking its hypervisor, at one moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The identity.
    pub uuid: Uuid,
    /// The name.
    pub name: DomainName,
    /// The number of the running instance; none means that it does not run.
    pub id: Option<u32>,
    /// The process of the running instance.
    pub pid: Option<u32>,
    /// State and reason.
    pub status: DomainStatus,
    /// Since when it is in that state, as far as this process saw it.
    pub since: SystemTime,
    /// The live domain; there is one while it runs.
    pub live: Option<Arc<Domain>>,
    /// The configuration; a domain without one is transient.
    pub config: Option<Arc<KeptConfig>>,
    /// Whether it starts with the engine.
    pub autostart: bool,
    /// Why the running instance is tainted, in libvirt's words.
    pub taint: Vec<String>,
    /// What it uses that is going away, a sentence each.
    pub deprecations: Vec<String>,
    /// The jobs that hold it in this process.
    pub held: Held,
    /// Who holds the guest.
    pub holder: Holder,
    /// Whether it is gone from the list; it will not come back.
    pub removed: bool,
}

impl Snapshot {
    /// Whether it runs.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.id.is_some()
    }

    /// Whether there is such a domain for callers. One that neither runs nor is defined is about to be made, or was
    /// undefined a moment ago.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.is_active() || self.is_persistent()
    }

    /// Whether it has a configuration that outlives the running instance.
    #[must_use]
    pub fn is_persistent(&self) -> bool {
        self.config.is_some()
    }

    /// The live domain of a running one, the configuration of another; none for one that is gone.
    ///
    /// # Errors
    /// As [`KeptConfig::model`].
    pub fn current(&self) -> Result<Option<Arc<Domain>>> {
        match (&self.live, &self.config) {
            (Some(live), _) => Ok(Some(Arc::clone(live))),
            (None, Some(config)) => config.model().map(Some),
            (None, None) => Ok(None),
        }
    }

    /// What is asked most often, of the live domain or of the configuration.
    #[must_use]
    pub fn brief(&self) -> Option<Brief> {
        let live = self.live.as_ref().map(|live| Brief::of(live));
        live.or_else(|| self.config.as_ref().map(|config| config.brief()))
    }

    /// How callers name it.
    #[must_use]
    pub fn reference(&self) -> DomainRef {
        DomainRef { uuid: self.uuid, name: self.name.to_string(), id: self.id }
    }

    /// What holds it, for `virDomainGetControlInfo`.
    #[must_use]
    pub fn control_info(&self) -> ControlInfo {
        let job: Option<&ActiveJob> =
            self.held.in_lane(Lane::Hypervisor).or_else(|| self.held.in_lane(Lane::Long));
        match job {
            None => ControlInfo { state: ControlState::Ok, details: 0, state_time: 0, held_by: None },
            Some(job) => ControlInfo {
                state: if job.kind.lane() == Lane::Long { ControlState::Job } else { ControlState::Occupied },
                details: 0,
                state_time: u64::try_from(job.since.elapsed().as_millis()).unwrap_or(u64::MAX),
                held_by: Some(job.api.to_owned()),
            },
        }
    }
}
