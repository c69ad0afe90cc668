//! Which permissions a call needs.

/// A permission that a call needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// The kind of object that the permission is about.
    pub object: Object,
    /// The permission, such as `read_secure`.
    pub permission: &'static str,
    /// When it is needed.
    pub when: When,
}

/// When a permission is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// In every call.
    Always,
    /// In calls with these flags, all of them.
    Flags(Flag),
    /// In calls with none of these flags.
    NoFlags(Flag),
    /// In calls whose argument has this value.
    Equals {
        /// The argument.
        field: &'static str,
        /// The value.
        value: Flag,
    },
}

/// A constant of libvirt's API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flag {
    /// Its value; several flags are joined.
    pub bits: u32,
    /// Its name.
    pub name: &'static str,
}

/// A kind of object that permissions are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Object {
    /// The connection itself.
    Connect,
    /// A domain.
    Domain,
    /// A host interface.
    Interface,
    /// A virtual network.
    Network,
    /// A port of a virtual network.
    NetworkPort,
    /// A device of the host.
    NodeDevice,
    /// A network filter.
    Nwfilter,
    /// A network filter's use by an interface.
    NwfilterBinding,
    /// A secret.
    Secret,
    /// A storage pool.
    StoragePool,
    /// A storage volume.
    StorageVol,
}

impl Object {
    /// The name in libvirt's access rules.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Domain => "domain",
            Self::Interface => "interface",
            Self::Network => "network",
            Self::NetworkPort => "network_port",
            Self::NodeDevice => "node_device",
            Self::Nwfilter => "nwfilter",
            Self::NwfilterBinding => "nwfilter_binding",
            Self::Secret => "secret",
            Self::StoragePool => "storage_pool",
            Self::StorageVol => "storage_vol",
        }
    }
}

impl Access {
    /// Whether the permission lets its holder do no more than look.
    #[must_use]
    pub fn only_looks(&self) -> bool {
        matches!(self.permission, "getattr" | "read" | "detect_storage_pools")
            || self.permission.starts_with("search_")
    }
}

impl When {
    /// Whether the permission is needed in a call with these flags; `argument` gives the value of another argument.
    #[must_use]
    pub fn applies(self, flags: u32, argument: impl FnOnce(&str) -> Option<u32>) -> bool {
        match self {
            Self::Always => true,
            Self::Flags(flag) => flags & flag.bits == flag.bits,
            Self::NoFlags(flag) => flags & flag.bits == 0,
            Self::Equals { field, value } => argument(field) == Some(value.bits),
        }
    }
}

macro_rules! flags {
    ($($name:ident = $bits:literal $constant:literal,)+) => {
        $(#[doc = concat!("`", $constant, "`.")] pub const $name: Flag = Flag { bits: $bits, name: $constant };)+
    };
}

/// The flags on which permissions and holes in streams depend.
pub mod flag {
    use super::Flag;

    flags! {
        CHECKPOINT_QUIESCE = 2 "VIR_DOMAIN_CHECKPOINT_CREATE_QUIESCE",
        CHECKPOINT_XML_SECURE = 1 "VIR_DOMAIN_CHECKPOINT_XML_SECURE",
        DOMAIN_CONFIG = 2 "VIR_DOMAIN_AFFECT_CONFIG",
        DOMAIN_CONFIG_OR_LIVE = 3 "VIR_DOMAIN_AFFECT_CONFIG|VIR_DOMAIN_AFFECT_LIVE",
        DOMAIN_XML_MIGRATABLE = 8 "VIR_DOMAIN_XML_MIGRATABLE",
        DOMAIN_XML_SECURE = 1 "VIR_DOMAIN_XML_SECURE",
        INTERFACE_ADDRESSES_AGENT = 1 "VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT",
        NETWORK_CONFIG = 2 "VIR_NETWORK_UPDATE_AFFECT_CONFIG",
        NETWORK_CONFIG_OR_LIVE = 3 "VIR_NETWORK_UPDATE_AFFECT_CONFIG|VIR_NETWORK_UPDATE_AFFECT_LIVE",
        NODE_DEVICE_CONFIG = 2 "VIR_NODE_DEVICE_UPDATE_AFFECT_CONFIG",
        NODE_DEVICE_CONFIG_OR_LIVE = 3 "VIR_NODE_DEVICE_UPDATE_AFFECT_CONFIG|VIR_NODE_DEVICE_UPDATE_AFFECT_LIVE",
        REBOOT_AGENT = 2 "VIR_DOMAIN_REBOOT_GUEST_AGENT",
        SAVE_IMAGE_XML_SECURE = 1 "VIR_DOMAIN_SAVE_IMAGE_XML_SECURE",
        SHUTDOWN_AGENT = 2 "VIR_DOMAIN_SHUTDOWN_GUEST_AGENT",
        SNAPSHOT_QUIESCE = 64 "VIR_DOMAIN_SNAPSHOT_CREATE_QUIESCE",
        SNAPSHOT_XML_SECURE = 1 "VIR_DOMAIN_SNAPSHOT_XML_SECURE",
        VCPU_GUEST = 8 "VIR_DOMAIN_VCPU_GUEST",
        VOL_DOWNLOAD_SPARSE = 1 "VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM",
        VOL_UPLOAD_SPARSE = 1 "VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM",
    }
}
