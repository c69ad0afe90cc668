//! Storage pools and their volumes, beside any hypervisor.
//!
//! A pool is a configuration and a place on the host: a directory, a file system that is mounted for it, a volume group. Its
//! volumes are looked up there and nowhere else; what is kept of them is what [`probe`] saw. Calls that touch files run on
//! threads for that, a bounded number of them, so that a file server that does not answer holds up its own pool only.
//!
//! ```no_run
//! use virt_driver::StoragePools;
//! use virt_storage::{Layout, StorageDriver};
//!
//! # async fn example() -> virt_types::Result<()> {
//! let driver = StorageDriver::open(Layout::of_host("libvirt")).await?;
//! let pool = driver.lookup_by_name("default").await?;
//! for volume in driver.volumes(&pool, 0).await? {
//!     println!("{}", volume.name);
//! }
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod backend;
mod capabilities;
mod command;
mod driver;
mod error;
mod layout;
mod pool;
pub mod probe;
mod store;
mod volume;
mod work;

pub use backend::{gluster_sources, start_command};
pub use capabilities::capabilities;
pub use driver::StorageDriver;
pub use layout::Layout;
pub use volume::qemu_img;
