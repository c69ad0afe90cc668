//! What connects a guest's interfaces on the host: ports of virtual networks, and macvtaps, which do not end with QEMU.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use virt_conf::domain::Domain;
use virt_conf::domain::device::{
    Actual, ActualSource, BridgePort, Interface, InterfaceSource, InterfaceType, MacTableManager,
};
use virt_conf::network::{NetworkPort, Plug};
use virt_driver::{NetworkPorts, Services};
use virt_netdev::{InterfaceName, Socket, dellink, link};
use virt_types::{Error, ErrorCode, MacAddr, Result, TextEnum, Uuid};
use virt_xml::{Document, Writer};

use super::monitor;
use crate::preflight::INSTEAD;
use crate::random;

/// What a guest's interfaces are connected by, as long as it runs. It is decided and written down before any of it is made.
#[derive(Clone, Default)]
pub(super) struct Connections {
    service: Option<Arc<dyn NetworkPorts>>,
    /// The networks, and the ports on them.
    ports: Vec<(String, Uuid)>,
    /// The names that macvtaps have if there have to be any, with the addresses of their interfaces.
    macvtaps: Vec<(String, MacAddr)>,
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections").field("ports", &self.ports).field("macvtaps", &self.macvtaps).finish()
    }
}

impl Connections {
    /// Gives the ports of a guest's interfaces their identities, and macvtaps their names.
    ///
    /// # Errors
    /// Where there are no random bytes.
    pub(super) fn decide(live: &mut Domain, services: &Services) -> Result<Self> {
        let mut connections = Self { service: services.networks.clone(), ..Self::default() };
        for interface in &mut live.devices.interfaces {
            let Some(mac) = interface.mac else { continue };
            match &mut interface.source {
                InterfaceSource::Network { network, portid, .. } => {
                    let port = Uuid::from_random(random::bytes()?);
                    *portid = Some(port);
                    connections.ports.push((network.clone(), port));
                }
                InterfaceSource::Direct { .. } => {}
                _ => continue,
            }
            let name = interface.target.clone().unwrap_or_else(free_name);
            connections.macvtaps.push((name, mac));
        }
        Ok(connections)
    }

    /// Takes the ports, and writes into the interfaces what they came to. After a failure some may be taken.
    ///
    /// # Errors
    /// As the networks' driver; `VIR_ERR_NO_SUPPORT` where there is none, or where a device would be handed over.
    pub(super) async fn take(&self, live: &mut Domain) -> Result<()> {
        let owner = (live.name.to_string(), live.uuid.unwrap_or_default());
        for interface in &mut live.devices.interfaces {
            if let InterfaceSource::Network { network, .. } = &interface.source {
                let service = self.service.as_deref();
                let service =
                    service.ok_or_else(|| Error::no_support("starting a guest on a virtual network"))?;
                let port = service.take(network, &wish(interface, &owner)?.format()).await;
                let port = port.map_err(|error| match error.code() {
                    ErrorCode::NoNetwork => {
                        error.with_hint(format!("define the network '{network}', or do without: {INSTEAD}"))
                    }
                    _ => error,
                })?;
                interface.actual = Some(actual(NetworkPort::parse(&port)?)?);
            }
            if interface.actual_kind() == InterfaceType::Direct && interface.target.is_none() {
                let reserved = self.macvtaps.iter().find(|(_, mac)| Some(*mac) == interface.mac);
                interface.target = reserved.map(|(name, _)| name.clone());
            }
        }
        Ok(())
    }

    /// What connects the interfaces of a document that were connected before.
    pub(super) fn of(live: &Domain, services: &Services) -> Self {
        let mut connections = Self { service: services.networks.clone(), ..Self::default() };
        for interface in &live.devices.interfaces {
            if let InterfaceSource::Network { network, portid: Some(port), .. } = &interface.source {
                connections.ports.push((network.clone(), *port));
            }
            if let (InterfaceType::Direct, Some(name), Some(mac)) =
                (interface.actual_kind(), &interface.target, interface.mac)
            {
                connections.macvtaps.push((name.clone(), mac));
            }
        }
        connections
    }

    /// What connects further interfaces too.
    pub(super) fn join(&mut self, others: &Self) {
        self.ports.extend(others.ports.iter().cloned());
        self.macvtaps.extend(others.macvtaps.iter().cloned());
    }

    /// Without what connects these interfaces.
    pub(super) fn leave(&mut self, others: &Self) {
        self.ports.retain(|port| !others.ports.contains(port));
        self.macvtaps.retain(|macvtap| !others.macvtaps.contains(macvtap));
    }

    /// Gives the ports back and deletes the macvtaps.
    pub(super) async fn release(&self) {
        if let Some(service) = &self.service {
            for (network, port) in &self.ports {
                if let Err(error) = service.release(network, *port).await {
                    log::warn!("port {port} of network '{network}' is not given back: {}", error.report());
                }
            }
        }
        if self.macvtaps.is_empty() {
            return;
        }
        let macvtaps = self.macvtaps.clone();
        // Each deletion waits for every processor.
        let deleted = tokio::task::spawn_blocking(move || delete(&macvtaps)).await;
        if let Ok(Err(error)) = deleted {
            log::warn!("a macvtap stays: {error}");
        }
    }

    /// Writes down what is needed to release it.
    pub(super) fn format(&self, w: &mut Writer) {
        for (network, port) in &self.ports {
            w.element("networkPort", |w| {
                w.attr("network", network);
                w.attr("id", port);
            });
        }
        for (name, mac) in &self.macvtaps {
            w.element("macvtap", |w| {
                w.attr("name", name);
                w.attr("mac", mac);
            });
        }
    }

    /// What a status file says of them.
    pub(super) fn parse(status_xml: &str, services: &Services) -> Result<Self> {
        let document = Document::parse(status_xml)?;
        let root = document.root();
        let port =
            |el: virt_xml::Element<'_>| Some((el.attr("network")?.to_owned(), el.attr("id")?.parse().ok()?));
        let macvtap =
            |el: virt_xml::Element<'_>| Some((el.attr("name")?.to_owned(), el.attr("mac")?.parse().ok()?));
        Ok(Self {
            service: services.networks.clone(),
            ports: root.children_named("networkPort").filter_map(port).collect(),
            macvtaps: root.children_named("macvtap").filter_map(macvtap).collect(),
        })
    }
}

/// A name that no device has, and that is not given twice.
fn free_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let name = format!("macvtap{}", NEXT.fetch_add(1, Ordering::Relaxed));
        if std::fs::symlink_metadata(format!("/sys/class/net/{name}")).is_err() {
            return name;
        }
    }
}

/// Deletes those that are there and have their interface's address: others with the name are somebody else's.
fn delete(macvtaps: &[(String, MacAddr)]) -> virt_netdev::Result<()> {
    let mut socket = Socket::open()?;
    let mut found = Vec::new();
    for (name, mac) in macvtaps {
        let name: InterfaceName = name.parse()?;
        let link = link::find(&mut socket, &name)?;
        if link.is_some_and(|link| link.kind.as_deref() == Some("macvtap") && link.mac == Some(mac.0)) {
            found.push(name);
        }
    }
    dellink::many(&mut socket, &found)
}

/// What an interface asks of its network.
fn wish(interface: &Interface, owner: &(String, Uuid)) -> Result<NetworkPort> {
    let missing = |what: &str| monitor::failed(format!("an interface on a network has no {what}"));
    let InterfaceSource::Network { portgroup, portid, .. } = &interface.source else {
        return Err(missing("network"));
    };
    Ok(NetworkPort {
        uuid: portid.ok_or_else(|| missing("port"))?,
        owner_name: owner.0.clone(),
        owner_uuid: owner.1,
        group: portgroup.clone(),
        mac: interface.mac.ok_or_else(|| missing("address"))?,
        virtualport: interface.virtualport.clone(),
        bandwidth: interface.bandwidth,
        class_id: 0,
        vlan: interface.vlan.clone(),
        port_isolated: interface.port_isolated,
        trust_guest_rx_filters: interface.trust_guest_rx_filters,
        plug: Plug::None,
    })
}

/// What a port is to the interface on it.
fn actual(port: NetworkPort) -> Result<Actual> {
    let source = match port.plug {
        Plug::Bridge { own, bridge, mac_table_manager } => {
            let manager = MacTableManager::from_text(mac_table_manager.text()).unwrap_or_default();
            let port = BridgePort { bridge: Some(bridge), mac_table_manager: manager };
            if own { ActualSource::Network(port) } else { ActualSource::Bridge(port) }
        }
        Plug::Direct { dev, mode } => ActualSource::Direct { dev: Some(dev), mode },
        Plug::HostdevPci { .. } => {
            return Err(Error::no_support(
                "starting a guest on a network that hands over devices of the host",
            ));
        }
        Plug::None => return Err(monitor::failed("a network's port came to nothing")),
    };
    Ok(Actual {
        source,
        trust_guest_rx_filters: port.trust_guest_rx_filters,
        virtualport: port.virtualport,
        vlan: port.vlan,
        bandwidth: port.bandwidth,
        port_isolated: port.port_isolated,
        class_id: port.class_id,
    })
}

#[cfg(test)]
mod tests {
    use virt_conf::ParseFlags;

    use super::*;

    fn guest() -> Domain {
        let xml = "<domain type='qemu'><name>g</name><memory>1024</memory><os><type>hvm</type></os><devices>
            <interface type='network'><mac address='52:54:00:00:00:01'/><source network='n' portgroup='p'/></interface>
            <interface type='direct'><mac address='52:54:00:00:00:02'/><source dev='eth9' mode='bridge'/></interface>
            <interface type='user'><mac address='52:54:00:00:00:03'/></interface></devices></domain>";
        Domain::parse(xml, ParseFlags::empty()).unwrap()
    }

    #[test]
    fn what_is_decided_is_written_down_and_found_again() {
        let mut live = guest();
        let services = Services::default();
        let connections = Connections::decide(&mut live, &services).unwrap();
        assert_eq!((connections.ports.len(), connections.macvtaps.len()), (1, 2));
        let InterfaceSource::Network { portid: Some(port), .. } = live.devices.interfaces[0].source else {
            panic!("no port")
        };
        assert_eq!(connections.ports[0], ("n".to_owned(), port));
        let mut w = Writer::new();
        connections.format(&mut w);
        let found = Connections::parse(&format!("<domstatus>{}</domstatus>", w.finish()), &services).unwrap();
        assert_eq!((found.ports, found.macvtaps), (connections.ports, connections.macvtaps));
    }

    #[test]
    fn ports_become_what_the_network_says() {
        let mut live = guest();
        Connections::decide(&mut live, &Services::default()).unwrap();
        let wanted = wish(&live.devices.interfaces[0], &("g".into(), Uuid::default())).unwrap();
        assert_eq!((wanted.group.as_deref(), wanted.plug.clone()), (Some("p"), Plug::None));
        let direct = Plug::Direct { dev: "eth8".into(), mode: Default::default() };
        let found = actual(NetworkPort { plug: direct, ..wanted.clone() }).unwrap();
        assert_eq!(found.kind(), InterfaceType::Direct);
        let bridge = Plug::Bridge { own: true, bridge: "br7".into(), mac_table_manager: Default::default() };
        let found = actual(NetworkPort { plug: bridge, ..wanted.clone() }).unwrap();
        assert_eq!(found.kind(), InterfaceType::Network);
        actual(wanted).unwrap_err();
    }
}
