//! Connections, and the host that those to `test:///default` share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use virt_driver::{
    BoxFuture, Checkpoints, Connection, DomainStatistics, DomainTuning, Domains, Guests, Hypervisor,
    Interfaces, Networks, NodeDevices, SavedStates, Snapshots, StoragePools,
};
use virt_types::{ErrorCode, Result};

use crate::document::{self, Credentials};
use crate::error::{invalid_arg, refuse};
use crate::host::Host;

/// A connection to the test driver.
#[derive(Debug, Clone)]
pub struct TestConnection {
    host: Arc<Mutex<Host>>,
    uri: String,
}

/// The answer of a call.
pub(crate) type Answer<'a, T> = BoxFuture<'a, Result<T>>;

/// The host of `test:///default`, as long as somebody is connected to it.
static DEFAULT: Mutex<Weak<Mutex<Host>>> = Mutex::new(Weak::new());

impl TestConnection {
    /// Opens `test://PATH`: the shared host for `/default`, otherwise one of its own, described by that file.
    ///
    /// # Errors
    /// For an empty path, a file that can not be read or that describes no host; `VIR_ERR_AUTH_FAILED` for a host that
    /// names users, since nobody is asked.
    pub fn open(path: &str) -> Result<Self> {
        Self::open_as(path, &|_| None)
    }

    /// The same, asking for name and password where the host names users.
    ///
    /// # Errors
    /// As [`TestConnection::open`]; `VIR_ERR_AUTH_FAILED` if they are not those of a user.
    pub fn open_as(path: &str, ask: &Credentials<'_>) -> Result<Self> {
        let host = match path {
            "" | "/" => {
                return Err(invalid_arg("testOpen: supply a path or use test:///default"));
            }
            "/default" => shared()?,
            file => Arc::new(Mutex::new(document::from_file(file)?)),
        };
        let connection = Self { host, uri: format!("test://{path}") };
        let users = std::mem::take(&mut connection.host().users);
        let admitted = document::authenticate(&users, ask);
        connection.host().users = users;
        admitted.map(|()| connection)
    }

    /// The canonical URI.
    pub(crate) fn canonical_uri(&self) -> &str {
        &self.uri
    }

    /// The host. No call waits while it has it.
    pub(crate) fn host(&self) -> MutexGuard<'_, Host> {
        // A call that panics may leave an object half changed, which no other object depends on.
        self.host.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers a call from the host, at once.
    pub(crate) fn answer<'a, T: Send + 'a>(
        &self,
        call: impl FnOnce(&mut Host) -> Result<T>,
    ) -> Answer<'a, T> {
        let answer = call(&mut self.host());
        Box::pin(std::future::ready(answer))
    }
}

fn shared() -> Result<Arc<Mutex<Host>>> {
    let mut shared = DEFAULT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(host) = shared.upgrade() {
        return Ok(host);
    }
    let host = document::default_host()
        .map_err(|error| refuse(ErrorCode::InternalError, "the default host is broken").caused_by(error))?;
    let host = Arc::new(Mutex::new(host));
    *shared = Arc::downgrade(&host);
    Ok(host)
}

impl Connection for TestConnection {
    fn hypervisor(&self) -> Option<&dyn Hypervisor> {
        Some(self)
    }

    fn domains(&self) -> Option<&dyn Domains> {
        Some(self)
    }

    fn tuning(&self) -> Option<&dyn DomainTuning> {
        Some(self)
    }

    fn statistics(&self) -> Option<&dyn DomainStatistics> {
        Some(self)
    }

    fn guests(&self) -> Option<&dyn Guests> {
        Some(self)
    }

    fn networks(&self) -> Option<&dyn Networks> {
        Some(self)
    }

    fn interfaces(&self) -> Option<&dyn Interfaces> {
        Some(self)
    }

    fn node_devices(&self) -> Option<&dyn NodeDevices> {
        Some(self)
    }

    fn storage_pools(&self) -> Option<&dyn StoragePools> {
        Some(self)
    }

    fn snapshots(&self) -> Option<&dyn Snapshots> {
        Some(self)
    }

    fn checkpoints(&self) -> Option<&dyn Checkpoints> {
        Some(self)
    }

    fn saved_states(&self) -> Option<&dyn SavedStates> {
        Some(self)
    }
}
