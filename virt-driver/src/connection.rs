//! A connection: which groups of calls its driver has.

use crate::{
    BoxFuture, Domains, Hypervisor, Interfaces, Networks, NodeDevices, NwFilters, Secrets, StoragePools,
};

/// One opened connection. Dropping it ends what is bound to it, such as domains started with autodestroy.
///
/// A group that the driver lacks is `None`; its calls answer `VIR_ERR_NO_SUPPORT`.
pub trait Connection: Send + Sync {
    /// The hypervisor and its host.
    fn hypervisor(&self) -> Option<&dyn Hypervisor> {
        None
    }

    /// Domains.
    fn domains(&self) -> Option<&dyn Domains> {
        None
    }

    /// Virtual networks.
    fn networks(&self) -> Option<&dyn Networks> {
        None
    }

    /// Storage pools and their volumes.
    fn storage_pools(&self) -> Option<&dyn StoragePools> {
        None
    }

    /// Devices of the host.
    fn node_devices(&self) -> Option<&dyn NodeDevices> {
        None
    }

    /// Secrets.
    fn secrets(&self) -> Option<&dyn Secrets> {
        None
    }

    /// Network filters.
    fn nwfilters(&self) -> Option<&dyn NwFilters> {
        None
    }

    /// Network interfaces of the host.
    fn interfaces(&self) -> Option<&dyn Interfaces> {
        None
    }

    /// Ends what is bound to the connection, and answers when that is done; dropping it does not wait.
    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

const _: Option<&dyn Connection> = None;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_driver_has_only_what_it_says() {
        struct Bare;
        impl Hypervisor for Bare {}
        impl Connection for Bare {
            fn hypervisor(&self) -> Option<&dyn Hypervisor> {
                Some(self)
            }
        }
        let connection: Box<dyn Connection> = Box::new(Bare);
        assert!(connection.hypervisor().is_some());
        assert!(connection.domains().is_none() && connection.secrets().is_none());
    }
}
