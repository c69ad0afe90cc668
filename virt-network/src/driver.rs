//! The driver: the contract's calls over the engine.

use std::sync::Arc;

use virt_conf::FormatFlags;
use virt_driver::flags::{check_bits, either, matches};
use virt_driver::{
    BoxFuture, DhcpLease, MetadataKind, NetworkEvent, NetworkPortRef, Networks, ObjectEventFilter, ObjectRef,
    Subscription,
};
use virt_types::{Error, ErrorCode, ErrorDomain, MacAddr, Result, TypedParams, Uuid};

use crate::config::Config;
use crate::engine::{Engine, Net, port};
use crate::error::{internal, refuse, system};
use crate::guest_ports::GuestPorts;
use crate::lease;
use crate::mac_map::LIMIT;

/// `VIR_NETWORK_XML_INACTIVE`
const INACTIVE: u32 = 0x1;

type Answer<'a, T> = BoxFuture<'a, Result<T>>;

/// The virtual networks of a host. Clones share them.
///
/// ```no_run
/// use virt_driver::Networks;
/// use virt_network::{Config, NetworkDriver};
///
/// # async fn example() -> virt_types::Result<()> {
/// let driver = NetworkDriver::open(Config::host()).await?;
/// driver.settle().await;
/// let network = driver.define_xml("<network><name>n</name><ip address='10.9.0.1' prefix='24'/></network>", 0).await?;
/// driver.create(&network).await?;
/// assert_eq!(driver.bridge_name(&network).await?, "virbr0");
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct NetworkDriver {
    engine: Arc<Engine>,
}

impl NetworkDriver {
    /// Takes hold of the networks of these directories, which are no other process's meanwhile. Those that ran when the last
    /// holder ended are known at once; [`NetworkDriver::settle`] repairs what they lack.
    ///
    /// # Errors
    /// Where the directories can not be used, or another process has them.
    pub async fn open(config: Config) -> Result<Self> {
        let engine = blocking(move || Engine::open(config)).await?;
        Ok(Self { engine: Arc::new(engine) })
    }

    /// Undoes starts and finishes stops in which the last holder was interrupted, and gives running networks the rules and the
    /// dnsmasq that they have lost.
    pub async fn settle(&self) {
        let engine = Arc::clone(&self.engine);
        let settled = blocking(move || {
            engine.settle();
            Ok(())
        });
        if let Err(error) = settled.await {
            log::error!("networks are not in order: {}", error.report());
        }
    }

    /// Starts every network that is to start with the host; failures are logged.
    pub async fn start_autostarted(&self) {
        let engine = Arc::clone(&self.engine);
        for (name, error) in blocking(move || Ok(engine.start_autostarted())).await.unwrap_or_default() {
            log::warn!("cannot start network '{name}': {}", error.report());
        }
    }

    /// Lays the firewall's rules of running networks anew, as after another program has reloaded its own.
    pub async fn reload(&self) {
        let engine = Arc::clone(&self.engine);
        let renewed = blocking(move || {
            engine.renew_all();
            Ok(())
        });
        if let Err(error) = renewed.await {
            log::error!("the rules of networks are not laid anew: {}", error.report());
        }
    }

    /// The driver as connections and hypervisors take it.
    #[must_use]
    pub fn shared(&self) -> Arc<dyn Networks> {
        Arc::new(self.clone())
    }

    /// The ports of the networks, as hypervisors take them for their guests.
    #[must_use]
    pub fn guest_ports(&self) -> GuestPorts {
        GuestPorts::new(self.clone())
    }

    pub(crate) fn starts_on_demand(&self) -> bool {
        self.engine.store.config.starts_on_demand
    }

    /// Whether a network runs.
    #[must_use]
    pub fn has_running(&self) -> bool {
        self.engine.all().iter().any(|net| net.state().active)
    }

    /// Tells of rules of others that will drop the traffic of a network's guests. The start waits for it no longer, nor does
    /// whoever takes hold of the networks next.
    fn look_for_blockers(&self, network: &ObjectRef) {
        let Some(blockers) = self.engine.blockers(network) else { return };
        let name = network.name.clone();
        tokio::task::spawn_blocking(move || {
            for words in blockers.look() {
                log::warn!("network '{name}': {words}");
            }
        });
    }

    fn on<'a, T: Send + 'static>(
        &'a self,
        network: &ObjectRef,
        work: impl FnOnce(&Engine, &Arc<Net>) -> Result<T> + Send + 'static,
    ) -> Answer<'a, T> {
        let (engine, network) = (Arc::clone(&self.engine), network.clone());
        Box::pin(blocking(move || {
            let net = engine.of(&network)?;
            work(&engine, &net)
        }))
    }

    /// An answer from what is known, which waits for nothing.
    fn known<'a, T: Send + 'a>(&'a self, answer: impl FnOnce(&Engine) -> Result<T>) -> Answer<'a, T> {
        Box::pin(std::future::ready(answer(&self.engine)))
    }
}

/// Work that waits for the kernel or a process, on a thread that may.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(error) => Err(internal("the work on a network broke off").caused_by(error)),
    }
}

fn check(flags: u32, allowed: u32, function: &str) -> Result<()> {
    check_bits(flags, allowed, ErrorDomain::Network, function)
}

fn matching(net: &Net, flags: u32) -> Option<ObjectRef> {
    let state = net.state();
    let groups =
        [either(2, 1, state.active), either(4, 8, state.persistent), either(16, 32, state.autostart)];
    matches(flags, &groups).then(|| state.reference())
}

/// The leases in a network's file that still hold.
fn leases(engine: &Engine, net: &Net, mac: Option<MacAddr>) -> Result<Vec<DhcpLease>> {
    let network = net.state().live.clone();
    let bridge = network.bridge.name.as_deref().unwrap_or_default();
    let path = engine.store.lease_file(bridge);
    let text = match virt_sys::fs::read_bounded(&path, LIMIT) {
        Ok(text) => text,
        // Only a network with dnsmasq has one.
        Err(_) if !path.exists() => return Ok(Vec::new()),
        Err(error) => return Err(system(format!("Unable to read leases file: {}", path.display()), error)),
    };
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let leases = lease::parse(&String::from_utf8_lossy(&text))?;
    let wanted = |lease: &lease::Lease| {
        lease.holds_at(now) && mac.is_none_or(|mac| lease.mac.parse::<MacAddr>().is_ok_and(|of| of == mac))
    };
    let told = |lease: lease::Lease| {
        let ipv6 = lease.is_ipv6();
        let ip = network.ips.iter().find(|ip| ip.address.is_ipv6() == ipv6);
        DhcpLease {
            interface: bridge.to_owned(),
            expiry: lease.expiry,
            family: i32::from(ipv6),
            mac: Some(lease.mac),
            iaid: lease.iaid,
            address: lease.address,
            prefix: ip.and_then(virt_conf::network::NetworkIp::prefix_bits).unwrap_or_default(),
            hostname: lease.hostname,
            client_id: lease.client_id,
        }
    };
    Ok(leases.into_iter().filter(wanted).map(told).collect())
}

impl Networks for NetworkDriver {
    fn list<'a>(&'a self, flags: u32) -> Answer<'a, Vec<ObjectRef>> {
        self.known(|engine| {
            check(flags, 0x3f, "networkConnectListAllNetworks")?;
            Ok(engine.all().iter().filter_map(|net| matching(net, flags)).collect())
        })
    }

    fn lookup_by_uuid<'a>(&'a self, uuid: Uuid) -> Answer<'a, ObjectRef> {
        self.known(|engine| Ok(engine.by_uuid(uuid)?.state().reference()))
    }

    fn lookup_by_name<'a>(&'a self, name: &'a str) -> Answer<'a, ObjectRef> {
        self.known(|engine| Ok(engine.by_name(name)?.state().reference()))
    }

    fn subscribe<'a>(
        &'a self,
        filter: ObjectEventFilter<Uuid>,
        capacity: usize,
    ) -> Answer<'a, Subscription<NetworkEvent>> {
        self.known(|engine| Ok(engine.subscribe(filter, capacity)))
    }

    fn define_xml<'a>(&'a self, xml: &'a str, flags: u32) -> Answer<'a, ObjectRef> {
        let (engine, xml) = (Arc::clone(&self.engine), xml.to_owned());
        Box::pin(blocking(move || {
            check(flags, 0x1, "networkDefineXMLFlags")?;
            engine.define(&xml)
        }))
    }

    fn create_xml<'a>(&'a self, xml: &'a str, flags: u32) -> Answer<'a, ObjectRef> {
        let (engine, xml) = (Arc::clone(&self.engine), xml.to_owned());
        let started = blocking(move || {
            check(flags, 0x1, "networkCreateXMLFlags")?;
            engine.create_xml(&xml)
        });
        Box::pin(async move {
            let network = started.await?;
            self.look_for_blockers(&network);
            Ok(network)
        })
    }

    fn undefine<'a>(&'a self, network: &'a ObjectRef) -> Answer<'a, ()> {
        self.on(network, |engine, net| engine.undefine(net))
    }

    fn create<'a>(&'a self, network: &'a ObjectRef) -> Answer<'a, ()> {
        let started = self.on(network, |engine, net| engine.start(net).map(drop));
        Box::pin(async move {
            started.await?;
            self.look_for_blockers(network);
            Ok(())
        })
    }

    fn destroy<'a>(&'a self, network: &'a ObjectRef) -> Answer<'a, ()> {
        self.on(network, |engine, net| engine.stop(net))
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
        let xml = xml.to_owned();
        self.on(network, move |engine, net| {
            check(flags, 0x3, "networkUpdate")?;
            engine.update(net, (command, section), parent_index, &xml, flags)
        })
    }

    fn xml_desc<'a>(&'a self, network: &'a ObjectRef, flags: u32) -> Answer<'a, String> {
        self.known(|engine| {
            check(flags, INACTIVE, "networkGetXMLDesc")?;
            let net = engine.of(network)?;
            let state = net.state();
            Ok(if flags & INACTIVE != 0 {
                state.config().format(FormatFlags::INACTIVE)
            } else {
                state.live.format(FormatFlags::empty())
            })
        })
    }

    fn bridge_name<'a>(&'a self, network: &'a ObjectRef) -> Answer<'a, String> {
        self.known(|engine| {
            let bridge = engine.of(network)?.state().live.bridge.name.clone();
            bridge.ok_or_else(|| internal(format!("network '{network}' does not have a bridge name.")))
        })
    }

    fn is_active<'a>(&'a self, network: &'a ObjectRef) -> Answer<'a, bool> {
        self.known(|engine| Ok(engine.of(network)?.state().active))
    }

    fn is_persistent<'a>(&'a self, network: &'a ObjectRef) -> Answer<'a, bool> {
        self.known(|engine| Ok(engine.of(network)?.state().persistent))
    }

    fn autostart<'a>(&'a self, network: &'a ObjectRef) -> Answer<'a, bool> {
        self.known(|engine| Ok(engine.of(network)?.state().autostart))
    }

    fn set_autostart<'a>(&'a self, network: &'a ObjectRef, autostart: bool) -> Answer<'a, ()> {
        self.on(network, move |engine, net| engine.set_autostart(net, autostart))
    }

    fn dhcp_leases<'a>(
        &'a self,
        network: &'a ObjectRef,
        mac: Option<&'a str>,
        flags: u32,
    ) -> Answer<'a, Vec<DhcpLease>> {
        let mac = mac.map(str::to_owned);
        self.on(network, move |engine, net| {
            check(flags, 0, "networkGetDHCPLeases")?;
            let mac = mac.map(|text| {
                text.parse().map_err(|_| Error::new(ErrorCode::InvalidMac, ErrorDomain::Network, text))
            });
            leases(engine, net, mac.transpose()?)
        })
    }

    fn metadata<'a>(
        &'a self,
        network: &'a ObjectRef,
        kind: MetadataKind,
        uri: Option<&'a str>,
        flags: u32,
    ) -> Answer<'a, String> {
        self.known(|engine| {
            check(flags, 0x3, "virNetworkObjGetMetadata")?;
            Engine::metadata(&*engine.of(network)?, kind, uri, flags)
        })
    }

    fn set_metadata<'a>(
        &'a self,
        network: &'a ObjectRef,
        kind: MetadataKind,
        value: Option<&'a str>,
        key: Option<&'a str>,
        uri: Option<&'a str>,
        flags: u32,
    ) -> Answer<'a, ()> {
        let own = |text: Option<&str>| text.map(str::to_owned);
        let (value, key, uri) = (own(value), own(key), own(uri));
        self.on(network, move |engine, net| {
            check(flags, 0x3, "networkSetMetadata")?;
            if kind == MetadataKind::Title && value.as_deref().is_some_and(|title| title.contains('\n')) {
                return Err(refuse(ErrorCode::InvalidArg, "metadata title can't contain newlines"));
            }
            engine.set_metadata(net, kind, value.as_deref(), (key.as_deref(), uri.as_deref()), flags)
        })
    }

    fn ports<'a>(&'a self, network: &'a ObjectRef, flags: u32) -> Answer<'a, Vec<NetworkPortRef>> {
        self.known(|engine| {
            check(flags, 0, "networkListAllPorts")?;
            let net = engine.of(network)?;
            let state = net.state();
            state.refuse_inactive()?;
            let reference = |uuid: &Uuid| NetworkPortRef { network: state.reference(), uuid: *uuid };
            Ok(state.ports.keys().map(reference).collect())
        })
    }

    fn port_by_uuid<'a>(&'a self, network: &'a ObjectRef, uuid: Uuid) -> Answer<'a, NetworkPortRef> {
        self.known(|engine| {
            let net = engine.of(network)?;
            let state = net.state();
            port::find(&state, uuid)?;
            state.refuse_inactive()?;
            Ok(NetworkPortRef { network: state.reference(), uuid })
        })
    }

    fn create_port<'a>(
        &'a self,
        network: &'a ObjectRef,
        xml: &'a str,
        flags: u32,
    ) -> Answer<'a, NetworkPortRef> {
        let (xml, reference) = (xml.to_owned(), network.clone());
        self.on(network, move |engine, net| {
            check(flags, port::RECLAIM | 0x2, "networkPortCreateXML")?;
            let uuid = engine.create_port(net, &xml, flags)?;
            Ok(NetworkPortRef { network: reference, uuid })
        })
    }

    fn port_xml_desc<'a>(&'a self, port: &'a NetworkPortRef, flags: u32) -> Answer<'a, String> {
        self.known(|engine| {
            check(flags, 0, "networkPortGetXMLDesc")?;
            let net = engine.of(&port.network)?;
            let state = net.state();
            let found = port::find(&state, port.uuid)?;
            state.refuse_inactive()?;
            Ok(found.format())
        })
    }

    fn port_parameters<'a>(&'a self, port: &'a NetworkPortRef, flags: u32) -> Answer<'a, TypedParams> {
        self.known(|engine| {
            check(flags, 0, "networkPortGetParameters")?;
            let net = engine.of(&port.network)?;
            let state = net.state();
            let found = port::find(&state, port.uuid)?;
            state.refuse_inactive()?;
            Ok(port::parameters(found))
        })
    }

    fn set_port_parameters<'a>(
        &'a self,
        port: &'a NetworkPortRef,
        params: &'a TypedParams,
        flags: u32,
    ) -> Answer<'a, ()> {
        let (uuid, params) = (port.uuid, params.clone());
        self.on(&port.network, move |engine, net| {
            check(flags, 0, "networkPortSetParameters")?;
            engine.set_port_parameters(net, uuid, &params)
        })
    }

    fn delete_port<'a>(&'a self, port: &'a NetworkPortRef, flags: u32) -> Answer<'a, ()> {
        let uuid = port.uuid;
        self.on(&port.network, move |engine, net| {
            check(flags, 0, "networkPortDelete")?;
            engine.delete_port(net, uuid)
        })
    }
}
