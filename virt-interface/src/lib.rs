//! Network interfaces of the host, as the kernel shows them in `/sys/class/net`.
//!
//! Interfaces are looked at anew with each call, so nothing can be stale. Ports of bridges and the taps of guests are not
//! listed, but can be looked up. What would change the host's configuration answers `VIR_ERR_NO_SUPPORT`, as stock libvirt
//! does where it is built without netcf.
//!
//! ```
//! use virt_interface::HostInterfaces;
//!
//! let interfaces = HostInterfaces::new();
//! let loopback = interfaces.describe("lo")?;
//! assert!(loopback.format().starts_with("<interface type='ethernet' name='lo'>"));
//! # Ok::<(), virt_types::Error>(())
//! ```
#![forbid(unsafe_code)]

mod bond;
mod driver;
mod error;
mod links;
#[cfg(test)]
mod tests;

pub use links::HostInterfaces;
