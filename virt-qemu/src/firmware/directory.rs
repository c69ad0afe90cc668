//! The directories that hold descriptions.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Firmware, VhostUser};

/// What such a file describes.
pub trait Description: DeserializeOwned + Serialize {
    /// What it is called in the log.
    const WHAT: &'static str;
}

impl Description for Firmware {
    const WHAT: &'static str = "a firmware";
}

impl Description for VhostUser {
    const WHAT: &'static str = "a vhost-user program";
}

/// The files that count, in the order of their names. A file in a later directory takes the place of its namesake; an empty
/// one hides it.
#[must_use]
pub fn paths(dirs: &[PathBuf]) -> Vec<PathBuf> {
    let mut files = BTreeMap::new();
    for dir in dirs {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                files.insert(entry.file_name(), path);
            }
        }
    }
    let empty = |path: &PathBuf| std::fs::metadata(path).is_ok_and(|found| found.len() == 0);
    files.into_values().filter(|path| !empty(path)).collect()
}

/// Reads the descriptions in these directories, as [`paths`] finds them. What is no description is left out, with a warning.
#[must_use]
pub fn load<T: Description>(dirs: &[PathBuf]) -> Vec<T> {
    paths(dirs).iter().filter_map(|path| read(path)).collect()
}

fn read<T: Description>(path: &Path) -> Option<T> {
    let text = std::fs::read_to_string(path)
        .inspect_err(|error| log::warn!("cannot read {}: {error}", path.display()))
        .ok()?;
    serde_json::from_str(&text)
        .inspect_err(|error| log::warn!("{} is no description of {}: {error}", path.display(), T::WHAT))
        .ok()
}
