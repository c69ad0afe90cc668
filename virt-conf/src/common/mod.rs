//! Fragments that several elements share, one file each.

pub(crate) mod abi;
pub mod address;
pub mod auth;
pub mod bandwidth;
pub mod bitmap;
pub mod chardev;
pub mod device_info;
pub mod encryption;
pub mod foreign;
pub mod ip;
pub mod path;
pub mod scaled;
pub mod seclabel;
pub mod secret;
pub mod storage_source;
mod utc_time;
pub mod virtio_driver;
pub mod virtualport;
pub mod vlan;

pub use address::Address;
pub use auth::Auth;
pub use bandwidth::Bandwidth;
pub use bitmap::Bitmap;
pub use chardev::{Chardev, ChardevSource};
pub use device_info::DeviceInfo;
pub use encryption::Encryption;
pub use ip::IpInfo;
pub use path::sanitize as sanitize_path;
pub use seclabel::DeviceSeclabel;
pub use secret::SecretLookup;
pub use storage_source::StorageSource;
pub use utc_time::{NoTime, UtcTime};
pub use virtio_driver::VirtioDriver;
pub use virtualport::VirtualPort;
pub use vlan::Vlan;
