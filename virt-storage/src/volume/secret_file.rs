//! A passphrase in a file, for as long as a program reads it.

use std::fs::{OpenOptions, remove_file};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use virt_types::Result;

use crate::error::system;
use crate::store::random_uuid;

/// The file; it goes with the value.
#[derive(Debug)]
pub(crate) struct SecretFile(PathBuf);

impl SecretFile {
    /// Writes a passphrase where only the engine's own user reads it.
    pub(crate) fn write(dir: &Path, pool: &str, volume: &str, passphrase: &[u8]) -> Result<Self> {
        let unique = random_uuid()?;
        let path = dir.join(format!("{pool}.{volume}.secret.{unique}"));
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(|error| system("failed to open secret file for write", error))?;
        let this = Self(path);
        file.write_all(passphrase).map_err(|error| system("failed to write secret file", error))?;
        Ok(this)
    }

    pub(crate) fn path(&self) -> Option<&str> {
        self.0.to_str()
    }
}

impl Drop for SecretFile {
    fn drop(&mut self) {
        if let Err(error) = remove_file(&self.0) {
            log::warn!("a passphrase's file is left: {}: {error}", self.0.display());
        }
    }
}
