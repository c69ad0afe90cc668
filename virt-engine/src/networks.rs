//! Virtual networks, which one process at a time has.

use virt_network::NetworkDriver;
use virt_types::{Error, ErrorCode};

use crate::host::Host;
use crate::wake::{First, first_since_boot};

impl Host {
    /// The virtual networks, when what the last process was interrupted in is undone or finished; none where their directories
    /// can not be used, or another process has them.
    pub async fn networks(&self) -> Option<&NetworkDriver> {
        let open = || async {
            let networks = NetworkDriver::open(self.settings.networks.clone()).await?;
            networks.settle().await;
            Ok(networks)
        };
        match self.networks.get_or_try_init(open).await {
            Ok(networks) => Some(networks),
            Err::<_, Error>(error) if error.code() == ErrorCode::OperationInvalid => {
                log::debug!("virtual networks are served elsewhere: {}", error.report());
                None
            }
            Err(error) => {
                log::error!("guests find no virtual networks: {}", error.report());
                None
            }
        }
    }

    pub(crate) async fn settle_networks(&self, first: First) {
        let Some(networks) = self.networks().await else { return };
        if first == First::Starts && first_since_boot(&self.settings.networks.state_dir, "network") {
            networks.start_autostarted().await;
        }
    }
}
