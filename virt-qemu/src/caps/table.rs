//! One row per capability: its name here, libvirt's name, and what in QEMU's answers shows it.

/// What in QEMU's answers shows a capability.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// A device or object type exists (`qom-list-types`).
    Type(&'static str),
    /// A device type has a property (`device-list-properties`).
    DeviceProperty(&'static str, &'static str),
    /// An object type has a property (`qom-list-properties`).
    ObjectProperty(&'static str, &'static str),
    /// A monitor command exists (`query-commands`).
    Command(&'static str),
    /// A path through the schema of the monitor (`query-qmp-schema`), in libvirt's notation: a command or event,
    /// `arg-type` or `ret-type` or `data`, then members, `+name` for a variant, `^name` for an enumeration value.
    Schema(&'static str),
    /// An option has a parameter (`query-command-line-options`).
    OptionParameter(&'static str, &'static str),
    /// Known from version, architecture or another answer; decided in code by name.
    Computed,
}

macro_rules! capabilities {
    ($($name:ident $libvirt:literal $evidence:expr;)+) => {
        /// Something that a QEMU binary may or may not be able to do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Cap { $(#[doc = concat!("`", $libvirt, "`")] $name,)+ }

        impl Cap {
            /// Every capability with what shows it.
            pub const TABLE: &'static [(Self, Evidence)] = &[$((Self::$name, $evidence),)+];

            /// libvirt's name of the flag, as status files and the capability cache have it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $libvirt,)+ }
            }
        }
    };
}

capabilities! {
    Kvm "kvm" Evidence::Computed;
    VirtioBalloonFreePageReporting "virtio-balloon.free-page-reporting" Evidence::DeviceProperty("virtio-balloon-pci", "free-page-reporting");
}
