//! Processors and their models.

use super::{Empty, Object};

commands! {
    /// The processors, without stopping them.
    "query-cpus-fast" QueryCpusFast {} -> Vec<CpuInfo>;
    /// The slots for processors of a machine that can hotplug them.
    "query-hotpluggable-cpus" QueryHotpluggableCpus {} -> Vec<HotpluggableCpu>;
    /// The models that QEMU knows.
    "query-cpu-definitions" QueryCpuDefinitions {} -> Vec<CpuDefinition>;
    /// What a model consists of.
    "query-cpu-model-expansion" QueryCpuModelExpansion {
        /// `static`, or `full`.
        #[serde(rename = "type")]
        kind: String,
        /// The model to expand.
        model: CpuModel,
    } -> CpuModelExpansion;
    /// The I/O threads.
    "query-iothreads" QueryIothreads {} -> Vec<IothreadInfo>;
    /// Counters of the accelerator, by object.
    "query-stats" QueryStats {
        /// `vm` or `vcpu`.
        target: String;
        /// `name`s and the `provider` they come from.
        providers: Vec<Object>,
    } -> Vec<Object>;
    /// Limits how fast a processor may write to memory.
    "set-vcpu-dirty-limit" SetVcpuDirtyLimit {
        /// MiB/s.
        dirty_rate: u64;
        /// All, without it.
        cpu_index: i64,
    } -> Empty;
}

/// A processor model: a name and properties that differ from it.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct CpuModel {
    /// Its name.
    pub name: String,
    /// `feature: bool`, mostly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub props: Option<Object>,
}

replies! {
    /// A processor, answer to [`QueryCpusFast`].
    CpuInfo {
        /// Its number.
        cpu_index: u64,
        /// Its path in QEMU's object tree.
        qom_path: String,
        /// Its thread in the host.
        thread_id: i32;
        /// Where it sits.
        props: CpuSlot,
        /// The architecture.
        target: String,
    }
    /// Where a processor sits.
    CpuSlot {;
        /// NUMA node.
        node_id: u64,
        /// Socket.
        socket_id: u64,
        /// Die in the socket.
        die_id: u64,
        /// Cluster in the die.
        cluster_id: u64,
        /// Core.
        core_id: u64,
        /// Thread in the core.
        thread_id: u64,
    }
    /// A slot, answer to [`QueryHotpluggableCpus`].
    HotpluggableCpu {
        /// What to give to `device_add` as the driver.
        #[serde(rename = "type")]
        kind: String,
        /// How many processors that makes.
        vcpus_count: u64,
        /// What to give to `device_add`.
        props: Object;
        /// Set if the slot is used.
        qom_path: String,
    }
    /// A model, answer to [`QueryCpuDefinitions`].
    CpuDefinition {
        /// Its name.
        name: String,
        /// Its type in QEMU's object tree.
        typename: String;
        /// Whether a guest with it can be migrated.
        migration_safe: bool,
        /// Whether it means the same in every version, machine and accelerator.
        #[serde(rename = "static")]
        is_static: bool,
        /// What the host, or the accelerator, lacks of it.
        unavailable_features: Vec<String>,
        /// The version that the name stands for on this machine.
        alias_of: String,
        /// Whether it is about to be removed.
        deprecated: bool,
    }
    /// Answer to [`QueryCpuModelExpansion`].
    CpuModelExpansion {
        /// The expanded model.
        model: CpuModel;
        /// Properties of it that are deprecated.
        deprecated_props: Vec<String>,
    }
    /// Answer to [`QueryIothreads`].
    IothreadInfo {
        /// Its name.
        id: String,
        /// Its thread in the host.
        thread_id: i32;
        /// Longest busy polling, in ns.
        poll_max_ns: i64,
        /// How polling grows; 0 is QEMU's choice.
        poll_grow: i64,
        /// How polling shrinks; 0 is QEMU's choice.
        poll_shrink: i64,
    }
}
