//! Where the driver's files are.

use std::path::{Path, PathBuf};

use virt_sys::user::Directories;
use virt_types::Result;

use crate::error::internal;

/// The directories of the driver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// A file `NAME.xml` for each pool that is defined.
    pub config_dir: PathBuf,
    /// A link `NAME.xml` for each that starts with the engine.
    pub autostart_dir: PathBuf,
    /// A file `NAME.xml` for each that runs. It does not outlive a reboot.
    pub state_dir: PathBuf,
}

impl Layout {
    /// Those of a folder of this name for the whole host: `libvirt` for libvirt's own.
    #[must_use]
    pub fn of_host(folder: &str) -> Self {
        Self::of(format!("/etc/{folder}/storage").into(), format!("/run/{folder}/storage").into())
    }

    /// Those of a folder of this name in the directories of the user whose process this is.
    ///
    /// # Errors
    /// For a user without a home.
    pub fn of_user(folder: &str) -> Result<Self> {
        let user = Directories::of_this_process()
            .map_err(|error| internal("the user has no home").caused_by(error))?;
        let (config, runtime) = (user.config.join(folder), user.runtime.join(folder));
        Ok(Self::of(config.join("storage"), runtime.join("storage/run")))
    }

    /// All of them below one directory.
    #[must_use]
    pub fn below(root: &Path) -> Self {
        Self::of(root.join("storage"), root.join("run/storage"))
    }

    fn of(config_dir: PathBuf, state_dir: PathBuf) -> Self {
        Self { autostart_dir: config_dir.join("autostart"), config_dir, state_dir }
    }

    pub(crate) fn config(&self, name: &str) -> PathBuf {
        self.config_dir.join(format!("{name}.xml"))
    }

    pub(crate) fn autostart(&self, name: &str) -> PathBuf {
        self.autostart_dir.join(format!("{name}.xml"))
    }

    pub(crate) fn state(&self, name: &str) -> PathBuf {
        self.state_dir.join(format!("{name}.xml"))
    }
}
