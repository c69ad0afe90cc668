//! The daemon.
#![forbid(unsafe_code)]

pub mod config;
pub mod logging;
pub mod settings;
