//! What form of a document is read or written.

use bitflags::bitflags;

bitflags! {
    /// How a document is read.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct ParseFlags: u32 {
        /// A status document: the engine's own private data is read as well.
        const STATUS = 1 << 0;
        /// A configuration, not a running domain: ids, live targets and generated aliases are not taken over.
        const INACTIVE = 1 << 1;
        /// The actual form of network interfaces is read.
        const ACTUAL_NET = 1 << 2;
        /// The original state of passed-through PCI devices is read.
        const PCI_ORIG_STATES = 1 << 3;
        /// The document is validated against the schema first.
        const VALIDATE_SCHEMA = 1 << 6;
        /// Defaults may change the guest's ABI, because the guest is new.
        const ABI_UPDATE = 1 << 7;
        /// Validation is left out: the document was accepted before.
        const SKIP_VALIDATE = 1 << 8;
        /// Security labels are not read.
        const SKIP_SECLABEL = 1 << 9;
    }
}

bitflags! {
    /// How a document is written.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct FormatFlags: u32 {
        /// With passwords.
        const SECURE = 1 << 0;
        /// The configuration, without what only a running domain has.
        const INACTIVE = 1 << 1;
        /// The form that an older peer understands.
        const MIGRATABLE = 1 << 2;
        /// A status document: with the engine's own private data.
        const STATUS = 1 << 3;
        /// With the actual form of network interfaces.
        const ACTUAL_NET = 1 << 4;
        /// With the original state of passed-through PCI devices.
        const PCI_ORIG_STATES = 1 << 5;
        /// With the clock adjustment so far.
        const CLOCK_ADJUST = 1 << 8;
        /// With the volumes behind `volume` disks resolved.
        const VOLUME_TRANSLATED = 1 << 9;
    }
}
