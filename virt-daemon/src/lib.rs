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

pub mod args;
pub mod background;
pub mod config;
pub mod logging;
pub mod notify;
pub mod pid_file;
pub mod places;
pub mod settings;
pub mod sockets;
