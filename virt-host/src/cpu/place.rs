//! Where a CPU is: socket, die, core, and the other threads of its core.

use virt_conf::common::Bitmap;

use super::CPU_DIR;
use crate::{Result, Root};

/// Where a CPU is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) socket: u32,
    pub(crate) die: u32,
    pub(crate) core: u32,
    /// The threads of its core, itself among them.
    pub(crate) siblings: Bitmap,
}

impl Place {
    /// What the kernel does not tell of is the first of its kind.
    pub(crate) fn of(root: &Root, cpu: u32) -> Result<Self> {
        let file = |name: &str| format!("{CPU_DIR}/cpu{cpu}/topology/{name}");
        // Architectures without sockets or dies have -1 there.
        let number = |name: &str| -> Result<u32> {
            Ok(u32::try_from(root.number::<i64>(&file(name))?.unwrap_or(0)).unwrap_or(0))
        };
        let siblings = root.set(&file("thread_siblings_list"))?;
        Ok(Self {
            socket: number("physical_package_id")?,
            die: number("die_id")?,
            core: number("core_id")?,
            siblings: siblings.unwrap_or_else(|| Bitmap::from_iter([cpu])),
        })
    }
}
