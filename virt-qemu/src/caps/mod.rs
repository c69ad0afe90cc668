//! What a QEMU binary can do, by name.

mod table;

use std::collections::BTreeSet;

use virt_types::Arch;

pub use table::Cap;

/// What one QEMU binary can do on this host.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Capabilities {
    /// Path of the binary.
    pub binary: String,
    /// The guest architecture it emulates.
    pub arch: Arch,
    /// Version as major * 1,000,000 + minor * 1,000 + micro.
    pub version: u32,
    /// What it can do.
    pub caps: BTreeSet<Cap>,
}

impl Capabilities {
    /// Whether the binary can do this.
    #[must_use]
    pub fn has(&self, cap: Cap) -> bool {
        self.caps.contains(&cap)
    }
}
