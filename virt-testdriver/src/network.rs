//! Virtual networks, which lead nowhere.

use virt_conf::FormatFlags;
use virt_conf::network::{Network, UpdateCommand, UpdateSection};
use virt_driver::{
    GuestAddress, NetworkEvent, NetworkEventKind, Networks, ObjectEventFilter, ObjectRef, Subscription,
};
use virt_types::{Error, ErrorCode, ErrorDomain, Result, Uuid};
use virt_xml::Element;

use crate::connection::{Answer, TestConnection};
use crate::error::{internal, invalid, refuse};
use crate::flags::{check, either, matches};
use crate::host::Host;
use crate::random;

/// A network.
#[derive(Debug)]
struct Net {
    live: Network,
    /// While it runs, the configuration of its next start, where that is another one.
    next: Option<Network>,
    active: bool,
    persistent: bool,
    autostart: bool,
}

/// The networks of a host.
#[derive(Debug, Default)]
pub(crate) struct NetworkList(Vec<Net>);

/// `virNetworkEventLifecycleType`
const DEFINED: i32 = 0;
const UNDEFINED: i32 = 1;
const STARTED: i32 = 2;
const STOPPED: i32 = 3;

/// `VIR_NETWORK_UPDATE_AFFECT_LIVE`
const LIVE: u32 = 0x1;
/// `VIR_NETWORK_UPDATE_AFFECT_CONFIG`
const CONFIG: u32 = 0x2;

fn refused(code: ErrorCode, detail: impl Into<String>) -> Error {
    Error::new(code, ErrorDomain::Network, detail)
}

/// Gives a network the identity that its document left open.
fn identified(mut config: Network) -> Result<Network> {
    if config.uuid.is_none() {
        config.uuid = Some(random::uuid()?);
    }
    Ok(config)
}

impl Net {
    fn reference(&self) -> ObjectRef {
        ObjectRef { uuid: self.live.uuid.unwrap_or_default(), name: self.live.name.clone() }
    }

    fn matches(&self, flags: u32) -> bool {
        let groups =
            [either(2, 1, self.active), either(4, 8, self.persistent), either(16, 32, self.autostart)];
        matches(flags, &groups)
    }

    /// Takes a configuration over: for the next start if it runs.
    fn assign(&mut self, config: Network) {
        if self.active || !self.persistent {
            self.next = Some(config);
        } else {
            self.next = None;
            self.live = config;
        }
        self.persistent = true;
    }

    /// Starts it from another configuration.
    fn replace(&mut self, config: Network) {
        let former = std::mem::replace(&mut self.live, config);
        if self.persistent && self.next.is_none() {
            self.next = Some(former);
        }
    }

    fn update(&mut self, command: u32, section: u32, parent: i32, xml: &str, flags: u32) -> Result<()> {
        let flags = match flags & (LIVE | CONFIG) {
            0 if self.active => LIVE,
            0 => CONFIG,
            asked => asked,
        };
        if flags & LIVE != 0 && !self.active {
            return Err(refused(ErrorCode::OperationInvalid, "network is not running"));
        }
        if flags & CONFIG != 0 && !self.persistent {
            let detail = "cannot change persistent config of a transient network";
            return Err(refused(ErrorCode::OperationInvalid, detail));
        }
        let (command, section) = (UpdateCommand::from_number(command)?, UpdateSection::from_number(section)?);
        let changed = |config: &Network| config.updated(command, section, parent, xml);
        let live = (flags & LIVE != 0).then(|| changed(&self.live)).transpose()?;
        let config =
            (flags & CONFIG != 0).then(|| changed(self.next.as_ref().unwrap_or(&self.live))).transpose()?;
        if let Some(config) = config {
            if self.active {
                self.next = Some(config);
            } else {
                self.live = config;
            }
        }
        self.live = live.unwrap_or_else(|| std::mem::take(&mut self.live));
        Ok(())
    }
}

impl NetworkList {
    fn by_name(&mut self, name: &str) -> Result<&mut Net> {
        self.0
            .iter_mut()
            .find(|net| net.live.name == name)
            .ok_or_else(|| refuse(ErrorCode::NoNetwork, format!("no network with matching name '{name}'")))
    }

    fn by_uuid(&mut self, uuid: Uuid) -> Result<&mut Net> {
        self.0
            .iter_mut()
            .find(|net| net.live.uuid == Some(uuid))
            .ok_or_else(|| refuse(ErrorCode::NoNetwork, format!("no network with matching uuid '{uuid}'")))
    }

    fn forget(&mut self, name: &str) {
        self.0.retain(|net| net.live.name != name);
    }

    /// Takes a network in, or its configuration over: to keep, or to start it from.
    fn add(&mut self, config: Network, start: bool) -> Result<&mut Net> {
        let failed = |detail| refused(ErrorCode::OperationFailed, detail);
        let Some(position) = self.0.iter().position(|net| net.live.uuid == config.uuid) else {
            if let Some(twin) = self.0.iter().find(|net| net.live.name == config.name) {
                let uuid = twin.reference().uuid;
                return Err(failed(format!("network '{}' already exists with uuid {uuid}", config.name)));
            }
            self.0.push(Net {
                live: config,
                next: None,
                active: false,
                persistent: !start,
                autostart: false,
            });
            let last = self.0.len() - 1;
            return Ok(&mut self.0[last]);
        };
        let net = &mut self.0[position];
        let name = &net.live.name;
        if *name != config.name {
            let uuid = net.reference().uuid;
            return Err(failed(format!("network '{name}' is already defined with uuid {uuid}")));
        }
        if !start {
            net.assign(config);
            return Ok(net);
        }
        if net.active {
            let detail = format!("network is already active as '{name}'");
            return Err(refused(ErrorCode::OperationInvalid, detail));
        }
        net.replace(config);
        Ok(net)
    }

    /// Takes in a network of the host's document, which runs.
    pub(crate) fn read(&mut self, el: Element<'_>) -> Result<()> {
        let config = identified(Network::parse_element(el)?)?;
        self.add(config, false)?.active = true;
        Ok(())
    }

    /// The address so many places after the first one that a network gives out.
    pub(crate) fn guest_address(&mut self, network: &str, offset: u32) -> Result<GuestAddress> {
        let net = self.by_name(network)?;
        let ip = net.live.ips.first();
        let ip = ip.ok_or_else(|| internal(format!("network '{network}' has no addresses")))?;
        let first = ip.ranges.first().map_or(ip.address, |range| range.start);
        let address = crate::domain::address_after(first, offset);
        Ok(GuestAddress {
            family: i32::from(address.is_ipv6()),
            address: address.to_string(),
            prefix: ip.prefix_bits().unwrap_or_default(),
        })
    }
}

impl Host {
    fn tell_network(&mut self, network: ObjectRef, step: i32) {
        let kind = NetworkEventKind::Lifecycle(step);
        let event = NetworkEvent { network, kind };
        self.network_events.publish(&event, |filter| filter.wants(&event.network.uuid, event.kind.id()));
    }

    fn start_network(&mut self, network: &ObjectRef) -> Result<()> {
        let net = self.networks.by_name(&network.name)?;
        if net.active {
            return Err(invalid(format!("Network '{network}' is already running")));
        }
        net.active = true;
        let reference = net.reference();
        self.tell_network(reference, STARTED);
        Ok(())
    }

    fn stop_network(&mut self, network: &ObjectRef) -> Result<()> {
        let net = self.networks.by_name(&network.name)?;
        net.active = false;
        let (reference, persistent) = (net.reference(), net.persistent);
        if !persistent {
            self.networks.forget(&network.name);
        }
        self.tell_network(reference, STOPPED);
        Ok(())
    }

    fn undefine_network(&mut self, network: &ObjectRef) -> Result<()> {
        if self.networks.by_name(&network.name)?.active {
            return Err(invalid(format!("Network '{network}' is still running")));
        }
        self.networks.forget(&network.name);
        self.tell_network(network.clone(), UNDEFINED);
        Ok(())
    }
}

impl Networks for TestConnection {
    fn list<'a>(&'a self, flags: u32) -> Answer<'a, Vec<ObjectRef>> {
        self.answer(|host| {
            check(flags, 0x3f, "testConnectListAllNetworks")?;
            Ok(host.networks.0.iter().filter(|net| net.matches(flags)).map(Net::reference).collect())
        })
    }

    fn lookup_by_uuid<'a>(&'a self, uuid: Uuid) -> Answer<'a, ObjectRef> {
        self.answer(|host| Ok(host.networks.by_uuid(uuid)?.reference()))
    }

    fn lookup_by_name<'a>(&'a self, name: &'a str) -> Answer<'a, ObjectRef> {
        self.answer(|host| Ok(host.networks.by_name(name)?.reference()))
    }

    fn subscribe<'a>(
        &'a self,
        filter: ObjectEventFilter<Uuid>,
        capacity: usize,
    ) -> Answer<'a, Subscription<NetworkEvent>> {
        self.answer(|host| Ok(host.network_events.subscribe(filter, capacity)))
    }

    fn define_xml<'a>(&'a self, xml: &'a str, flags: u32) -> Answer<'a, ObjectRef> {
        self.answer(|host| {
            check(flags, 0x1, "testNetworkDefineXMLFlags")?;
            let config = identified(Network::parse(xml)?)?;
            let reference = host.networks.add(config, false)?.reference();
            host.tell_network(reference.clone(), DEFINED);
            Ok(reference)
        })
    }

    fn create_xml<'a>(&'a self, xml: &'a str, flags: u32) -> Answer<'a, ObjectRef> {
        self.answer(|host| {
            check(flags, 0x1, "testNetworkCreateXMLFlags")?;
            let config = identified(Network::parse(xml)?)?;
            let net = host.networks.add(config, true)?;
            net.active = true;
            let reference = net.reference();
            host.tell_network(reference.clone(), STARTED);
            Ok(reference)
        })
    }

    fn undefine<'a>(&'a self, network: &'a ObjectRef) -> Answer<'a, ()> {
        self.answer(|host| host.undefine_network(network))
    }

    fn create<'a>(&'a self, network: &'a ObjectRef) -> Answer<'a, ()> {
        self.answer(|host| host.start_network(network))
    }

    fn destroy<'a>(&'a self, network: &'a ObjectRef) -> Answer<'a, ()> {
        self.answer(|host| host.stop_network(network))
    }

    fn update<'a>(
        &'a self,
        network: &'a ObjectRef,
        command: u32,
        section: u32,
        parent_index: i32,
        xml: &'a str,
        flags: u32,
    ) -> Answer<'a, ()> {
        self.answer(|host| {
            check(flags, LIVE | CONFIG, "testNetworkUpdate")?;
            host.networks.by_uuid(network.uuid)?.update(command, section, parent_index, xml, flags)
        })
    }

    fn xml_desc<'a>(&'a self, network: &'a ObjectRef, flags: u32) -> Answer<'a, String> {
        self.answer(|host| {
            check(flags, 0, "testNetworkGetXMLDesc")?;
            Ok(host.networks.by_name(&network.name)?.live.format(FormatFlags::empty()))
        })
    }

    fn bridge_name<'a>(&'a self, network: &'a ObjectRef) -> Answer<'a, String> {
        self.answer(|host| {
            let bridge = host.networks.by_name(&network.name)?.live.bridge.name.clone();
            bridge.ok_or_else(|| internal(format!("network '{network}' does not have a bridge name.")))
        })
    }

    fn is_active<'a>(&'a self, network: &'a ObjectRef) -> Answer<'a, bool> {
        self.answer(|host| Ok(host.networks.by_uuid(network.uuid)?.active))
    }

    fn is_persistent<'a>(&'a self, network: &'a ObjectRef) -> Answer<'a, bool> {
        self.answer(|host| Ok(host.networks.by_uuid(network.uuid)?.persistent))
    }

    fn autostart<'a>(&'a self, network: &'a ObjectRef) -> Answer<'a, bool> {
        self.answer(|host| Ok(host.networks.by_name(&network.name)?.autostart))
    }

    fn set_autostart<'a>(&'a self, network: &'a ObjectRef, autostart: bool) -> Answer<'a, ()> {
        self.answer(|host| {
            host.networks.by_name(&network.name)?.autostart = autostart;
            Ok(())
        })
    }
}
