//! What is done about things that are there when a host is opened.

use std::path::Path;

use crate::host::Host;

/// Whether what is to start with the host does so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(any(feature = "network", feature = "storage")), expect(dead_code, reason = "guests alone"))]
pub(crate) enum First {
    /// It does, once in the host's life.
    Starts,
    /// It is somebody else's business.
    Leaves,
}

impl Host {
    /// Takes hold of what runs, and starts what is to start with the host, once in its life: what a daemon does.
    pub async fn wake(&self) {
        self.settle(First::Starts).await;
        let qemu = match self.qemu().await {
            Ok(qemu) => qemu,
            Err(error) => {
                log::error!("the QEMU driver can not be used: {}", error.report());
                return;
            }
        };
        if first_since_boot(&self.settings.qemu.state_dir, "guest") {
            qemu.start_autostarted().await;
        }
    }

    /// Brings into order what runs, and starts nothing: what a program does that has its engine in itself.
    pub async fn take_hold(&self) {
        // Pools and filters that nobody asks for cost nothing then; of filters, those of interfaces have to be in force.
        #[cfg(feature = "network")]
        self.settle_networks(First::Leaves).await;
        #[cfg(feature = "nwfilter")]
        if self.filters.has_bindings() {
            self.settle_filters().await;
        }
    }

    /// Networks and pools come before guests, which are on them and have their disks in them.
    async fn settle(&self, first: First) {
        #[cfg(feature = "nwfilter")]
        self.settle_filters().await;
        #[cfg(feature = "network")]
        self.settle_networks(first).await;
        #[cfg(feature = "storage")]
        self.settle_pools(first).await;
        #[cfg(not(any(feature = "network", feature = "storage")))]
        let _ = first;
    }
}

/// Whether nobody has started what starts with the host: that is done once in its life, not by each daemon. The mark does not
/// outlive a reboot. libvirt's has the same name.
pub(crate) fn first_since_boot(state_dir: &Path, what: &str) -> bool {
    let mark = std::fs::File::options().write(true).create_new(true).open(state_dir.join("autostarted"));
    match mark {
        Ok(_) => true,
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => false,
        Err(error) => {
            log::warn!("no {what} is started by itself: {error}");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_start_with_the_host_once() {
        let dir = std::env::temp_dir().join(format!("virt-engine-autostarted-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        assert!(first_since_boot(&dir, "guest"));
        assert!(!first_since_boot(&dir, "guest"));
        std::fs::remove_dir_all(&dir).unwrap();
        assert!(!first_since_boot(&dir, "guest"));
    }
}
