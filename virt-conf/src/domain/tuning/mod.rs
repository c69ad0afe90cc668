//! How the host shares its CPUs, memory and disks between guests.

mod blk;
mod cpu;
mod mem;
mod numa;
mod resctrl;

pub use blk::{Blkiotune, BlkiotuneDevice};
pub(super) use cpu::CputuneContext;
pub use cpu::{Cputune, Quota, SchedPolicy, Scheduler};
pub use mem::Memtune;
pub use numa::{MemNode, NumaMemMode, NumaMemory, NumaPlacement, Numatune};
pub use resctrl::{CacheAlloc, CacheType, Monitor, MonitorKind, NodeBandwidth, Resctrl};

pub(super) use blk::BLKIOTUNE;
pub(super) use cpu::CPUTUNE;
pub(super) use mem::MEMTUNE;
pub(super) use numa::NUMATUNE;
