//! Kernel modules for the guest, in the order in which they can be inserted.
//!
//! A fresh kernel package has no `modules.dep` (its installation script makes it), but every module names what it depends
//! on in its `.modinfo` section, so neither depmod nor modprobe is needed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::process::{During, Failure, Result, output_bytes};

/// Without these the guest has no disk, network, console port or power button.
pub(super) const REQUIRED: &[&str] =
    &["virtio_pci", "virtio_blk", "virtio_net", "virtio_console", "button", "evdev"];

/// Taken if the kernel package has them.
pub(super) const WANTED: &[&str] = &[
    "virtio_rng",
    "virtio_balloon",
    "virtio_scsi",
    "sd_mod",
    "sr_mod",
    "ahci",
    "ata_piix",
    "pvpanic_pci",
    "e1000",
    "8139cp",
];

/// File name and content of each module, dependencies first.
pub(super) fn select(dir: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let index = Index::read(dir)?;
    let mut chosen = Vec::new();
    let mut seen = BTreeSet::new();
    for name in REQUIRED {
        index.add(name, true, &mut seen, &mut chosen)?;
    }
    for name in WANTED {
        index.add(name, false, &mut seen, &mut chosen)?;
    }
    Ok(chosen)
}

struct Index {
    files: BTreeMap<String, PathBuf>,
    built_in: BTreeSet<String>,
}

impl Index {
    fn read(dir: &Path) -> Result<Self> {
        let mut files = BTreeMap::new();
        walk(dir, &mut files)?;
        let built_in = fs::read_to_string(dir.join("modules.builtin")).unwrap_or_default();
        Ok(Self {
            files,
            built_in: built_in.lines().filter_map(|line| module_name(Path::new(line))).collect(),
        })
    }

    fn add(
        &self,
        name: &str,
        required: bool,
        seen: &mut BTreeSet<String>,
        chosen: &mut Vec<(String, Vec<u8>)>,
    ) -> Result<()> {
        if self.built_in.contains(name) || !seen.insert(name.to_owned()) {
            return Ok(());
        }
        let Some(file) = self.files.get(name) else {
            let missing = Failure::new(format!("the kernel package has no module {name}"));
            return if required { Err(missing) } else { Ok(()) };
        };
        let content = decompressed(file)?;
        for dependency in dependencies(&content) {
            self.add(&dependency, true, seen, chosen)?;
        }
        chosen.push((format!("{name}.ko"), content));
        Ok(())
    }
}

fn walk(dir: &Path, files: &mut BTreeMap<String, PathBuf>) -> Result<()> {
    for entry in fs::read_dir(dir).during(dir.display())? {
        let path = entry.during(dir.display())?.path();
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            walk(&path, files)?;
        } else if let Some(name) = module_name(&path) {
            files.insert(name, path);
        }
    }
    Ok(())
}

/// The kernel's name of the module in a file such as `virtio-rng.ko.xz`: always with underscores.
fn module_name(path: &Path) -> Option<String> {
    let (name, _) = path.file_name()?.to_str()?.split_once(".ko")?;
    Some(name.replace('-', "_"))
}

fn decompressed(file: &Path) -> Result<Vec<u8>> {
    let tool = match file.extension().and_then(|extension| extension.to_str()) {
        Some("xz") => "xz",
        Some("zst") => "zstd",
        Some("gz") => "gzip",
        _ => return fs::read(file).during(file.display()),
    };
    output_bytes(Command::new(tool).arg("-dcq").arg(file))
}

/// The names after `depends=` in the module's `.modinfo`, which is a list of zero-terminated texts.
fn dependencies(module: &[u8]) -> Vec<String> {
    const KEY: &[u8] = b"\0depends=";
    let Some(at) = module.windows(KEY.len()).position(|window| window == KEY) else {
        return Vec::new();
    };
    let rest = &module[at + KEY.len()..];
    let value = rest.split(|byte| *byte == 0).next().unwrap_or_default();
    let names = String::from_utf8_lossy(value);
    names.split(',').filter(|name| !name.is_empty()).map(|name| name.replace('-', "_")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_dependencies() {
        assert_eq!(
            module_name(Path::new("kernel/hw_random/virtio-rng.ko.xz")).as_deref(),
            Some("virtio_rng")
        );
        assert_eq!(module_name(Path::new("modules.order")), None);
        assert_eq!(
            dependencies(b"x\0license=GPL\0depends=virtio_ring,net-failover\0y"),
            ["virtio_ring", "net_failover"]
        );
        assert!(dependencies(b"\0depends=\0").is_empty());
        assert!(dependencies(b"nothing").is_empty());
    }
}
