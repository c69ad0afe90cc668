//! Where the engine's files are.

use std::path::{Path, PathBuf};

/// The directories of one engine. Several processes that share them are one engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// `NAME.xml` of every persistent domain.
    pub config_dir: PathBuf,
    /// Links to those that start with the engine.
    pub autostart_dir: PathBuf,
    /// `NAME.xml` of every running domain; does not outlive a reboot of the host.
    pub status_dir: PathBuf,
    /// Locks and sockets of the processes that share the engine; does not outlive a reboot of the host either.
    pub run_dir: PathBuf,
}

// A domain's files end in a dot and a word; those of the engine must not, whatever the domain's name.
impl Layout {
    /// All of them below one directory.
    #[must_use]
    pub fn below(root: &Path) -> Self {
        Self {
            config_dir: root.join("config"),
            autostart_dir: root.join("config/autostart"),
            status_dir: root.join("run/status"),
            run_dir: root.join("run"),
        }
    }

    pub(crate) fn dirs(&self) -> [&Path; 4] {
        [&self.config_dir, &self.autostart_dir, &self.status_dir, &self.run_dir]
    }

    pub(crate) fn config(&self, name: &str) -> PathBuf {
        self.config_dir.join(format!("{name}.xml"))
    }

    pub(crate) fn autostart(&self, name: &str) -> PathBuf {
        self.autostart_dir.join(format!("{name}.xml"))
    }

    pub(crate) fn status(&self, name: &str) -> PathBuf {
        self.status_dir.join(format!("{name}.xml"))
    }

    /// Why the domain is shut off, for processes that did not see it.
    pub(crate) fn shutoff(&self, name: &str) -> PathBuf {
        self.run_dir.join(format!("{name}.shutoff"))
    }

    /// Who holds this lock holds the guest.
    pub(crate) fn lock(&self, name: &str) -> PathBuf {
        self.run_dir.join(format!("{name}.lock"))
    }

    /// Held while configuration files change or a guest changes hands.
    pub(crate) fn root_lock(&self) -> PathBuf {
        self.run_dir.join("engine-lock")
    }

    /// The number of the last domain that was started.
    pub(crate) fn last_id(&self) -> PathBuf {
        self.run_dir.join("last-id")
    }

    /// A rename that is under way.
    pub(crate) fn rename_journal(&self) -> PathBuf {
        self.config_dir.join(".rename")
    }

    /// The socket on which a process of the engine listens.
    pub(crate) fn socket(&self, peer: &str) -> PathBuf {
        self.run_dir.join(format!("peer-{peer}"))
    }
}

/// The domain's name of a file `NAME.xml`.
pub(crate) fn name_of(file: &std::ffi::OsStr) -> Option<&str> {
    let name = file.to_str()?.strip_suffix(".xml")?;
    (!name.is_empty()).then_some(name)
}
