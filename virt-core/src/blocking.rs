//! The same API for programs without an async runtime.
//!
//! A blocking connection has a runtime of its own, on which the engine's tasks run. **Never use it from within an async
//! task**: a call would block the thread that has to make it come true, and panics.
//!
//! ```no_run
//! use virt_core::blocking::Connection;
//!
//! let connection = Connection::open("qemu:///embed")?;
//! for domain in connection.list(virt_core::ListFlags::ACTIVE)? {
//!     println!("{} {:?}", domain.name(), domain.state()?);
//! }
//! # Ok::<(), virt_core::Error>(())
//! ```

use std::sync::Arc;

use tokio::runtime::Runtime;
use virt_driver::{ControlInfo, Delivery, DomainEvent, DomainEventFilter, DomainInfo, Subscription};
use virt_types::{
    CreateFlags, DefineFlags, DestroyFlags, DomainStatus, Error, ErrorCode, ErrorDomain, ListFlags,
    RebootFlags, Result, ShutdownFlags, UndefineFlags, Uuid, XmlFlags,
};

/// A connection; see [`crate::Connection`].
#[derive(Debug, Clone)]
pub struct Connection {
    runtime: Arc<Runtime>,
    inner: crate::Connection,
}

/// A domain of a connection; see [`crate::Domain`].
#[derive(Debug, Clone)]
pub struct Domain {
    runtime: Arc<Runtime>,
    inner: crate::Domain,
}

/// Events, one after the other; see [`crate::Connection::events`].
#[derive(Debug)]
pub struct Events {
    runtime: Arc<Runtime>,
    inner: Subscription<DomainEvent>,
}

impl Iterator for Events {
    type Item = Delivery<DomainEvent>;

    fn next(&mut self) -> Option<Self::Item> {
        self.runtime.block_on(self.inner.next())
    }
}

impl Connection {
    /// Opens a connection.
    ///
    /// # Errors
    /// As [`crate::Connection::open`].
    pub fn open(uri: &str) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("virt")
            .enable_all()
            .build()
            .map_err(|error| {
                Error::new(ErrorCode::SystemError, ErrorDomain::None, "cannot start a runtime")
                    .caused_by(error)
            })?;
        let inner = runtime.block_on(crate::Connection::open(uri))?;
        Ok(Self { runtime: Arc::new(runtime), inner })
    }

    /// The async connection behind this one.
    #[must_use]
    pub const fn inner(&self) -> &crate::Connection {
        &self.inner
    }

    fn domain_of(&self, inner: crate::Domain) -> Domain {
        Domain { runtime: Arc::clone(&self.runtime), inner }
    }

    /// As [`crate::Connection::list`].
    ///
    /// # Errors
    /// As [`crate::Connection::list`].
    pub fn list(&self, flags: ListFlags) -> Result<Vec<Domain>> {
        let found = self.runtime.block_on(self.inner.list(flags))?;
        Ok(found.into_iter().map(|inner| self.domain_of(inner)).collect())
    }

    /// As [`crate::Connection::events`].
    ///
    /// # Errors
    /// As [`crate::Connection::events`].
    pub fn events(&self, filter: DomainEventFilter) -> Result<Events> {
        let inner = self.runtime.block_on(self.inner.events(filter))?;
        Ok(Events { runtime: Arc::clone(&self.runtime), inner })
    }

    /// As [`crate::Connection::close`].
    pub fn close(self) {
        self.runtime.block_on(self.inner.close());
    }
}

/// Mirrors calls that take plain arguments: the method of the async handle, on the runtime.
macro_rules! mirror {
    ($handle:ident($async_handle:path) { $($method:ident($($argument:ident: $type:ty),*) -> $answer:ty;)+ } $(made { $($maker:ident($($maker_argument:ident: $maker_type:ty),*);)+ })?) => {
        impl $handle {
            $(
                #[doc = concat!("As [`", stringify!($async_handle), "::", stringify!($method), "`].")]
                ///
                /// # Errors
                #[doc = concat!("As [`", stringify!($async_handle), "::", stringify!($method), "`].")]
                pub fn $method(&self $(, $argument: $type)*) -> Result<$answer> {
                    self.runtime.block_on(self.inner.$method($($argument),*))
                }
            )+
            $($(
                #[doc = concat!("As [`", stringify!($async_handle), "::", stringify!($maker), "`].")]
                ///
                /// # Errors
                #[doc = concat!("As [`", stringify!($async_handle), "::", stringify!($maker), "`].")]
                pub fn $maker(&self $(, $maker_argument: $maker_type)*) -> Result<Domain> {
                    let inner = self.runtime.block_on(self.inner.$maker($($maker_argument),*))?;
                    Ok(Domain { runtime: Arc::clone(&self.runtime), inner })
                }
            )+)?
        }
    };
}

impl Domain {
    /// The async handle behind this one.
    #[must_use]
    pub const fn inner(&self) -> &crate::Domain {
        &self.inner
    }

    /// As [`crate::Domain::name`].
    #[must_use]
    pub fn name(&self) -> &str {
        self.inner.name()
    }

    /// As [`crate::Domain::uuid`].
    #[must_use]
    pub const fn uuid(&self) -> Uuid {
        self.inner.uuid()
    }
}

impl Connection {
    /// As [`crate::Connection::domain`].
    ///
    /// # Errors
    /// As [`crate::Connection::domain`].
    pub fn domain(&self, name: &str) -> Result<Domain> {
        self.runtime.block_on(self.inner.domain(name)).map(|inner| self.domain_of(inner))
    }

    /// As [`crate::Connection::domain_by_uuid`].
    ///
    /// # Errors
    /// As [`crate::Connection::domain_by_uuid`].
    pub fn domain_by_uuid(&self, uuid: Uuid) -> Result<Domain> {
        self.runtime.block_on(self.inner.domain_by_uuid(uuid)).map(|inner| self.domain_of(inner))
    }

    /// As [`crate::Connection::define`].
    ///
    /// # Errors
    /// As [`crate::Connection::define`].
    pub fn define(&self, xml: &str) -> Result<Domain> {
        self.define_with(xml, DefineFlags::empty())
    }

    /// As [`crate::Connection::define_with`].
    ///
    /// # Errors
    /// As [`crate::Connection::define_with`].
    pub fn define_with(&self, xml: &str, flags: DefineFlags) -> Result<Domain> {
        self.runtime.block_on(self.inner.define_with(xml, flags)).map(|inner| self.domain_of(inner))
    }

    /// As [`crate::Connection::create`].
    ///
    /// # Errors
    /// As [`crate::Connection::create`].
    pub fn create(&self, xml: &str, flags: CreateFlags) -> Result<Domain> {
        self.runtime.block_on(self.inner.create(xml, flags)).map(|inner| self.domain_of(inner))
    }
}

mirror! {
    Domain(crate::Domain) {
        shutdown(flags: ShutdownFlags) -> ();
        reboot(flags: RebootFlags) -> ();
        reset() -> ();
        suspend() -> ();
        resume() -> ();
        destroy() -> ();
        destroy_with(flags: DestroyFlags) -> ();
        undefine() -> ();
        undefine_with(flags: UndefineFlags) -> ();
        rename(name: &str) -> ();
        state() -> DomainStatus;
        info() -> DomainInfo;
        control_info() -> ControlInfo;
        xml(flags: XmlFlags) -> String;
        config() -> virt_conf::domain::Domain;
        is_active() -> bool;
        is_persistent() -> bool;
        autostart() -> bool;
        set_autostart(autostart: bool) -> ();
        messages() -> Vec<String>;
    }
    made {
        start();
        start_with(flags: CreateFlags);
    }
}
