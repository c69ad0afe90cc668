//! What a PCI device needs of a bus, and what a bus offers.

use bitflags::bitflags;

bitflags! {
    /// Kinds of PCI connection; of a device what it fits into, of a bus what fits into it.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
    pub struct Connect: u32 {
        /// A place may be chosen without being asked for.
        const AUTOASSIGN = 1 << 0;
        /// Devices can be plugged while the guest runs.
        const HOTPLUGGABLE = 1 << 1;
        /// The device works on the root bus only.
        const INTEGRATED = 1 << 2;
        /// Up to eight devices of this kind share a slot, each as a function of it.
        const AGGREGATE_SLOT = 1 << 3;
        /// A conventional PCI device.
        const PCI_DEVICE = 1 << 4;
        /// A PCI Express device.
        const PCIE_DEVICE = 1 << 5;
        /// A pcie-root-port.
        const PCIE_ROOT_PORT = 1 << 6;
        /// A pcie-switch-upstream-port.
        const PCIE_SWITCH_UPSTREAM_PORT = 1 << 7;
        /// A pcie-switch-downstream-port.
        const PCIE_SWITCH_DOWNSTREAM_PORT = 1 << 8;
        /// A dmi-to-pci-bridge.
        const DMI_TO_PCI_BRIDGE = 1 << 9;
        /// A pci-expander-bus.
        const PCI_EXPANDER_BUS = 1 << 10;
        /// A pcie-expander-bus.
        const PCIE_EXPANDER_BUS = 1 << 11;
        /// A pci-bridge.
        const PCI_BRIDGE = 1 << 12;
        /// A pcie-to-pci-bridge.
        const PCIE_TO_PCI_BRIDGE = 1 << 13;
        /// What an endpoint may connect to.
        const ENDPOINT = Self::PCI_DEVICE.bits() | Self::PCIE_DEVICE.bits();
        /// All kinds of connection, without the qualities.
        const KINDS = 0x3ff0;
    }
}

impl Connect {
    /// The kinds with their names in refusals, in the order in which a refusal picks one.
    const NAMES: [(Self, &'static str); 10] = [
        (Self::PCI_DEVICE, "standard PCI device"),
        (Self::PCIE_DEVICE, "PCI Express device"),
        (Self::PCIE_ROOT_PORT, "pcie-root-port"),
        (Self::PCIE_SWITCH_UPSTREAM_PORT, "pcie-switch-upstream-port"),
        (Self::PCIE_SWITCH_DOWNSTREAM_PORT, "pcie-switch-downstream-port"),
        (Self::DMI_TO_PCI_BRIDGE, "dmi-to-pci-bridge"),
        (Self::PCIE_TO_PCI_BRIDGE, "pcie-to-pci-bridge"),
        (Self::PCI_EXPANDER_BUS, "pci-expander-bus"),
        (Self::PCIE_EXPANDER_BUS, "pcie-expander-bus"),
        (Self::PCI_BRIDGE, "pci-bridge"),
    ];

    /// What kind of device this is, in words.
    pub(super) fn name(self) -> Option<&'static str> {
        Self::NAMES.iter().find(|(kind, _)| self.intersects(*kind)).map(|(_, name)| *name)
    }

    /// The controller that the flags describe, if it is one that is never added automatically.
    pub(super) fn controller_name(self) -> Option<&'static str> {
        const ORDER: [Connect; 7] = [
            Connect::PCIE_ROOT_PORT,
            Connect::PCIE_SWITCH_UPSTREAM_PORT,
            Connect::PCIE_SWITCH_DOWNSTREAM_PORT,
            Connect::DMI_TO_PCI_BRIDGE,
            Connect::PCI_EXPANDER_BUS,
            Connect::PCIE_EXPANDER_BUS,
            Connect::PCI_BRIDGE,
        ];
        ORDER.into_iter().find(|kind| self.intersects(*kind)).and_then(Self::name)
    }
}
