//! What a hypervisor driver asks of the other drivers, handed to it when it is made.

use std::sync::Arc;

use virt_types::{Error, ErrorCode, ErrorDomain, MacAddr, Result, Uuid};

use crate::{BoxFuture, DhcpLease, NetworkPortRef, Networks, NwFilters};

/// Virtual networks as a hypervisor sees them. Documents of ports are libvirt's `<networkport>`.
pub trait NetworkPorts: Send + Sync {
    /// Takes a port: `port` says who wants it and what its interface asks for, the answer what it came to.
    /// `VIR_ERR_NO_NETWORK` if there is no such network, `VIR_ERR_OPERATION_INVALID` if it is not started.
    fn take<'a>(&'a self, network: &'a str, port: &'a str) -> BoxFuture<'a, Result<String>>;

    /// Tells of a port that was taken before the networks' driver last started, from what it came to then.
    fn reclaim<'a>(&'a self, network: &'a str, port: &'a str) -> BoxFuture<'a, Result<()>>;

    /// Gives a port back; one that is already gone is no error.
    fn release<'a>(&'a self, network: &'a str, port: Uuid) -> BoxFuture<'a, Result<()>>;

    /// The addresses that a network has given to an interface.
    fn leases<'a>(&'a self, network: &'a str, mac: MacAddr) -> BoxFuture<'a, Result<Vec<DhcpLease>>>;
}

/// `VIR_NETWORK_PORT_CREATE_RECLAIM`
const RECLAIM: u32 = 0x1;

/// Whoever has networks has ports: a driver in this process, or a peer.
impl NetworkPorts for Arc<dyn Networks> {
    fn take<'a>(&'a self, network: &'a str, port: &'a str) -> BoxFuture<'a, Result<String>> {
        Box::pin(async move {
            let network = self.lookup_by_name(network).await?;
            let port = self.create_port(&network, port, 0).await?;
            self.port_xml_desc(&port, 0).await
        })
    }

    fn reclaim<'a>(&'a self, network: &'a str, port: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let network = self.lookup_by_name(network).await?;
            self.create_port(&network, port, RECLAIM).await.map(drop)
        })
    }

    fn release<'a>(&'a self, network: &'a str, port: Uuid) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let released = async {
                let network = self.lookup_by_name(network).await?;
                self.delete_port(&NetworkPortRef { network, uuid: port }, 0).await
            };
            match released.await {
                Err(error)
                    if matches!(
                        error.code(),
                        ErrorCode::NoNetwork | ErrorCode::NoNetworkPort | ErrorCode::OperationInvalid
                    ) =>
                {
                    Ok(())
                }
                outcome => outcome,
            }
        })
    }

    fn leases<'a>(&'a self, network: &'a str, mac: MacAddr) -> BoxFuture<'a, Result<Vec<DhcpLease>>> {
        Box::pin(async move {
            let network = self.lookup_by_name(network).await?;
            self.dhcp_leases(&network, Some(&mac.to_string()), 0).await
        })
    }
}

/// A volume that a hypervisor has asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundVolume {
    /// The type of its pool, as documents spell it.
    pub pool_type: String,
    /// Where its bytes are on this host.
    pub path: String,
}

/// Storage volumes as a hypervisor sees them.
pub trait VolumePaths: Send + Sync {
    /// Where a volume is. `VIR_ERR_NO_STORAGE_POOL` and `VIR_ERR_NO_STORAGE_VOL` if there is none,
    /// `VIR_ERR_CONFIG_UNSUPPORTED` if its pool does not run.
    fn find<'a>(&'a self, pool: &'a str, volume: &'a str) -> BoxFuture<'a, Result<FoundVolume>>;
}

/// How configuration names a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSelector {
    /// By identity.
    Uuid(Uuid),
    /// By what it is for.
    Usage {
        /// As in [`SecretRef`](crate::SecretRef).
        usage_type: i32,
        /// As in [`SecretRef`](crate::SecretRef).
        id: String,
    },
}

/// Secrets as a hypervisor sees them.
pub trait SecretValues: Send + Sync {
    /// The value. `VIR_ERR_NO_SECRET` if there is none.
    fn value<'a>(&'a self, selector: &'a SecretSelector) -> BoxFuture<'a, Result<Vec<u8>>>;
}

/// Network filters as a hypervisor sees them.
pub trait PortFilters: Send + Sync {
    /// Filters an interface of a guest before it sends or gets anything: the document is libvirt's `<filterbinding>`. What an
    /// interface of the same name left behind gives way.
    fn bind<'a>(&'a self, binding: &'a str) -> BoxFuture<'a, Result<()>>;

    /// Lets go of the interface with this device; one that is not bound is no error.
    fn unbind<'a>(&'a self, port_device: &'a str) -> BoxFuture<'a, Result<()>>;
}

/// Whoever has filters filters interfaces: a driver in this process, or a peer.
impl<T: NwFilters> PortFilters for T {
    fn bind<'a>(&'a self, binding: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let refused = match self.create_binding(binding, 0).await {
                Err(error) if error.code() == ErrorCode::OperationFailed => error,
                outcome => return outcome.map(drop),
            };
            // Its name stands in the document only.
            let twin =
                self.bindings(0).await?.into_iter().find(|twin| {
                    refused.detail() == format!("binding '{}' already exists", twin.port_device)
                });
            self.delete_binding(&twin.ok_or(refused)?).await?;
            self.create_binding(binding, 0).await.map(drop)
        })
    }

    fn unbind<'a>(&'a self, port_device: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let found = match self.binding_by_port(port_device).await {
                Err(error) if error.code() == ErrorCode::NoNwfilterBinding => return Ok(()),
                found => found?,
            };
            self.delete_binding(&found).await
        })
    }
}

const _: Option<(&dyn NetworkPorts, &dyn VolumePaths, &dyn SecretValues)> = None;
const _: Option<&dyn PortFilters> = None;

/// The services that a hypervisor driver was given. What is missing answers `VIR_ERR_NO_SUPPORT`.
#[derive(Clone, Default)]
pub struct Services {
    /// Virtual networks.
    pub networks: Option<Arc<dyn NetworkPorts>>,
    /// Storage volumes.
    pub volumes: Option<Arc<dyn VolumePaths>>,
    /// Secrets.
    pub secrets: Option<Arc<dyn SecretValues>>,
    /// Network filters.
    pub filters: Option<Arc<dyn PortFilters>>,
}

impl std::fmt::Debug for Services {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Services")
            .field("networks", &self.networks.is_some())
            .field("volumes", &self.volumes.is_some())
            .field("secrets", &self.secrets.is_some())
            .field("filters", &self.filters.is_some())
            .finish()
    }
}

fn missing(what: &str) -> Error {
    Error::new(
        ErrorCode::NoSupport,
        ErrorDomain::None,
        format!("{what} are not available on this connection"),
    )
}

impl Services {
    /// The virtual networks.
    ///
    /// # Errors
    /// `VIR_ERR_NO_SUPPORT` if the connection has none.
    pub fn networks(&self) -> Result<&dyn NetworkPorts> {
        self.networks.as_deref().ok_or_else(|| missing("virtual networks"))
    }

    /// The storage volumes.
    ///
    /// # Errors
    /// `VIR_ERR_NO_SUPPORT` if the connection has none.
    pub fn volumes(&self) -> Result<&dyn VolumePaths> {
        self.volumes.as_deref().ok_or_else(|| missing("storage pools"))
    }

    /// The secrets.
    ///
    /// # Errors
    /// `VIR_ERR_NO_SUPPORT` if the connection has none.
    pub fn secrets(&self) -> Result<&dyn SecretValues> {
        self.secrets.as_deref().ok_or_else(|| missing("secrets"))
    }

    /// The network filters.
    ///
    /// # Errors
    /// `VIR_ERR_NO_SUPPORT` if the connection has none.
    pub fn filters(&self) -> Result<&dyn PortFilters> {
        self.filters.as_deref().ok_or_else(|| missing("network filters"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_handed_in_is_refused_by_name() {
        let services = Services::default();
        let Err(error) = services.volumes() else { panic!("no volumes were handed in") };
        assert_eq!(error.code(), ErrorCode::NoSupport);
        assert!(error.detail().contains("storage pools"));
    }
}
