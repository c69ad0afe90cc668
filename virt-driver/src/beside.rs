//! Drivers beside a hypervisor's, on one connection.

use std::fmt;
use std::sync::Arc;

use crate::{
    BlockJobs, BoxFuture, Checkpoints, Connection, DomainJobs, DomainStatistics, DomainTuning, Domains,
    Guests, Hypervisor, Interfaces, Migration, Networks, NodeDevices, NwFilters, SavedStates, Secrets,
    Snapshots, StoragePools,
};

/// Expands the groups of calls: what each is answered by, and the connection that answers by them.
macro_rules! groups {
    ($($(#[$doc:meta])* $group:ident: $trait:ident,)+) => {
        /// Who answers groups of calls that the hypervisor's own driver does not. Clones share the drivers.
        #[derive(Clone, Default)]
        pub struct Beside {
            $(
                $(#[$doc])*
                pub $group: Option<Arc<dyn $trait>>,
            )+
        }

        impl fmt::Debug for Beside {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct("Beside")$(.field(stringify!($group), &self.$group.is_some()))+.finish()
            }
        }

        impl<C: Connection> Connection for WithBeside<C> {
            $(
                fn $group(&self) -> Option<&dyn $trait> {
                    self.hypervisor.$group().or(self.beside.$group.as_deref())
                }
            )+

            fn close(&self) -> BoxFuture<'_, ()> {
                self.hypervisor.close()
            }
        }
    };
}

/// A hypervisor's connection with other drivers beside it. Groups that the hypervisor has are its own.
///
/// ```
/// use std::sync::Arc;
/// use virt_driver::{Beside, Connection, Nothing, WithBeside};
///
/// let beside = Beside { networks: Some(Arc::new(Nothing)), ..Beside::default() };
/// let connection = WithBeside::new(Nothing, beside);
/// assert!(connection.networks().is_some());
/// assert!(connection.secrets().is_none());
/// ```
#[derive(Debug)]
pub struct WithBeside<C> {
    hypervisor: C,
    beside: Beside,
}

impl<C: Connection> WithBeside<C> {
    /// The connection, and what stands beside it.
    pub const fn new(hypervisor: C, beside: Beside) -> Self {
        Self { hypervisor, beside }
    }
}

crate::for_each_group!(groups);
