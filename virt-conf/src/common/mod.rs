//! Fragments that several elements share, one file each.

pub mod address;
pub mod device_info;

pub use address::Address;
pub use device_info::DeviceInfo;
