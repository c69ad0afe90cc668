//! The networks of a host. Everything here may wait for the kernel or a process, so that it runs on threads that may block.
//!
//! A network has two locks: one that is held as long as something is done to it, and one for what is known of it, which is
//! never held while anything waits. Reads take the second one only.

mod bridge;
mod lifecycle;
mod network;
mod ownership;
pub(crate) mod port;
mod routes;
mod server;
mod shape;
mod status;
mod store;
mod update;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use virt_conf::network::{ForwardMode, Network, Policy};
use virt_driver::{Bus, NetworkEvent, NetworkEventKind, ObjectEventFilter, ObjectRef, Subscription};
use virt_firewall::foreign::Blocker;
use virt_firewall::{Firewall, System};
use virt_types::{ErrorCode, MacAddr, PciAddress, Result, Uuid};

pub(crate) use self::network::{Net, State};
use self::ownership::Ownership;
use self::store::Store;
use crate::config::Config;
use crate::error::{internal, refuse};
use crate::{leases_helper, random};

/// `virNetworkEventLifecycleType`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Defined = 0,
    Undefined = 1,
    Started = 2,
    Stopped = 3,
}

/// The most numbers that are tried for the name of a bridge; as in libvirt.
const BRIDGES: u32 = 256;

/// The networks of a host.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) store: Store,
    nets: Mutex<Vec<Arc<Net>>>,
    /// Held while a network is taken in: names, identities and bridges are one of their kind.
    definitions: Mutex<()>,
    events: Mutex<Bus<ObjectEventFilter<Uuid>, NetworkEvent>>,
    firewall: OnceLock<Firewall>,
    /// Nobody else has these directories while this lives.
    _ownership: Ownership,
}

/// A panic elsewhere leaves nothing half done in what these locks protect: each change is one assignment.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Engine {
    /// Takes hold of the directories and reads what is in them; nothing is started or repaired yet.
    pub(crate) fn open(config: Config) -> Result<Self> {
        let store = Store::new(config);
        store.prepare()?;
        let ownership = Ownership::take(&store.config.state_dir)?;
        let engine = Self {
            store,
            nets: Mutex::default(),
            definitions: Mutex::default(),
            events: Mutex::default(),
            firewall: OnceLock::new(),
            _ownership: ownership,
        };
        engine.load();
        Ok(engine)
    }

    fn load(&self) {
        for loaded in self.store.load_configs() {
            match loaded.outcome {
                Ok((network, autostart)) => {
                    let state = State { autostart, ..State::defined(network) };
                    self.nets().push(Arc::new(Net::new(state)));
                }
                Err(error) => log::warn!("{}: {}", loaded.path.display(), error.report()),
            }
        }
        for loaded in self.store.load_states() {
            match loaded.outcome {
                Ok(status) => self.load_state(status),
                Err(error) => log::warn!("{}: {}", loaded.path.display(), error.report()),
            }
        }
    }

    pub(super) fn nets(&self) -> MutexGuard<'_, Vec<Arc<Net>>> {
        lock(&self.nets)
    }

    /// Every network, in the order in which they came.
    pub(crate) fn all(&self) -> Vec<Arc<Net>> {
        self.nets().clone()
    }

    pub(crate) fn by_uuid(&self, uuid: Uuid) -> Result<Arc<Net>> {
        self.find(|state| state.live.uuid == Some(uuid))
            .ok_or_else(|| refuse(ErrorCode::NoNetwork, format!("no network with matching uuid '{uuid}'")))
    }

    /// The network that a caller means, whose words name it as well.
    pub(crate) fn of(&self, network: &ObjectRef) -> Result<Arc<Net>> {
        self.find(|state| state.live.uuid == Some(network.uuid)).ok_or_else(|| {
            let detail = format!("no network with matching uuid '{}' ({})", network.uuid, network.name);
            refuse(ErrorCode::NoNetwork, detail)
        })
    }

    pub(crate) fn by_name(&self, name: &str) -> Result<Arc<Net>> {
        self.find(|state| state.live.name == name)
            .ok_or_else(|| refuse(ErrorCode::NoNetwork, format!("no network with matching name '{name}'")))
    }

    fn find(&self, wanted: impl Fn(&State) -> bool) -> Option<Arc<Net>> {
        self.nets().iter().find(|net| wanted(&net.state())).cloned()
    }

    pub(super) fn forget(&self, net: &Arc<Net>) {
        self.nets().retain(|other| !Arc::ptr_eq(other, net));
    }

    pub(crate) fn subscribe(
        &self,
        filter: ObjectEventFilter<Uuid>,
        capacity: usize,
    ) -> Subscription<NetworkEvent> {
        lock(&self.events).subscribe(filter, capacity)
    }

    pub(crate) fn tell(&self, network: ObjectRef, kind: NetworkEventKind) {
        let event = NetworkEvent { network, kind };
        lock(&self.events).publish(&event, |filter| filter.wants(&event.network.uuid, event.kind.id()));
    }

    pub(crate) fn tell_step(&self, network: ObjectRef, step: Step) {
        self.tell(network, NetworkEventKind::Lifecycle(step as i32));
    }

    /// The firewall, found out when it is first needed.
    pub(super) fn firewall(&self) -> Result<&Firewall> {
        if let Some(firewall) = self.firewall.get() {
            return Ok(firewall);
        }
        let found = match self.store.config.firewall {
            Some(backend) => Firewall::new(backend, Arc::new(System)),
            None => Firewall::detect()?,
        };
        log::debug!("the firewall of networks is {:?}", found.backend());
        Ok(self.firewall.get_or_init(|| found))
    }

    /// A search for what of others will drop the traffic of a network's guests.
    pub(crate) fn blockers(&self, network: &ObjectRef) -> Option<Blockers> {
        let forward = self.of(network).ok()?.state().live.forward.mode;
        let leads_out = matches!(forward, ForwardMode::Nat | ForwardMode::Route);
        // Without a firewall of its own a network is somebody else's business.
        let fenced = leads_out || forward == ForwardMode::None;
        let firewall = self.firewall.get().filter(|_| fenced)?.clone();
        Some(Blockers { firewall, leads_out })
    }

    /// Reads a document and completes it, so that it can be taken in.
    pub(super) fn read(&self, xml: &str) -> Result<Network> {
        let mut network = Network::parse(xml)?;
        let identity = (random::uuid()?, random::mac()?);
        network.fill(&Filling { engine: self, name: network.name.clone(), identity })?;
        network.validate(&Host)?;
        Ok(network)
    }

    /// Whether a network other than this one has the bridge.
    fn bridge_is_known(&self, bridge: &str, but: &str) -> bool {
        let has = |network: &Network| network.bridge.name.as_deref() == Some(bridge) && network.name != but;
        self.find(|state| has(&state.live) || state.next.as_ref().is_some_and(has)).is_some()
    }

    /// Refuses the bridge of another network.
    pub(super) fn refuse_known_bridge(&self, network: &Network) -> Result<()> {
        let Some(bridge) = network.bridge.name.as_deref() else { return Ok(()) };
        if !network.forward.mode.has_bridge() || !self.bridge_is_known(bridge, &network.name) {
            return Ok(());
        }
        let has = |state: &State| state.live.bridge.name.as_deref() == Some(bridge);
        let owner = self.find(|state| has(state) && state.live.name != network.name);
        let owner = owner.map(|net| net.state().live.name.clone()).unwrap_or_default();
        Err(internal(format!("bridge name '{bridge}' already in use."))
            .with_hint(format!("it is the bridge of network '{owner}'")))
    }
}

/// A search that keeps nobody from taking hold of the networks.
pub(crate) struct Blockers {
    firewall: Firewall,
    leads_out: bool,
}

impl Blockers {
    /// What is in the way, and what people can do about it.
    pub(crate) fn look(&self) -> Vec<String> {
        let in_the_way = |blocker: &Blocker| self.leads_out || blocker.hook != "forward";
        let words = |blocker: Blocker| format!("{blocker}; {}", blocker.hint());
        self.firewall.blockers().into_iter().filter(in_the_way).map(words).collect()
    }
}

/// What a host adds to a document.
struct Filling<'a> {
    engine: &'a Engine,
    name: String,
    identity: (Uuid, MacAddr),
}

impl Policy for Filling<'_> {
    fn uuid(&self) -> Option<Uuid> {
        Some(self.identity.0)
    }

    fn mac(&self) -> Option<MacAddr> {
        Some(self.identity.1)
    }

    fn bridge(&self, template: &str) -> Result<Option<String>> {
        let mut names = (0..=BRIDGES).map(|number| template.replacen("%d", &number.to_string(), 1));
        let free = names.find(|name| !self.engine.bridge_is_known(name, &self.name) && !bridge::exists(name));
        free.map(Some).ok_or_else(|| internal(format!("Bridge generation exceeded max id {BRIDGES}")))
    }
}

/// The host's devices.
struct Host;

impl Policy for Host {
    fn is_virtual_function(&self, address: PciAddress) -> bool {
        PathBuf::from("/sys/bus/pci/devices").join(address.to_string()).join("physfn").exists()
    }
}

/// The program that dnsmasq calls: the one that is set, the one beside this program or among the system's, or this very
/// program under another name, if it knows of that.
fn helper(config: &Config) -> Result<PathBuf> {
    if let Some(path) = &config.leases_helper {
        return Ok(path.clone());
    }
    let own = std::env::current_exe().unwrap_or_default();
    let beside = own.with_file_name(leases_helper::NAME);
    let installed = ["/usr/libexec", "/usr/lib/virt", "/usr/local/libexec"]
        .map(|dir| PathBuf::from(dir).join(leases_helper::NAME));
    if let Some(found) = std::iter::once(beside).chain(installed).find(|path| path.is_file()) {
        return Ok(found);
    }
    if !config.helps_itself {
        let detail = format!("cannot find {}, which keeps the leases of networks", leases_helper::NAME);
        let hint = "put it beside the program, or into /usr/libexec: `cargo build -p virt-network` makes it";
        return Err(refuse(ErrorCode::OperationFailed, detail).with_hint(hint));
    }
    let link = config.state_dir.join(leases_helper::NAME);
    let failed = |error: std::io::Error| {
        refuse(ErrorCode::SystemError, format!("cannot make the link '{}'", link.display())).caused_by(error)
    };
    if std::fs::read_link(&link).ok().as_deref() != Some(&*own) {
        let _ = std::fs::remove_file(&link);
        std::os::unix::fs::symlink(&own, &link).map_err(failed)?;
    }
    Ok(link)
}
