//! Sets of guest addresses: what is taken, and what is the next free one.
//!
//! Nothing here knows a hypervisor: a driver says what buses its machine has and what each device connects to.

pub mod ccw;
pub mod pci;
pub mod usb;
pub mod virtio_serial;

pub use ccw::CcwSet;
pub use pci::{Connect, PciBus, PciSet};
pub use usb::UsbSet;
pub use virtio_serial::VirtioSerialSet;
