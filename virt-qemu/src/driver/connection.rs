//! Connections to an engine in this process.

use std::path::PathBuf;
use std::sync::Arc;

use virt_domain::{Layout, Lease, Limits, Registry};
use virt_driver::{
    BlockJobs, BoxFuture, Checkpoints, Connection, DomainJobs, DomainStatistics, DomainTuning, Domains,
    Guests, Hypervisor, SavedStates, Services, Snapshots,
};
use virt_types::{Error, ErrorCode, ErrorDomain, ListFlags, Result};

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
            Self::Root(root) => {
                Ok(Config { privileged: virt_sys::user::effective_uid() == 0, ..Config::in_dir(root) })
            }
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

    /// Where the engine keeps what it knows of domains under these settings.
    #[must_use]
    pub fn layout(config: &Config) -> Layout {
        Layout {
            autostart_dir: config.config_dir.join("autostart"),
            config_dir: config.config_dir.clone(),
            status_dir: config.state_dir.join("status"),
            run_dir: config.state_dir.clone(),
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
    owns_engine: bool,
}

/// The connection's life. Kept apart, so that the connection can be shown without it.
pub(super) struct LeaseOf(pub(super) Lease);

impl std::fmt::Debug for LeaseOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Lease").field(&self.0.id()).finish()
    }
}

/// The driver of a process: its connections share one engine.
///
/// ```no_run
/// use virt_qemu::driver::{Directories, Limits, QemuDriver};
///
/// # async fn example() -> virt_types::Result<()> {
/// let config = Directories::System.config()?;
/// let layout = Directories::layout(&config);
/// let driver = QemuDriver::open(config, layout, Limits::default()).await?;
/// let first = driver.connect("qemu:///system".to_owned());
/// let second = driver.connect("qemu:///system".to_owned());
/// # drop((first, second));
/// driver.close().await;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct QemuDriver {
    registry: Registry,
    backend: Arc<QemuBackend>,
}

impl QemuDriver {
    /// Opens the engine on its directories, and takes hold of the guests that nobody holds.
    ///
    /// # Errors
    /// Where the directories can not be used.
    pub async fn open(config: Config, layout: Layout, limits: Limits) -> Result<Self> {
        Self::open_with(config, layout, limits, Services::default()).await
    }

    /// The same, where other drivers do something for the guests.
    ///
    /// # Errors
    /// As [`QemuDriver::open`].
    pub async fn open_with(
        config: Config,
        layout: Layout,
        limits: Limits,
        services: Services,
    ) -> Result<Self> {
        let backend = QemuBackend::new(config, Host::detect()).with_patience(limits.call);
        let backend = Arc::new(backend.with_services(services));
        let (registry, problems) = Registry::open(Arc::clone(&backend) as _, layout, limits).await?;
        for problem in problems {
            log::warn!("{}: {}", problem.path.display(), problem.error);
        }
        Ok(Self { registry, backend })
    }

    /// A connection under this URI. Closing it ends what is bound to it, and leaves the engine to the others.
    #[must_use]
    pub fn connect(&self, uri: String) -> QemuConnection {
        let (registry, backend) = (self.registry.clone(), Arc::clone(&self.backend));
        QemuConnection { lease: LeaseOf(registry.connect()), registry, backend, uri, owns_engine: false }
    }

    /// The one connection of an engine: closing it closes the engine as well.
    #[must_use]
    pub fn sole_connection(&self, uri: String) -> QemuConnection {
        QemuConnection { owns_engine: true, ..self.connect(uri) }
    }

    /// Whether a guest runs.
    #[must_use]
    pub fn has_guests(&self) -> bool {
        !self.registry.list(ListFlags::ACTIVE).is_empty()
    }

    /// Starts every domain that is to start with the engine; the failures are logged.
    pub async fn start_autostarted(&self) {
        for (name, error) in self.registry.start_autostarted().await {
            log::warn!("cannot start '{name}': {}", error.report());
        }
    }

    /// Closes the engine under all connections: every guest is let go of and runs on.
    pub async fn close(&self) {
        self.registry.clone().close().await;
    }
}

impl QemuConnection {
    /// Opens the engine on its directories, and takes hold of the guests that nobody holds.
    ///
    /// # Errors
    /// Where the directories can not be used.
    pub async fn open(directories: Directories, uri: String) -> Result<Self> {
        let config = directories.config()?;
        let layout = Directories::layout(&config);
        Ok(QemuDriver::open(config, layout, Limits::default()).await?.sole_connection(uri))
    }
}

impl Connection for QemuConnection {
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

    fn jobs(&self) -> Option<&dyn DomainJobs> {
        Some(self)
    }

    fn saved_states(&self) -> Option<&dyn SavedStates> {
        Some(self)
    }

    fn snapshots(&self) -> Option<&dyn Snapshots> {
        Some(self)
    }

    fn checkpoints(&self) -> Option<&dyn Checkpoints> {
        Some(self)
    }

    fn block_jobs(&self) -> Option<&dyn BlockJobs> {
        Some(self)
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.lease.0.close().await;
            if self.owns_engine {
                // The next process finds nothing half done.
                self.registry.clone().close().await;
            }
        })
    }
}
