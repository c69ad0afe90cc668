//! Defining, starting, stopping; and what is done about networks that the driver finds when it is opened.
//!
//! The state file is written before the first effect of a start and removed after the last one of a stop, and says which of
//! the two is under way. Whoever finds it later undoes the start or finishes the stop; each step of that does no harm where
//! there is nothing to undo.

use std::sync::{Arc, MutexGuard};

use virt_conf::network::Network;
use virt_driver::ObjectRef;
use virt_types::{Error, ErrorCode, Result};

use super::status::{Journal, Status};
use super::{Engine, Net, State, Step, bridge, lock, routes, server, shape};
use crate::error::{invalid, refuse};
use crate::{dnsmasq, rules};

impl Engine {
    /// `virNetworkDefineXML`
    pub(crate) fn define(&self, xml: &str) -> Result<ObjectRef> {
        let _definitions = lock(&self.definitions);
        let network = self.read(xml)?;
        self.refuse_known_bridge(&network)?;
        let reference = match self.twin(&network)? {
            None => {
                self.store.save_config(&network)?;
                let net = Net::new(State::defined(network));
                let reference = net.state().reference();
                self.nets().push(Arc::new(net));
                reference
            }
            Some(net) => {
                let _turn = net.turn();
                self.store.save_config(&network)?;
                let mut state = net.state();
                if state.active {
                    state.next = Some(network);
                } else {
                    state.live = network;
                }
                state.persistent = true;
                state.reference()
            }
        };
        self.tell_step(reference.clone(), Step::Defined);
        Ok(reference)
    }

    /// The network that this one is a new form of.
    fn twin(&self, network: &Network) -> Result<Option<Arc<Net>>> {
        let failed = |detail: String| Err(refuse(ErrorCode::OperationFailed, detail));
        for net in self.all() {
            let state = net.state();
            let (name, uuid) = (&state.live.name, state.live.uuid);
            match (*name == network.name, uuid == network.uuid) {
                (true, true) => {
                    drop(state);
                    return Ok(Some(net));
                }
                (false, true) => {
                    let uuid = uuid.unwrap_or_default();
                    return failed(format!("network '{name}' is already defined with uuid {uuid}"));
                }
                (true, false) => {
                    let uuid = uuid.unwrap_or_default();
                    return failed(format!("network '{name}' already exists with uuid {uuid}"));
                }
                (false, false) => {}
            }
        }
        Ok(None)
    }

    /// `virNetworkCreateXML`
    pub(crate) fn create_xml(&self, xml: &str) -> Result<ObjectRef> {
        let definitions = lock(&self.definitions);
        let network = self.read(xml)?;
        self.refuse_known_bridge(&network)?;
        let known = self.twin(&network)?;
        let net = known.clone().unwrap_or_else(|| {
            let net = Arc::new(Net::new(State::transient(network.clone())));
            self.nets().push(Arc::clone(&net));
            net
        });
        let turn = net.turn();
        drop(definitions);
        if known.is_some() {
            let mut state = net.state();
            if state.active {
                return Err(invalid(format!("network is already active as '{}'", state.live.name)));
            }
            let former = std::mem::replace(&mut state.live, network);
            if state.persistent && state.next.is_none() {
                state.next = Some(former);
            }
        }
        let started = self.start_in_turn(&net, &turn);
        if started.is_err() && !net.state().persistent {
            self.forget(&net);
        }
        started
    }

    /// `virNetworkCreate`
    pub(crate) fn start(&self, net: &Arc<Net>) -> Result<ObjectRef> {
        let turn = net.turn();
        self.start_in_turn(net, &turn)
    }

    fn start_in_turn(&self, net: &Net, _turn: &MutexGuard<'_, ()>) -> Result<ObjectRef> {
        let (network, reference) = {
            let state = net.state();
            if state.active {
                return Err(invalid("network is already active"));
            }
            (state.live.clone(), state.reference())
        };
        let begun = self.begin(&network).and_then(|()| {
            let started = self.set_up(&network).and_then(|()| {
                let mut state = net.state();
                if state.persistent && state.next.is_none() {
                    state.next = Some(state.live.clone());
                }
                state.active = true;
                let status = state.status(Journal::Settled);
                drop(state);
                self.store.save_status(&status)
            });
            if started.is_err() {
                self.take_down(&network);
                self.store.remove_status(&network.name);
            }
            started
        });
        if let Err(error) = begun {
            net.state().stopped();
            return Err(error);
        }
        self.tell_step(reference.clone(), Step::Started);
        Ok(reference)
    }

    /// Refuses what would collide with others, whose things the undoing of a start must not touch; then writes down that the
    /// start is under way.
    fn begin(&self, network: &Network) -> Result<()> {
        if network.forward.mode.has_bridge() {
            routes::refuse_collisions(network)?;
            bridge::refuse_taken(network)?;
        }
        self.store.save_status(&Status::new(network.clone(), Journal::Starting))
    }

    fn set_up(&self, network: &Network) -> Result<()> {
        if !network.forward.mode.has_bridge() {
            return shape::set(network);
        }
        bridge::create(network)?;
        let rules = rules::of(network)?;
        if !rules.is_empty() {
            self.firewall()?.apply(&rules)?;
        }
        bridge::configure(network)?;
        if !network.ips.is_empty() {
            let name = network.bridge.name.as_deref().unwrap_or_default();
            self.store.remove_stations(name);
            server::start(network, &self.store.config)?;
        }
        shape::set(network)
    }

    /// Undoes whatever of a start has happened. What can not be undone is told of, and stays.
    fn take_down(&self, network: &Network) {
        if !network.forward.mode.has_bridge() {
            shape::clear(network);
            return;
        }
        let tell = |error: Error| log::warn!("network '{}': {}", network.name, error.report());
        if dnsmasq::is_needed(network) {
            server::stop(network, &self.store.config);
        }
        match rules::of(network) {
            Ok(rules) if !rules.is_empty() => {
                let removed = self.firewall().and_then(|firewall| Ok(firewall.remove(&rules)?));
                removed.unwrap_or_else(tell);
            }
            Ok(_) => {}
            Err(error) => tell(error),
        }
        bridge::delete(network).unwrap_or_else(tell);
        if let Some(name) = &network.bridge.name {
            self.store.remove_stations(name);
        }
    }

    /// `virNetworkDestroy`
    pub(crate) fn stop(&self, net: &Arc<Net>) -> Result<()> {
        let _turn = net.turn();
        let (network, reference, persistent) = {
            let state = net.state();
            state.refuse_inactive()?;
            self.store.save_status(&state.status(Journal::Stopping))?;
            (state.live.clone(), state.reference(), state.persistent)
        };
        self.take_down(&network);
        self.store.remove_ports(&network.name);
        self.store.remove_status(&network.name);
        net.state().stopped();
        if !persistent {
            self.store.remove_dnsmasq_files(&network);
            self.forget(net);
        }
        self.tell_step(reference, Step::Stopped);
        Ok(())
    }

    /// `virNetworkUndefine`
    pub(crate) fn undefine(&self, net: &Arc<Net>) -> Result<()> {
        let _turn = net.turn();
        let (reference, active, network) = {
            let state = net.state();
            if !state.persistent {
                return Err(invalid("can't undefine transient network"));
            }
            (state.reference(), state.active, state.live.clone())
        };
        self.store.remove_config(&network.name)?;
        if active {
            let mut state = net.state();
            state.persistent = false;
            state.autostart = false;
            state.next = None;
        } else {
            self.store.remove_dnsmasq_files(&network);
            self.forget(net);
        }
        self.tell_step(reference, Step::Undefined);
        Ok(())
    }

    /// `virNetworkSetAutostart`
    pub(crate) fn set_autostart(&self, net: &Arc<Net>, autostart: bool) -> Result<()> {
        let _turn = net.turn();
        let (name, known) = {
            let state = net.state();
            if !state.persistent {
                return Err(invalid("cannot set autostart for transient network"));
            }
            (state.live.name.clone(), state.autostart)
        };
        if known == autostart {
            return Ok(());
        }
        let (link, config) = (self.store.autostart_link(&name), self.store.config_file(&name));
        let failed = |what: &str, error: std::io::Error| {
            refuse(ErrorCode::SystemError, format!("Failed to {what} symlink '{}'", link.display()))
                .caused_by(error)
        };
        match std::fs::remove_file(&link) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(failed("delete", error));
            }
            _ => {}
        }
        if autostart {
            std::os::unix::fs::symlink(&config, &link).map_err(|error| failed("create", error))?;
        }
        net.state().autostart = autostart;
        Ok(())
    }

    /// Takes in the state of a network that ran when the driver last ended.
    pub(super) fn load_state(&self, status: Status) {
        let name = status.network.name.clone();
        let mut ports = Vec::new();
        for loaded in self.store.load_ports(&name) {
            match loaded.outcome {
                Ok(port) => ports.push(port),
                Err(error) => log::warn!("{}: {}", loaded.path.display(), error.report()),
            }
        }
        let net = self.by_name(&name).unwrap_or_else(|_| {
            let net = Arc::new(Net::new(State::transient(status.network.clone())));
            self.nets().push(Arc::clone(&net));
            net
        });
        let mut state = net.state();
        if state.persistent {
            state.next = Some(std::mem::replace(&mut state.live, status.network));
        }
        state.active = true;
        state.journal = status.journal;
        state.classes = status.classes;
        state.floor_sum = status.floor_sum;
        for port in ports {
            super::port::count(&mut state.live, &port, 1);
            state.ports.insert(port.uuid, port);
        }
    }

    /// Brings what was found into order: unfinished starts are undone, unfinished stops finished; of what runs, dnsmasq and
    /// the firewall's rules are there again.
    pub(crate) fn settle(&self) {
        for net in self.all() {
            let turn = net.turn();
            let (network, active, journal, persistent) = {
                let state = net.state();
                (state.live.clone(), state.active, state.journal, state.persistent)
            };
            if !active {
                continue;
            }
            let gone = network.forward.mode.has_bridge()
                && !network.bridge.name.as_deref().is_some_and(bridge::exists);
            if journal == Journal::Settled && !gone {
                if let Err(error) = self.renew(&network) {
                    log::warn!("network '{}' runs on, but {}", network.name, error.report());
                }
                continue;
            }
            log::info!("network '{}' does not run any more: {journal:?}", network.name);
            self.take_down(&network);
            if network.forward.mode.has_bridge() {
                server::stop_strays(&network, &self.store.config);
            }
            self.store.remove_ports(&network.name);
            self.store.remove_status(&network.name);
            {
                let mut state = net.state();
                state.stopped();
                state.journal = Journal::Settled;
            }
            if !persistent {
                self.store.remove_dnsmasq_files(&network);
                drop(turn);
                self.forget(&net);
            }
        }
    }

    /// Has a running network's rules and dnsmasq in place.
    fn renew(&self, network: &Network) -> Result<()> {
        if !network.forward.mode.has_bridge() {
            return Ok(());
        }
        let rules = rules::of(network)?;
        if !rules.is_empty() {
            self.firewall()?.renew(&rules)?;
        }
        if dnsmasq::is_needed(network) && server::find(network, &self.store.config).is_none() {
            // One that was being ended, or had no time to say that it was started, would be in the way.
            server::stop_strays(network, &self.store.config);
            server::start(network, &self.store.config)?;
        }
        Ok(())
    }

    /// Lays the rules of every running network anew, after another program has emptied the tables.
    pub(crate) fn renew_all(&self) {
        for net in self.all() {
            let _turn = net.turn();
            let network = Some(net.state()).filter(|state| state.active).map(|state| state.live.clone());
            if let Some(network) = network
                && let Err(error) = self.renew(&network)
            {
                log::warn!("network '{}': {}", network.name, error.report());
            }
        }
    }

    /// Starts the networks that are to start with the host; each with what came of it.
    pub(crate) fn start_autostarted(&self) -> Vec<(String, Error)> {
        let mut failed = Vec::new();
        for net in self.all() {
            let (name, wanted) = {
                let state = net.state();
                (state.live.name.clone(), state.autostart && !state.active)
            };
            if wanted && let Err(error) = self.start(&net) {
                failed.push((name, error));
            }
        }
        failed
    }
}
