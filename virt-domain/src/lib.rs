//! Domain registry, owning task, job admission, persistence, events.
#![forbid(unsafe_code)]
