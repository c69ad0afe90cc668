//! One network.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};

use virt_conf::network::{Network, NetworkPort};
use virt_driver::ObjectRef;
use virt_types::{Result, Uuid};

use super::lock;
use super::status::{Journal, Status};
use crate::error::invalid;

/// A network, and who may change it.
#[derive(Debug)]
pub(crate) struct Net {
    /// Held by whoever does something to it, as long as that takes.
    turn: Mutex<()>,
    state: Mutex<State>,
}

/// What is known of a network.
#[derive(Debug, Clone)]
pub(crate) struct State {
    /// What it is: while it runs, what it was started from and what was changed since.
    pub(crate) live: Network,
    /// While it runs, the configuration of its next start, where it has one.
    pub(crate) next: Option<Network>,
    pub(crate) active: bool,
    pub(crate) persistent: bool,
    pub(crate) autostart: bool,
    pub(crate) ports: BTreeMap<Uuid, NetworkPort>,
    /// Classes of traffic that ports have.
    pub(crate) classes: BTreeSet<u32>,
    /// What is guaranteed to ports, KiB per second.
    pub(crate) floor_sum: u64,
    /// What was being done to it when the driver ended.
    pub(crate) journal: Journal,
}

impl State {
    /// A network that is defined and does not run.
    pub(crate) fn defined(network: Network) -> Self {
        Self { persistent: true, ..Self::transient(network) }
    }

    /// A network that has no configuration.
    pub(crate) const fn transient(network: Network) -> Self {
        Self {
            live: network,
            next: None,
            active: false,
            persistent: false,
            autostart: false,
            ports: BTreeMap::new(),
            classes: BTreeSet::new(),
            floor_sum: 0,
            journal: Journal::Settled,
        }
    }

    pub(crate) fn reference(&self) -> ObjectRef {
        ObjectRef { uuid: self.live.uuid.unwrap_or_default(), name: self.live.name.clone() }
    }

    /// The configuration that outlives it.
    pub(crate) fn config(&self) -> &Network {
        self.next.as_ref().unwrap_or(&self.live)
    }

    pub(crate) fn refuse_inactive(&self) -> Result<()> {
        if self.active {
            return Ok(());
        }
        let name = &self.live.name;
        Err(invalid(format!("network '{name}' is not active"))
            .with_hint(format!("start it: net-start {name}")))
    }

    /// As it is written down while it runs.
    pub(super) fn status(&self, journal: Journal) -> Status {
        Status {
            network: self.live.clone(),
            journal,
            classes: self.classes.clone(),
            floor_sum: self.floor_sum,
        }
    }

    /// What a network is after it has stopped.
    pub(super) fn stopped(&mut self) {
        self.active = false;
        if let Some(next) = self.next.take() {
            self.live = next;
        }
        self.live.connections = 0;
        for interface in &mut self.live.forward.interfaces {
            interface.connections = 0;
        }
        self.ports.clear();
        self.classes.clear();
        self.floor_sum = 0;
    }
}

impl Net {
    pub(crate) const fn new(state: State) -> Self {
        Self { turn: Mutex::new(()), state: Mutex::new(state) }
    }

    /// What is known of it. Nothing waits while this is held.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// The turn of one who does something to it.
    pub(super) fn turn(&self) -> MutexGuard<'_, ()> {
        lock(&self.turn)
    }
}
