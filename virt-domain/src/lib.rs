//! Domain registry, owning task, job admission, persistence, events.
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
mod error;
mod handle;
mod implied;
mod job;
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
    Backend, BackendEvent, EventSink, Kill, Observed, Phase, PowerWay, Recover, Recovered, Running, Start,
    Started,
};
pub use context::{JobContext, JobSpec};
pub use engine::Limits;
pub use error::{Error, LoadProblem};
pub use handle::{DomainHandle, Lease, LeaseId};
pub use job::{ActiveJob, Held, JobKind, Lane, LongJob};
pub use layout::Layout;
pub use lifecycle::StartOptions;
pub use registry::Registry;
pub use snapshot::{Holder, Snapshot};
