//! `dir`, `fs` and `netfs`: the files in a directory, on which a file system is mounted for the pool or not.

use std::fs;
use std::path::Path;

use virt_conf::storage_pool::{
    NetfsFormat, PoolDevice, PoolFormat, PoolHost, PoolNamespace, PoolSource, PoolType, StoragePool,
};
use virt_conf::storage_volume::Volume;
use virt_types::Result;
use virt_xml::{Document, Element};

use super::directory::{self, scan_pool};
use super::{Backend, OVERWRITE, delete_file, device, place_file, refresh_file};
use crate::command::Command;
use crate::error::{failed, internal, invalid, invalid_arg, system, unsupported};
use crate::pool::Volumes;
use crate::probe;
use crate::volume::{self, Resize};

/// What is mounted where, of this process.
const MOUNTS: &str = "/proc/self/mounts";
/// What files of others may never do.
const SAFE: &str = "nodev,nosuid,noexec";

#[derive(Debug)]
pub(super) struct FileSystem;

impl Backend for FileSystem {
    fn is_there(&self, pool: &StoragePool) -> Result<bool> {
        if pool.kind == PoolType::Dir {
            return Ok(Path::new(pool.target_path()).exists());
        }
        check_source(pool)?;
        is_mounted(pool)
    }

    fn build(&self, pool: &StoragePool, flags: u32) -> Result<()> {
        directory::check_build(flags)?;
        directory::make_directory(pool)?;
        if flags == 0 { Ok(()) } else { format(pool, flags) }
    }

    fn start(&self, pool: &StoragePool) -> Result<()> {
        if pool.kind == PoolType::Dir {
            return Ok(());
        }
        check_source(pool)?;
        if is_mounted(pool)? {
            return Ok(());
        }
        mount_command(pool).run().map(drop)
    }

    fn stop(&self, pool: &StoragePool) -> Result<()> {
        if pool.kind == PoolType::Dir {
            return Ok(());
        }
        check_source(pool)?;
        if !is_mounted(pool)? {
            return Ok(());
        }
        Command::new("umount", [pool.target_path()]).run().map(drop)
    }

    fn delete(&self, pool: &StoragePool, _: u32) -> Result<()> {
        directory::remove_directory(pool)
    }

    fn refresh(&self, pool: &mut StoragePool) -> Result<Volumes> {
        scan_pool(pool)
    }

    fn finds_sources(&self, kind: PoolType) -> bool {
        kind == PoolType::Netfs
    }

    fn find_sources(&self, specification: Option<&PoolSource>) -> Result<Vec<PoolSource>> {
        let specification =
            specification.ok_or_else(|| invalid_arg("hostname must be specified for netfs sources"))?;
        let [host] = specification.hosts.as_slice() else {
            return Err(unsupported("Expected exactly 1 host for the storage pool"));
        };
        shares(&host.name)
    }

    fn makes_volumes(&self) -> bool {
        true
    }

    fn place(&self, pool: &StoragePool, volume: &mut Volume) -> Result<()> {
        place_file(pool, volume)
    }

    fn refresh_volume(&self, _: &StoragePool, volume: &mut Volume) -> Result<()> {
        refresh_file(volume)
    }

    fn delete_volume(&self, _: &StoragePool, volume: &Volume) -> Result<()> {
        delete_file(volume)
    }

    fn resize_volume(&self, resize: &Resize) -> Result<()> {
        volume::resize(resize)
    }

    fn after_wipe(&self, volume: &mut Volume) -> Result<()> {
        probe::wiped(volume)
    }
}

fn check_source(pool: &StoragePool) -> Result<()> {
    let source = &pool.source;
    if pool.kind == PoolType::Netfs {
        return match (source.hosts.as_slice(), &source.dir) {
            ([_], Some(_)) => Ok(()),
            ([_], None) => Err(internal("missing source path")),
            _ => Err(unsupported("expected exactly 1 host for the storage pool")),
        };
    }
    match source.devices.as_slice() {
        [_] => Ok(()),
        [] => Err(internal("missing source device")),
        _ => Err(unsupported("expected exactly 1 device for the storage pool")),
    }
}

fn format_of(pool: &StoragePool) -> PoolFormat {
    let format = pool.source.format.or_else(|| PoolFormat::default_of(pool.kind));
    format.unwrap_or(PoolFormat::Netfs(NetfsFormat::Auto))
}

/// What is mounted.
fn source_of(pool: &StoragePool) -> String {
    let source = &pool.source;
    if pool.kind == PoolType::Netfs {
        let host = source.hosts.first().map_or("", |host| &host.name);
        let dir = source.dir.as_deref().unwrap_or_default();
        return match format_of(pool) {
            PoolFormat::Netfs(NetfsFormat::Cifs) => format!("//{host}/{dir}"),
            _ => format!("{host}:{dir}"),
        };
    }
    source.devices.first().map_or_else(String::new, |device| device.path.clone())
}

/// The command that mounts a pool.
pub(super) fn mount_command(pool: &StoragePool) -> Command {
    let format = format_of(pool);
    let mut options = vec![SAFE.to_owned()];
    match format {
        PoolFormat::Netfs(NetfsFormat::Glusterfs) => options.push("direct-io-mode=1".to_owned()),
        PoolFormat::Netfs(NetfsFormat::Cifs) => options.push("guest".to_owned()),
        _ if pool.kind == PoolType::Netfs => {
            options.extend(pool.source.protocol_version.as_ref().map(|version| format!("nfsvers={version}")));
        }
        _ => {}
    }
    if let PoolNamespace::Fs(own) = &pool.namespace {
        log::warn!("pool '{}' is mounted with options of its own", pool.name);
        options.extend(own.iter().cloned());
    }
    let mut arguments = vec!["-o".to_owned(), options.join(",")];
    // mount finds NFS and CIFS out by itself, but not as a type called "auto".
    if format != PoolFormat::Netfs(NetfsFormat::Auto) {
        arguments.extend(["-t".to_owned(), format.text().to_owned()]);
    }
    arguments.extend([source_of(pool), pool.target_path().to_owned()]);
    Command::new("mount", arguments)
}

fn is_mounted(pool: &StoragePool) -> Result<bool> {
    let table = fs::read_to_string(MOUNTS)
        .map_err(|error| system(format_args!("cannot read mount list '{MOUNTS}'"), error))?;
    let (source, target) = (source_of(pool), pool.target_path());
    Ok(table.lines().any(|line| {
        let mut words = line.split(' ').map(unescape);
        let (Some(device), Some(place)) = (words.next(), words.next()) else { return false };
        same_path(&place, target) && same_path(&device, &source)
    }))
}

/// In the kernel's table, what would end a word is written as three octal digits after a backslash.
fn unescape(word: &str) -> String {
    let mut text = Vec::new();
    let bytes = word.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let digits = bytes.get(at + 1..at + 4).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(code) if *byte == b'\\' => {
                text.push(code);
                at += 4;
            }
            _ => {
                text.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

fn same_path(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    let real = |path: &str| Path::new(path).starts_with("/").then(|| fs::canonicalize(path).ok()).flatten();
    real(one).is_some_and(|one| real(other) == Some(one))
}

/// Makes a file system on the pool's device.
pub(super) fn format(pool: &StoragePool, flags: u32) -> Result<()> {
    let Some(PoolDevice { path, .. }) = pool.source.devices.first() else {
        let detail = format!("No source device specified when formatting pool '{}'", pool.name);
        return Err(invalid(detail));
    };
    if !Path::new(path).exists() {
        let detail = format!("Source device does not exist when formatting pool '{}'", pool.name);
        return Err(invalid(detail));
    }
    let format = format_of(pool).text();
    if flags & OVERWRITE == 0 {
        device::check_empty(path, format)?;
    }
    if virt_sys::find_program("mkfs").is_none() {
        let detail = format!(
            "mkfs is not available on this platform: Failed to make filesystem of type '{format}' on device '{path}'"
        );
        return Err(internal(detail));
    }
    let force = match format {
        "xfs" => Some("-f"),
        "ext2" | "ext3" | "ext4" => Some("-F"),
        "vfat" => Some("-I"),
        _ => None,
    };
    Command::new("mkfs", ["-t", format].into_iter().chain(force).chain([path.as_str()])).run().map(drop)
}

/// What a host gives others, by NFS and GlusterFS.
fn shares(host: &str) -> Result<Vec<PoolSource>> {
    let exports = Command::new("showmount", ["--no-headers", "--exports", host]).run();
    let mut sources = match &exports {
        Ok(exports) => nfs_shares(host, exports)?,
        Err(error) => {
            log::debug!("no exports of {host}: {error}");
            Vec::new()
        }
    };
    let gluster = gluster_shares(host);
    if exports.is_err() && gluster.is_empty() {
        return Err(failed(format!("no storage pools were found on host '{host}'")));
    }
    sources.extend(gluster);
    Ok(sources)
}

/// Reads what showmount writes: a path, which may have spaces in it, and who may have it.
fn nfs_shares(host: &str, exports: &str) -> Result<Vec<PoolSource>> {
    let mut sources = Vec::new();
    for line in exports.lines() {
        let Some((path, _)) = line.trim_end().rsplit_once(' ') else { continue };
        let path = path.trim_end();
        if !path.starts_with('/') {
            continue;
        }
        if path.ends_with('/') {
            return Err(internal(format!("invalid netfs path (ends in /): {path}")));
        }
        sources.push(share(host, path, NetfsFormat::Nfs));
    }
    Ok(sources)
}

fn share(host: &str, dir: &str, format: NetfsFormat) -> PoolSource {
    PoolSource {
        hosts: vec![PoolHost { name: host.to_owned(), ..PoolHost::default() }],
        dir: Some(dir.to_owned()),
        format: Some(PoolFormat::Netfs(format)),
        ..PoolSource::default()
    }
}

fn gluster_shares(host: &str) -> Vec<PoolSource> {
    if virt_sys::find_program("gluster").is_none() {
        return Vec::new();
    }
    let remote = format!("--remote-host={host}");
    let found = Command::new("gluster", ["--xml", "--log-file=/dev/null", "volume", "info", "all", &remote])
        .run()
        .and_then(|output| gluster_sources(host, &output, PoolType::Netfs));
    found.unwrap_or_else(|error| {
        log::warn!("the volumes of GlusterFS on {host}: {error}");
        Vec::new()
    })
}

/// The sources of pools of this type in what `gluster --xml volume info` writes of a host.
///
/// # Errors
/// For what is no such document.
pub fn gluster_sources(host: &str, output: &str, kind: PoolType) -> Result<Vec<PoolSource>> {
    let document = Document::parse(output)?;
    let Some(volumes) = document.root().descend(&["volInfo", "volumes"]) else { return Ok(Vec::new()) };
    let source = |name: String| match kind {
        PoolType::Netfs => share(host, &name, NetfsFormat::Glusterfs),
        _ => PoolSource {
            hosts: vec![PoolHost { name: host.to_owned(), ..PoolHost::default() }],
            dir: Some("/".to_owned()),
            name: Some(name),
            ..PoolSource::default()
        },
    };
    let name = |volume: Element<'_>| {
        volume.child_text("name").ok_or_else(|| internal("failed to extract gluster volume name"))
    };
    volumes.children_named("volume").map(|volume| name(volume).map(source)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exports_are_read() {
        let found = nfs_shares("h", "/tmp   *\n/A dir demo1,demo2\nnoise\n").unwrap();
        let dirs: Vec<_> = found.iter().map(|source| source.dir.as_deref().unwrap()).collect();
        assert_eq!(dirs, ["/tmp", "/A dir"]);
        assert!(nfs_shares("h", "/ *\n").is_err());
    }

    #[test]
    fn words_of_the_mount_table() {
        for (word, expected) in
            [("/mnt", "/mnt"), ("/a\\040b", "/a b"), ("/a\\134", "/a\\"), ("\\0", "\\0"), ("\\999", "\\999")]
        {
            assert_eq!(unescape(word), expected);
        }
    }

    #[test]
    fn mounts_are_commands() {
        let pool = |kind: &str, source: &str| {
            let xml = format!(
                "<pool type='{kind}'><name>a</name><source>{source}</source><target><path>/m</path></target></pool>"
            );
            mount_command(&StoragePool::parse(&xml).unwrap()).words().join(" ")
        };
        let host = "<host name='h'/><dir path='/e'/>";
        for (kind, source, expected) in [
            ("fs", "<device path='/d'/>".to_owned(), "mount -o nodev,nosuid,noexec -t auto /d /m"),
            ("netfs", host.to_owned(), "mount -o nodev,nosuid,noexec h:/e /m"),
            (
                "netfs",
                format!("{host}<format type='nfs'/><protocol ver='4'/>"),
                "mount -o nodev,nosuid,noexec,nfsvers=4 -t nfs h:/e /m",
            ),
            (
                "netfs",
                "<host name='h'/><dir path='share'/><format type='cifs'/>".to_owned(),
                "mount -o nodev,nosuid,noexec,guest -t cifs //h/share /m",
            ),
        ] {
            assert_eq!(pool(kind, &source), expected);
        }
    }
}
