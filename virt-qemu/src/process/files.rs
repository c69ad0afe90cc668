//! Where a guest's files are.

use std::path::PathBuf;

use virt_conf::domain::Domain;
use virt_conf::domain::device::{BackendType, TpmBackend};

use crate::config::Config;
use crate::plan;

/// The files of one guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GuestFiles {
    /// Its own directory, there while it runs.
    pub(crate) dir: PathBuf,
    /// The directory for the sockets of its channels, there while it runs.
    pub(crate) channel_dir: PathBuf,
    /// The socket of its monitor.
    pub(crate) monitor: PathBuf,
    /// Its process's number, locked by the process itself.
    pub(crate) pid: PathBuf,
    /// What it and the engine said about it.
    pub(crate) log: PathBuf,
    /// Sockets of the processes beside it, outside its directory.
    pub(crate) sockets: Vec<PathBuf>,
}

impl GuestFiles {
    /// The files of a live domain.
    pub(crate) fn of(config: &Config, live: &Domain) -> Self {
        let dir = plan::domain_dir(&config.lib_dir, live);
        Self {
            monitor: dir.join("monitor.sock"),
            channel_dir: config.lib_dir.join("channel/target").join(dir.file_name().unwrap_or_default()),
            dir,
            pid: config.state_dir.join(format!("{}.pid", live.name)),
            log: log_file(config, &live.name),
            sockets: sockets(config, live),
        }
    }

    /// The key under which QEMU is handed secrets.
    pub(crate) fn key(&self) -> PathBuf {
        self.dir.join("master-key.aes")
    }

    /// Removes what exists only while the guest runs. Does what it can.
    pub(crate) fn remove(&self) {
        for dir in [&self.dir, &self.channel_dir] {
            if let Err(error) = std::fs::remove_dir_all(dir)
                && error.kind() != std::io::ErrorKind::NotFound
            {
                log::warn!("cannot remove {}: {error}", dir.display());
            }
        }
        for socket in &self.sockets {
            if let Err(error) = virt_sys::fs::remove(socket) {
                log::warn!("{error}");
            }
        }
        // A file without its process's lock says nothing, so that it is gone does not have to reach the disk.
        if let Err(error) = std::fs::remove_file(&self.pid)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            log::warn!("cannot remove {}: {error}", self.pid.display());
        }
    }
}

/// The sockets that `swtpm` and `passt` processes have where libvirt has them.
fn sockets(config: &Config, live: &Domain) -> Vec<PathBuf> {
    let tpm = live.devices.tpms.iter().any(|tpm| matches!(tpm.backend, TpmBackend::Emulator(_)));
    let passt = live.devices.interfaces.iter().filter(|one| one.backend.kind == BackendType::Passt);
    let passt = passt.filter_map(|interface| interface.info.alias.as_deref());
    tpm.then(|| plan::swtpm_socket(&config.state_dir, live))
        .into_iter()
        .chain(passt.map(|alias| plan::passt_socket(&config.state_dir, live, alias)))
        .collect()
}

/// The log of the guest with this name.
pub(crate) fn log_file(config: &Config, name: &str) -> PathBuf {
    config.log_dir.join(format!("{name}.log"))
}
