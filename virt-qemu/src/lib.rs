//! The QEMU/KVM driver.
//!
//! A filled domain becomes a [`plan::Plan`]: data, nothing executed. A cold start renders it to a command line, a
//! hot-plug to monitor calls, and `virt plan` shows it.
#![forbid(unsafe_code)]
// Tests say what they skip.
#![cfg_attr(test, allow(clippy::print_stderr))]

pub mod alias;
pub mod block;
pub mod caps;
pub mod config;
pub mod cpu;
pub mod device;
pub mod driver;
pub mod error;
pub mod firmware;
pub mod host;
pub mod machine;
pub mod plan;
pub mod planner;
pub mod plug;
pub mod policy;
mod preflight;
pub mod prepare;
pub mod probe;
pub mod process;
mod random;
pub mod save_image;
