//! Memory.

use super::{Empty, Object};

commands! {
    /// What the balloon leaves to the guest.
    "query-balloon" QueryBalloon {} -> BalloonInfo;
    /// Sets how much memory the guest may use.
    "balloon" Balloon {
        /// Bytes.
        value: u64,
    } -> Empty;
    /// Memory that is plugged in.
    "query-memory-devices" QueryMemoryDevices {} -> Vec<MemoryDevice>;
    /// Memory at start and plugged in since.
    "query-memory-size-summary" QueryMemorySizeSummary {} -> MemorySizeSummary;
    /// The memory back ends.
    "query-memdev" QueryMemdev {} -> Vec<Object>;
    /// Writes the guest's memory to a file.
    "dump-guest-memory" DumpGuestMemory {
        /// Whether the guest's page tables are used.
        paging: bool,
        /// `fd:NAME` or `file:PATH`.
        protocol: String;
        /// Whether to return at once.
        detach: bool,
        /// Where to begin.
        begin: i64,
        /// How much.
        length: i64,
        /// `elf`, `kdump-zlib`, `kdump-lzo`, `kdump-snappy`, `win-dmp`.
        format: String,
    } -> Empty;
    /// How far that is.
    "query-dump" QueryDump {} -> DumpStatus;
    /// Begins to measure how fast the guest writes to its memory.
    "calc-dirty-rate" CalcDirtyRate {
        /// For how long, in seconds.
        calc_time: i64;
        /// How many pages of each GiB are looked at.
        sample_pages: i64,
        /// `page-sampling`, `dirty-bitmap`, `dirty-ring`.
        mode: String,
    } -> Empty;
    /// What was measured.
    "query-dirty-rate" QueryDirtyRate {} -> Object;
    /// Writes a range of guest memory to a file.
    "memsave" MemSave {
        /// The virtual address.
        val: u64,
        /// Bytes.
        size: u64,
        /// The file that QEMU writes.
        filename: String;
        /// Whose address.
        #[serde(rename = "cpu-index")]
        cpu_index: i64,
    } -> Empty;
    /// The same by physical address.
    "pmemsave" PmemSave {
        /// The physical address.
        val: u64,
        /// Bytes.
        size: u64,
        /// The file that QEMU writes.
        filename: String,
    } -> Empty;
}

replies! {
    /// Answer to [`QueryBalloon`].
    BalloonInfo {
        /// Bytes that the guest has.
        actual: u64,
    }
    /// Answer to [`QueryMemoryDevices`].
    MemoryDevice {
        /// `dimm`, `nvdimm`, `virtio-mem`, `virtio-pmem`, `sgx-epc`.
        #[serde(rename = "type")]
        kind: String,
        /// The device's members, by kind.
        data: Object,
    }
    /// Answer to [`QueryMemorySizeSummary`].
    MemorySizeSummary {
        /// Bytes at start.
        base_memory: u64;
        /// Bytes plugged in since; none where the machine cannot.
        plugged_memory: u64,
    }
    /// Answer to [`QueryDump`].
    DumpStatus {
        /// `none`, `active`, `completed`, `failed`.
        status: String,
        /// Bytes written.
        completed: i64,
        /// Bytes to write in all.
        total: i64,
    }
}
