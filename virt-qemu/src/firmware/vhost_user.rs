//! Programs that play a device for QEMU over a vhost-user socket, as their descriptions in `qemu/vhost-user/*.json` name them
//! (QEMU's docs/interop/vhost-user.json).

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use virt_types::Result;

use super::load;
use crate::error::internal;

/// Where the descriptions are, in the order of their say.
const DIRS: [&str; 2] = ["/usr/share/qemu/vhost-user", "/etc/qemu/vhost-user"];

/// A description of a program.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct VhostUser {
    /// What people call it.
    pub description: String,
    /// What it plays, such as `gpu` or `fs`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its path.
    pub binary: String,
    /// How it was built; for people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

/// The program that plays devices of this kind: the one that the document names, or the first that is described and there.
///
/// # Errors
/// `VIR_ERR_INTERNAL_ERROR` where there is none.
pub(crate) fn program(kind: &str, named: Option<&str>) -> Result<PathBuf> {
    match named {
        Some(path) => Ok(path.into()),
        None => first(kind, &DIRS.map(PathBuf::from)).ok_or_else(|| {
            internal(format!("Unable to find a satisfying vhost-user-{kind}"))
                .with_hint("install one, or name it in <binary path='…'/>")
        }),
    }
}

fn first(kind: &str, dirs: &[PathBuf]) -> Option<PathBuf> {
    let described = load::<VhostUser>(dirs).into_iter();
    described
        .filter(|found| found.kind == kind)
        .map(|found| found.binary.into())
        .find(|path: &PathBuf| Path::exists(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_is_there_serves() {
        let dir = std::env::temp_dir().join(format!("virt-qemu-vhost-user-{}", std::process::id()));
        let (stock, own) = (dir.join("stock"), dir.join("own"));
        for (path, kind, binary) in [
            (stock.join("05-d.json"), "fs", "/proc"),
            (stock.join("10-a.json"), "fs", "/not/there"),
            (stock.join("20-b.json"), "gpu", "/proc/self/exe"),
            (stock.join("30-c.json"), "fs", "/proc/self/exe"),
            (own.join("05-d.json"), "", ""),
        ] {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            let text = format!(r#"{{"description": "x", "type": "{kind}", "binary": "{binary}"}}"#);
            std::fs::write(path, if kind.is_empty() { "" } else { &text }).unwrap();
        }
        let dirs = [stock, own, dir.join("none")];
        assert_eq!(first("fs", &dirs), Some("/proc/self/exe".into()));
        assert_eq!(first("gpu", &dirs), Some("/proc/self/exe".into()));
        assert_eq!(first("net", &dirs), None);
        assert_eq!(program("fs", Some("/x")).unwrap(), PathBuf::from("/x"));
        std::fs::remove_dir_all(dir).unwrap();
    }
}
