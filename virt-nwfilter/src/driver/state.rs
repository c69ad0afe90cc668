//! What the driver knows: filters, and which interfaces use them.

use std::collections::BTreeMap;
use std::sync::Arc;

use virt_conf::nwfilter::{Filter, FilterBinding};
use virt_driver::{NwFilterBindingRef, ObjectRef};
use virt_types::{ErrorCode, Result, Uuid};

use crate::error::{internal, refuse};
use crate::resolve::Filters;

/// What there is at a moment. Clones share the documents.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    filters: BTreeMap<Uuid, Arc<Filter>>,
    pub(crate) bindings: BTreeMap<String, Arc<FilterBinding>>,
}

/// How callers name a filter.
pub(crate) fn reference(filter: &Filter) -> ObjectRef {
    ObjectRef { uuid: filter.uuid.unwrap_or_default(), name: filter.name.clone() }
}

/// How callers name a binding.
pub(crate) fn binding_reference(binding: &FilterBinding) -> NwFilterBindingRef {
    NwFilterBindingRef { port_device: binding.port_dev.clone(), filter: binding.filter.filter.clone() }
}

impl State {
    pub(crate) fn filters(&self) -> impl Iterator<Item = &Arc<Filter>> {
        self.filters.values()
    }

    pub(crate) fn by_uuid(&self, uuid: Uuid) -> Result<&Arc<Filter>> {
        let missing = || refuse(ErrorCode::NoNwfilter, format!("no nwfilter with matching uuid '{uuid}'"));
        self.filters.get(&uuid).ok_or_else(missing)
    }

    fn named(&self, name: &str) -> Option<&Arc<Filter>> {
        self.filters.values().find(|filter| filter.name == name)
    }

    pub(crate) fn by_name(&self, name: &str) -> Result<&Arc<Filter>> {
        let missing = || refuse(ErrorCode::NoNwfilter, format!("no nwfilter with matching name '{name}'"));
        self.named(name).ok_or_else(missing)
    }

    pub(crate) fn binding(&self, port: &str) -> Result<&Arc<FilterBinding>> {
        let missing =
            || refuse(ErrorCode::NoNwfilterBinding, format!("no nwfilter binding for port dev '{port}'"));
        self.bindings.get(port).ok_or_else(missing)
    }

    /// Puts a filter in, in place of the one with its identity.
    pub(crate) fn insert(&mut self, filter: Arc<Filter>) {
        self.filters.insert(filter.uuid.unwrap_or_default(), filter);
    }

    pub(crate) fn remove(&mut self, uuid: Uuid) {
        self.filters.remove(&uuid);
    }

    /// Refuses a filter that may not come in: its name or its identity is another one's, or it would refer to itself.
    pub(crate) fn check(&self, filter: &Filter) -> Result<()> {
        let failed = |detail| refuse(ErrorCode::OperationFailed, detail);
        match filter.uuid.and_then(|uuid| self.filters.get(&uuid)) {
            Some(same) if same.name != filter.name => {
                return Err(failed(format!(
                    "filter with same UUID but different name ('{}') already exists",
                    same.name
                )));
            }
            Some(_) => {}
            None => {
                if let Some(twin) = self.named(&filter.name) {
                    let uuid = reference(twin).uuid;
                    return Err(failed(format!("filter '{}' already exists with uuid {uuid}", filter.name)));
                }
            }
        }
        if self.leads_to(filter, &filter.name) {
            return Err(failed("filter would introduce a loop".to_owned()));
        }
        Ok(())
    }

    /// Whether a filter is one of those that another refers to, near or far. No filter that is here refers to itself.
    pub(crate) fn leads_to(&self, filter: &Filter, name: &str) -> bool {
        filter.references().any(|reference| {
            reference == name || self.named(reference).is_some_and(|inner| self.leads_to(inner, name))
        })
    }
}

impl Filters for State {
    fn find(&self, name: &str) -> Result<Arc<Filter>> {
        self.named(name).cloned().ok_or_else(|| internal(format!("referenced filter '{name}' is missing")))
    }
}
