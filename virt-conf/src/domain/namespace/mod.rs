//! Elements of the drivers' own namespaces.

mod qemu;

pub use qemu::{QemuDeprecation, QemuDeviceOverride, QemuEnv, QemuNamespace, QemuOverrideKind, QemuProperty};

/// What a domain has of each driver's namespace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Namespaces {
    /// `xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'`
    pub qemu: QemuNamespace,
}
