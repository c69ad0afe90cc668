//! Fragments that several elements share, one file each.

pub mod address;
pub mod bitmap;
pub mod device_info;
pub mod foreign;
pub mod path;
pub mod scaled;
pub mod virtio_driver;

pub use address::Address;
pub use bitmap::Bitmap;
pub use device_info::DeviceInfo;
pub use path::sanitize as sanitize_path;
pub use virtio_driver::VirtioDriver;
