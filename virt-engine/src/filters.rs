//! Network filters.

use crate::host::Host;

impl Host {
    /// Lays the rules of guests' interfaces. Whoever can not have them can still have guests without filters.
    pub(crate) async fn settle_filters(&self) {
        if let Err(error) = self.filters.start().await {
            log::error!("network filters can not be used: {}", error.report());
        }
    }

    pub(crate) async fn reload_filters(&self) {
        if let Err(error) = self.filters.reload().await {
            log::error!("the network filters stay as they were: {}", error.report());
        }
    }
}
