//! What the files say, as values.

mod daemon;
mod network;
mod qemu;

pub use daemon::{
    AdminLimits, Auth, DaemonConfig, Defaults, HostUuid, IpConfig, LogConfig, ServerLimits, TlsConfig,
    TlsFiles, UnixConfig,
};
pub use network::apply_network;
pub use qemu::{QueueLimit, apply_qemu};
