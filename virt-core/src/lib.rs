//! The facade: connections and handles over every driver.
//!
//! [`Connection::open`] takes libvirt's URIs. `qemu:///embed` runs the engine in this process: no daemon, no root; its
//! guests outlive the process, and the next one to open the same root finds them.
//!
//! ```
//! use virt_core::{Connection, ListFlags};
//!
//! # fn main() -> virt_core::Result<()> {
//! # let runtime = tokio::runtime::Runtime::new().expect("a runtime");
//! # let root = std::env::temp_dir().join(format!("virt-core-doc-{}", std::process::id()));
//! # let uri = format!("qemu:///embed?root={}", root.display());
//! # runtime.block_on(async {
//! let connection = Connection::open(&uri).await?;
//! let xml = "<domain type='qemu'>
//!   <name>web</name>
//!   <memory unit='MiB'>64</memory>
//!   <os><type arch='x86_64' machine='q35'>hvm</type></os>
//! </domain>";
//! # if virt_sys::find_program("qemu-system-x86_64").is_none() { return Ok(()) }
//! let domain = connection.define(xml).await?;
//! assert_eq!(connection.list(ListFlags::empty()).await?.len(), 1);
//! domain.start().await?;
//! assert!(domain.state().await?.is_active());
//! domain.destroy().await?;
//! domain.undefine().await?;
//! # connection.close().await;
//! # std::fs::remove_dir_all(&root).ok();
//! # Ok(()) }) }
//! ```
//!
//! Programs without a runtime use [`blocking`], the same API without `await`.
//!
//! This crate composes the others and holds no logic of its own: a handle passes each call to the driver's
//! implementation of [`virt_driver`]'s traits, which is the same for a driver in this process and for a remote one.
#![forbid(unsafe_code)]

#[cfg(feature = "blocking")]
pub mod blocking;
mod connection;
mod domain;
mod uri;

pub use connection::{Connection, OpenOptions};
pub use domain::Domain;
pub use uri::{Scope, Uri};
pub use virt_conf as conf;
pub use virt_driver as driver;
pub use virt_driver::{
    ByteStream, Delivery, DomainEvent, DomainEventFilter, DomainEventKind, Lifecycle, Subscription,
};
#[cfg(feature = "qemu")]
pub use virt_engine as engine;
#[cfg(feature = "interface")]
pub use virt_interface as interface;
#[cfg(feature = "lxc")]
pub use virt_lxc as lxc;
#[cfg(feature = "qemu")]
pub use virt_qemu as qemu;
#[cfg(feature = "remote")]
pub use virt_rpc as rpc;
#[cfg(feature = "storage")]
pub use virt_storage as storage;
pub use virt_sys as sys;
#[cfg(feature = "testdriver")]
pub use virt_testdriver as testdriver;
pub use virt_types as types;
pub use virt_types::*;
#[cfg(feature = "xen")]
pub use virt_xen as xen;
pub use virt_xml as xml;
