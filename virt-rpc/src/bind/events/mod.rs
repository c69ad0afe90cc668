//! Events on their way to clients: who wants which, and what they look like.
//!
//! Each kind of object has one subscription at the driver per client, however many registrations the client has, so
//! that events leave in the order in which they happened. An event is encoded once per client.

pub(super) mod closing;
pub(super) mod domain_message;
pub(super) mod domains;
mod hub;
pub(super) mod monitor;
mod objects;

use std::sync::Arc;

pub(super) use objects::{networks, node_devices, secrets, storage_pools};

use hub::Hub;

/// The registrations of a client.
#[derive(Default)]
pub(super) struct Events {
    domains: Arc<Hub<domains::OfDomains>>,
    networks: Arc<Hub<networks::Of>>,
    storage_pools: Arc<Hub<storage_pools::Of>>,
    node_devices: Arc<Hub<node_devices::Of>>,
    secrets: Arc<Hub<secrets::Of>>,
    monitor: monitor::Registrations,
    closing: closing::Registration,
}

impl Events {
    /// Forgets all registrations: the client is gone, or has closed its connection.
    pub(super) fn end(&self) {
        self.domains.end();
        self.networks.end();
        self.storage_pools.end();
        self.node_devices.end();
        self.secrets.end();
        self.monitor.end();
        self.closing.end();
    }
}

/// Events that are kept for a client whose turn does not come.
const KEPT: usize = 8192;
