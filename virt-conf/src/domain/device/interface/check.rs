//! What every driver would refuse, and which changes a guest would see.

use super::{BackendType, Interface, InterfaceModel, InterfaceSource, InterfaceType, TeamingType};
use crate::Result;
use crate::common::virtualport::VirtualPortType;
use crate::common::{Address, ChardevSource, VirtualPort};
use crate::error::{internal, unsupported};

impl Interface {
    pub(super) fn check(&self) -> Result<()> {
        let kind = self.source.kind();
        if !self.host_ip.is_empty() && kind != InterfaceType::Ethernet {
            return Err(unsupported(format!(
                "Invalid attempt to set network interface host-side IP route and/or address info on interface of type '{kind}'. This is only supported on interfaces of type 'ethernet'"
            )));
        }
        if self.target_managed == Some(false) && kind != InterfaceType::Ethernet {
            return Err(unsupported(format!(
                "unmanaged target dev is not supported on interfaces of type '{kind}'"
            )));
        }
        self.check_teaming()?;
        self.check_isolation(kind, self.virtualport.as_ref(), self.port_isolated)?;
        if !self.is_virtio() {
            self.virtio.refuse()?;
        }
        let passt = self.backend.kind == BackendType::Passt;
        if kind != InterfaceType::User && passt {
            return Err(internal("The 'passt' backend can only be used with interface type='user'"));
        }
        let forwards = kind == InterfaceType::User && passt;
        if !self.port_forwards.is_empty() && !forwards {
            return Err(unsupported(
                "The <portForward> element can only be used with <interface type='user'> and its 'passt' backend",
            ));
        }
        for forward in &self.port_forwards {
            forward.validate()?;
        }
        self.check_vhost_user()
    }

    fn check_teaming(&self) -> Result<()> {
        match (self.teaming, &self.teaming_persistent) {
            (TeamingType::Transient, None) => {
                Err(unsupported("teaming persistent attribute must be set if teaming type is 'transient'"))
            }
            (TeamingType::Persistent, Some(_)) => {
                Err(unsupported("teaming persistent attribute not allowed if teaming type is 'persistent'"))
            }
            (TeamingType::None | TeamingType::Persistent | TeamingType::Transient, _) => Ok(()),
        }
    }

    fn check_vhost_user(&self) -> Result<()> {
        let InterfaceSource::Vhostuser(chardev) = &self.source else { return Ok(()) };
        if !self.is_virtio() {
            return Err(internal(
                "Wrong or no <model> 'type' attribute specified with <interface type='vhostuser'/>. vhostuser requires the virtio-net* frontend",
            ));
        }
        if let ChardevSource::Unix(unix) = &chardev.source
            && unix.listen
            && unix.reconnect.enabled == Some(true)
        {
            return Err(unsupported(
                "'reconnect' attribute unsupported 'server' mode for <interface type='vhostuser'>",
            ));
        }
        Ok(())
    }

    /// Refuses isolation where there is no bridge of the host.
    ///
    /// # Errors
    /// `VIR_ERR_CONFIG_UNSUPPORTED`.
    pub fn check_isolation(
        &self,
        kind: InterfaceType,
        virtualport: Option<&VirtualPort>,
        isolated: Option<bool>,
    ) -> Result<()> {
        if isolated != Some(true) {
            return Ok(());
        }
        let refuse = |what: &str, text: &str| {
            Err(unsupported(format!(
                "interface {} - <port isolated='yes'/> is not supported for network interfaces with {what}='{text}'",
                self.mac_text()
            )))
        };
        if !matches!(kind, InterfaceType::Network | InterfaceType::Bridge) {
            return refuse("type", &kind.to_string());
        }
        match virtualport {
            Some(port) if port.kind != VirtualPortType::None => {
                refuse("virtualport type", &port.kind.to_string())
            }
            _ => Ok(()),
        }
    }

    /// Whether the other document means this card: by address, place and alias, as far as it names them.
    pub(super) fn matches(&self, other: &Self) -> bool {
        let place = |address: &Address| match address {
            Address::Pci(pci) => Some((u32::MAX, pci.at.domain, pci.at.bus, pci.at.slot, pci.at.function)),
            Address::Ccw(ccw) => ccw.at.map(|(cssid, ssid, devno)| (0, cssid, ssid, devno, 0)),
            _ => None,
        };
        let wanted = match &other.info.address {
            Address::Pci(pci) if pci.is_empty() => None,
            address => place(address),
        };
        let same_alias = match (&self.info.alias, &other.info.alias) {
            (Some(a), Some(b)) => a == b,
            _ => true,
        };
        (other.mac_generated || self.mac == other.mac)
            && wanted.is_none_or(|wanted| place(&self.info.address) == Some(wanted))
            && same_alias
    }

    pub(super) fn check_same_card(&self, target: &Self) -> Result<()> {
        if self.mac != target.mac {
            return Err(unsupported(format!(
                "Target network card mac {} does not match source {}",
                target.mac_text(),
                self.mac_text()
            )));
        }
        if self.model != target.model {
            let name = |interface: &Self| {
                interface.model.as_ref().map_or("unknown", InterfaceModel::name).to_owned()
            };
            return Err(unsupported(format!(
                "Target network card model {} does not match source {}",
                name(target),
                name(self)
            )));
        }
        if self.mtu != target.mtu {
            return Err(unsupported(format!(
                "Target network card MTU {} does not match source {}",
                target.mtu, self.mtu
            )));
        }
        self.virtio.check_abi(&target.virtio)?;
        self.info.check_abi(&target.info)
    }
}
