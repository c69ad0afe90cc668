//! Refusals of whole networks.

use super::{ForwardDevice, ForwardMode, MacTableManager, Network, Policy, REFUSE};
use crate::Result;
use crate::common::socket_address::masked;
use crate::common::virtualport::VirtualPortType;
use crate::error::check_name;
use virt_xml::Element;

impl Network {
    /// Refuses routes through gateways that are on none of the network's addresses.
    pub(super) fn refuse_unreachable_gateways(&self, el: Element<'_>) -> Result<()> {
        for route in &self.routes {
            let gateway = route.gateway;
            let reachable = self.ips.iter().any(|ip| {
                ip.address.is_ipv4() == gateway.is_ipv4()
                    && ip.prefix_bits().is_some_and(|bits| masked(ip.address, bits) == masked(gateway, bits))
            });
            if !reachable {
                let detail = format!(
                    "unreachable static route gateway '{gateway}' specified for network '{}'",
                    self.name
                );
                return Err(REFUSE.unsupported(detail).at(el.place()));
            }
        }
        Ok(())
    }

    /// Refuses what the mode of forwarding has no use for.
    pub(super) fn refuse_what_the_mode_has_not(&self, el: Element<'_>) -> Result<()> {
        let (name, mode) = (&self.name, self.forward.mode);
        let refuse = |detail: String| Err(REFUSE.xml(detail).at(el.place()));
        match mode {
            ForwardMode::None => return Ok(()),
            ForwardMode::Route | ForwardMode::Nat | ForwardMode::Open => {
                if self.ips.is_empty() {
                    return refuse(format!(
                        "{mode} forwarding requested, but no IP address provided for network '{name}'"
                    ));
                }
                if self.forward.interfaces.len() > 1 {
                    return refuse(format!(
                        "multiple forwarding interfaces specified for network '{name}', only one is supported"
                    ));
                }
                if mode == ForwardMode::Open && !self.forward.interfaces.is_empty() {
                    return refuse(format!(
                        "forward dev not allowed for network '{name}' with forward mode='{mode}'"
                    ));
                }
                return Ok(());
            }
            ForwardMode::Private | ForwardMode::Vepa | ForwardMode::Passthrough | ForwardMode::Hostdev => {
                let manager = self.bridge.mac_table_manager != MacTableManager::Default;
                for (what, given) in [
                    ("name", self.bridge.name.is_some()),
                    ("zone", self.bridge.zone.is_some()),
                    ("macTableManager setting", manager),
                ] {
                    if given {
                        return refuse(format!(
                            "bridge {what} not allowed in {mode} mode (network '{name}')"
                        ));
                    }
                }
            }
            ForwardMode::Bridge => {}
        }
        if self.bridge.delay > 0 || self.bridge.stp.is_some() || self.bridge.zone.is_some() {
            return refuse(format!(
                "bridge delay/stp/zone options only allowed in route, nat, and isolated mode, not in {mode} (network '{name}')"
            ));
        }
        if self.bridge.name.is_some() && (!self.forward.interfaces.is_empty() || self.forward.pf.is_some()) {
            return refuse(format!(
                "A network with forward mode='{mode}' can specify a bridge name or a forward dev, but not both (network '{name}')"
            ));
        }
        if self.mtu > 0 {
            return refuse(format!(
                "mtu size only allowed in open, route, nat, and isolated mode, not in {mode} (network '{name}')"
            ));
        }
        Ok(())
    }

    /// Checks that a network can be set up on a host.
    ///
    /// # Errors
    /// The first refusal, with libvirt's code and sentence.
    pub fn validate(&self, policy: &dyn Policy) -> Result<()> {
        check_name(&self.name, &['\n'])?;
        let mode = self.forward.mode;
        let bandwidth = mode.has_bridge() || (mode == ForwardMode::Bridge && self.bridge.name.is_some());
        self.validate_host_side(bandwidth)?;
        self.validate_pool(policy)?;
        self.validate_dhcp()?;
        self.validate_portgroups(bandwidth)
    }

    /// Only bridges of the engine's own have a side on the host.
    fn validate_host_side(&self, bandwidth: bool) -> Result<()> {
        let (name, mode) = (&self.name, self.forward.mode);
        if !mode.has_bridge() {
            for (what, given) in [
                ("mac", self.mac.is_some()),
                ("ip", !self.ips.is_empty()),
                ("dns", !self.dns.has_no_records()),
                ("domain", self.domain.is_some()),
            ] {
                if given {
                    return Err(REFUSE.unsupported(format!(
                        "Unsupported <{what}> element in network {name} with forward mode='{mode}'"
                    )));
                }
            }
        }
        if self.bandwidth.is_some() && !bandwidth {
            return Err(REFUSE.unsupported(format!(
                "Unsupported network-wide <bandwidth> element in network {name} with forward mode='{mode}'"
            )));
        }
        Ok(())
    }

    fn validate_pool(&self, policy: &dyn Policy) -> Result<()> {
        let (name, mode) = (&self.name, self.forward.mode);
        let hostdev = mode == ForwardMode::Hostdev;
        let (mut netdevs, mut addresses) = (false, false);
        for interface in &self.forward.interfaces {
            match &interface.device {
                ForwardDevice::Netdev(dev) => {
                    netdevs = true;
                    if hostdev {
                        return Err(REFUSE.unsupported(format!(
                            "hostdev network '{name}' lists '{dev}' in the device pool, but hostdev networks require all devices to be listed by PCI address, not network device name"
                        )));
                    }
                }
                ForwardDevice::Pci(pci) => {
                    addresses = true;
                    if !hostdev {
                        return Err(REFUSE.unsupported(format!(
                            "network '{name}' has forward mode '{mode}'  but lists a device by PCI address in the device pool. This is only supported for networks with forward mode 'hostdev'"
                        )));
                    }
                    if !policy.is_virtual_function(pci.at) {
                        return Err(REFUSE.unsupported(format!(
                            "device '/sys/bus/pci/devices/{}' in network '{name}' is not an SR-IOV Virtual Function",
                            pci.at
                        )));
                    }
                }
            }
        }
        if [self.forward.pf.is_some(), netdevs, addresses].iter().filter(|kind| **kind).count() > 1 {
            return Err(REFUSE.unsupported(format!(
                "<address>, <interface>, and <pf> elements of <forward> in network {name} are mutually exclusive"
            )));
        }
        Ok(())
    }

    fn validate_dhcp(&self) -> Result<()> {
        for (family, ipv4) in [("IPv4", true), ("IPv6", false)] {
            let serving = self.ips.iter().filter(|ip| ip.address.is_ipv4() == ipv4 && ip.has_dhcp());
            if serving.count() > 1 {
                return Err(REFUSE.unsupported(format!(
                    "Multiple {family} dhcp sections found -- dhcp is supported only for a single {family} address on each network"
                )));
            }
        }
        Ok(())
    }

    fn validate_portgroups(&self, bandwidth: bool) -> Result<()> {
        let (name, mode) = (&self.name, self.forward.mode);
        let is_ovs = |port: &crate::common::VirtualPort| port.kind == VirtualPortType::OpenVSwitch;
        let bridged = mode == ForwardMode::Bridge;
        let allowed = matches!(mode, ForwardMode::Hostdev | ForwardMode::Passthrough)
            || (bridged && self.virtualport.as_ref().is_some_and(is_ovs));
        let mut misused = false;
        let mut default = None;
        for (i, group) in self.portgroups.iter().enumerate() {
            if self.vlan.is_some() || group.vlan.is_some() {
                misused |= !group.virtualport.as_ref().map_or(allowed, |port| bridged && is_ovs(port));
            }
            if group.default
                && let Some(first) = default.replace(&group.name)
            {
                return Err(REFUSE.unsupported(format!(
                    "network '{name}' has multiple default <portgroup> elements ({first} and {}), but only one default is allowed",
                    group.name
                )));
            }
            if self.portgroups[i + 1..].iter().any(|other| other.name == group.name) {
                return Err(REFUSE.unsupported(format!(
                    "multiple <portgroup> elements with the same name ({}) in network '{name}'",
                    group.name
                )));
            }
            if group.bandwidth.is_some() && !bandwidth {
                return Err(REFUSE.unsupported(format!(
                    "Unsupported <bandwidth> element in network '{name}' in portgroup '{}' with forward mode='{mode}'",
                    group.name
                )));
            }
        }
        // With a default group, no interface gets the network's tags without a group's.
        if misused || (self.vlan.is_some() && !allowed && default.is_none()) {
            return Err(REFUSE.unsupported(format!(
                "<vlan> element specified for network {name}, whose type doesn't support vlan configuration"
            )));
        }
        Ok(())
    }
}
