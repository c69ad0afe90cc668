//! The most that lists and opaque data can hold. A longer reply could not be decoded, so that a server has to fail instead.

/// Properties of an identity.
pub const CONNECT_IDENTITY_PARAMS_MAX: u32 = 20;

/// Domains.
pub const DOMAIN_LIST_MAX: u32 = 16384;

/// Bytes of a CPU map.
pub const CPUMAP_MAX: u32 = 2048;

/// Virtual CPUs.
pub const VCPUINFO_MAX: u32 = 16384;

/// Bytes of all CPU maps of a domain.
pub const CPUMAPS_MAX: u32 = 8388608;

/// I/O threads.
pub const IOTHREAD_INFO_MAX: u32 = 16384;

/// Bytes of a migration cookie.
pub const MIGRATE_COOKIE_MAX: u32 = 4194304;

/// Networks.
pub const NETWORK_LIST_MAX: u32 = 16384;

/// Ports of a network.
pub const NETWORK_PORT_LIST_MAX: u32 = 16384;

/// Host interfaces.
pub const INTERFACE_LIST_MAX: u32 = 16384;

/// Storage pools.
pub const STORAGE_POOL_LIST_MAX: u32 = 16384;

/// Volumes of a pool.
pub const STORAGE_VOL_LIST_MAX: u32 = 16384;

/// Host devices.
pub const NODE_DEVICE_LIST_MAX: u32 = 65536;

/// Capabilities of a host device.
pub const NODE_DEVICE_CAPS_LIST_MAX: u32 = 65536;

/// Network filters.
pub const NWFILTER_LIST_MAX: u32 = 16384;

/// Bindings of network filters.
pub const NWFILTER_BINDING_LIST_MAX: u32 = 16384;

/// Parameters of the scheduler.
pub const DOMAIN_SCHEDULER_PARAMETERS_MAX: u32 = 16;

/// Parameters of disk traffic.
pub const DOMAIN_BLKIO_PARAMETERS_MAX: u32 = 16;

/// Limits of memory.
pub const DOMAIN_MEMORY_PARAMETERS_MAX: u32 = 16;

/// Limits of a disk's traffic.
pub const DOMAIN_BLOCK_IO_TUNE_PARAMETERS_MAX: u32 = 32;

/// Parameters of NUMA placement.
pub const DOMAIN_NUMA_PARAMETERS_MAX: u32 = 16;

/// Performance events.
pub const DOMAIN_PERF_EVENTS_MAX: u32 = 64;

/// Parameters of the copy of a disk.
pub const DOMAIN_BLOCK_COPY_PARAMETERS_MAX: u32 = 16;

/// Statistics of the host's CPUs.
pub const NODE_CPU_STATS_MAX: u32 = 16;

/// Statistics of the host's memory.
pub const NODE_MEMORY_STATS_MAX: u32 = 16;

/// Statistics of a disk.
pub const DOMAIN_BLOCK_STATS_PARAMETERS_MAX: u32 = 16;

/// NUMA nodes of the host.
pub const NODE_MAX_CELLS: u32 = 1024;

/// Bytes of SASL data.
pub const AUTH_SASL_DATA_MAX: u32 = 65536;

/// Kinds of authentication.
pub const AUTH_TYPE_LIST_MAX: u32 = 20;

/// Statistics of memory.
pub const DOMAIN_MEMORY_STATS_MAX: u32 = 1024;

/// Checkpoints.
pub const DOMAIN_CHECKPOINT_LIST_MAX: u32 = 16384;

/// Snapshots.
pub const DOMAIN_SNAPSHOT_LIST_MAX: u32 = 16384;

/// Bytes read from a disk at once.
pub const DOMAIN_BLOCK_PEEK_BUFFER_MAX: u32 = 4194304;

/// Bytes read from a guest's memory at once.
pub const DOMAIN_MEMORY_PEEK_BUFFER_MAX: u32 = 4194304;

/// Security labels of a domain.
pub const SECURITY_LABEL_LIST_MAX: u32 = 64;

/// Bytes of a security model's name, with a zero.
pub const SECURITY_MODEL_MAX: u32 = 257;

/// Bytes of a security label, with a zero.
pub const SECURITY_LABEL_MAX: u32 = 4097;

/// Bytes of a domain of interpretation, with a zero.
pub const SECURITY_DOI_MAX: u32 = 257;

/// Bytes of a secret's value.
pub const SECRET_VALUE_MAX: u32 = 65536;

/// Secrets.
pub const SECRET_LIST_MAX: u32 = 16384;

/// CPUs that a baseline is made of.
pub const CPU_BASELINE_MAX: u32 = 256;

/// Keys that are pressed at once.
pub const DOMAIN_SEND_KEY_MAX: u32 = 16;

/// Bandwidths of a network card.
pub const DOMAIN_INTERFACE_PARAMETERS_MAX: u32 = 16;

/// CPUs that are asked about at once.
pub const DOMAIN_GET_CPU_STATS_NCPUS_MAX: u32 = 128;

/// Statistics of CPUs at once.
pub const DOMAIN_GET_CPU_STATS_MAX: u32 = 2048;

/// Disks with an error.
pub const DOMAIN_DISK_ERRORS_MAX: u32 = 256;

/// Parameters of the merging of pages.
pub const NODE_MEMORY_PARAMETERS_MAX: u32 = 64;

/// Parameters of a migration.
pub const DOMAIN_MIGRATE_PARAM_LIST_MAX: u32 = 64;

/// Parameters of saving and restoring.
pub const DOMAIN_SAVE_PARAMS_MAX: u32 = 64;

/// Statistics of a job.
pub const DOMAIN_JOB_STATS_MAX: u32 = 64;

/// CPU models.
pub const CONNECT_CPU_MODELS_MAX: u32 = 8192;

/// Mount points to hold still.
pub const DOMAIN_FSFREEZE_MOUNTPOINTS_MAX: u32 = 256;

/// Addresses given out by a network.
pub const NETWORK_DHCP_LEASES_MAX: u32 = 65536;

/// Domains in a table of statistics, and statistics of a domain in it.
pub const CONNECT_GET_ALL_DOMAIN_STATS_MAX: u32 = 262144;

/// Changed limits in an event.
pub const DOMAIN_EVENT_TUNABLE_MAX: u32 = 2048;

/// File systems of a guest.
pub const DOMAIN_FSINFO_MAX: u32 = 256;

/// Disks of a file system.
pub const DOMAIN_FSINFO_DISKS_MAX: u32 = 256;

/// Network cards.
pub const DOMAIN_INTERFACE_MAX: u32 = 2048;

/// Addresses of a network card.
pub const DOMAIN_IP_ADDR_MAX: u32 = 2048;

/// Parameters of the guest's CPUs.
pub const DOMAIN_GUEST_VCPU_PARAMS_MAX: u32 = 64;

/// Parameters of an I/O thread.
pub const DOMAIN_IOTHREAD_PARAMS_MAX: u32 = 64;

/// Facts about encrypted memory.
pub const NODE_SEV_INFO_MAX: u32 = 64;

/// Facts about the launch of an encrypted guest.
pub const DOMAIN_LAUNCH_SECURITY_INFO_PARAMS_MAX: u32 = 64;

/// Parameters of the launch of an encrypted guest.
pub const DOMAIN_LAUNCH_SECURITY_STATE_PARAMS_MAX: u32 = 64;

/// Facts about a guest.
pub const DOMAIN_GUEST_INFO_PARAMS_MAX: u32 = 2048;

/// Bandwidths of a port.
pub const NETWORK_PORT_PARAMETERS_MAX: u32 = 16;

/// Keys of a user.
pub const DOMAIN_AUTHORIZED_SSH_KEYS_MAX: u32 = 2048;

/// Messages about a domain.
pub const DOMAIN_MESSAGES_MAX: u32 = 2048;

/// Identities in an event.
pub const DOMAIN_EVENT_GRAPHICS_IDENTITY_MAX: u32 = 20;
