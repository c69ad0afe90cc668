//! Figures of domains.

pub(super) mod block;
mod cpu;
mod dirty_rate;
mod groups;
pub(super) mod interface;
mod memory;
pub(super) mod process;

use virt_driver::{
    BlockInfo, BlockStats, DiskError, DomainRef, DomainStatistics, DomainStatsRecord, InterfaceStats,
    MemoryStat,
};
use virt_types::TypedParams;

use super::QemuConnection;
use super::calls::calls;

impl DomainStatistics for QemuConnection {
    calls! {
        block(domain: &'a DomainRef, disk: &'a str) -> BlockStats = block::stats;
        block_parameters(domain: &'a DomainRef, disk: &'a str, flags: u32) -> TypedParams = block::parameters;
        block_info(domain: &'a DomainRef, disk: &'a str, flags: u32) -> BlockInfo = block::info;
        interface(domain: &'a DomainRef, device: &'a str) -> InterfaceStats = interface::stats;
        memory(domain: &'a DomainRef, flags: u32) -> Vec<MemoryStat> = memory::stats;
        set_memory_period(domain: &'a DomainRef, period: i32, flags: u32) -> () = super::memory::set_statistics_period;
        cpu(domain: &'a DomainRef, start: i32, count: u32, flags: u32) -> Vec<TypedParams> = cpu::stats;
        cpu_count(domain: &'a DomainRef, flags: u32) -> u32 = cpu::count;
        disk_errors(domain: &'a DomainRef, flags: u32) -> Vec<DiskError> = block::errors;
        all(domains: &'a [DomainRef], groups: u32, flags: u32) -> Vec<DomainStatsRecord> = groups::all;
        start_dirty_rate(domain: &'a DomainRef, seconds: i32, flags: u32) -> () = dirty_rate::start;
    }
}
