//! The host below the hypervisor: processors, memory, NUMA topology, caches, firmware tables, ways to sleep.
//!
//! Everything is read from the kernel's files when it is asked for, below a [`Root`], so that the same code tells of this
//! host and of a recorded one. Figures are counted as libvirt 9.0.0 counts them.
//!
//! ```
//! use virt_host::{Root, cpu, memory};
//!
//! let host = Root::host();
//! let info = cpu::info(&host, virt_types::Arch::X86_64)?;
//! assert!(info.nodes * info.sockets * info.cores * info.threads >= info.cpus);
//! assert!(memory::free(&host)? < memory::total(&host)?);
//! # Ok::<(), virt_host::Error>(())
//! ```
#![forbid(unsafe_code)]

pub mod cpu;
mod error;
pub mod memory;
mod root;
pub mod sleep;
pub mod sysinfo;
pub mod topology;
pub mod uuid;

pub use error::{Error, Result};
pub use root::Root;

/// Refuses flags other than these.
fn only_flags(flags: u32, known: u32, call: &'static str) -> Result<()> {
    match flags & !known {
        0 => Ok(()),
        unknown => Err(Error::Flags { flags: unknown, call }),
    }
}
