//! Connections to an engine in this process.

use std::path::PathBuf;
use std::sync::Arc;

use virt_domain::{Layout, Lease, Limits, Registry};
use virt_driver::{BoxFuture, Connection, Domains, Hypervisor};
use virt_types::{Error, ErrorCode, ErrorDomain, Result};

use crate::config::Config;
use crate::host::Host;
use crate::process::QemuBackend;

/// Where an engine keeps its files; processes that open the same ones share its domains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Directories {
    /// All below one directory.
    Root(PathBuf),
    /// The user's own (XDG base directories).
    User,
    /// The host's.
    System,
}

impl Directories {
    /// The driver's settings there.
    ///
    /// # Errors
    /// For a user without a home, and for a user other than root who wants the host's.
    pub fn config(&self) -> Result<Config> {
        match self {
            Self::Root(root) => Ok(Config::in_dir(root)),
            Self::User => virt_sys::user::Directories::of_this_process()
                .map(|directories| Config::of_user(&directories))
                .map_err(|error| cannot("find the user's directories", error)),
            Self::System if virt_sys::user::effective_uid() == 0 => Ok(Config::host()),
            Self::System => Err(Error::new(
                ErrorCode::OperationDenied,
                ErrorDomain::Qemu,
                "the host's domains belong to root",
            )
            .with_hint("run as root, or use qemu:///embed for domains of your own")),
        }
    }
}

fn cannot(what: &str, error: virt_sys::Error) -> Error {
    Error::new(ErrorCode::SystemError, ErrorDomain::Qemu, format!("cannot {what}")).caused_by(error)
}

/// A connection to an engine in this process.
#[derive(Debug)]
pub struct QemuConnection {
    pub(super) registry: Registry,
    pub(super) backend: Arc<QemuBackend>,
    pub(super) lease: LeaseOf,
    pub(super) uri: String,
}

/// The connection's life. Kept apart, so that the connection can be shown without it.
pub(super) struct LeaseOf(pub(super) Lease);

impl std::fmt::Debug for LeaseOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Lease").field(&self.0.id()).finish()
    }
}

impl QemuConnection {
    /// Opens the engine on its directories, and takes hold of the guests that nobody holds.
    ///
    /// # Errors
    /// Where the directories can not be used.
    pub async fn open(directories: Directories, uri: String) -> Result<Self> {
        Self::open_with(directories, uri, Limits::default()).await
    }

    /// The same with other limits than the usual ones.
    ///
    /// # Errors
    /// As [`QemuConnection::open`].
    pub async fn open_with(directories: Directories, uri: String, limits: Limits) -> Result<Self> {
        let config = directories.config()?;
        let layout = Layout {
            autostart_dir: config.config_dir.join("autostart"),
            config_dir: config.config_dir.clone(),
            status_dir: config.state_dir.join("status"),
            run_dir: config.state_dir.clone(),
        };
        let backend = Arc::new(QemuBackend::new(config, Host::detect()).with_patience(limits.call));
        let (registry, problems) = Registry::open(Arc::clone(&backend) as _, layout, limits).await?;
        for problem in problems {
            log::warn!("{}: {}", problem.path.display(), problem.error);
        }
        let lease = LeaseOf(registry.connect());
        Ok(Self { registry, backend, lease, uri })
    }

    /// Starts every domain that is to start with the engine; the failures are logged.
    pub async fn start_autostarted(&self) {
        for (name, error) in self.registry.start_autostarted().await {
            log::warn!("cannot start '{name}': {}", error.report());
        }
    }
}

impl Connection for QemuConnection {
    fn hypervisor(&self) -> Option<&dyn Hypervisor> {
        Some(self)
    }

    fn domains(&self) -> Option<&dyn Domains> {
        Some(self)
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.lease.0.close().await;
            // The next process finds nothing half done.
            self.registry.clone().close().await;
        })
    }
}
