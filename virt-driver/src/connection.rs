//! A connection: which groups of calls its driver has.

use crate::{
    BlockJobs, BoxFuture, Checkpoints, DomainJobs, DomainStatistics, DomainTuning, Domains, Guests,
    Hypervisor, Interfaces, Migration, Networks, NodeDevices, NwFilters, SavedStates, Secrets, Snapshots,
    StoragePools,
};

/// The groups of calls: the only list of them. `for_each_group!(name)` expands `name!` with a documented row
/// `method: Trait,` of each; whoever has to do with every group takes them from here.
#[macro_export]
macro_rules! for_each_group {
    ($expand:ident) => {
        $expand! {
            /// The hypervisor and its host.
            hypervisor: Hypervisor,
            /// Domains.
            domains: Domains,
            /// Placement and limits of domains.
            tuning: DomainTuning,
            /// Statistics of domains.
            statistics: DomainStatistics,
            /// What only the guest can tell or do.
            guests: Guests,
            /// The long jobs of domains.
            jobs: DomainJobs,
            /// Saved states and core dumps.
            saved_states: SavedStates,
            /// Snapshots of domains.
            snapshots: Snapshots,
            /// Checkpoints and backups of domains.
            checkpoints: Checkpoints,
            /// Jobs on the disks of domains.
            block_jobs: BlockJobs,
            /// Migration.
            migration: Migration,
            /// Virtual networks.
            networks: Networks,
            /// Storage pools and their volumes.
            storage_pools: StoragePools,
            /// Devices of the host.
            node_devices: NodeDevices,
            /// Secrets.
            secrets: Secrets,
            /// Network filters.
            nwfilters: NwFilters,
            /// Network interfaces of the host.
            interfaces: Interfaces,
        }
    };
}

/// Expands the groups of calls once: the trait that hands them out, and a driver without any.
macro_rules! groups {
    ($($(#[$doc:meta])* $group:ident: $trait:ident,)+) => {
        /// One opened connection. Dropping it ends what is bound to it, such as domains started with autodestroy.
        ///
        /// A group that the driver lacks is `None`; its calls answer `VIR_ERR_NO_SUPPORT`, which is what those of
        /// [`Nothing`] do.
        pub trait Connection: Send + Sync {
            $(
                $(#[$doc])*
                fn $group(&self) -> Option<&dyn $trait> {
                    None
                }
            )+

            /// Ends what is bound to the connection, and answers when that is done; dropping it does not wait.
            fn close(&self) -> BoxFuture<'_, ()> {
                Box::pin(std::future::ready(()))
            }
        }

        $(impl $trait for Nothing {})+
    };
}

/// A driver that can do nothing: each of its calls answers `VIR_ERR_NO_SUPPORT` and its name.
///
/// ```
/// use virt_driver::{Connection, Networks, Nothing};
/// let driver: &dyn Connection = &Nothing;
/// let networks: &dyn Networks = driver.networks().unwrap_or(&Nothing);
/// # let _ = networks;
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Nothing;

impl Connection for Nothing {}

for_each_group!(groups);

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
