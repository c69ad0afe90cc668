//! Calls that measure domains.

use virt_types::TypedParams;

use crate::DomainRef;
use crate::contract::contract;

/// What a disk did (`virDomainBlockStatsStruct`); -1 where it is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockStats {
    /// Read requests.
    pub read_requests: i64,
    /// Bytes read.
    pub read_bytes: i64,
    /// Write requests.
    pub write_requests: i64,
    /// Bytes written.
    pub write_bytes: i64,
    /// Errors.
    pub errors: i64,
}

/// The sizes of a disk in bytes (`virDomainBlockInfo`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockInfo {
    /// The size that the guest sees.
    pub capacity: u64,
    /// What it takes.
    pub allocation: u64,
    /// The size of its container.
    pub physical: u64,
}

/// What an interface moved, seen from the guest (`virDomainInterfaceStatsStruct`); -1 where it is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "received and sent: bytes, packets, errors, drops")]
pub struct InterfaceStats {
    pub rx_bytes: i64,
    pub rx_packets: i64,
    pub rx_errors: i64,
    pub rx_drops: i64,
    pub tx_bytes: i64,
    pub tx_packets: i64,
    pub tx_errors: i64,
    pub tx_drops: i64,
}

/// One figure of a guest's memory (`virDomainMemoryStatStruct`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryStat {
    /// Which (`virDomainMemoryStatTags`).
    pub tag: i32,
    /// Its value, KiB for sizes.
    pub value: u64,
}

/// What is wrong with a disk (`virDomainDiskErrorCode`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskError {
    /// The disk's target.
    pub disk: String,
    /// 1 unspecified, 2 no space.
    pub error: i32,
}

/// Statistics of one domain (`virDomainStatsRecord`).
#[derive(Debug, Clone, PartialEq)]
pub struct DomainStatsRecord {
    /// The domain.
    pub domain: DomainRef,
    /// What was asked for.
    pub params: TypedParams,
}

contract! {
    /// Statistics of domains.
    pub trait DomainStatistics {
        /// What a disk did; an empty path means all of them.
        "virDomainBlockStats" fn block(domain: &'a DomainRef, disk: &'a str) -> BlockStats;
        /// The same with whatever the hypervisor knows.
        "virDomainBlockStatsFlags" fn block_parameters(domain: &'a DomainRef, disk: &'a str, flags: u32) -> TypedParams;
        /// The sizes of a disk.
        "virDomainGetBlockInfo" fn block_info(domain: &'a DomainRef, disk: &'a str, flags: u32) -> BlockInfo;
        /// What an interface moved.
        "virDomainInterfaceStats" fn interface(domain: &'a DomainRef, device: &'a str) -> InterfaceStats;
        /// How the guest uses its memory.
        "virDomainMemoryStats" fn memory(domain: &'a DomainRef, flags: u32) -> Vec<MemoryStat>;
        /// Sets how often the guest reports its memory, in seconds.
        "virDomainSetMemoryStatsPeriod" fn set_memory_period(domain: &'a DomainRef, period: i32, flags: u32) -> ();
        /// CPU time: a list per host CPU from `start` on, at most `count`; with `start` -1 one list for all of them together.
        "virDomainGetCPUStats" fn cpu(domain: &'a DomainRef, start: i32, count: u32, flags: u32) -> Vec<TypedParams>;
        /// How many host CPUs the call before can tell of.
        "virDomainGetCPUStats" fn cpu_count(domain: &'a DomainRef, flags: u32) -> u32;
        /// The disks with an error.
        "virDomainGetDiskErrors" fn disk_errors(domain: &'a DomainRef, flags: u32) -> Vec<DiskError>;
        /// Statistics of these groups (`virDomainStatsTypes`, 0 for all) of these domains, or of all that match the flags.
        "virConnectGetAllDomainStats" fn all(domains: &'a [DomainRef], groups: u32, flags: u32) -> Vec<DomainStatsRecord>;
        /// Measures for some seconds how fast the guest writes to its memory.
        "virDomainStartDirtyRateCalc" fn start_dirty_rate(domain: &'a DomainRef, seconds: i32, flags: u32) -> ();
    }
}
