//! The drivers of a host, composed: QEMU's with the networks, filters, pools and devices that its guests use. A daemon and a
//! program that has its engine in itself both open a host here, so that a guest finds the same in either.
//!
//! ```no_run
//! use virt_driver::Connection as _;
//! use virt_engine::{Host, Settings};
//!
//! # async fn example() -> virt_types::Result<()> {
//! let host = Host::new(Settings::below("/srv/guests".as_ref()));
//! let connection = host.into_connection("qemu:///embed".to_owned()).await?;
//! assert!(connection.storage_pools().is_some() && connection.node_devices().is_some());
//! connection.close().await;
//! # Ok(()) }
//! ```
#![forbid(unsafe_code)]

#[cfg(feature = "nwfilter")]
mod filters;
mod host;
#[cfg(feature = "network")]
mod networks;
mod settings;
#[cfg(feature = "storage")]
mod storage;
mod wake;

pub use host::Host;
pub use settings::Settings;
