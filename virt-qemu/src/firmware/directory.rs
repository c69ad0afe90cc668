//! The directories that hold descriptions.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Firmware;

/// Reads the descriptions in these directories, in the order of their file names. A file in a later directory takes
/// the place of its namesake; an empty one hides it. What is no description is left out, with a warning.
#[must_use]
pub fn load(dirs: &[PathBuf]) -> Vec<Firmware> {
    let mut files = BTreeMap::new();
    for dir in dirs {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                files.insert(entry.file_name(), path);
            }
        }
    }
    files.values().filter_map(|path| read(path)).collect()
}

fn read(path: &Path) -> Option<Firmware> {
    let text = std::fs::read_to_string(path)
        .inspect_err(|error| log::warn!("cannot read {}: {error}", path.display()))
        .ok()
        .filter(|text| !text.trim().is_empty())?;
    serde_json::from_str(&text)
        .inspect_err(|error| log::warn!("{} is no description of a firmware: {error}", path.display()))
        .ok()
}
