//! `lxc.rootfs.path` and `lxc.mount.entry`: what is mounted in a container.

use virt_conf::Result;
use virt_conf::common::scaled::parse_scaled;
use virt_conf::domain::device::{Filesystem, FilesystemSource};

use super::settings::Settings;
use super::{filesystem, internal, unexplained};

/// Mount points that every container has anyway.
const BASIC: &[&str] = &[
    "/proc",
    "/proc/sys",
    "/proc/sys/net/ipv4",
    "/proc/sys/net/ipv6",
    "/sys",
    "/sys/kernel/security",
    "/sys/fs/selinux",
];

pub(super) fn filesystems(rootfs: &str, settings: &Settings<'_>) -> Result<Vec<Filesystem>> {
    let mut filesystems = vec![filesystem(host(rootfs), "/", false)];
    for (_, line) in settings.all(&["lxc.mount.entry"]) {
        filesystems.extend(entry(line)?);
    }
    Ok(filesystems)
}

/// A device node of the host, or a directory.
fn host(path: &str) -> FilesystemSource {
    if path.starts_with("/dev/") {
        FilesystemSource::Block(path.to_owned())
    } else {
        FilesystemSource::Mount { dir: Some(path.to_owned()), socket: None }
    }
}

/// A line as of fstab(5).
fn entry(line: &str) -> Result<Option<Filesystem>> {
    let words: Vec<&str> = line.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
    let [source, target, kind, options, ..] = words[..] else {
        return Err(unexplained(format!("lxc.mount.entry has less than four fields: '{line}'")));
    };
    let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
    if BASIC.contains(&target.as_str()) {
        return Ok(None);
    }
    let options: Vec<&str> = options.split(',').collect();
    let from = if kind == "tmpfs" {
        let size = options
            .iter()
            .find_map(|option| option.strip_prefix("size="))
            .ok_or_else(|| internal("missing tmpfs size, set the size option"))?;
        FilesystemSource::Ram(self::size(size)?)
    } else {
        host(source)
    };
    Ok(Some(filesystem(from, &target, options.contains(&"ro"))))
}

/// A number of bytes with its unit; a share of the host's memory can not be converted.
pub(super) fn size(text: &str) -> Result<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    if unit == "%" {
        return Err(internal(format!("can't convert relative size: '{text}'")));
    }
    parse_scaled("size", digits, Some(unit).filter(|unit| !unit.is_empty()), 1, u64::MAX)
        .map_err(|error| internal(format!("failed to convert size: '{text}'")).caused_by(error))
}
