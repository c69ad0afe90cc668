//! Networks as hypervisors see them.

use std::sync::Arc;

use virt_driver::{BoxFuture, DhcpLease, NetworkPorts, Networks};
use virt_types::{MacAddr, Result, Uuid};

use crate::driver::NetworkDriver;

/// The ports of networks, for the interfaces of guests. A network that a guest needs is started for it, where the driver's
/// [`Config::starts_on_demand`](crate::Config::starts_on_demand) says so; a start that fails says who is in its way.
#[derive(Clone)]
pub struct GuestPorts {
    driver: NetworkDriver,
    calls: Arc<dyn Networks>,
}

impl std::fmt::Debug for GuestPorts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("GuestPorts").field(&self.driver).finish()
    }
}

impl GuestPorts {
    pub(crate) fn new(driver: NetworkDriver) -> Self {
        Self { calls: driver.shared(), driver }
    }

    async fn start_if_needed(&self, network: &str) -> Result<()> {
        let network = self.calls.lookup_by_name(network).await?;
        if !self.driver.starts_on_demand() || self.calls.is_active(&network).await? {
            return Ok(());
        }
        log::info!("network '{network}' is started for a guest");
        match self.calls.create(&network).await {
            // Two guests can want it at once.
            Err(_) if self.calls.is_active(&network).await? => Ok(()),
            started => started,
        }
    }
}

impl NetworkPorts for GuestPorts {
    fn take<'a>(&'a self, network: &'a str, port: &'a str) -> BoxFuture<'a, Result<String>> {
        Box::pin(async move {
            self.start_if_needed(network).await?;
            self.calls.take(network, port).await
        })
    }

    fn reclaim<'a>(&'a self, network: &'a str, port: &'a str) -> BoxFuture<'a, Result<()>> {
        self.calls.reclaim(network, port)
    }

    fn release<'a>(&'a self, network: &'a str, port: Uuid) -> BoxFuture<'a, Result<()>> {
        self.calls.release(network, port)
    }

    fn leases<'a>(&'a self, network: &'a str, mac: MacAddr) -> BoxFuture<'a, Result<Vec<DhcpLease>>> {
        self.calls.leases(network, mac)
    }
}
