//! What the files say, as values.

mod daemon;
mod qemu;

pub use daemon::{
    AdminLimits, Auth, DaemonConfig, Defaults, HostUuid, IpConfig, LogConfig, ServerLimits, TlsConfig,
    UnixConfig,
};
pub use qemu::{QueueLimit, apply_qemu};
