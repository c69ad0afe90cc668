//! The ports of a network: what connects the interfaces of guests to it.

use std::path::Path;
use std::sync::Arc;

use virt_conf::common::VirtualPort;
use virt_conf::common::address::Pci;
use virt_conf::common::bandwidth::{Bandwidth, Rate};
use virt_conf::common::virtualport::VirtualPortType;
use virt_conf::domain::device::DirectMode;
use virt_conf::network::{
    ForwardDevice, ForwardInterface, ForwardMode, Network, NetworkPort, Plug, PlugType,
};
use virt_types::{Error, ErrorCode, ErrorDomain, MacAddr, Result, TextEnum, TypedParams, TypedValue, Uuid};

use super::status::{Journal, free_class};
use super::{Engine, Net, State, shape};
use crate::error::{internal, refuse};
use crate::random;

/// `VIR_NETWORK_PORT_CREATE_RECLAIM`
pub(crate) const RECLAIM: u32 = 0x1;

fn unsupported(detail: String) -> Error {
    refuse(ErrorCode::ConfigUnsupported, detail)
}

impl Engine {
    /// `virNetworkPortCreateXML`
    pub(crate) fn create_port(&self, net: &Arc<Net>, xml: &str, flags: u32) -> Result<Uuid> {
        let mut port = NetworkPort::parse(xml)?;
        let _turn = net.turn();
        let mut state = net.state();
        state.refuse_inactive()?;
        let reclaim = flags & RECLAIM != 0;
        if reclaim != (port.plug.kind() != PlugType::None) {
            let detail = if reclaim {
                "Port reclaim requested but plug type is none"
            } else {
                "Port reclaim not requested but plug type is not none"
            };
            return Err(refuse(ErrorCode::InvalidArg, detail));
        }
        if state.ports.contains_key(&port.uuid) {
            let detail = format!("Network port with UUID {} already exists", port.uuid);
            return Err(refuse(ErrorCode::NetworkPortExist, detail));
        }
        let mut changed = state.clone();
        if reclaim {
            check_reclaimed(&changed.live, &port)?;
        } else {
            allocate(&mut changed, &mut port)?;
        }
        count(&mut changed.live, &port, 1);
        let (uuid, name) = (port.uuid, changed.live.name.clone());
        if !reclaim {
            shape::plug(&changed, &port)?;
        }
        self.store.save_port(&name, &port)?;
        changed.ports.insert(uuid, port.clone());
        self.store.save_status(&changed.status(Journal::Settled)).inspect_err(|_| {
            self.store.remove_port(&name, uuid);
        })?;
        *state = changed;
        let bridge = own_bridge(&state.live).map(str::to_owned);
        drop(state);
        if let Some(bridge) = bridge {
            self.store.change_stations(&bridge, |map| map.add(&port.owner_name, &port.mac.to_string()))?;
        }
        Ok(uuid)
    }

    /// `virNetworkPortDelete`
    pub(crate) fn delete_port(&self, net: &Arc<Net>, uuid: Uuid) -> Result<()> {
        let _turn = net.turn();
        let mut state = net.state();
        let port = find(&state, uuid)?.clone();
        state.refuse_inactive()?;
        count(&mut state.live, &port, -1);
        state.ports.remove(&uuid);
        if port.class_id > 0 {
            state.classes.remove(&port.class_id);
            state.floor_sum = state.floor_sum.saturating_sub(floor(port.bandwidth.as_ref()));
            shape::unplug(&state, &port);
        }
        self.store.remove_port(&state.live.name, uuid);
        self.store.save_status(&state.status(Journal::Settled))?;
        let bridge = own_bridge(&state.live).map(str::to_owned);
        let others = state.ports.values();
        let still =
            others.filter(|other| other.owner_name == port.owner_name && other.mac == port.mac).count();
        drop(state);
        if let Some(bridge) = bridge.filter(|_| still == 0) {
            self.store.change_stations(&bridge, |map| map.remove(&port.owner_name, &port.mac.to_string()))?;
        }
        Ok(())
    }

    /// `virNetworkPortSetParameters`
    pub(crate) fn set_port_parameters(&self, net: &Arc<Net>, uuid: Uuid, params: &TypedParams) -> Result<()> {
        let _turn = net.turn();
        let mut state = net.state();
        let mut port = find(&state, uuid)?.clone();
        state.refuse_inactive()?;
        let mut changed = state.clone();
        let former = port.bandwidth.take();
        port.bandwidth = bandwidth_of(params);
        if port.class_id > 0 {
            shape::unplug(&changed, &port);
        }
        release_floor(&mut changed, &mut port, former.as_ref());
        reserve_floor(&mut changed, &mut port)?;
        shape::plug(&changed, &port)?;
        self.store.save_port(&changed.live.name, &port)?;
        changed.ports.insert(uuid, port);
        self.store.save_status(&changed.status(Journal::Settled))?;
        *state = changed;
        Ok(())
    }
}

/// The port of a network.
pub(crate) fn find(state: &State, uuid: Uuid) -> Result<&NetworkPort> {
    state.ports.get(&uuid).ok_or_else(|| {
        refuse(ErrorCode::NoNetworkPort, format!("Network port with UUID {uuid} does not exist"))
    })
}

/// The bridge that is the network's own.
fn own_bridge(network: &Network) -> Option<&str> {
    network.bridge.name.as_deref().filter(|_| network.forward.mode.has_bridge())
}

/// Counts a port in or out: with the network, and with the device of the pool that it uses.
pub(super) fn count(network: &mut Network, port: &NetworkPort, change: i32) {
    network.connections = network.connections.saturating_add_signed(change);
    let uses = |interface: &&mut ForwardInterface| match (&port.plug, &interface.device) {
        (Plug::Direct { dev, .. }, ForwardDevice::Netdev(name)) => dev == name,
        (Plug::HostdevPci { address, .. }, ForwardDevice::Pci(pci)) => address.at == pci.at,
        _ => false,
    };
    if let Some(interface) = network.forward.interfaces.iter_mut().find(uses) {
        interface.connections = interface.connections.saturating_add_signed(change);
    }
}

/// Decides what a port comes to.
fn allocate(state: &mut State, port: &mut NetworkPort) -> Result<()> {
    inherit(&state.live, port)?;
    make_pool(&mut state.live)?;
    let network = &state.live;
    let (name, mode) = (&network.name, network.forward.mode);
    let kind = port.virtualport.as_ref().map(|virtualport| virtualport.kind);
    let fits = |allowed: &[VirtualPortType], which: &str| match kind {
        Some(kind) if !allowed.contains(&kind) => Err(unsupported(format!(
            "<virtualport type='{}'> not supported for network '{name}' which uses {which}",
            kind.text()
        ))),
        _ => Ok(()),
    };
    let exclusive = || {
        let free = network.forward.interfaces.iter().find(|interface| interface.connections == 0);
        free.ok_or_else(|| {
            let users = network.forward.interfaces.len();
            internal(format!(
                "network '{name}' requires exclusive access to interfaces, but none are available"
            ))
            .with_hint(format!("each of its {users} devices has a guest already"))
        })
    };
    let bridge = || Plug::Bridge {
        own: mode.has_bridge(),
        bridge: network.bridge.name.clone().unwrap_or_default(),
        mac_table_manager: network.bridge.mac_table_manager,
    };
    port.plug = match mode {
        ForwardMode::None | ForwardMode::Nat | ForwardMode::Route | ForwardMode::Open => {
            fits(&[], "IP forwarding")?;
            bridge()
        }
        ForwardMode::Hostdev => {
            let device = exclusive()?;
            fits(
                &[VirtualPortType::Qbg, VirtualPortType::Qbh],
                "an SR-IOV Virtual Function via PCI passthrough",
            )?;
            let ForwardDevice::Pci(address) = &device.device else {
                return Err(internal(format!(
                    "network '{name}' has a device that is none of PCI in its pool"
                )));
            };
            Plug::HostdevPci {
                managed: Some(network.forward.managed),
                driver: network.forward.driver,
                address: *address,
            }
        }
        ForwardMode::Bridge if network.bridge.name.is_some() => {
            fits(&[VirtualPortType::OpenVSwitch], "a bridge device")?;
            bridge()
        }
        ForwardMode::Bridge | ForwardMode::Private | ForwardMode::Vepa | ForwardMode::Passthrough => {
            fits(&[VirtualPortType::Qbg, VirtualPortType::Qbh], "a macvtap device")?;
            let pool = &network.forward.interfaces;
            if pool.is_empty() {
                return Err(internal(format!(
                    "network '{name}' uses a direct mode, but has no forward dev and no interface pool"
                )));
            }
            let alone = mode == ForwardMode::Passthrough
                || (mode == ForwardMode::Private && kind == Some(VirtualPortType::Qbh));
            let device = if alone {
                exclusive()?
            } else {
                // The first of those with the fewest guests.
                pool.iter().min_by_key(|interface| interface.connections).unwrap_or(&pool[0])
            };
            let dev = device.netdev_name().unwrap_or_default().to_owned();
            Plug::Direct { dev, mode: DirectMode::from_text(mode.text()).unwrap_or_default() }
        }
    };
    reserve_floor(state, port)?;
    if let Some(virtualport) = &mut port.virtualport {
        virtualport.identify(random::uuid)?;
    }
    Ok(())
}

/// What a port has of its group and of its network.
fn inherit(network: &Network, port: &mut NetworkPort) -> Result<()> {
    let group = match &port.group {
        Some(name) => network.portgroups.iter().find(|group| group.name == *name),
        None => network.portgroups.iter().find(|group| group.default),
    };
    if port.bandwidth.is_none() {
        port.bandwidth = group.and_then(|group| group.bandwidth);
    }
    if port.vlan.is_none() {
        port.vlan = group.and_then(|group| group.vlan.clone()).or_else(|| network.vlan.clone());
    }
    port.trust_guest_rx_filters = port
        .trust_guest_rx_filters
        .or_else(|| group.and_then(|group| group.trust_guest_rx_filters))
        .or(network.trust_guest_rx_filters);
    port.port_isolated = port.port_isolated.or(network.port_isolated);
    let inherited = [network.virtualport.as_ref(), group.and_then(|group| group.virtualport.as_ref())];
    for other in inherited.into_iter().flatten() {
        port.virtualport.get_or_insert_with(VirtualPort::default).merge(other)?;
    }
    Ok(())
}

/// Finds the virtual functions of a pool that is given by its physical one.
fn make_pool(network: &mut Network) -> Result<()> {
    let Some(pf) = network.forward.pf.clone() else { return Ok(()) };
    if !network.forward.interfaces.is_empty() {
        return Ok(());
    }
    let device = Path::new("/sys/class/net").join(&pf).join("device");
    let functions = (0..).map(|number| device.join(format!("virtfn{number}")));
    let functions = functions.map_while(|link| std::fs::canonicalize(link).ok());
    let hostdev = network.forward.mode == ForwardMode::Hostdev;
    let mut found = Vec::new();
    for function in functions {
        let device = if hostdev {
            let address = function.file_name().and_then(|name| name.to_str()?.parse().ok());
            let Some(at) = address else { continue };
            ForwardDevice::Pci(Pci { at, ..Pci::default() })
        } else {
            let mut names = std::fs::read_dir(function.join("net")).into_iter().flatten().flatten();
            let Some(name) = names.next() else { continue };
            ForwardDevice::Netdev(name.file_name().to_string_lossy().into_owned())
        };
        found.push(ForwardInterface { device, connections: 0 });
    }
    if found.is_empty() {
        return Err(internal(format!("No Vf's present on SRIOV PF {pf}")));
    }
    network.forward.interfaces = found;
    Ok(())
}

/// Whether a port that was there before can be here again.
fn check_reclaimed(network: &Network, port: &NetworkPort) -> Result<()> {
    let name = &network.name;
    let has = |wanted: &dyn Fn(&ForwardDevice) -> bool| {
        network.forward.interfaces.iter().any(|interface| wanted(&interface.device))
    };
    match &port.plug {
        Plug::None => Err(internal("Unexpectedly got a network port without a plug")),
        Plug::Bridge { .. } if network.bridge.name.is_none() => {
            Err(internal("Unexpectedly got a network port without a network bridge"))
        }
        Plug::Bridge { .. } => Ok(()),
        Plug::Direct { dev, .. }
            if !has(&|device| matches!(device, ForwardDevice::Netdev(known) if known == dev)) =>
        {
            Err(internal(format!(
                "network '{name}' doesn't have dev='{dev}' in use by network port '{}'",
                port.uuid
            )))
        }
        Plug::HostdevPci { address, .. }
            if !has(&|device| matches!(device, ForwardDevice::Pci(known) if known.at == address.at)) =>
        {
            Err(internal(format!(
                "network '{name}' doesn't have PCI device {} in use by network port",
                address.at
            )))
        }
        Plug::Direct { .. } | Plug::HostdevPci { .. } => Ok(()),
    }
}

fn floor(bandwidth: Option<&Bandwidth>) -> u64 {
    bandwidth.and_then(|bandwidth| bandwidth.inbound).map_or(0, |rate| rate.floor)
}

fn release_floor(state: &mut State, port: &mut NetworkPort, former: Option<&Bandwidth>) {
    if port.class_id > 0 {
        state.classes.remove(&port.class_id);
        state.floor_sum = state.floor_sum.saturating_sub(floor(former));
        port.class_id = 0;
    }
}

/// Gives a port with a guaranteed rate its class, if the network can keep the promise.
fn reserve_floor(state: &mut State, port: &mut NetworkPort) -> Result<()> {
    let wanted = floor(port.bandwidth.as_ref());
    if wanted == 0 {
        return Ok(());
    }
    let (network, mac) = (&state.live, port.mac);
    let name = &network.name;
    let refuse = |code, detail: String| Err(Error::new(code, ErrorDomain::Network, detail));
    if !network.forward.mode.has_bridge() {
        return refuse(ErrorCode::OperationUnsupported, no_floor(mac));
    }
    let Some(inbound) = network.bandwidth.and_then(|bandwidth| bandwidth.inbound) else {
        return refuse(
            ErrorCode::OperationUnsupported,
            format!(
                "Invalid use of 'floor' on interface with MAC address {mac} - network '{name}' has no inbound QoS set"
            ),
        );
    };
    let sum = state.floor_sum + wanted;
    let (what, limit) = if inbound.peak > 0 { ("peak", inbound.peak) } else { ("average", inbound.average) };
    if sum > limit {
        let bridge = network.bridge.name.as_deref().unwrap_or_default();
        return refuse(
            ErrorCode::OperationInvalid,
            format!(
                "Cannot plug '{mac}' interface into '{bridge}' because new combined inbound floor={sum} would overcommit {what}={limit} on network '{name}'"
            ),
        );
    }
    state.floor_sum = sum;
    port.class_id = free_class(&state.classes);
    state.classes.insert(port.class_id);
    Ok(())
}

fn no_floor(mac: MacAddr) -> String {
    format!(
        "Invalid use of 'floor' on interface with MAC address {mac} - 'floor' is only supported for interface type 'network' with forward type 'nat', 'route', 'open' or none"
    )
}

/// `virNetworkPortGetParameters`
pub(crate) fn parameters(port: &NetworkPort) -> TypedParams {
    let mut params = TypedParams::default();
    let Some(bandwidth) = &port.bandwidth else { return params };
    let mut add = |name: &str, value: u64| {
        let value = u32::try_from(value).unwrap_or(u32::MAX);
        params.push(name, value);
    };
    if let Some(rate) = &bandwidth.inbound {
        add("inbound.average", rate.average);
        add("inbound.peak", rate.peak);
        add("inbound.floor", rate.floor);
        add("inbound.burst", rate.burst);
    }
    if let Some(rate) = &bandwidth.outbound {
        add("outbound.average", rate.average);
        add("outbound.peak", rate.peak);
        add("outbound.burst", rate.burst);
    }
    params
}

fn bandwidth_of(params: &TypedParams) -> Option<Bandwidth> {
    let value = |name: &str| match params.get(name) {
        Some(TypedValue::UInt(value)) => u64::from(*value),
        _ => 0,
    };
    let rate = |side: &str| Rate {
        average: value(&format!("{side}.average")),
        peak: value(&format!("{side}.peak")),
        burst: value(&format!("{side}.burst")),
        floor: value(&format!("{side}.floor")),
    };
    let inbound = Some(rate("inbound")).filter(|rate| rate.average > 0 || rate.floor > 0);
    let outbound = Some(rate("outbound")).filter(|rate| rate.average > 0);
    (inbound.is_some() || outbound.is_some()).then_some(Bandwidth { inbound, outbound })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(content: &str) -> State {
        let mut network = Network::parse(&format!("<network><name>n</name>{content}</network>")).unwrap();
        network.bridge.name.get_or_insert_with(|| "br7".to_owned());
        State { active: true, ..State::defined(network) }
    }

    fn port(content: &str) -> NetworkPort {
        NetworkPort::parse(&format!(
            "<networkport><uuid>33f4f3a7-f6f5-4dba-a4d5-9f7a7f4a2d6a</uuid><owner><name>x</name><uuid>33f4f3a7-f6f5-4dba-a4d5-9f7a7f4a2d6b</uuid></owner><mac address='52:54:00:cc:cc:cc'/>{content}</networkport>"
        ))
        .unwrap()
    }

    #[test]
    fn ports_have_what_their_group_and_network_have() {
        let mut state = state(
            "<forward mode='bridge'/><bridge name='ovs0'/><virtualport type='openvswitch'/>
             <portgroup name='g' trustGuestRxFilters='yes'><vlan><tag id='7'/></vlan><bandwidth><inbound average='9'/></bandwidth></portgroup>",
        );
        let mut port = port("<group>g</group>");
        allocate(&mut state, &mut port).unwrap();
        let text = port.format();
        for part in [
            "<tag id='7'/>",
            "average='9'",
            "trustGuest='yes'",
            "type='openvswitch'",
            "<plug type='bridge' bridge='ovs0'/>",
            "interfaceid=",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn devices_of_a_pool_are_shared_out() {
        let mut state =
            state("<forward mode='passthrough'><interface dev='a'/><interface dev='b'/></forward>");
        state.live.bridge.name = None;
        for expected in [Some("a"), Some("b"), None] {
            let mut port = port("");
            let outcome = allocate(&mut state, &mut port);
            let found = match &port.plug {
                Plug::Direct { dev, mode } => {
                    assert_eq!(mode.text(), "passthrough");
                    count(&mut state.live, &port, 1);
                    Some(dev.as_str())
                }
                _ => None,
            };
            assert_eq!(found, expected, "{outcome:?}");
        }
        assert_eq!(state.live.connections, 2);
    }

    #[test]
    fn guaranteed_rates_are_kept_within_the_network_s() {
        let wants = "<bandwidth><inbound average='10' floor='60'/></bandwidth>";
        let mut limited = state("<bandwidth><inbound average='100'/></bandwidth>");
        let mut first = port(wants);
        allocate(&mut limited, &mut first).unwrap();
        assert_eq!((first.class_id, limited.floor_sum), (3, 60));
        let error = allocate(&mut limited, &mut port(wants)).unwrap_err();
        assert!(error.detail().contains("floor=120 would overcommit average=100"), "{error}");
        let error = allocate(&mut state(""), &mut port(wants)).unwrap_err();
        assert!(error.detail().contains("no inbound QoS set"), "{error}");
    }

    #[test]
    fn parameters_are_the_bandwidth() {
        let port =
            port("<bandwidth><inbound average='10' peak='20'/><outbound average='5' burst='6'/></bandwidth>");
        let params = parameters(&port);
        assert_eq!(bandwidth_of(&params), port.bandwidth);
        assert_eq!(bandwidth_of(&TypedParams::default()), None);
    }
}
