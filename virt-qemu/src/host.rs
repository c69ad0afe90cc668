//! What plans depend on of the host: data, read once by whoever plans.

use virt_types::Arch;

/// The host as far as a domain's completion and plan depend on it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Host {
    /// The processor's architecture.
    pub arch: Arch,
    /// Online processors.
    pub cpus: u32,
    /// Memory in KiB.
    pub memory: u64,
    /// Ids of the NUMA nodes.
    pub numa_nodes: Vec<u32>,
    /// Sizes of the mounted huge pages, in KiB, with the mount point; the first is the default one.
    pub hugepages: Vec<(u64, String)>,
    /// Why KVM can not be used here, in words, with what to do about it; absent where it can.
    pub kvm_refusal: Option<Refusal>,
}

/// Why something of the host can not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What is the matter.
    pub reason: String,
    /// What to do about it.
    pub hint: String,
}
