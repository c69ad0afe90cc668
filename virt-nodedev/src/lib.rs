//! Devices of the host, as the kernel shows them in `/sys`, with what udev adds where it runs.
//!
//! Devices have libvirt's names: `pci_0000_00_02_0`, `net_eth0_52_54_00_00_00_01`, `computer` for the host itself. A
//! [`HostDevices`] looks at all of them once and again when the kernel tells of a change, and gives events for what is
//! new, gone or other than before.
//!
//! ```
//! let devices = virt_nodedev::scan("/".as_ref());
//! let computer = devices.iter().find(|device| device.name == "computer").expect("every host is one");
//! assert!(computer.format().contains("<capability type='system'>"));
//! assert!(devices.iter().all(|device| device.parent.is_some() || device.name == "computer"));
//! ```
#![forbid(unsafe_code)]

mod calls;
mod describe;
mod driver;
mod error;
mod names;
mod sysfs;
#[cfg(test)]
mod tests;
mod uevent;

pub use describe::scan;
pub use driver::HostDevices;
