//! Changes: of filters, of bindings, and of the host's tables for both. Everything here blocks.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use virt_conf::nwfilter::{Filter, FilterBinding};
use virt_types::{Error, ErrorCode, Result, Uuid};

use super::ports::Ports;
use super::state::State;
use super::store::{Directories, Found};
use super::tables::Tables;
use crate::error::{internal, refuse};
use crate::iptables::StateMatch;
use crate::resolve::{BoundRule, Filters, missing_variables, resolve};
use crate::ruleset::Interface;
use crate::variables::Variables;

/// The variable for the interface's IPv4 addresses, which is looked for where nobody gives it.
const IP: &str = "IP";
/// The variable for its Ethernet address.
const MAC: &str = "MAC";
/// The variable that says how addresses are looked for.
const LEARNING: &str = "CTRL_IP_LEARNING";
/// The variable that names the DHCP servers that count.
const DHCP_SERVERS: &str = "DHCPSERVER";

/// How the addresses of an interface are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Learning {
    /// From the first packet that shows one.
    Any,
    /// From what DHCP servers tell the guest, as long as it is so.
    Dhcp,
}

/// What is to be done for an interface when its rules stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing.
    Filtered,
    /// It is not there; it gets its rules when it is bound anew.
    Absent,
    /// Its addresses are to be found, or watched: these are known.
    Learn(Learning, Found),
}

/// What is ready for an interface.
enum Built {
    /// Chains for these rules.
    Rules(Vec<BoundRule>),
    /// Nothing: its addresses are to be found first.
    Held(Learning),
    /// Nothing, since it is not there.
    Nothing,
}

/// What is to be done, by the interface.
pub(crate) type Outcomes = Vec<(String, Outcome)>;

/// Everything that calls change, one after the other.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) directories: Directories,
    pub(crate) tables: Tables,
    pub(crate) ports: Arc<dyn Ports>,
    pub(crate) state: State,
    /// Addresses that were found, by the interface.
    learned: BTreeMap<String, Found>,
}

/// A filter in the place of the one of its name, beside all others.
struct Replaced<'a> {
    state: &'a State,
    filter: &'a Arc<Filter>,
}

impl Filters for Replaced<'_> {
    fn find(&self, name: &str) -> Result<Arc<Filter>> {
        if self.filter.name == name { Ok(Arc::clone(self.filter)) } else { self.state.find(name) }
    }
}

impl Engine {
    pub(crate) fn new(directories: Directories, tables: Tables, ports: Arc<dyn Ports>) -> Self {
        Self { directories, tables, ports, state: State::default(), learned: BTreeMap::new() }
    }

    /// Reads the files. Filters without an identity get one for good.
    pub(crate) fn load(&mut self) -> Result<()> {
        self.directories.create()?;
        for mut filter in self.directories.load() {
            let anonymous = filter.uuid.is_none();
            if anonymous {
                filter.uuid = Some(new_uuid()?);
            }
            if let Err(error) = self.state.check(&filter) {
                log::error!("filter '{}' is left out: {error}", filter.name);
                continue;
            }
            if anonymous && let Err(error) = self.directories.save(&filter) {
                log::warn!("filter '{}': {}", filter.name, error.report());
            }
            self.state.insert(Arc::new(filter));
        }
        for (binding, mut found) in self.directories.load_bindings() {
            found.retain(|_, end| end.is_none_or(|end| end > seconds_since_1970()));
            if !found.is_empty() {
                self.learned.insert(binding.port_dev.clone(), found);
            }
            self.state.bindings.insert(binding.port_dev.clone(), Arc::new(binding));
        }
        Ok(())
    }

    /// Reads the filters anew, after somebody changed the files.
    pub(crate) fn reload(&mut self) {
        for mut filter in self.directories.load() {
            let known = self.state.find(&filter.name).ok();
            filter.uuid = filter.uuid.or_else(|| known.as_ref().and_then(|known| known.uuid));
            if known.is_some_and(|known| *known == filter) {
                continue;
            }
            if let Err(error) = self.define(filter) {
                log::error!("{}", error.report());
            }
        }
    }

    /// Lays the rules of every interface anew. What fails is logged, and the interface left as it is.
    pub(crate) fn rebuild(&mut self) -> Outcomes {
        let bindings: Vec<_> = self.state.bindings.values().cloned().collect();
        let mut outcomes = Vec::new();
        for binding in bindings {
            match self.instantiate(&binding) {
                Ok(outcome) => outcomes.push((binding.port_dev.clone(), outcome)),
                Err(error) => log::error!("interface '{}': {}", binding.port_dev, error.report()),
            }
        }
        outcomes
    }

    /// Takes a filter in, and gives its rules to every interface that uses it: to all or none.
    pub(crate) fn define(&mut self, mut filter: Filter) -> Result<(Arc<Filter>, Outcomes)> {
        if filter.uuid.is_none() {
            filter.uuid = Some(new_uuid()?);
        }
        self.state.check(&filter)?;
        let filter = Arc::new(filter);
        let same = self.state.find(&filter.name).is_ok_and(|known| known == filter);
        let outcomes = if same { Vec::new() } else { self.switch(&filter)? };
        self.directories.save(&filter)?;
        self.state.insert(Arc::clone(&filter));
        Ok((filter, outcomes))
    }

    /// Builds the rules of every interface that uses the filter, and puts them in place when all are built.
    fn switch(&self, filter: &Arc<Filter>) -> Result<Outcomes> {
        let filters = Replaced { state: &self.state, filter };
        let mut built: Vec<(&FilterBinding, Built)> = Vec::new();
        for binding in self.users(filter) {
            match self.build(binding, &filters) {
                Ok(ready) => built.push((binding, ready)),
                Err(error) => {
                    let ready = built.iter().filter(|(_, built)| matches!(built, Built::Rules(_)));
                    for binding in ready.map(|(binding, _)| *binding).chain([&**binding]) {
                        self.tables.apply(&Interface::new(&binding.port_dev).discard())?;
                    }
                    return Err(error);
                }
            }
        }
        let settle = |(binding, built): (&FilterBinding, Built)| {
            Ok((binding.port_dev.clone(), self.settle(binding, built)?))
        };
        built.into_iter().map(settle).collect()
    }

    /// The bindings whose interfaces are there and that come to this filter.
    fn users<'a>(&'a self, filter: &'a Filter) -> impl Iterator<Item = &'a Arc<FilterBinding>> {
        self.state.bindings.values().filter(|binding| {
            let used = &binding.filter.filter;
            let comes_to = *used == filter.name
                || self.state.find(used).is_ok_and(|used| self.state.leads_to(&used, &filter.name));
            comes_to && self.ports.exists(&binding.port_dev)
        })
    }

    /// Removes a filter that no interface uses.
    pub(crate) fn undefine(&mut self, uuid: Uuid) -> Result<()> {
        let filter = Arc::clone(self.state.by_uuid(uuid)?);
        if self.users(&filter).next().is_some() {
            return Err(refuse(ErrorCode::OperationInvalid, "nwfilter is in use"));
        }
        self.directories.forget(&filter.name)?;
        self.state.remove(uuid);
        Ok(())
    }

    /// Binds a filter to an interface.
    pub(crate) fn bind(&mut self, mut binding: FilterBinding) -> Result<(Arc<FilterBinding>, Outcome)> {
        let port = binding.port_dev.clone();
        if self.state.bindings.contains_key(&port) {
            return Err(refuse(ErrorCode::OperationFailed, format!("binding '{port}' already exists")));
        }
        if self.ports.exists(&port) {
            binding.fill();
        }
        let outcome = match self.instantiate(&binding) {
            Ok(outcome) => outcome,
            Err(error) => {
                self.tables.apply(&Interface::new(&port).remove())?;
                return Err(error);
            }
        };
        let binding = Arc::new(binding);
        self.state.bindings.insert(port, Arc::clone(&binding));
        // The host's tables are as they should be; a file that is not there is missed at the next start only.
        if let Err(error) = self.directories.save_binding(&binding, &Found::new()) {
            log::warn!("{}", error.report());
        }
        Ok((binding, outcome))
    }

    /// Lets go of an interface.
    pub(crate) fn unbind(&mut self, port: &str) -> Result<()> {
        self.state.binding(port)?;
        self.tables.apply(&Interface::new(port).remove())?;
        self.learned.remove(port);
        self.directories.forget_binding(port)?;
        self.state.bindings.remove(port);
        Ok(())
    }

    /// Gives an interface rules for the addresses that it was found to have, if they are others than before; nothing is let
    /// through if the rules can not be had.
    pub(crate) fn learn(&mut self, port: &str, found: Found) -> Result<()> {
        let Ok(binding) = self.state.binding(port).cloned() else { return Ok(()) };
        // They are looked for anew where they can not be written down.
        if let Err(error) = self.directories.save_binding(&binding, &found) {
            log::warn!("{}", error.report());
        }
        let same = self.learned.get(port).is_some_and(|known| known.keys().eq(found.keys()));
        if found.is_empty() {
            self.learned.remove(port);
        } else {
            self.learned.insert(port.to_owned(), found);
        }
        if same {
            return Ok(());
        }
        let outcome = self.instantiate(&binding);
        if outcome.is_err() {
            self.tables.apply(&Interface::new(port).nothing())?;
        }
        outcome.map(drop)
    }

    /// Stops everything of an interface whose addresses could not be found.
    pub(crate) fn give_up(&self, port: &str) -> Result<()> {
        match self.state.binding(port) {
            Ok(_) => self.tables.apply(&Interface::new(port).nothing()),
            Err(_) => Ok(()),
        }
    }

    /// The DHCP servers that count for an interface; any, where none is named.
    fn dhcp_servers(binding: &FilterBinding) -> Vec<String> {
        binding.filter.parameters.get(DHCP_SERVERS).cloned().unwrap_or_default()
    }

    fn instantiate(&self, binding: &FilterBinding) -> Result<Outcome> {
        self.settle(binding, self.build(binding, &self.state)?)
    }

    /// Puts in place what was built. An interface that it fails for sends and gets nothing.
    fn settle(&self, binding: &FilterBinding, built: Built) -> Result<Outcome> {
        let interface = Interface::new(&binding.port_dev);
        match built {
            Built::Rules(rules) => match self.tables.apply(&interface.replace(&rules)) {
                Ok(()) => Ok(self.watched(binding)),
                Err(error) => {
                    self.tables.apply(&interface.nothing())?;
                    Err(error)
                }
            },
            Built::Held(learning) => {
                self.hold(binding, learning)?;
                Ok(Outcome::Learn(learning, Found::new()))
            }
            Built::Nothing => Ok(Outcome::Absent),
        }
    }

    /// Leases that were found can end, and others come.
    fn watched(&self, binding: &FilterBinding) -> Outcome {
        let way = learning(&binding.filter.filter, &binding.filter.parameters);
        match (self.learned.get(&binding.port_dev), way) {
            (Some(known), Ok(Learning::Dhcp)) => Outcome::Learn(Learning::Dhcp, known.clone()),
            _ => Outcome::Filtered,
        }
    }

    /// Lets only through what is needed to find the interface's addresses.
    fn hold(&self, binding: &FilterBinding, learning: Learning) -> Result<()> {
        let interface = Interface::new(&binding.port_dev);
        self.tables.apply(&match learning {
            Learning::Any => interface.only_own_address(binding.mac),
            Learning::Dhcp => interface.only_dhcp(binding.mac, &Self::dhcp_servers(binding)),
        })
    }

    /// Builds an interface's rules beside those in use, if all its variables have values.
    fn build(&self, binding: &FilterBinding, filters: &dyn Filters) -> Result<Built> {
        let port = &binding.port_dev;
        if !self.ports.exists(port) {
            return Ok(Built::Nothing);
        }
        let filter = filters.find(&binding.filter.filter)?;
        let variables = self.variables(binding);
        let missing = missing_variables(&filter, &variables, filters)?;
        if missing.iter().eq([IP]) {
            return learning(&filter.name, &variables).map(Built::Held);
        }
        if !missing.is_empty() {
            return Err(unresolvable(missing.iter().filter(|name| *name != IP)));
        }
        let rules = resolve(&filter, &variables, filters)?;
        self.tables.apply(&Interface::new(port).build(rules.clone(), StateMatch::Conntrack)?)?;
        Ok(Built::Rules(rules))
    }

    fn variables(&self, binding: &FilterBinding) -> Variables {
        let mut variables = binding.filter.parameters.clone();
        variables.entry(MAC.to_owned()).or_insert_with(|| vec![binding.mac.to_string()]);
        if let Some(addresses) = self.learned.get(&binding.port_dev) {
            let addresses = || addresses.keys().map(Ipv4Addr::to_string).collect();
            variables.entry(IP.to_owned()).or_insert_with(addresses);
        }
        variables
    }
}

/// How the addresses of an interface are to be found.
fn learning(filter: &str, variables: &Variables) -> Result<Learning> {
    let way = variables.get(LEARNING).and_then(|values| values.first()).map_or("any", String::as_str);
    match way.to_ascii_lowercase().as_str() {
        "any" => Ok(Learning::Any),
        "dhcp" => Ok(Learning::Dhcp),
        "none" => Err(unresolvable([IP])),
        _ => {
            let detail = format!("filter '{filter}' learning value '{way}' invalid.");
            Err(refuse(ErrorCode::ParseFailed, detail))
        }
    }
}

fn unresolvable<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> Error {
    let names: Vec<_> = names.into_iter().map(|name| name.as_ref().to_owned()).collect();
    internal(format!(
        "Cannot instantiate filter due to unresolvable variables or unavailable list elements: {}",
        names.join(", ")
    ))
}

/// What time it is.
pub(super) fn seconds_since_1970() -> u64 {
    std::time::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs()
}

fn new_uuid() -> Result<Uuid> {
    let bytes = virt_sys::random::bytes()
        .map_err(|error| refuse(ErrorCode::SystemError, "Failed to generate UUID").caused_by(error))?;
    Ok(Uuid::from_random(bytes))
}
