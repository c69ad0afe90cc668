//! The drivers, each opened when it is first asked for.

use std::sync::Arc;

use tokio::sync::OnceCell;
use virt_driver::{Beside, Connection, Services, WithBeside};
use virt_qemu::driver::{QemuConnection, QemuDriver};
use virt_types::Result;

use crate::settings::Settings;

/// The drivers of a host. Nothing is opened before it is asked for.
#[derive(Debug)]
pub struct Host {
    pub(crate) settings: Settings,
    pub(crate) qemu: OnceCell<Arc<QemuDriver>>,
    #[cfg(feature = "network")]
    pub(crate) networks: OnceCell<virt_network::NetworkDriver>,
    #[cfg(feature = "nwfilter")]
    pub(crate) filters: virt_nwfilter::NwFilterDriver,
    #[cfg(feature = "storage")]
    pub(crate) storage: virt_storage::StorageDriver,
    #[cfg(feature = "secret")]
    secrets: virt_secret::SecretDriver,
    /// What serves the connections of every hypervisor of the host, but for the networks.
    beside: Beside,
}

impl Host {
    /// The drivers over these settings.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        #[cfg(feature = "nwfilter")]
        let filters = virt_nwfilter::NwFilterDriver::new(settings.filters.clone(), settings.privileged);
        #[cfg(feature = "storage")]
        let storage = virt_storage::StorageDriver::new(settings.storage.clone());
        #[cfg(feature = "secret")]
        let secrets = virt_secret::SecretDriver::new(settings.secrets.clone());
        #[cfg(all(feature = "secret", feature = "storage"))]
        storage.set_secrets(Arc::new(secrets.clone()));
        let beside = Beside {
            #[cfg(feature = "secret")]
            secrets: Some(Arc::new(secrets.clone())),
            #[cfg(feature = "interface")]
            interfaces: Some(Arc::new(virt_interface::HostInterfaces::new())),
            #[cfg(feature = "nwfilter")]
            nwfilters: Some(Arc::new(filters.clone())),
            #[cfg(feature = "nodedev")]
            node_devices: Some(Arc::new(virt_nodedev::HostDevices::new())),
            #[cfg(feature = "storage")]
            storage_pools: Some(Arc::new(storage.clone())),
            ..Beside::default()
        };
        Self {
            settings,
            qemu: OnceCell::new(),
            #[cfg(feature = "network")]
            networks: OnceCell::new(),
            #[cfg(feature = "nwfilter")]
            filters,
            #[cfg(feature = "storage")]
            storage,
            #[cfg(feature = "secret")]
            secrets,
            beside,
        }
    }

    /// The QEMU driver.
    ///
    /// # Errors
    /// Where its directories can not be used.
    pub async fn qemu(&self) -> Result<&Arc<QemuDriver>> {
        let open = || async {
            // With every feature nothing is left over.
            #[allow(clippy::needless_update)]
            let services = Services {
                #[cfg(feature = "network")]
                networks: self.networks().await.map(|networks| Arc::new(networks.guest_ports()) as _),
                #[cfg(feature = "nwfilter")]
                filters: Some(Arc::new(self.filters.clone())),
                #[cfg(feature = "storage")]
                volumes: Some(Arc::new(self.storage.clone())),
                #[cfg(feature = "secret")]
                secrets: Some(Arc::new(self.secrets.clone())),
                ..Services::default()
            };
            let settings = &self.settings;
            let (config, layout) = (settings.qemu.clone(), settings.layout.clone());
            QemuDriver::open_with(config, layout, settings.limits, services).await.map(Arc::new)
        };
        self.qemu.get_or_try_init(open).await
    }

    /// A connection under this URI. It leaves the drivers to others when it is closed.
    ///
    /// # Errors
    /// Where the QEMU driver's directories can not be used.
    pub async fn connect(&self, uri: String) -> Result<Arc<dyn Connection>> {
        let connection = self.qemu().await?.connect(uri);
        Ok(self.beside(connection).await)
    }

    /// The one connection of a program that has its engine in itself, when it has brought into order what runs. Closing it lets
    /// go of every guest.
    ///
    /// # Errors
    /// As [`Host::connect`].
    pub async fn into_connection(self, uri: String) -> Result<Arc<dyn Connection>> {
        self.take_hold().await;
        let connection = self.qemu().await?.sole_connection(uri);
        Ok(self.beside(connection).await)
    }

    async fn beside(&self, connection: QemuConnection) -> Arc<dyn Connection> {
        let beside = Beside {
            #[cfg(feature = "network")]
            networks: self.networks().await.map(virt_network::NetworkDriver::shared),
            ..self.beside.clone()
        };
        Arc::new(WithBeside::new(connection, beside))
    }

    /// Whether a guest or a network runs, which keeps an idle daemon alive.
    #[must_use]
    pub fn is_needed(&self) -> bool {
        let guests = self.qemu.get().is_some_and(|qemu| qemu.has_guests());
        #[cfg(feature = "network")]
        let guests = guests || self.networks.get().is_some_and(virt_network::NetworkDriver::has_running);
        guests
    }

    /// Lays anew what others may have swept away.
    pub async fn reload(&self) {
        #[cfg(feature = "network")]
        if let Some(networks) = self.networks.get() {
            networks.reload().await;
        }
        #[cfg(feature = "nwfilter")]
        self.reload_filters().await;
    }

    /// Lets go of every guest; they run on. Connections made by [`Host::into_connection`] do so by themselves.
    pub async fn close(&self) {
        if let Some(qemu) = self.qemu.get() {
            qemu.close().await;
        }
    }
}
