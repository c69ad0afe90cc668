//! Jobs on disks, and what else can be done with the disks of a running guest.
//!
//! No job can be begun yet. What is refused before a job would begin is refused here too.

use virt_conf::common::StorageSource;
use virt_conf::common::storage_source::{ImageFormat, Location};
use virt_conf::domain::Domain;
use virt_conf::domain::device::{Disk, DiskBus};
use virt_domain::{JobContext, JobKind, JobSpec, Snapshot};
use virt_driver::{BlockJobInfo, BlockJobs, DomainRef};
use virt_qmp::command::{BlockResize as ResizeCommand, BlockSetWriteThreshold};
use virt_types::{Error, ErrorCode, ErrorDomain, Result, TypedParams};

use super::calls::calls;
use super::refusal::{invalid_argument, known_bits, no_flags, unsupported};
use super::statistics::block::{format_node, is_empty, storage_node};
use super::tuning::params::{self, Kind};
use super::{QemuConnection, disks, hold, sides};

impl BlockJobs for QemuConnection {
    calls! {
        abort(domain: &'a DomainRef, disk: &'a str, flags: u32) -> () = abort;
        info(domain: &'a DomainRef, disk: &'a str, flags: u32) -> Option<BlockJobInfo> = info;
        set_speed(domain: &'a DomainRef, disk: &'a str, bandwidth: u64, flags: u32) -> () = set_speed;
        pull(domain: &'a DomainRef, disk: &'a str, bandwidth: u64, flags: u32) -> () = pull;
        rebase(domain: &'a DomainRef, disk: &'a str, base: Option<&'a str>, bandwidth: u64, flags: u32) -> () = rebase;
        copy(domain: &'a DomainRef, disk: &'a str, target_xml: &'a str, params: &'a TypedParams, flags: u32) -> () = copy;
        commit(
            domain: &'a DomainRef, disk: &'a str, base: Option<&'a str>, top: Option<&'a str>, bandwidth: u64, flags: u32,
        ) -> () = commit;
        resize(domain: &'a DomainRef, disk: &'a str, size: u64, flags: u32) -> () = resize;
        set_threshold(domain: &'a DomainRef, disk: &'a str, threshold: u64, flags: u32) -> () = set_threshold;
    }
}

/// A bandwidth in MiB per second, if the flags have no bit that says bytes.
fn bandwidth(value: u64, in_bytes: bool) -> Result<()> {
    let most = (i64::MAX as u64) >> 20;
    if in_bytes || value <= most {
        return Ok(());
    }
    let detail = format!("bandwidth must be less than {most}");
    Err(Error::new(ErrorCode::Overflow, ErrorDomain::Qemu, detail))
}

/// The live domain of a running one, and its disk.
async fn live_disk(connection: &QemuConnection, domain: &DomainRef, disk: &str) -> Result<()> {
    let snapshot = connection.find(domain).await?.snapshot();
    let live = snapshot.live.as_ref().ok_or_else(sides::not_running)?;
    disks::by_name(live, disk).map(drop)
}

/// A job that a disk does not have.
fn no_job(disk: &str) -> Error {
    invalid_argument(format!("disk {disk} does not have an active block job"))
}

/// `virDomainBlockJobAbort`
async fn abort(connection: &QemuConnection, domain: &DomainRef, disk: &str, flags: u32) -> Result<()> {
    // 1 does not wait, 2 switches over.
    known_bits(flags, 3, "qemuDomainBlockJobAbort")?;
    live_disk(connection, domain, disk).await?;
    Err(no_job(disk))
}

/// `virDomainGetBlockJobInfo`
async fn info(
    connection: &QemuConnection,
    domain: &DomainRef,
    disk: &str,
    flags: u32,
) -> Result<Option<BlockJobInfo>> {
    known_bits(flags, 1, "qemuDomainGetBlockJobInfo")?;
    live_disk(connection, domain, disk).await?;
    Ok(None)
}

/// `virDomainBlockJobSetSpeed`
async fn set_speed(
    connection: &QemuConnection,
    domain: &DomainRef,
    disk: &str,
    speed: u64,
    flags: u32,
) -> Result<()> {
    known_bits(flags, 1, "qemuDomainBlockJobSetSpeed")?;
    bandwidth(speed, flags & 1 != 0)?;
    live_disk(connection, domain, disk).await?;
    Err(no_job(disk))
}

/// `virDomainBlockPull`
async fn pull(
    connection: &QemuConnection,
    domain: &DomainRef,
    disk: &str,
    speed: u64,
    flags: u32,
) -> Result<()> {
    const BYTES: u32 = 64;
    known_bits(flags, BYTES, "qemuDomainBlockPull")?;
    begin(connection, domain, disk, (speed, flags & BYTES != 0), "virDomainBlockPull").await
}

/// `virDomainBlockRebase`
async fn rebase(
    connection: &QemuConnection,
    domain: &DomainRef,
    disk: &str,
    _: Option<&str>,
    speed: u64,
    flags: u32,
) -> Result<()> {
    const BYTES: u32 = 64;
    known_bits(flags, 127, "qemuDomainBlockRebase")?;
    begin(connection, domain, disk, (speed, flags & BYTES != 0), "virDomainBlockRebase").await
}

/// `virDomainBlockCopy`
async fn copy(
    connection: &QemuConnection,
    domain: &DomainRef,
    disk: &str,
    target_xml: &str,
    params: &TypedParams,
    flags: u32,
) -> Result<()> {
    known_bits(flags, 15, "qemuDomainBlockCopy")?;
    let known = [("bandwidth", Kind::ULLong), ("granularity", Kind::UInt), ("buf-size", Kind::ULLong)];
    params::check(params, &known)?;
    virt_xml::Document::parse(target_xml)?;
    begin(connection, domain, disk, (0, true), "virDomainBlockCopy").await
}

/// What comes before a job of a running guest; the job itself is not there yet.
async fn begin(
    connection: &QemuConnection,
    domain: &DomainRef,
    disk: &str,
    (speed, in_bytes): (u64, bool),
    call: &str,
) -> Result<()> {
    bandwidth(speed, in_bytes)?;
    live_disk(connection, domain, disk).await?;
    Err(Error::no_support(call))
}

/// `virDomainBlockCommit`
async fn commit(
    connection: &QemuConnection,
    domain: &DomainRef,
    disk: &str,
    base: Option<&str>,
    top: Option<&str>,
    speed: u64,
    flags: u32,
) -> Result<()> {
    const SHALLOW: u32 = 1;
    const BYTES: u32 = 16;
    known_bits(flags, 31, "qemuDomainBlockCommit")?;
    let snapshot = connection.find(domain).await?.snapshot();
    bandwidth(speed, flags & BYTES != 0)?;
    let document = snapshot.current()?.unwrap_or_default();
    let found = disks::by_name(&document, disk)?;
    if snapshot.live.is_none() {
        // libvirt looks into the chain before it looks at the domain, and knows no chain of one that does not run.
        let own = top.is_none_or(|top| top == found.name());
        return Err(match (own, base) {
            (false, _) | (true, Some(_)) => {
                let name = if own { base } else { top }.unwrap_or_default();
                invalid_argument(format!("could not find image '{name}' in chain for '{}'", found.name()))
            }
            (true, None) if flags & SHALLOW == 0 && found.source.backing.is_none() => {
                invalid_argument(format!("could not find base image in chain for '{}'", found.name()))
            }
            (true, None) => sides::not_running(),
        });
    }
    Err(Error::no_support("virDomainBlockCommit"))
}

/// `virDomainBlockResize`
async fn resize(
    connection: &QemuConnection,
    domain: &DomainRef,
    disk: &str,
    size: u64,
    flags: u32,
) -> Result<()> {
    const BYTES: u32 = 1;
    known_bits(flags, BYTES, "qemuDomainBlockResize")?;
    let bytes = if flags & BYTES != 0 { Some(size) } else { size.checked_mul(1024) };
    let bytes = bytes.ok_or_else(|| {
        let detail = format!("size must be less than {}", u64::MAX / 1024);
        Error::new(ErrorCode::Overflow, ErrorDomain::Qemu, detail)
    })?;
    let handle = connection.find(domain).await?;
    let name = disk.to_owned();
    let spec = JobSpec::active("virDomainBlockResize", JobKind::Modify);
    handle
        .job(spec, move |context| async move {
            let live = live(&context)?;
            let found = disks::find(&live, &name).ok_or_else(|| {
                invalid_argument(format!("disk '{name}' was not found in the domain config"))
            })?;
            let command = resize_command(found, bytes)?;
            hold::guest(&context).await?.execute(&command).await.map(drop)
        })
        .await
}

fn resize_command(disk: &Disk, bytes: u64) -> Result<ResizeCommand> {
    if matches!(disk.source.location.actual(), Location::VhostUser { .. }) {
        return Err(unsupported("block resize is not supported for vhostuser disk"));
    }
    if is_empty(disk) || disk.source.readonly {
        return Err(unsupported(format!("can't resize empty or readonly disk '{}'", disk.name())));
    }
    // These formats count in sectors.
    let sectors = matches!(disk.source.format, Some(ImageFormat::Qcow2 | ImageFormat::Qed));
    let size = if sectors { bytes.div_ceil(512).saturating_mul(512) } else { bytes };
    let device = disk.info.alias.as_ref().filter(|_| disk.bus() == DiskBus::Sd);
    Ok(ResizeCommand {
        size,
        device: device.map(|alias| format!("drive-{alias}")),
        node_name: if device.is_some() { None } else { format_node(&disk.source) },
    })
}

/// `virDomainSetBlockThreshold`
async fn set_threshold(
    connection: &QemuConnection,
    domain: &DomainRef,
    disk: &str,
    threshold: u64,
    flags: u32,
) -> Result<()> {
    no_flags(flags, "qemuDomainSetBlockThreshold")?;
    let handle = connection.find(domain).await?;
    let name = disk.to_owned();
    let spec = JobSpec::active("virDomainSetBlockThreshold", JobKind::Modify);
    handle
        .job(spec, move |context| async move {
            let live = live(&context)?;
            let source = image(&live, &name)?;
            if matches!(source.location.actual(), Location::VhostUser { .. }) {
                return Err(unsupported("setting device threshold is not supported for vhostuser disk"));
            }
            let Some(node_name) = storage_node(source) else {
                return Err(unsupported(format!(
                    "threshold currently can't be set for block device '{name}'"
                )));
            };
            let command = BlockSetWriteThreshold { node_name, write_threshold: threshold };
            hold::guest(&context).await?.execute(&command).await.map(drop)
        })
        .await
}

fn live(context: &JobContext) -> Result<std::sync::Arc<Domain>> {
    let snapshot: std::sync::Arc<Snapshot> = context.snapshot();
    snapshot.live.clone().ok_or_else(sides::not_running)
}

/// The image of a chain that a caller names: `vda` is the disk's own, `vda[3]` the one with this number.
fn image<'a>(live: &'a Domain, name: &str) -> Result<&'a StorageSource> {
    let missing = || invalid_argument(format!("failed to find disk '{name}"));
    let (target, index) = match name.split_once('[') {
        Some((target, rest)) => {
            let index = rest.strip_suffix(']').and_then(|index| index.parse().ok()).ok_or_else(missing)?;
            (target, Some(index))
        }
        None => (name, None),
    };
    let disk = disks::find(live, target).ok_or_else(missing)?;
    match index {
        None => Ok(&disk.source),
        Some(index) => disk
            .source
            .chain()
            .find(|source: &&StorageSource| source.index == Some(index))
            .ok_or_else(missing),
    }
}
