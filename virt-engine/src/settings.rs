//! Where the drivers of a host keep their files, and how they behave.

use std::path::Path;

use virt_domain::{Layout, Limits};
use virt_qemu::config::Config;
use virt_qemu::driver::Directories;
use virt_types::Result;

/// The settings of every driver.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whether it is the engine of root, which may change the host's tables of packets.
    pub privileged: bool,
    /// The QEMU driver's.
    pub qemu: Config,
    /// Where the engine keeps what it knows of domains.
    pub layout: Layout,
    /// How long calls may take and how many may wait.
    pub limits: Limits,
    /// Those of virtual networks.
    #[cfg(feature = "network")]
    pub networks: virt_network::Config,
    /// Where network filters are.
    #[cfg(feature = "nwfilter")]
    pub filters: virt_nwfilter::Directories,
    /// Where storage pools are.
    #[cfg(feature = "storage")]
    pub storage: virt_storage::Layout,
    /// Where secrets are.
    #[cfg(feature = "secret")]
    pub secrets: std::path::PathBuf,
}

impl Settings {
    /// Everything below one directory.
    #[must_use]
    pub fn below(root: &Path) -> Self {
        Self {
            #[cfg(feature = "network")]
            networks: virt_network::Config::in_dir(root),
            #[cfg(feature = "nwfilter")]
            filters: virt_nwfilter::Directories {
                filters: root.join("nwfilter"),
                bindings: root.join("run/nwfilter-binding"),
            },
            #[cfg(feature = "storage")]
            storage: virt_storage::Layout::below(root),
            #[cfg(feature = "secret")]
            secrets: root.join("secrets"),
            ..Self::of_qemu(Config {
                privileged: virt_sys::user::effective_uid() == 0,
                ..Config::in_dir(root)
            })
        }
    }

    /// The host's own, in `/etc/virt`, `/run/virt` and `/var/lib/virt`.
    ///
    /// # Errors
    /// For a user other than root.
    pub fn of_host() -> Result<Self> {
        Ok(Self::of_qemu(Directories::System.config()?))
    }

    /// The user's own.
    ///
    /// # Errors
    /// For a user without a home.
    pub fn of_user() -> Result<Self> {
        let qemu = Directories::User.config()?;
        #[cfg(any(feature = "network", feature = "nwfilter", feature = "secret"))]
        let user = virt_sys::user::Directories::of_this_process().map_err(|error| {
            let detail = "cannot find the user's directories";
            virt_types::Error::new(virt_types::ErrorCode::SystemError, virt_types::ErrorDomain::None, detail)
                .caused_by(error)
        })?;
        Ok(Self {
            #[cfg(feature = "network")]
            networks: virt_network::Config::of_user(&user, "virt"),
            #[cfg(feature = "nwfilter")]
            filters: virt_nwfilter::Directories {
                filters: user.config.join("virt/nwfilter"),
                bindings: user.runtime.join("virt/nwfilter-binding"),
            },
            #[cfg(feature = "storage")]
            storage: virt_storage::Layout::of_user("virt")?,
            #[cfg(feature = "secret")]
            secrets: user.config.join("virt/secrets"),
            ..Self::of_qemu(qemu)
        })
    }

    /// The QEMU driver's, with the host's own places for all others.
    fn of_qemu(qemu: Config) -> Self {
        Self {
            privileged: virt_sys::user::effective_uid() == 0,
            layout: Directories::layout(&qemu),
            qemu,
            limits: Limits::default(),
            #[cfg(feature = "network")]
            networks: virt_network::Config::host(),
            #[cfg(feature = "nwfilter")]
            filters: virt_nwfilter::Directories {
                filters: "/etc/virt/nwfilter".into(),
                bindings: "/run/virt/nwfilter-binding".into(),
            },
            #[cfg(feature = "storage")]
            storage: virt_storage::Layout::of_host("virt"),
            #[cfg(feature = "secret")]
            secrets: "/etc/virt/secrets".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_directory_holds_everything() {
        let settings = Settings::below(Path::new("/srv/g"));
        let places = [
            &settings.qemu.config_dir,
            &settings.layout.status_dir,
            #[cfg(feature = "network")]
            &settings.networks.config_dir,
            #[cfg(feature = "network")]
            &settings.networks.dnsmasq_dir,
            #[cfg(feature = "nwfilter")]
            &settings.filters.bindings,
            #[cfg(feature = "storage")]
            &settings.storage.config_dir,
            #[cfg(feature = "secret")]
            &settings.secrets,
        ];
        for place in places {
            assert!(place.starts_with("/srv/g"), "{}", place.display());
        }
    }
}
