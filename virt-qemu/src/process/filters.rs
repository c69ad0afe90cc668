//! Network filters of a guest's interfaces.

use std::fmt;
use std::sync::Arc;

use virt_conf::domain::Domain;
use virt_conf::domain::device::{Interface, InterfaceSource};
use virt_conf::nwfilter::FilterBinding;
use virt_driver::{PortFilters, Services};
use virt_types::{Error, Result};

use super::monitor;

/// The filters of a guest's interfaces, as long as it runs.
#[derive(Clone, Default)]
pub(super) struct Filters {
    service: Option<Arc<dyn PortFilters>>,
    /// The devices of the interfaces that are filtered.
    ports: Vec<String>,
}

impl fmt::Debug for Filters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Filters").field(&self.ports).finish()
    }
}

impl Filters {
    /// Those that a guest has, or would have if all were bound.
    pub(super) fn of(live: &Domain, services: &Services) -> Self {
        let ports = filtered(live).filter_map(|interface| interface.target.clone());
        Self { ports: ports.collect(), service: services.filters.clone() }
    }

    /// Filters the interfaces of a guest, before it runs. After a failure some may be filtered.
    ///
    /// # Errors
    /// As the filters' driver; `VIR_ERR_NO_SUPPORT` where there is none, since nobody asks for a filter in vain.
    pub(super) async fn bind(&self, live: &Domain) -> Result<()> {
        for interface in filtered(live) {
            let missing = || Error::no_support("starting a guest with a network filter");
            bind(live, interface, self.service.as_deref().ok_or_else(missing)?).await?;
        }
        Ok(())
    }

    /// Those of further interfaces too.
    pub(super) fn join(&mut self, others: &Self) {
        self.ports.extend(others.ports.iter().cloned());
    }

    /// Without those of these interfaces.
    pub(super) fn leave(&mut self, others: &Self) {
        self.ports.retain(|port| !others.ports.contains(port));
    }

    /// Lets go of the interfaces.
    pub(super) async fn release(&self) {
        let Some(service) = &self.service else { return };
        for port in &self.ports {
            if let Err(error) = service.unbind(port).await {
                log::warn!("the filter of interface '{port}' stays: {}", error.report());
            }
        }
    }
}

fn filtered(live: &Domain) -> impl Iterator<Item = &Interface> {
    live.devices.interfaces.iter().filter(|interface| interface.filter.is_some())
}

async fn bind(live: &Domain, interface: &Interface, service: &dyn PortFilters) -> Result<()> {
    let missing = |what: &str| -> Error { monitor::failed(format!("a filtered interface has no {what}")) };
    let binding = FilterBinding {
        owner_name: live.name.to_string(),
        owner_uuid: live.uuid.ok_or_else(|| missing("owner"))?,
        port_dev: interface.target.clone().ok_or_else(|| missing("device on the host"))?,
        link_dev: match &interface.source {
            InterfaceSource::Direct { dev, .. } => Some(dev.clone()),
            _ => None,
        },
        mac: interface.mac.ok_or_else(|| missing("address"))?,
        filter: interface.filter.clone().ok_or_else(|| missing("filter"))?,
    };
    service.bind(&binding.format()).await
}
