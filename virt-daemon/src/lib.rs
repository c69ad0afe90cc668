//! The daemon: drivers in one process, behind libvirt's remote protocol.
//!
//! `virtd` has places of its own; called `libvirtd`, or with `--drop-in`, it takes libvirtd's place, with its command
//! line, files and sockets.
//!
//! ```
//! use std::path::Path;
//! use virt_daemon::places::{Places, Role};
//!
//! let role = Role::of(Some(Path::new("/usr/sbin/libvirtd")), false);
//! assert_eq!(role, Role::Libvirtd);
//! assert_eq!(Places::of_host(role).config_file, Path::new("/etc/libvirt/libvirtd.conf"));
//! ```
#![forbid(unsafe_code)]

pub mod admin;
pub mod args;
mod authentication;
pub mod background;
pub mod config;
pub mod drivers;
pub mod failure;
pub mod forward;
pub mod logging;
pub mod notify;
pub mod passwords;
pub mod pid_file;
pub mod places;
pub mod run;
pub mod settings;
pub mod setup;
pub mod sockets;
mod tls;

use places::Role;

/// What `--version` prints. Programs that look for libvirtd's version find the release whose features are there.
#[must_use]
pub fn version(role: Role) -> String {
    let api = virt_qemu::driver::API_VERSION;
    format!(
        "{} (virt {}, libvirt API) {}.{}.{}",
        role.name(),
        env!("CARGO_PKG_VERSION"),
        api / 1_000_000,
        api / 1000 % 1000,
        api % 1000
    )
}
