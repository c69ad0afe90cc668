//! The public face of a domain: its states, events and flags.

pub(crate) mod event;
pub(crate) mod flags;
pub(crate) mod state;
pub(crate) mod status;
