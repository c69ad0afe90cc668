//! The host's processors: how many, how they are grouped, how busy they are, what they are.

mod identity;
mod info;
mod place;
mod signature;
mod stats;

use virt_conf::common::Bitmap;

use crate::{Result, Root, only_flags};

pub use identity::{Probe, identify, physical_address_bits};
pub use info::{Info, info, info_with_subcores};
pub(crate) use place::Place;
pub use signature::signature;
pub use stats::{Times, times};

const CPU_DIR: &str = "/sys/devices/system/cpu";

/// The CPUs that are there, online or not.
///
/// # Errors
/// Where the kernel does not tell.
pub fn present(root: &Root) -> Result<Bitmap> {
    let path = format!("{CPU_DIR}/present");
    root.set(&path)?.ok_or(crate::Error::Missing { path })
}

/// The CPUs that are online.
///
/// # Errors
/// Where the kernel does not tell.
pub fn online(root: &Root) -> Result<Bitmap> {
    let path = format!("{CPU_DIR}/online");
    root.set(&path)?.ok_or(crate::Error::Missing { path })
}

/// `virNodeGetCPUMap`: one more than the highest number of a CPU, and the CPUs that are online.
///
/// # Errors
/// Where the kernel does not tell; for flags, of which there are none.
pub fn map(root: &Root, flags: u32) -> Result<(u32, Bitmap)> {
    only_flags(flags, 0, "virHostCPUGetMap")?;
    let count = present(root)?.iter().last().map_or(0, |last| last + 1);
    Ok((count, online(root)?))
}
