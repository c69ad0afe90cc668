//! Domain registry, owning task, job admission, persistence, events: what every hypervisor driver shares.
//!
//! A driver gives a [`Backend`], which acts on guests; a [`Registry`] does the rest. Each domain has one task that owns it.
//! Calls are jobs that begin in its order ([`admission`] says which may run beside which), reports of the hypervisor are taken in as they
//! come, and readers look at the published [`Snapshot`], which never waits for either. A hung hypervisor holds up the calls
//! that need it, until their deadline, and no other domain.
//!
//! Guests outlive the engine. A status file tells of each what the next process needs to find it, or to undo a start and
//! finish a stop that was cut short. Several processes may open the same directories: a guest belongs to one of them at a time and
//! goes to whichever acts on it.
//!
//! ```no_run
//! use std::sync::Arc;
//! use virt_conf::domain::Domain;
//! use virt_domain::{Backend, Kill, Layout, Limits, Registry, StartOptions};
//!
//! async fn boot_once(backend: Arc<dyn Backend>, domain: Domain) -> virt_types::Result<()> {
//!     let layout = Layout::below("/tmp/engine".as_ref());
//!     let (registry, problems) = Registry::open(backend, layout, Limits::default()).await?;
//!     for problem in problems {
//!         log::warn!("{}: {}", problem.path.display(), problem.error);
//!     }
//!     let guest = registry.create(domain, StartOptions::default()).await?;
//!     log::info!("{} is {}", guest.snapshot().name, guest.snapshot().status.state_name());
//!     guest.destroy(Kill::Force).await?;
//!     registry.close().await;
//!     Ok(())
//! }
//! ```
#![forbid(unsafe_code)]

pub mod admission;
mod backend;
mod bus;
mod changes;
mod config_jobs;
mod context;
mod control;
mod core;
mod engine;
mod entries;
mod error;
mod handle;
mod implied;
mod inbox;
mod job;
mod kept;
mod layout;
mod lifecycle;
mod list;
mod machine;
mod ownership;
mod registry;
mod snapshot;
mod status_file;
mod store;
mod takeover;
mod task;

pub use backend::{
    Backend, BackendEvent, EventSink, Kill, Observed, Phase, PowerWay, Recover, Recovered, Running, Saved,
    Start, Started,
};
pub use context::{JobContext, JobSpec};
pub use engine::Limits;
pub use error::{Error, LoadProblem};
pub use handle::{DomainHandle, Lease, LeaseId};
pub use job::{ActiveJob, Held, JobKind, Lane, LongJob};
pub use kept::{Brief, KeptConfig};
pub use layout::Layout;
pub use lifecycle::StartOptions;
pub use registry::Registry;
pub use snapshot::{Holder, Snapshot};
pub use status_file::check_status;
