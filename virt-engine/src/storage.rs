//! Storage pools.

use crate::host::Host;
use crate::wake::{First, first_since_boot};

impl Host {
    pub(crate) async fn settle_pools(&self, first: First) {
        if let Err(error) = self.storage.settle().await {
            log::error!("storage pools can not be used: {}", error.report());
            return;
        }
        if first == First::Starts && first_since_boot(&self.storage.layout().state_dir, "storage pool") {
            self.storage.start_autostarted().await;
        }
    }
}
