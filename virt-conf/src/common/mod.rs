//! Fragments that several elements share, one file each.

pub mod address;
pub mod auth;
pub mod bitmap;
pub mod device_info;
pub mod foreign;
pub mod path;
pub mod encryption;
mod path;
pub mod scaled;
pub mod seclabel;
pub mod secret;
pub mod storage_source;
pub mod virtio_driver;

pub use address::Address;
pub use auth::Auth;
pub use bitmap::Bitmap;
pub use device_info::DeviceInfo;
pub use path::sanitize as sanitize_path;
pub use encryption::Encryption;
pub use path::sanitize_path;
pub use seclabel::DeviceSeclabel;
pub use secret::SecretLookup;
pub use storage_source::StorageSource;
pub use virtio_driver::VirtioDriver;
