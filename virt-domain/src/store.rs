//! The files of the domains: what is written so that nothing is lost, and how it is read again.
//!
//! Everything here blocks. What a configuration says is on the disk before the call that changed it is answered; the entry
//! in its directory follows (see [`Entries`]). A status
//! file is replaced as a whole, so that a killed process never leaves half of one; it is not forced to the disk, because what
//! it tells of does not outlive the host's power either.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::Path;
use std::sync::Arc;

use virt_conf::domain::Domain;
use virt_types::{DomainName, DomainStatus, ErrorCode, ErrorDomain, ShutoffReason, Uuid};

use crate::entries::Entries;
use crate::error::Error;
use crate::kept::{Keeper, KeptConfig};
use crate::layout::{Layout, name_of};
use crate::status_file::{StatusFile, shutoff_reason};
use crate::{Backend, LoadProblem};

/// Things by the name of their domain.
type Named<T> = Vec<(String, T)>;

/// Larger files are refused: no domain's XML comes near.
const MAX_FILE: u64 = 64 << 20;

/// A text, recognised again without being kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fingerprint(u64);

impl Fingerprint {
    fn of(text: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        Self(hasher.finish())
    }
}

/// A configuration as it is on the disk.
#[derive(Debug, Clone)]
pub(crate) struct StoredConfig {
    pub(crate) uuid: Uuid,
    pub(crate) config: Arc<KeptConfig>,
    pub(crate) autostart: bool,
    pub(crate) fingerprint: Fingerprint,
}

/// A status as it is on the disk.
#[derive(Debug, Clone)]
pub(crate) struct StoredStatus {
    pub(crate) file: StatusFile,
    pub(crate) text: String,
}

pub(crate) struct Store {
    pub(crate) layout: Layout,
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) entries: Arc<Entries>,
    keeper: Arc<Keeper>,
}

impl Store {
    pub(crate) fn new(layout: Layout, backend: Arc<dyn Backend>) -> Self {
        Self { layout, keeper: Keeper::new(Arc::clone(&backend)), backend, entries: Arc::default() }
    }

    pub(crate) fn prepare_dirs(&self) -> Result<(), Error> {
        for dir in self.layout.dirs() {
            virt_sys::fs::create_dir_all(dir, 0o700)?;
        }
        for dir in [&self.layout.config_dir, &self.layout.status_dir, &self.layout.run_dir] {
            virt_sys::fs::clean_temporaries(dir)?;
        }
        Ok(())
    }

    /// The names that a directory has files for, and which of its files are none of ours.
    pub(crate) fn names(&self, dir: &Path) -> Result<Vec<String>, Error> {
        let fail = |error| Error::file("read", dir, error);
        let mut names = Vec::new();
        for entry in std::fs::read_dir(dir).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            if let Some(name) = name_of(&entry.file_name()) {
                names.push(name.to_owned());
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Reads a configuration; `None` if there is none. One whose text is that of `known` is not parsed again.
    pub(crate) fn read_config(
        &self,
        name: &str,
        known: Option<&StoredConfig>,
    ) -> Result<Option<StoredConfig>, Error> {
        let path = self.layout.config(name);
        let Some(text) = read_text(&path)? else { return Ok(None) };
        let fingerprint = Fingerprint::of(&text);
        let (uuid, config) = match known {
            Some(known) if known.fingerprint == fingerprint => (known.uuid, Arc::clone(&known.config)),
            _ => self
                .backend
                .parse_config(&text)
                .and_then(|config| {
                    let uuid = check_identity(&config, name)?;
                    let body = self.backend.format_config(&config);
                    Ok((uuid, self.keeper.keep(config, &body)))
                })
                .map_err(|reason| Error::Content { path: path.clone(), reason })?,
        };
        let autostart = std::fs::read_link(self.layout.autostart(name)).is_ok_and(|target| target == path);
        Ok(Some(StoredConfig { uuid, config, autostart, fingerprint }))
    }

    /// Writes a configuration. It does not start with the engine.
    pub(crate) fn write_config(&self, config: Domain) -> Result<StoredConfig, Error> {
        let path = self.layout.config(&config.name);
        let name = config.name.clone();
        let mut w = virt_xml::Writer::new();
        w.comment(&format!("Written by the engine, which overwrites it. To change it: virt edit {name}"));
        let body = self.backend.format_config(&config);
        let text = w.finish() + "\n" + &body;
        // What could not be read again would be lost with this process.
        let uuid = self
            .backend
            .parse_config(&text)
            .and_then(|config| check_identity(&config, &name))
            .map_err(|reason| Error::Content { path: path.clone(), reason })?;
        virt_sys::fs::write_synced(&path, text.as_bytes(), 0o600)?;
        self.entries.changed(&self.layout.config_dir);
        let config = self.keeper.keep(config, &body);
        Ok(StoredConfig { uuid, config, autostart: false, fingerprint: Fingerprint::of(&text) })
    }

    /// Removes a configuration and its link.
    pub(crate) fn remove_config(&self, name: &str) -> Result<(), Error> {
        self.remove_entry(&self.layout.autostart_dir, &self.layout.autostart(name))?;
        self.remove_entry(&self.layout.config_dir, &self.layout.config(name))?;
        let _ = unlink(&self.layout.shutoff(name));
        Ok(())
    }

    fn remove_entry(&self, dir: &Path, path: &Path) -> Result<(), Error> {
        match std::fs::remove_file(path) {
            Ok(()) => self.entries.changed(dir),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::file("remove", path, error)),
        }
        Ok(())
    }

    /// Makes or removes the link.
    pub(crate) fn set_autostart(&self, name: &str, autostart: bool) -> Result<(), Error> {
        let link = self.layout.autostart(name);
        if !autostart {
            return self.remove_entry(&self.layout.autostart_dir, &link);
        }
        match std::os::unix::fs::symlink(self.layout.config(name), &link) {
            Ok(()) => {
                self.entries.changed(&self.layout.autostart_dir);
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(Error::file("create", link, error)),
        }
    }

    /// Reads a status; `None` if there is none.
    pub(crate) fn read_status(&self, name: &str) -> Result<Option<StoredStatus>, Error> {
        let path = self.layout.status(name);
        let Some(text) = read_text(&path)? else { return Ok(None) };
        match StatusFile::parse(&text, &*self.backend)
            .and_then(|file| check_identity(&file.live, name).map(|_| file))
        {
            Ok(file) => Ok(Some(StoredStatus { file, text })),
            Err(reason) => Err(Error::Content { path, reason }),
        }
    }

    /// Replaces a status file.
    pub(crate) fn write_status(&self, name: &str, text: &str) -> Result<(), Error> {
        Ok(virt_sys::fs::replace(&self.layout.status(name), text.as_bytes(), 0o600)?)
    }

    /// Removes a status file, leaving behind why the domain is shut off.
    pub(crate) fn remove_status(
        &self,
        name: &str,
        reason: ShutoffReason,
        keep_reason: bool,
    ) -> Result<(), Error> {
        let note = self.layout.shutoff(name);
        if keep_reason {
            virt_sys::fs::replace(&note, DomainStatus::Shutoff(reason).reason_name().as_bytes(), 0o600)?;
        } else {
            unlink(&note)?;
        }
        unlink(&self.layout.status(name))
    }

    /// Why a domain that has no status file is shut off.
    pub(crate) fn shutoff_reason(&self, name: &str) -> ShutoffReason {
        read_text(&self.layout.shutoff(name))
            .ok()
            .flatten()
            .and_then(|word| shutoff_reason(word.trim()))
            .unwrap_or(ShutoffReason::Unknown)
    }

    /// The number of the domain to be started next. The caller holds the root lock.
    pub(crate) fn next_id(&self) -> Result<u32, Error> {
        let path = self.layout.last_id();
        let last = read_text(&path)?.and_then(|text| text.trim().parse::<u32>().ok()).unwrap_or(0);
        let id = last.checked_add(1).unwrap_or(1);
        virt_sys::fs::replace(&path, format!("{id}\n").as_bytes(), 0o600)?;
        Ok(id)
    }

    /// Moves a configuration to another name. The caller holds the root lock and has moved what the driver keeps.
    ///
    /// The journal says which of two files with one identity is the right one, should this process die half way:
    /// once the new file is there, the rename is finished by whoever comes next.
    pub(crate) fn rename(&self, from: &str, renamed: Domain, autostart: bool) -> Result<StoredConfig, Error> {
        let to = renamed.name.clone();
        let stored = self.write_config(renamed)?;
        // The old file goes only when the new one is sure to stay.
        virt_sys::fs::sync_dir(&self.layout.config_dir)?;
        self.finish_rename(from, &to, autostart)?;
        Ok(StoredConfig { autostart, ..stored })
    }

    pub(crate) fn begin_rename(&self, from: &str, to: &str) -> Result<(), Error> {
        let journal = format!("{from}\n{to}\n");
        Ok(virt_sys::fs::atomic_write(&self.layout.rename_journal(), journal.as_bytes(), 0o600)?)
    }

    pub(crate) fn end_rename(&self) -> Result<(), Error> {
        virt_sys::fs::remove(&self.layout.rename_journal())?;
        Ok(())
    }

    fn finish_rename(&self, from: &str, to: &str, autostart: bool) -> Result<(), Error> {
        if autostart {
            self.set_autostart(to, true)?;
        }
        self.remove_config(from)?;
        self.end_rename()
    }

    /// A rename that a process left half done: from, to, and whether the new file was there already.
    pub(crate) fn interrupted_rename(&self) -> Result<Option<(DomainName, DomainName, bool)>, Error> {
        let path = self.layout.rename_journal();
        let Some(text) = read_text(&path)? else { return Ok(None) };
        let content = |reason| Error::Content { path: path.clone(), reason };
        let mut lines = text.lines().map(DomainName::new);
        match (lines.next(), lines.next()) {
            (Some(from), Some(to)) => {
                let (from, to) = (from.map_err(content)?, to.map_err(content)?);
                let forward = self.layout.config(to.as_str()).exists();
                Ok(Some((from, to, forward)))
            }
            _ => Err(content(virt_types::Error::new(
                ErrorCode::InternalError,
                ErrorDomain::Domain,
                "the record of a rename is incomplete",
            ))),
        }
    }

    /// Finishes what [`Store::interrupted_rename`] found, or takes it back.
    pub(crate) fn repair_rename(&self, from: &str, to: &str, forward: bool) -> Result<(), Error> {
        if forward {
            let autostart =
                self.layout.autostart(from).is_symlink() || self.layout.autostart(to).is_symlink();
            self.finish_rename(from, to, autostart)
        } else {
            self.end_rename()
        }
    }

    /// Every configuration that can be read, by its name, and the others.
    pub(crate) fn load_configs(&self) -> Result<(Named<StoredConfig>, Vec<LoadProblem>), Error> {
        let mut problems = Vec::new();
        let mut configs = Vec::new();
        for name in self.names(&self.layout.config_dir)? {
            match self.read_config(&name, None) {
                Ok(Some(config)) => configs.push((name, config)),
                Ok(None) => {}
                Err(error) => {
                    problems.push(LoadProblem { path: self.layout.config(&name), error: error.into() })
                }
            }
        }
        Ok((configs, problems))
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("layout", &self.layout).finish_non_exhaustive()
    }
}

fn check_identity(domain: &Domain, name: &str) -> virt_types::Result<Uuid> {
    let refuse = |detail: String| virt_types::Error::new(ErrorCode::XmlError, ErrorDomain::Domain, detail);
    if domain.name != name {
        return Err(refuse(format!("the file of '{name}' holds a domain with the name '{}'", domain.name)));
    }
    domain.uuid.ok_or_else(|| refuse("the domain has no UUID".to_owned()))
}

fn read_text(path: &Path) -> Result<Option<String>, Error> {
    match virt_sys::fs::read_bounded(path, MAX_FILE) {
        Ok(bytes) => String::from_utf8(bytes)
            .map(Some)
            .map_err(|error| Error::file("read", path, io::Error::new(io::ErrorKind::InvalidData, error))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn unlink(path: &Path) -> Result<(), Error> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::file("remove", path, error)),
        _ => Ok(()),
    }
}
