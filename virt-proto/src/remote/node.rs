// tidy: table
//! The host.

use virt_types::TypedParams;

use crate::remote::{
    CPUMAP_MAX, NODE_CPU_STATS_MAX, NODE_MAX_CELLS, NODE_MEMORY_PARAMETERS_MAX, NODE_MEMORY_STATS_MAX,
    NODE_SEV_INFO_MAX, PROGRAM, SECURITY_DOI_MAX, SECURITY_MODEL_MAX,
};
use crate::table::procedures;
use crate::xdr::{Chars, FixedChars, xdr_struct};

xdr_struct! {
    /// A time that the host's CPUs have spent.
    NodeCpuStat { field: String, value: u64 }

    /// A size of the host's memory.
    NodeMemoryStat { field: String, value: u64 }
}

procedures! { PROGRAM:
    /// The host's CPUs, their topology and its memory.
    6 NodeGetInfo "virNodeGetInfo" {
        reply NodeGetInfoRet {
            model: FixedChars<32>, memory: u64, cpus: i32, mhz: i32, nodes: i32, sockets: i32, cores: i32,
            threads: i32,
        }
        priority High
        access [Connect.read]
        since "<=1.2.7"
    }

    /// Free memory of NUMA nodes, in bytes.
    101 NodeGetCellsFreeMemory "virNodeGetCellsFreeMemory" {
        args NodeGetCellsFreeMemoryArgs { start_cell: i32, maxcells: i32 }
        reply NodeGetCellsFreeMemoryRet { cells: Vec<u64>[NODE_MAX_CELLS] }
        priority High
        access [Connect.read]
        since "<=1.2.7"
    }

    /// Free memory of the host, in bytes.
    102 NodeGetFreeMemory "virNodeGetFreeMemory" {
        reply NodeGetFreeMemoryRet { free_mem: u64 }
        priority High
        access [Connect.read]
        since "<=1.2.7"
    }

    /// The host's security model and its domain of interpretation.
    122 NodeGetSecurityModel "virNodeGetSecurityModel" {
        reply NodeGetSecurityModelRet { model: Chars[SECURITY_MODEL_MAX], doi: Chars[SECURITY_DOI_MAX] }
        priority High
        access [Connect.read]
        since "<=1.2.7"
    }

    /// Times that the host's CPUs have spent, in nanoseconds.
    227 NodeGetCpuStats "virNodeGetCPUStats" {
        args NodeGetCpuStatsArgs { cpu_num: i32, nparams: i32, flags: u32 }
        reply NodeGetCpuStatsRet { params: Vec<NodeCpuStat>[NODE_CPU_STATS_MAX], nparams: i32 }
        priority High
        access [Connect.read]
        since "<=1.2.7"
    }

    /// Memory of the host or of a NUMA node, in KiB.
    228 NodeGetMemoryStats "virNodeGetMemoryStats" {
        args NodeGetMemoryStatsArgs { nparams: i32, cell_num: i32, flags: u32 }
        reply NodeGetMemoryStatsRet { params: Vec<NodeMemoryStat>[NODE_MEMORY_STATS_MAX], nparams: i32 }
        priority High
        access [Connect.read]
        since "<=1.2.7"
    }

    /// Suspends the host and sets the alarm that wakes it.
    250 NodeSuspendForDuration "virNodeSuspendForDuration" {
        args NodeSuspendForDurationArgs { target: u32, duration: u64, flags: u32 }
        access [Connect.pm_control]
        since "<=1.2.7"
    }

    /// Sets how the host merges equal pages.
    288 NodeSetMemoryParameters "virNodeSetMemoryParameters" {
        args NodeSetMemoryParametersArgs { params: TypedParams[NODE_MEMORY_PARAMETERS_MAX], flags: u32 }
        access [Connect.write]
        since "<=1.2.7"
    }

    /// How the host merges equal pages.
    289 NodeGetMemoryParameters "virNodeGetMemoryParameters" {
        args NodeGetMemoryParametersArgs { nparams: i32, flags: u32 }
        reply NodeGetMemoryParametersRet { params: TypedParams[NODE_MEMORY_PARAMETERS_MAX], nparams: i32 }
        access [Connect.read]
        since "<=1.2.7"
    }

    /// Which of the host's CPUs are there, and which are online.
    293 NodeGetCpuMap "virNodeGetCPUMap" {
        args NodeGetCpuMapArgs { need_map: i32, need_online: i32, flags: u32 }
        reply NodeGetCpuMapRet { cpumap: Vec<u8>[CPUMAP_MAX], online: u32, ret: i32 }
        access [Connect.read]
        since "<=1.2.7"
    }

    /// Free pages of some sizes in NUMA nodes.
    340 NodeGetFreePages "virNodeGetFreePages" {
        args NodeGetFreePagesArgs {
            pages: Vec<u32>[NODE_MAX_CELLS], start_cell: i32, cell_count: u32, flags: u32,
        }
        reply NodeGetFreePagesRet { counts: Vec<u64>[NODE_MAX_CELLS] }
        priority High
        access [Connect.read]
        since "<=1.2.7"
    }

    /// Sets or adds to the pools of huge pages.
    347 NodeAllocPages "virNodeAllocPages" {
        args NodeAllocPagesArgs {
            page_sizes: Vec<u32>[NODE_MAX_CELLS], page_counts: Vec<u64>[NODE_MAX_CELLS], start_cell: i32,
            cell_count: u32, flags: u32,
        }
        reply NodeAllocPagesRet { ret: i32 }
        access [Connect.write]
        since "1.2.12"
    }

    /// What the host needs for guests with AMD's encrypted memory.
    395 NodeGetSevInfo "virNodeGetSEVInfo" {
        args NodeGetSevInfoArgs { nparams: i32, flags: u32 }
        reply NodeGetSevInfoRet { params: TypedParams[NODE_SEV_INFO_MAX], nparams: i32 }
        write Always
        access [Connect.read]
        since "4.5.0"
    }
}
