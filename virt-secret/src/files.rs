//! Secrets as files.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use virt_conf::secret::Secret;
use virt_types::{Error, ErrorCode, ErrorDomain, Result, Uuid};

/// Documents and values are no longer than what a call can carry.
const MAX: u64 = 4 << 20;

/// What stands at the top of a document, for people who look into it.
const NOTICE: &str = "<!--\nThis file is written by the engine, which does not see changes made here. Use:\n  virsh secret-define\n-->\n\n";

/// The directory of secrets that outlive the engine.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    dir: PathBuf,
}

impl Files {
    pub(crate) const fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    fn document(&self, uuid: Uuid) -> PathBuf {
        self.dir.join(format!("{uuid}.xml"))
    }

    fn value(&self, uuid: Uuid) -> PathBuf {
        self.dir.join(format!("{uuid}.base64"))
    }

    /// Every secret that can be read; the others are told of in the log.
    pub(crate) fn load(&self) -> Vec<(Secret, Option<Vec<u8>>)> {
        let Ok(entries) = std::fs::read_dir(&self.dir) else { return Vec::new() };
        let mut found = Vec::new();
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            if path.extension().is_none_or(|extension| extension != "xml") {
                continue;
            }
            match self.load_one(&path) {
                Ok(secret) => found.push(secret),
                Err(error) => log::error!("the secret in {} is left out: {}", path.display(), error.report()),
            }
        }
        found
    }

    fn load_one(&self, path: &Path) -> Result<(Secret, Option<Vec<u8>>)> {
        let text = virt_sys::fs::read_bounded(path, MAX).map_err(|error| failed("read", path, error))?;
        let secret = Secret::parse(&String::from_utf8_lossy(&text))?;
        let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let uuid = secret.uuid.filter(|uuid| uuid.to_string() == name).ok_or_else(|| {
            refuse(ErrorCode::InternalError, format!("<uuid> does not match secret file name '{name}.xml'"))
        })?;
        let path = self.value(uuid);
        if !path.exists() {
            return Ok((secret, None));
        }
        let text = virt_sys::fs::read_bounded(&path, MAX).map_err(|error| failed("read", &path, error))?;
        let value = STANDARD.decode(text.trim_ascii()).map_err(|error| {
            let detail = format!("invalid base64 in '{}'", path.display());
            refuse(ErrorCode::InternalError, detail).caused_by(error)
        })?;
        Ok((secret, Some(value)))
    }

    pub(crate) fn write_document(&self, uuid: Uuid, secret: &Secret) -> Result<()> {
        self.write(&self.document(uuid), format!("{NOTICE}{}", secret.format()).as_bytes())
    }

    pub(crate) fn write_value(&self, uuid: Uuid, value: &[u8]) -> Result<()> {
        self.write(&self.value(uuid), STANDARD.encode(value).as_bytes())
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        let written = virt_sys::fs::create_dir_all(&self.dir, 0o700)
            .and_then(|()| virt_sys::fs::atomic_write(path, bytes, 0o600));
        written.map_err(|error| failed("write", path, error))
    }

    /// Removes the value first: without its document nobody would find it any more.
    pub(crate) fn remove(&self, uuid: Uuid) -> Result<()> {
        for path in [self.value(uuid), self.document(uuid)] {
            virt_sys::fs::remove(&path).map_err(|error| failed("remove", &path, error))?;
        }
        Ok(())
    }
}

pub(crate) fn refuse(code: ErrorCode, detail: impl Into<String>) -> Error {
    Error::new(code, ErrorDomain::Secret, detail)
}

fn failed(what: &str, path: &Path, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    refuse(ErrorCode::SystemError, format!("cannot {what} '{}': {error}", path.display())).caused_by(error)
}
