//! Flags of the domain calls, with libvirt's bit values. Unknown bits are refused by the callee, as libvirt does.

use bitflags::bitflags;

bitflags! {
    /// How a domain is started (`virDomainCreateFlags`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct CreateFlags: u32 {
        /// `VIR_DOMAIN_START_PAUSED`
        const START_PAUSED = 0x1;
        /// `VIR_DOMAIN_START_AUTODESTROY`
        const START_AUTODESTROY = 0x2;
        /// `VIR_DOMAIN_START_BYPASS_CACHE`
        const START_BYPASS_CACHE = 0x4;
        /// `VIR_DOMAIN_START_FORCE_BOOT`
        const START_FORCE_BOOT = 0x8;
        /// `VIR_DOMAIN_START_VALIDATE`
        const START_VALIDATE = 0x10;
        /// `VIR_DOMAIN_START_RESET_NVRAM`
        const START_RESET_NVRAM = 0x20;
    }
}

bitflags! {
    /// How a domain is defined (`virDomainDefineFlags`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct DefineFlags: u32 {
        /// `VIR_DOMAIN_DEFINE_VALIDATE`
        const VALIDATE = 0x1;
    }
}

bitflags! {
    /// What goes away with a domain's configuration (`virDomainUndefineFlagsValues`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct UndefineFlags: u32 {
        /// `VIR_DOMAIN_UNDEFINE_MANAGED_SAVE`
        const MANAGED_SAVE = 0x1;
        /// `VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA`
        const SNAPSHOTS_METADATA = 0x2;
        /// `VIR_DOMAIN_UNDEFINE_NVRAM`
        const NVRAM = 0x4;
        /// `VIR_DOMAIN_UNDEFINE_KEEP_NVRAM`
        const KEEP_NVRAM = 0x8;
        /// `VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA`
        const CHECKPOINTS_METADATA = 0x10;
        /// `VIR_DOMAIN_UNDEFINE_TPM`
        const TPM = 0x20;
        /// `VIR_DOMAIN_UNDEFINE_KEEP_TPM`
        const KEEP_TPM = 0x40;
    }
}

bitflags! {
    /// How a domain is ended (`virDomainDestroyFlagsValues`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct DestroyFlags: u32 {
        /// `VIR_DOMAIN_DESTROY_GRACEFUL`
        const GRACEFUL = 0x1;
        /// `VIR_DOMAIN_DESTROY_REMOVE_LOGS`
        const REMOVE_LOGS = 0x2;
    }
}

bitflags! {
    /// Ways to ask a guest to shut down (`virDomainShutdownFlagValues`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct ShutdownFlags: u32 {
        /// `VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN`
        const ACPI_POWER_BTN = 0x1;
        /// `VIR_DOMAIN_SHUTDOWN_GUEST_AGENT`
        const GUEST_AGENT = 0x2;
        /// `VIR_DOMAIN_SHUTDOWN_INITCTL`
        const INITCTL = 0x4;
        /// `VIR_DOMAIN_SHUTDOWN_SIGNAL`
        const SIGNAL = 0x8;
        /// `VIR_DOMAIN_SHUTDOWN_PARAVIRT`
        const PARAVIRT = 0x10;
    }
}

bitflags! {
    /// Ways to ask a guest to reboot (`virDomainRebootFlagValues`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct RebootFlags: u32 {
        /// `VIR_DOMAIN_REBOOT_ACPI_POWER_BTN`
        const ACPI_POWER_BTN = 0x1;
        /// `VIR_DOMAIN_REBOOT_GUEST_AGENT`
        const GUEST_AGENT = 0x2;
        /// `VIR_DOMAIN_REBOOT_INITCTL`
        const INITCTL = 0x4;
        /// `VIR_DOMAIN_REBOOT_SIGNAL`
        const SIGNAL = 0x8;
        /// `VIR_DOMAIN_REBOOT_PARAVIRT`
        const PARAVIRT = 0x10;
    }
}

bitflags! {
    /// Which form of a domain's XML (`virDomainXMLFlags`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct XmlFlags: u32 {
        /// `VIR_DOMAIN_XML_SECURE`
        const SECURE = 0x1;
        /// `VIR_DOMAIN_XML_INACTIVE`
        const INACTIVE = 0x2;
        /// `VIR_DOMAIN_XML_UPDATE_CPU`
        const UPDATE_CPU = 0x4;
        /// `VIR_DOMAIN_XML_MIGRATABLE`
        const MIGRATABLE = 0x8;
    }
}

bitflags! {
    /// Which domains a listing holds (`virConnectListAllDomainsFlags`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct ListFlags: u32 {
        /// `VIR_CONNECT_LIST_DOMAINS_ACTIVE`
        const ACTIVE = 0x1;
        /// `VIR_CONNECT_LIST_DOMAINS_INACTIVE`
        const INACTIVE = 0x2;
        /// `VIR_CONNECT_LIST_DOMAINS_PERSISTENT`
        const PERSISTENT = 0x4;
        /// `VIR_CONNECT_LIST_DOMAINS_TRANSIENT`
        const TRANSIENT = 0x8;
        /// `VIR_CONNECT_LIST_DOMAINS_RUNNING`
        const RUNNING = 0x10;
        /// `VIR_CONNECT_LIST_DOMAINS_PAUSED`
        const PAUSED = 0x20;
        /// `VIR_CONNECT_LIST_DOMAINS_SHUTOFF`
        const SHUTOFF = 0x40;
        /// `VIR_CONNECT_LIST_DOMAINS_OTHER`
        const OTHER = 0x80;
        /// `VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE`
        const MANAGEDSAVE = 0x100;
        /// `VIR_CONNECT_LIST_DOMAINS_NO_MANAGEDSAVE`
        const NO_MANAGEDSAVE = 0x200;
        /// `VIR_CONNECT_LIST_DOMAINS_AUTOSTART`
        const AUTOSTART = 0x400;
        /// `VIR_CONNECT_LIST_DOMAINS_NO_AUTOSTART`
        const NO_AUTOSTART = 0x800;
        /// `VIR_CONNECT_LIST_DOMAINS_HAS_SNAPSHOT`
        const HAS_SNAPSHOT = 0x1000;
        /// `VIR_CONNECT_LIST_DOMAINS_NO_SNAPSHOT`
        const NO_SNAPSHOT = 0x2000;
        /// `VIR_CONNECT_LIST_DOMAINS_HAS_CHECKPOINT`
        const HAS_CHECKPOINT = 0x4000;
        /// `VIR_CONNECT_LIST_DOMAINS_NO_CHECKPOINT`
        const NO_CHECKPOINT = 0x8000;
    }
}

bitflags! {
    /// Which of a domain's configurations a change affects; empty means the current one (`virDomainModificationImpact`).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct Impact: u32 {
        /// `VIR_DOMAIN_AFFECT_LIVE`
        const LIVE = 0x1;
        /// `VIR_DOMAIN_AFFECT_CONFIG`
        const CONFIG = 0x2;
    }
}
