//! Everything that a connection looks at: one pretended host.

use std::time::{SystemTime, UNIX_EPOCH};

use virt_driver::{
    Bus, DomainEvent, DomainEventFilter, NetworkEvent, NodeDeviceEvent, ObjectEventFilter, StoragePoolEvent,
};
use virt_types::Uuid;

use crate::document::User;
use crate::domain::Guest;
use crate::interface::InterfaceList;
use crate::network::NetworkList;
use crate::node::Node;
use crate::node_device::DeviceList;
use crate::storage::PoolList;

/// A host that exists in memory only.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) node: Node,
    pub(crate) guests: Vec<Guest>,
    pub(crate) networks: NetworkList,
    pub(crate) interfaces: InterfaceList,
    pub(crate) pools: PoolList,
    pub(crate) devices: DeviceList,
    /// Who may open it; everybody if there is none.
    pub(crate) users: Vec<User>,
    pub(crate) domain_events: Bus<DomainEventFilter, DomainEvent>,
    pub(crate) network_events: Bus<ObjectEventFilter<Uuid>, NetworkEvent>,
    pub(crate) pool_events: Bus<ObjectEventFilter<Uuid>, StoragePoolEvent>,
    pub(crate) device_events: Bus<ObjectEventFilter<String>, NodeDeviceEvent>,
    /// How many events of domains there were.
    pub(crate) told: u64,
    last_id: i32,
}

impl Host {
    /// A host with nothing on it.
    pub(crate) fn new(node: Node) -> Self {
        Self {
            node,
            guests: Vec::new(),
            networks: NetworkList::default(),
            interfaces: InterfaceList::default(),
            pools: PoolList::default(),
            devices: DeviceList::default(),
            users: Vec::new(),
            domain_events: Bus::default(),
            network_events: Bus::default(),
            pool_events: Bus::default(),
            device_events: Bus::default(),
            told: 0,
            last_id: 0,
        }
    }

    /// The number of the next domain that starts.
    pub(crate) const fn next_id(&mut self) -> i32 {
        self.last_id += 1;
        self.last_id
    }
}

/// Microseconds since 1970, from which the driver makes up figures that grow.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
