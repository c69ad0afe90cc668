//! Domain registry, owning task, job admission, persistence, events.
#![forbid(unsafe_code)]

mod actions;
mod backend;

pub use actions::{Action, Actions, CrashAction};
pub use backend::{
    Backend, BackendEvent, EventSink, Kill, Observed, Phase, PowerWay, Recover, Recovered, Running, Start,
    Started,
};
