//! Jobs: what runs on a domain, and which of them exclude each other.

use tokio::time::Instant;

/// A long job, during which others may still run (libvirt's asynchronous jobs).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LongJob {
    /// A start.
    Start,
    /// Saving the guest's memory and state.
    Save,
    /// Writing a core.
    Dump,
    /// Taking or reverting to a snapshot.
    Snapshot,
    /// A backup.
    Backup,
    /// Migrating away.
    MigrationOut,
    /// Being migrated here.
    MigrationIn,
}

/// What a job does, which decides what it may run beside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobKind {
    /// Asks the hypervisor and changes nothing.
    Query,
    /// Changes the guest.
    Modify,
    /// Changes the configuration and, maybe, the guest.
    ModifyConfig,
    /// Changes the configuration only; needs nothing of the hypervisor.
    Config,
    /// Stops the virtual CPUs.
    Suspend,
    /// Cancels the long job.
    Abort,
    /// Ends the guest, whatever else goes on.
    Destroy,
    /// Asks the guest's agent.
    AgentQuery,
    /// Changes the guest through its agent.
    AgentModify,
    /// Takes long and lets some others run beside it.
    Long(LongJob),
    /// Gives the guest to another process; nothing may run beside it.
    HandOver,
}

/// Of the jobs that exclude each other, at most one runs at a time in each lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Short jobs that need the hypervisor.
    Hypervisor,
    /// Jobs that need the agent.
    Agent,
    /// Long jobs.
    Long,
    /// Changes of the configuration beside everything else.
    Config,
}

impl Lane {
    /// Every lane.
    pub const ALL: [Self; 4] = [Self::Hypervisor, Self::Agent, Self::Long, Self::Config];
}

impl JobKind {
    /// Where it runs.
    #[must_use]
    pub const fn lane(self) -> Lane {
        match self {
            Self::Query
            | Self::Modify
            | Self::ModifyConfig
            | Self::Suspend
            | Self::Abort
            | Self::Destroy
            | Self::HandOver => Lane::Hypervisor,
            Self::AgentQuery | Self::AgentModify => Lane::Agent,
            Self::Long(_) => Lane::Long,
            Self::Config => Lane::Config,
        }
    }

    /// Whether a caller that gives up at its deadline does so even while the job runs. A start, a save or a destroy takes
    /// as long as it takes.
    #[must_use]
    pub const fn is_bounded(self) -> bool {
        !matches!(self, Self::Long(_) | Self::Destroy | Self::HandOver)
    }
}

impl LongJob {
    /// Whether a short job may run beside it.
    #[must_use]
    pub const fn allows(self, kind: JobKind) -> bool {
        match kind {
            JobKind::Destroy | JobKind::AgentQuery | JobKind::AgentModify | JobKind::Config => true,
            JobKind::Query | JobKind::Abort => {
                matches!(self, Self::Save | Self::Dump | Self::Snapshot | Self::Backup | Self::MigrationOut)
            }
            JobKind::Suspend => matches!(self, Self::Dump | Self::Backup | Self::MigrationOut),
            JobKind::Modify | JobKind::ModifyConfig => matches!(self, Self::Backup),
            JobKind::Long(_) | JobKind::HandOver => false,
        }
    }
}

/// A job that holds a lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActiveJob {
    /// Tells it from every other job of the domain.
    pub number: u64,
    /// The call that it serves, such as `virDomainShutdown`.
    pub api: &'static str,
    /// What it does.
    pub kind: JobKind,
    /// When it began.
    pub since: Instant,
}

/// The jobs that hold a domain.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Held(Vec<ActiveJob>);

impl Held {
    /// The jobs, longest first.
    pub fn iter(&self) -> impl Iterator<Item = &ActiveJob> {
        self.0.iter()
    }

    /// Whether nothing runs.
    #[must_use]
    pub fn is_free(&self) -> bool {
        self.0.is_empty()
    }

    /// The newest job in a lane. A destroy stands beside the job that it overtook.
    #[must_use]
    pub fn in_lane(&self, lane: Lane) -> Option<&ActiveJob> {
        self.0.iter().rev().find(|job| job.kind.lane() == lane)
    }

    /// The long job.
    #[must_use]
    pub fn long(&self) -> Option<LongJob> {
        self.0.iter().find_map(|job| match job.kind {
            JobKind::Long(long) => Some(long),
            _ => None,
        })
    }

    /// Whether a job of this kind runs.
    #[must_use]
    pub fn any(&self, wanted: impl Fn(JobKind) -> bool) -> bool {
        self.0.iter().any(|job| wanted(job.kind))
    }

    pub(crate) fn begin(&mut self, job: ActiveJob) {
        self.0.push(job);
    }

    pub(crate) fn end(&mut self, number: u64) {
        self.0.retain(|job| job.number != number);
    }
}
