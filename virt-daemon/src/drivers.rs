//! The drivers, and which of them a URI is for.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::OnceCell;
use virt_domain::{Layout, Limits};
use virt_driver::{Beside, BoxFuture, Connection, Services, WithBeside};
use virt_interface::HostInterfaces;
use virt_network::NetworkDriver;
use virt_nodedev::HostDevices;
use virt_nwfilter::{Directories, NwFilterDriver};
use virt_qemu::config::Config;
use virt_qemu::driver::QemuDriver;
use virt_rpc::Identity;
use virt_rpc::bind::Opener;
use virt_storage::StorageDriver;
use virt_testdriver::TestConnection;
use virt_types::{Error, ErrorCode, ErrorDomain, Result};

/// The drivers of the daemon. They are opened when they are first asked for.
#[derive(Debug)]
pub struct Drivers {
    privileged: bool,
    config: Config,
    networks_config: virt_network::Config,
    layout: Layout,
    limits: Limits,
    qemu: OnceCell<Arc<QemuDriver>>,
    networks: OnceCell<NetworkDriver>,
    filters: NwFilterDriver,
    filters_started: OnceCell<()>,
    storage: StorageDriver,
    /// What serves the connections of every hypervisor of the host.
    beside: Beside,
}

impl Drivers {
    /// The drivers over these settings.
    #[must_use]
    pub fn new(
        privileged: bool,
        config: Config,
        networks_config: virt_network::Config,
        filters: Directories,
        storage: virt_storage::Layout,
        layout: Layout,
        limits: Limits,
    ) -> Self {
        let filters = NwFilterDriver::new(filters, privileged);
        let storage = StorageDriver::new(storage);
        let beside = Beside {
            interfaces: Some(Arc::new(HostInterfaces::new())),
            nwfilters: Some(Arc::new(filters.clone())),
            node_devices: Some(Arc::new(HostDevices::new())),
            storage_pools: Some(Arc::new(storage.clone())),
            ..Beside::default()
        };
        let (qemu, networks, filters_started) = (OnceCell::new(), OnceCell::new(), OnceCell::new());
        Self {
            privileged,
            config,
            networks_config,
            layout,
            limits,
            qemu,
            networks,
            filters,
            filters_started,
            storage,
            beside,
        }
    }

    /// The QEMU driver.
    ///
    /// # Errors
    /// Where its directories can not be used.
    pub async fn qemu(&self) -> Result<&Arc<QemuDriver>> {
        let open = || async {
            let networks = self.networks().await.inspect_err(|error| {
                log::error!("guests find no virtual networks: {}", error.report());
            });
            let services = Services {
                networks: networks.ok().map(|networks| Arc::new(networks.shared()) as _),
                filters: Some(Arc::new(self.filters.clone())),
                volumes: Some(Arc::new(self.storage.clone())),
                ..Services::default()
            };
            QemuDriver::open_with(self.config.clone(), self.layout.clone(), self.limits, services)
                .await
                .map(Arc::new)
        };
        self.qemu.get_or_try_init(open).await
    }

    /// The virtual networks.
    ///
    /// # Errors
    /// Where their directories can not be used.
    pub async fn networks(&self) -> Result<&NetworkDriver> {
        self.networks.get_or_try_init(|| NetworkDriver::open(self.networks_config.clone())).await
    }

    /// Opens what a client names: a URI without transport and host, as it stands in the call. Nothing stands for the
    /// daemon's own hypervisor.
    ///
    /// # Errors
    /// As stock libvirtd: for a URI of no driver, and for one that its driver does not know.
    pub async fn connect(&self, name: &str) -> Result<Arc<dyn Connection>> {
        let usual = if self.privileged { "qemu:///system" } else { "qemu:///session" };
        let uri = if name.is_empty() { usual } else { name };
        let (scheme, path) = split(uri);
        match scheme {
            "qemu" => {
                check_path(scheme, path, self.privileged)?;
                self.start_filters().await;
                let connection = self.qemu().await?.connect(uri.to_owned());
                let networks = Some(self.networks().await?.shared());
                let beside = Beside { networks, ..self.beside.clone() };
                Ok(Arc::new(WithBeside::new(connection, beside)))
            }
            // Nobody is asked for a name: a host that has users lets no client of a daemon in, as in libvirtd.
            "test" => Ok(Arc::new(TestConnection::open(path)?)),
            _ => {
                let detail = format!("no connection driver available for {uri}");
                Err(Error::new(ErrorCode::NoConnect, ErrorDomain::None, detail).verbatim())
            }
        }
    }

    /// Whether a guest or a network runs, which keeps an idle daemon alive.
    #[must_use]
    pub fn are_needed(&self) -> bool {
        self.qemu.get().is_some_and(|qemu| qemu.has_guests())
            || self.networks.get().is_some_and(NetworkDriver::has_running)
    }

    /// Lays the rules of guests' interfaces, once. Whoever can not have them can still have guests without filters.
    async fn start_filters(&self) {
        let start = || async {
            if let Err(error) = self.filters.start().await {
                log::error!("network filters can not be used: {}", error.report());
            }
        };
        self.filters_started.get_or_init(start).await;
    }

    /// Lays anew what others may have swept away.
    pub async fn reload(&self) {
        if let Some(networks) = self.networks.get() {
            networks.reload().await;
        }
        if self.filters_started.initialized()
            && let Err(error) = self.filters.reload().await
        {
            log::error!("the network filters stay as they were: {}", error.report());
        }
    }

    /// Takes hold of the guests that run, and starts those that are to start with the host, once in its life.
    pub async fn wake(&self) {
        self.start_filters().await;
        self.wake_networks().await;
        self.wake_pools().await;
        let qemu = match self.qemu().await {
            Ok(qemu) => qemu,
            Err(error) => {
                log::error!("the QEMU driver can not be used: {}", error.report());
                return;
            }
        };
        match first_since_boot(&self.config.state_dir) {
            Ok(true) => qemu.start_autostarted().await,
            Ok(false) => {}
            Err(error) => log::warn!("no guest is started by itself: {error}"),
        }
    }

    /// Networks come first, since guests are on them.
    async fn wake_networks(&self) {
        let networks = match self.networks().await {
            Ok(networks) => networks,
            Err(error) => {
                log::error!("virtual networks can not be used: {}", error.report());
                return;
            }
        };
        networks.settle().await;
        match first_since_boot(&self.networks_config.state_dir) {
            Ok(true) => networks.start_autostarted().await,
            Ok(false) => {}
            Err(error) => log::warn!("no network is started by itself: {error}"),
        }
    }

    /// Pools come before guests too: their disks may be in them.
    async fn wake_pools(&self) {
        if let Err(error) = self.storage.settle().await {
            log::error!("storage pools can not be used: {}", error.report());
            return;
        }
        match first_since_boot(&self.storage.layout().state_dir) {
            Ok(true) => self.storage.start_autostarted().await,
            Ok(false) => {}
            Err(error) => log::warn!("no storage pool is started by itself: {error}"),
        }
    }

    /// Lets go of every guest; they run on.
    pub async fn close(&self) {
        if let Some(qemu) = self.qemu.get() {
            qemu.close().await;
        }
    }
}

impl Opener for Drivers {
    /// What a read-only client may not do is refused before any driver is asked.
    fn open<'a>(
        &'a self,
        uri: &'a str,
        _: bool,
        _: &'a Identity,
    ) -> BoxFuture<'a, Result<Arc<dyn Connection>>> {
        Box::pin(self.connect(uri))
    }
}

/// Guests start with the host, not with each daemon: the mark does not outlive a reboot. libvirt's has the same name.
fn first_since_boot(state_dir: &Path) -> std::io::Result<bool> {
    let mark = std::fs::File::options().write(true).create_new(true).open(state_dir.join("autostarted"));
    match mark {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// A URI's scheme and path, without host and parameters: `qemu:///system?a=b` is `qemu` and `/system`.
fn split(uri: &str) -> (&str, &str) {
    let (scheme, rest) = uri.split_once(':').unwrap_or(("", uri));
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let path = match rest.strip_prefix("//") {
        Some(rest) => rest.find('/').map_or("", |at| &rest[at..]),
        None => rest,
    };
    (scheme, path)
}

/// The host's daemon serves a user's path as well: for root, both are the same.
fn check_path(scheme: &str, path: &str, privileged: bool) -> Result<()> {
    let right = if privileged { "/system" } else { "/session" };
    if path == right || (privileged && path == "/session") {
        return Ok(());
    }
    let detail = format!("unexpected {scheme} URI path '{path}', try {scheme}://{right}");
    Err(Error::new(ErrorCode::InternalError, ErrorDomain::None, detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_are_split() {
        for (uri, expected) in [
            ("qemu:///system", ("qemu", "/system")),
            ("qemu:///system?a=/b", ("qemu", "/system")),
            ("qemu://host/system", ("qemu", "/system")),
            ("qemu:/system", ("qemu", "/system")),
            ("test:///a/b.xml", ("test", "/a/b.xml")),
            ("qemu://", ("qemu", "")),
            ("nonsense", ("", "nonsense")),
        ] {
            assert_eq!(split(uri), expected, "{uri}");
        }
    }

    #[test]
    fn paths_are_refused_as_libvirtd_does() {
        for (path, privileged, refusal) in [
            ("/system", true, None),
            ("/session", true, None),
            ("/session", false, None),
            ("/foo", true, Some("internal error: unexpected qemu URI path '/foo', try qemu:///system")),
            ("/", true, Some("internal error: unexpected qemu URI path '/', try qemu:///system")),
            (
                "/system",
                false,
                Some("internal error: unexpected qemu URI path '/system', try qemu:///session"),
            ),
        ] {
            let found = check_path("qemu", path, privileged).err().map(|error| error.to_string());
            assert_eq!(found.as_deref(), refusal);
        }
    }

    #[test]
    fn guests_start_with_the_host_once() {
        let dir = std::env::temp_dir().join(format!("virt-daemon-autostarted-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        assert!(first_since_boot(&dir).unwrap());
        assert!(!first_since_boot(&dir).unwrap());
        std::fs::remove_dir_all(&dir).unwrap();
        assert!(first_since_boot(&dir).is_err());
    }
}
