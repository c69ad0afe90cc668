//! Files: configurations, states, ports, the map of addresses.

use std::path::{Path, PathBuf};

use virt_conf::FormatFlags;
use virt_conf::network::{Network, NetworkPort};
use virt_types::{Result, Uuid};

use super::status::Status;
use crate::config::Config;
use crate::error::system;
use crate::mac_map::{LIMIT, MacMap};

/// The files of the driver.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    pub(crate) config: Config,
}

/// A file that was read when the driver was opened.
#[derive(Debug)]
pub(crate) struct Loaded<T> {
    pub(crate) path: PathBuf,
    pub(crate) outcome: Result<T>,
}

impl Store {
    pub(crate) const fn new(config: Config) -> Self {
        Self { config }
    }

    /// Makes the directories.
    pub(crate) fn prepare(&self) -> Result<()> {
        let config = &self.config;
        for dir in [
            &config.config_dir,
            &config.autostart_dir,
            &config.state_dir,
            &config.pid_dir,
            &config.dnsmasq_dir,
        ] {
            let failed = |error| system(format!("cannot create directory '{}'", dir.display()), error);
            virt_sys::fs::create_dir_all(dir, 0o755).map_err(failed)?;
        }
        Ok(())
    }

    pub(crate) fn config_file(&self, name: &str) -> PathBuf {
        self.config.config_dir.join(format!("{name}.xml"))
    }

    pub(crate) fn autostart_link(&self, name: &str) -> PathBuf {
        self.config.autostart_dir.join(format!("{name}.xml"))
    }

    fn state_file(&self, name: &str) -> PathBuf {
        self.config.state_dir.join(format!("{name}.xml"))
    }

    fn ports_dir(&self, name: &str) -> PathBuf {
        self.config.state_dir.join(name).join("ports")
    }

    fn station_file(&self, bridge: &str) -> PathBuf {
        self.config.dnsmasq_dir.join(format!("{bridge}.macs"))
    }

    pub(crate) fn lease_file(&self, bridge: &str) -> PathBuf {
        self.config.dnsmasq_dir.join(format!("{bridge}.status"))
    }

    /// Writes a configuration, which survives a crash of the host.
    pub(crate) fn save_config(&self, network: &Network) -> Result<()> {
        let text = headed(&network.name, &network.format(FormatFlags::INACTIVE));
        let path = self.config_file(&network.name);
        let failed = |error| system(format!("cannot write config file '{}'", path.display()), error);
        virt_sys::fs::atomic_write(&path, text.as_bytes(), 0o600).map_err(failed)
    }

    /// Removes a configuration and the link that starts it.
    pub(crate) fn remove_config(&self, name: &str) -> Result<()> {
        for path in [self.autostart_link(name), self.config_file(name)] {
            let failed = |error| system(format!("cannot remove config file '{}'", path.display()), error);
            virt_sys::fs::remove(&path).map_err(failed)?;
        }
        Ok(())
    }

    /// Writes the state of a running network, which does not survive a reboot.
    pub(crate) fn save_status(&self, status: &Status) -> Result<()> {
        let name = &status.network.name;
        let path = self.state_file(name);
        let failed = |error| system(format!("cannot write status file '{}'", path.display()), error);
        virt_sys::fs::replace(&path, headed(name, &status.format()).as_bytes(), 0o600).map_err(failed)
    }

    pub(crate) fn remove_status(&self, name: &str) {
        forget(&self.state_file(name));
    }

    pub(crate) fn save_port(&self, network: &str, port: &NetworkPort) -> Result<()> {
        let dir = self.ports_dir(network);
        let path = dir.join(format!("{}.xml", port.uuid));
        let failed = |error| system(format!("cannot write status file '{}'", path.display()), error);
        virt_sys::fs::create_dir_all(&dir, 0o755).map_err(failed)?;
        virt_sys::fs::replace(&path, port.format().as_bytes(), 0o600).map_err(failed)
    }

    pub(crate) fn remove_port(&self, network: &str, port: Uuid) {
        forget(&self.ports_dir(network).join(format!("{port}.xml")));
    }

    pub(crate) fn remove_ports(&self, network: &str) {
        let dir = self.config.state_dir.join(network);
        match std::fs::remove_dir_all(&dir) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                log::warn!("cannot remove '{}': {error}", dir.display());
            }
            _ => {}
        }
    }

    /// The files that only a network's dnsmasq needs, its leases included.
    pub(crate) fn remove_dnsmasq_files(&self, network: &Network) {
        let files = crate::dnsmasq::Files::new(&network.name, &self.config.dnsmasq_dir, &self.config.pid_dir);
        let mut paths = vec![files.configuration, files.hosts, files.names, files.pid];
        if let Some(bridge) = network.bridge.name.as_deref().filter(|_| network.forward.mode.has_bridge()) {
            paths.extend([self.lease_file(bridge), self.station_file(bridge)]);
        }
        paths.iter().for_each(|path| forget(path));
    }

    /// Changes the map of addresses of a bridge.
    pub(crate) fn change_stations(&self, bridge: &str, change: impl FnOnce(&mut MacMap)) -> Result<()> {
        let path = self.station_file(bridge);
        let failed = |error| system(format!("cannot write '{}'", path.display()), error);
        let text = virt_sys::fs::read_bounded(&path, LIMIT).unwrap_or_default();
        let mut map = MacMap::parse(&String::from_utf8_lossy(&text)).unwrap_or_default();
        change(&mut map);
        virt_sys::fs::replace(&path, map.to_text()?.as_bytes(), 0o644).map_err(failed)
    }

    pub(crate) fn remove_stations(&self, bridge: &str) {
        forget(&self.station_file(bridge));
    }

    /// Every configuration, and whether it starts with the host.
    pub(crate) fn load_configs(&self) -> Vec<Loaded<(Network, bool)>> {
        documents(&self.config.config_dir, |name, text| {
            let network = Network::parse(text)?;
            if network.name != name {
                let detail = format!(
                    "Network config filename '{name}.xml' does not match network name '{}'",
                    network.name
                );
                return Err(crate::error::internal(detail));
            }
            let autostart = std::fs::canonicalize(self.autostart_link(name)).ok();
            let own = std::fs::canonicalize(self.config_file(name)).ok();
            Ok((network, autostart.is_some() && autostart == own))
        })
    }

    /// Every state.
    pub(crate) fn load_states(&self) -> Vec<Loaded<Status>> {
        documents(&self.config.state_dir, |_, text| Status::parse(text))
    }

    /// The ports of a running network.
    pub(crate) fn load_ports(&self, network: &str) -> Vec<Loaded<NetworkPort>> {
        documents(&self.ports_dir(network), |_, text| NetworkPort::parse(text))
    }
}

/// A document below libvirt's words for those who would edit it.
fn headed(name: &str, xml: &str) -> String {
    // Two hyphens would end the comment.
    let name = name.replace("--", "- -");
    format!(
        "<!--\nWARNING: THIS IS AN AUTO-GENERATED FILE. CHANGES TO IT ARE LIKELY TO BE\nOVERWRITTEN AND LOST. Changes to this \
         xml configuration should be made using:\n  virsh net-edit {name}\nor other application using the libvirt API.\n-->\n\n{xml}"
    )
}

fn forget(path: &Path) {
    if let Err(error) = virt_sys::fs::remove(path) {
        log::warn!("{error}");
    }
}

/// The documents of a directory, in order of their names.
fn documents<T>(dir: &Path, read: impl Fn(&str, &str) -> Result<T>) -> Vec<Loaded<T>> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "xml") && path.is_file());
    paths.sort();
    let load = |path: PathBuf| {
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let text = virt_sys::fs::read_bounded(&path, LIMIT)
            .map_err(|error| system(format!("Failed to read file '{}'", path.display()), error));
        let outcome = text.and_then(|text| read(&name, &String::from_utf8_lossy(&text)));
        Loaded { path, outcome }
    };
    paths.into_iter().map(load).collect()
}
