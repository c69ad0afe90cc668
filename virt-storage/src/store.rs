//! The files of the pools, in libvirt's form.

use std::ffi::OsStr;
use std::io;
use std::path::Path;

use virt_conf::storage_pool::StoragePool;
use virt_types::{Result, Uuid};
use virt_xml::{Document, Writer};

use crate::error::{errno, internal, refuse, system};
use crate::layout::Layout;

/// Larger files are refused: no pool's XML comes near.
const MAX_FILE: u64 = 16 << 20;

/// A pool that has a file.
pub(crate) struct Stored {
    pub(crate) config: StoragePool,
    pub(crate) autostart: bool,
}

impl Layout {
    pub(crate) fn prepare(&self) -> Result<()> {
        virt_sys::fs::create_dir_all(&self.state_dir, 0o755).map_err(wrong)?;
        for dir in [&self.config_dir, &self.state_dir] {
            virt_sys::fs::clean_temporaries(dir).map_err(wrong)?;
        }
        Ok(())
    }

    pub(crate) fn write_config(&self, config: &StoragePool) -> Result<()> {
        virt_sys::fs::create_dir_all(&self.config_dir, 0o755).map_err(wrong)?;
        let (path, text) = (self.config(&config.name), config.format());
        virt_sys::fs::atomic_write(&path, text.as_bytes(), 0o600).map_err(wrong)
    }

    pub(crate) fn remove_config(&self, name: &str) -> Result<()> {
        match virt_sys::fs::remove(&self.config(name)) {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(internal(format!("cannot remove config for {name}"))),
        }
    }

    /// Tells the next process that the pool runs.
    pub(crate) fn write_state(&self, config: &StoragePool) -> Result<()> {
        let mut w = Writer::new();
        w.element("poolstate", |w| config.format_into(w));
        virt_sys::fs::replace(&self.state(&config.name), w.finish().as_bytes(), 0o600).map_err(wrong)
    }

    pub(crate) fn remove_state(&self, name: &str) {
        if let Err(error) = std::fs::remove_file(self.state(name))
            && error.kind() != io::ErrorKind::NotFound
        {
            log::warn!("the state of pool '{name}' can not be removed: {error}");
        }
    }

    pub(crate) fn link_autostart(&self, name: &str) -> Result<()> {
        let dir = &self.autostart_dir;
        std::fs::create_dir_all(dir).map_err(|error| {
            system(format_args!("cannot create autostart directory {}", dir.display()), error)
        })?;
        let (link, file) = (self.autostart(name), self.config(name));
        std::os::unix::fs::symlink(&file, &link).map_err(|error| {
            let detail = format!("Failed to create symlink '{}' to '{}'", link.display(), file.display());
            system(detail, error)
        })
    }

    pub(crate) fn unlink_autostart(&self, name: &str) -> Result<()> {
        let link = self.autostart(name);
        match std::fs::remove_file(&link) {
            Ok(()) => Ok(()),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Ok(())
            }
            Err(error) => Err(system(format_args!("Failed to delete symlink '{}'", link.display()), error)),
        }
    }

    /// The pools that are defined. What can not be read is told to the log and left alone.
    pub(crate) fn configs(&self) -> Result<Vec<Stored>> {
        let read = |name: &str| {
            let config = parse(&self.config(name), name, |document| {
                StoragePool::parse_element(document.root_named("pool")?)
            })?;
            let autostart = std::fs::read_link(self.autostart(name)).is_ok();
            Ok(Stored { config, autostart })
        };
        each(&self.config_dir, read)
    }

    /// The pools that ran when the last process ended.
    pub(crate) fn states(&self) -> Result<Vec<StoragePool>> {
        each(&self.state_dir, |name| {
            parse(&self.state(name), name, |document| {
                let pool = document.root_named("poolstate")?.child("pool");
                let pool = pool.ok_or_else(|| internal("Could not find any 'pool' element in state file"))?;
                StoragePool::parse_element(pool)
            })
        })
    }
}

fn each<T>(dir: &Path, read: impl Fn(&str) -> Result<T>) -> Result<Vec<T>> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(system(format_args!("cannot open directory '{}'", dir.display()), error)),
    };
    let mut names: Vec<String> =
        entries.flatten().filter_map(|entry| name_of(&entry.file_name()).map(str::to_owned)).collect();
    names.sort();
    let mut all = Vec::new();
    for name in names {
        match read(&name) {
            Ok(one) => all.push(one),
            Err(error) => log::error!("the file of pool '{name}' in {}: {}", dir.display(), error.report()),
        }
    }
    Ok(all)
}

fn name_of(file: &OsStr) -> Option<&str> {
    let name = file.to_str()?.strip_suffix(".xml")?;
    (!name.is_empty() && !name.starts_with('.')).then_some(name)
}

fn parse(
    path: &Path,
    name: &str,
    pool: impl FnOnce(&Document<'_>) -> Result<StoragePool>,
) -> Result<StoragePool> {
    let bytes = virt_sys::fs::read_bounded(path, MAX_FILE).map_err(wrong)?;
    let text = String::from_utf8(bytes).map_err(|error| internal("the file is no text").caused_by(error))?;
    let mut config = pool(&Document::parse(&text)?)?;
    config.fill(Some(random_uuid()?));
    if config.name != name {
        return Err(internal(format!(
            "Storage pool config filename '{}' does not match pool name '{}'",
            path.display(),
            config.name
        )));
    }
    Ok(config)
}

/// The identity of a pool whose document has none.
pub(crate) fn random_uuid() -> Result<Uuid> {
    let mut bytes = [0; 16];
    // So few bytes come at once or not at all (getrandom(2)).
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())
        .map_err(|error| errno("cannot get random bytes", error))?;
    Ok(Uuid::from_random(bytes))
}

/// A file of the driver can not be used.
fn wrong(error: virt_sys::Error) -> virt_types::Error {
    refuse(virt_types::ErrorCode::SystemError, error.to_string()).caused_by(error)
}
