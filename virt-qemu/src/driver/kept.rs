//! Snapshots, checkpoints and backups: what is there of them. None can be made yet, but another engine may
//! have left some in these directories, of which nothing is said then.

use virt_driver::{CheckpointRef, Checkpoints, DomainRef, SavedStates, SnapshotRef, Snapshots};
use virt_types::{Error, ErrorCode, ErrorDomain, Result, TypedParams};

use super::calls::calls;
use super::refusal::{known_bits, no_flags};
use super::{QemuConnection, core_dump, saved};

impl SavedStates for QemuConnection {
    calls! {
        save(domain: &'a DomainRef, to: &'a str, xml: Option<&'a str>, flags: u32) -> () = saved::save;
        save_with(domain: &'a DomainRef, params: &'a TypedParams, flags: u32) -> () = saved::save_with;
        restore(from: &'a str, xml: Option<&'a str>, flags: u32) -> () = saved::restore;
        restore_with(params: &'a TypedParams, flags: u32) -> () = saved::restore_with;
        image_xml_desc(file: &'a str, flags: u32) -> String = saved::image_xml;
        define_image_xml(file: &'a str, xml: &'a str, flags: u32) -> () = saved::define_image_xml;
        managed_save(domain: &'a DomainRef, flags: u32) -> () = saved::managed_save;
        has_managed_save(domain: &'a DomainRef, flags: u32) -> bool = saved::has_managed;
        remove_managed_save(domain: &'a DomainRef, flags: u32) -> () = saved::remove_managed;
        managed_save_xml_desc(domain: &'a DomainRef, flags: u32) -> String = saved::managed_xml;
        define_managed_save_xml(domain: &'a DomainRef, xml: Option<&'a str>, flags: u32) -> () = saved::define_managed_xml;
        core_dump(domain: &'a DomainRef, to: &'a str, format: u32, flags: u32) -> () = core_dump::dump;
    }
}

impl Snapshots for QemuConnection {
    calls! {
        list(domain: &'a DomainRef, flags: u32) -> Vec<SnapshotRef> = snapshots;
        has_current(domain: &'a DomainRef, flags: u32) -> bool = has_current_snapshot;
        current(domain: &'a DomainRef, flags: u32) -> SnapshotRef = current_snapshot;
        lookup_by_name(domain: &'a DomainRef, name: &'a str, flags: u32) -> SnapshotRef = snapshot_named;
    }
}

impl Checkpoints for QemuConnection {
    calls! {
        list(domain: &'a DomainRef, flags: u32) -> Vec<CheckpointRef> = checkpoints;
        lookup_by_name(domain: &'a DomainRef, name: &'a str, flags: u32) -> CheckpointRef = checkpoint_named;
        backup_xml_desc(domain: &'a DomainRef, flags: u32) -> String = backup;
    }
}

fn refused(code: ErrorCode, detail: impl Into<String>) -> Error {
    Error::new(code, ErrorDomain::Qemu, detail)
}

/// Finds a domain of which nothing is kept in a directory of libvirt's.
async fn without(connection: &QemuConnection, domain: &DomainRef, directory: &str, call: &str) -> Result<()> {
    let name = connection.find(domain).await?.snapshot().name.clone();
    let path = connection.backend.config().lib_dir.join(directory).join(name.as_str());
    let is_empty = std::fs::read_dir(path).map_or(true, |mut entries| entries.next().is_none());
    if is_empty { Ok(()) } else { Err(Error::no_support(call)) }
}

/// The bits of `virDomainSnapshotListFlags` and `virDomainCheckpointListFlags`.
const LIST: u32 = 0x7ff;

/// `virDomainListAllSnapshots`
async fn snapshots(connection: &QemuConnection, domain: &DomainRef, flags: u32) -> Result<Vec<SnapshotRef>> {
    known_bits(flags, LIST, "qemuDomainListAllSnapshots")?;
    without(connection, domain, "snapshot", "virDomainListAllSnapshots").await?;
    Ok(Vec::new())
}

/// `virDomainHasCurrentSnapshot`
async fn has_current_snapshot(connection: &QemuConnection, domain: &DomainRef, flags: u32) -> Result<bool> {
    no_flags(flags, "qemuDomainHasCurrentSnapshot")?;
    without(connection, domain, "snapshot", "virDomainHasCurrentSnapshot").await?;
    Ok(false)
}

/// `virDomainSnapshotCurrent`
async fn current_snapshot(
    connection: &QemuConnection,
    domain: &DomainRef,
    flags: u32,
) -> Result<SnapshotRef> {
    no_flags(flags, "qemuDomainSnapshotCurrent")?;
    without(connection, domain, "snapshot", "virDomainSnapshotCurrent").await?;
    Err(refused(ErrorCode::NoDomainSnapshot, "the domain does not have a current snapshot"))
}

/// `virDomainSnapshotLookupByName`
async fn snapshot_named(
    connection: &QemuConnection,
    domain: &DomainRef,
    name: &str,
    flags: u32,
) -> Result<SnapshotRef> {
    no_flags(flags, "qemuDomainSnapshotLookupByName")?;
    without(connection, domain, "snapshot", "virDomainSnapshotLookupByName").await?;
    let detail = format!("no domain snapshot with matching name '{name}'");
    Err(refused(ErrorCode::NoDomainSnapshot, detail))
}

/// `virDomainListAllCheckpoints`
async fn checkpoints(
    connection: &QemuConnection,
    domain: &DomainRef,
    flags: u32,
) -> Result<Vec<CheckpointRef>> {
    known_bits(flags, LIST, "qemuDomainListAllCheckpoints")?;
    without(connection, domain, "checkpoint", "virDomainListAllCheckpoints").await?;
    Ok(Vec::new())
}

/// `virDomainCheckpointLookupByName`
async fn checkpoint_named(
    connection: &QemuConnection,
    domain: &DomainRef,
    name: &str,
    flags: u32,
) -> Result<CheckpointRef> {
    no_flags(flags, "qemuDomainCheckpointLookupByName")?;
    without(connection, domain, "checkpoint", "virDomainCheckpointLookupByName").await?;
    let detail = format!("no domain checkpoint with matching name '{name}'");
    Err(refused(ErrorCode::NoDomainCheckpoint, detail))
}

/// `virDomainBackupGetXMLDesc`
async fn backup(connection: &QemuConnection, domain: &DomainRef, flags: u32) -> Result<String> {
    no_flags(flags, "qemuDomainBackupGetXMLDesc")?;
    connection.find(domain).await?;
    Err(refused(ErrorCode::NoDomainBackup, "no domain backup job present"))
}
