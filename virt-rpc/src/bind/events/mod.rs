//! Events on their way to clients: who wants which, and what they look like.
//!
//! Each kind of object has one subscription at the driver per client, however many registrations the client has, so
//! that events leave in the order in which they happened. The client's own connection takes them from there: an event
//! wakes one task for each client that wants it, and the first of them makes the bytes that all of them send.

pub(super) mod closing;
pub(super) mod domain_message;
pub(super) mod domains;
mod hub;
mod message;
pub(super) mod monitor;
mod objects;
mod place;

use std::task::Context;

pub(super) use objects::{networks, node_devices, secrets, storage_pools};

use crate::server::Client;
use hub::Hub;

/// The registrations of a client.
#[derive(Default)]
pub(super) struct Events {
    domains: Hub<domains::OfDomains>,
    networks: Hub<networks::Of>,
    storage_pools: Hub<storage_pools::Of>,
    node_devices: Hub<node_devices::Of>,
    secrets: Hub<secrets::Of>,
    monitor: monitor::Registrations,
    closing: closing::Registration,
}

impl Events {
    /// Sends the client what has happened, and has its connection woken for more.
    pub(super) fn poll(&self, client: &Client, context: &mut Context<'_>) {
        self.domains.poll(client, context);
        self.networks.poll(client, context);
        self.storage_pools.poll(client, context);
        self.node_devices.poll(client, context);
        self.secrets.poll(client, context);
    }

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
