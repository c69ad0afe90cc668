//! What disks did, and how large they are.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;

use serde_json::Value;
use virt_conf::common::StorageSource;
use virt_conf::common::storage_source::{ImageFormat, Location};
use virt_conf::domain::Domain;
use virt_conf::domain::device::{Disk, DiskBus};
use virt_domain::{JobContext, JobKind, JobSpec};
use virt_driver::{BlockInfo, BlockStats, DiskError, DomainRef};
use virt_qmp::command::{BlockNode, Object, QueryBlock, QueryBlockstats, QueryNamedBlockNodes};
use virt_types::{Error, ErrorCode, ErrorDomain, Result, TypedParams};

use super::super::refusal::{internal, invalid_argument, known_bits, no_flags};
use super::super::{QemuConnection, disks, hold, sides};
use crate::block::effective_format;
use crate::process::Guest;

/// The counters of a device or node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counters {
    read_requests: u64,
    read_bytes: u64,
    read_time: u64,
    write_requests: u64,
    write_bytes: u64,
    write_time: u64,
    flush_requests: u64,
    flush_time: u64,
    highest_offset: u64,
}

impl Counters {
    fn read(stats: &Value) -> Self {
        let number = |name: &str| stats.get(name).and_then(Value::as_u64).unwrap_or_default();
        Self {
            read_requests: number("rd_operations"),
            read_bytes: number("rd_bytes"),
            read_time: number("rd_total_time_ns"),
            write_requests: number("wr_operations"),
            write_bytes: number("wr_bytes"),
            write_time: number("wr_total_time_ns"),
            flush_requests: number("flush_operations"),
            flush_time: number("flush_total_time_ns"),
            highest_offset: number("wr_highest_offset"),
        }
    }

    const fn plus(self, other: Self) -> Self {
        Self {
            read_requests: self.read_requests + other.read_requests,
            read_bytes: self.read_bytes + other.read_bytes,
            read_time: self.read_time + other.read_time,
            write_requests: self.write_requests + other.write_requests,
            write_bytes: self.write_bytes + other.write_bytes,
            write_time: self.write_time + other.write_time,
            flush_requests: self.flush_requests + other.flush_requests,
            flush_time: self.flush_time + other.flush_time,
            highest_offset: 0,
        }
    }
}

/// What a node holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Node {
    capacity: u64,
    threshold: u64,
}

/// What QEMU knows of its disks: by device, and by node.
#[derive(Debug, Clone, Default)]
pub(super) struct Figures {
    devices: HashMap<String, Counters>,
    highest_offsets: HashMap<String, u64>,
    nodes: HashMap<String, Node>,
}

impl Figures {
    /// Asks QEMU.
    pub(super) async fn ask(guest: &Guest) -> Result<Self> {
        let mut figures = Self::default();
        for entry in guest.execute(&QueryBlockstats { query_nodes: None }).await? {
            let qdev = entry.get("qdev").and_then(Value::as_str);
            if let (Some(qdev), Some(stats)) = (qdev, entry.get("stats")) {
                figures.devices.insert(qdev.to_owned(), Counters::read(stats));
            }
            figures.note_offsets(&entry);
        }
        for entry in guest.execute(&QueryBlockstats { query_nodes: Some(true) }).await? {
            figures.note_offsets(&entry);
        }
        for node in guest.execute(&QueryNamedBlockNodes { flat: Some(true) }).await? {
            figures.note_node(&node);
        }
        Ok(figures)
    }

    fn note_offsets(&mut self, entry: &Object) {
        let name = entry.get("node-name").and_then(Value::as_str);
        if let (Some(name), Some(stats)) = (name, entry.get("stats")) {
            let offset = Counters::read(stats).highest_offset;
            let known = self.highest_offsets.entry(name.to_owned()).or_default();
            *known = offset.max(*known);
        }
        for child in ["parent", "backing"] {
            if let Some(child) = entry.get(child).and_then(Value::as_object) {
                self.note_offsets(child);
            }
        }
    }

    fn note_node(&mut self, node: &BlockNode) {
        let Some(name) = &node.node_name else { return };
        let image = node.image.as_ref();
        let capacity = image.and_then(|image| image.get("virtual-size")).and_then(Value::as_u64);
        let threshold = node.write_threshold.unwrap_or_default();
        self.nodes.insert(name.clone(), Node { capacity: capacity.unwrap_or_default(), threshold });
    }

    fn of(&self, disk: &Disk) -> Option<Counters> {
        self.devices.get(&device_path(disk)?).copied()
    }
}

/// What QEMU calls a disk's device in its answers: virtio disks by the path of their back end, others by their id.
pub(in crate::driver) fn device_path(disk: &Disk) -> Option<String> {
    let alias = disk.info.alias.as_deref()?;
    Some(match disk.bus() {
        DiskBus::Virtio => format!("/machine/peripheral/{alias}/virtio-backend"),
        _ => alias.to_owned(),
    })
}

/// Runs a job that needs QEMU's figures.
async fn with_figures<T: Send + 'static>(
    connection: &QemuConnection,
    domain: &DomainRef,
    api: &'static str,
    work: impl FnOnce(&Domain, &Figures) -> Result<T> + Send + 'static,
) -> Result<T> {
    let handle = connection.find(domain).await?;
    handle
        .job(JobSpec::active(api, JobKind::Query), move |context| async move {
            let figures = Figures::ask(&*hold::guest(&context).await?).await?;
            let live = context.snapshot().live.clone().ok_or_else(sides::not_running)?;
            work(&live, &figures)
        })
        .await
}

/// The counters of a disk, or of all of them together for an empty name.
fn counters(live: &Domain, figures: &Figures, name: &str) -> Result<Counters> {
    if name.is_empty() {
        let all = live.devices.disks.iter().filter_map(|disk| figures.of(disk));
        return Ok(all.fold(Counters::default(), Counters::plus));
    }
    let disk = disks::find(live, name).ok_or_else(|| invalid_argument(format!("invalid path: {name}")))?;
    let missing = || {
        let alias = disk.info.alias.as_deref().unwrap_or_default();
        internal(format!("cannot find statistics for device '{alias}'"))
    };
    figures.of(disk).ok_or_else(missing)
}

/// `virDomainBlockStats`
pub(super) async fn stats(connection: &QemuConnection, domain: &DomainRef, disk: &str) -> Result<BlockStats> {
    let disk = disk.to_owned();
    let read = move |live: &Domain, figures: &Figures| counters(live, figures, &disk);
    let found = with_figures(connection, domain, "virDomainBlockStats", read).await?;
    let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    Ok(BlockStats {
        read_requests: number(found.read_requests),
        read_bytes: number(found.read_bytes),
        write_requests: number(found.write_requests),
        write_bytes: number(found.write_bytes),
        errors: -1,
    })
}

/// `virDomainBlockStatsFlags`
pub(super) async fn parameters(
    connection: &QemuConnection,
    domain: &DomainRef,
    disk: &str,
    flags: u32,
) -> Result<TypedParams> {
    // 4 says that the caller takes strings, of which there are none here.
    known_bits(flags, 4, "qemuDomainBlockStatsFlags")?;
    let disk = disk.to_owned();
    let read = move |live: &Domain, figures: &Figures| counters(live, figures, &disk);
    let found = with_figures(connection, domain, "virDomainBlockStatsFlags", read).await?;
    let mut params = TypedParams::new();
    for (name, value) in [
        ("wr_bytes", found.write_bytes),
        ("wr_operations", found.write_requests),
        ("rd_bytes", found.read_bytes),
        ("rd_operations", found.read_requests),
        ("flush_operations", found.flush_requests),
        ("wr_total_times", found.write_time),
        ("rd_total_times", found.read_time),
        ("flush_total_times", found.flush_time),
    ] {
        params.push(name, i64::try_from(value).unwrap_or(i64::MAX));
    }
    Ok(params)
}

/// `virDomainGetBlockInfo`
pub(super) async fn info(
    connection: &QemuConnection,
    domain: &DomainRef,
    disk: &str,
    flags: u32,
) -> Result<BlockInfo> {
    no_flags(flags, "qemuDomainGetBlockInfo")?;
    let handle = connection.find(domain).await?;
    let disk = disk.to_owned();
    handle
        .job(JobSpec::any("virDomainGetBlockInfo", JobKind::Query), move |context| async move {
            let snapshot = context.snapshot();
            let document = snapshot.current()?.unwrap_or_default();
            let missing = || invalid_argument(format!("invalid path {disk} not assigned to domain"));
            let found = disks::find(&document, &disk).ok_or_else(missing)?;
            if is_empty(found) {
                let detail = format!("disk '{disk}' does not currently have a source assigned");
                return Err(invalid_argument(detail));
            }
            if !snapshot.is_active() {
                return look(&found.source).await.map(Sizes::told);
            }
            live_info(&context, found).await
        })
        .await
}

async fn live_info(context: &JobContext, disk: &Disk) -> Result<BlockInfo> {
    let figures = Figures::ask(&*hold::guest(context).await?).await?;
    let node = format_node(&disk.source).unwrap_or_default();
    let known = figures.nodes.get(&node).copied().unwrap_or_default();
    let host = look(&disk.source).await.ok();
    let physical = host.map_or(0, |host| host.physical);
    let written = figures.highest_offsets.get(&node).copied().unwrap_or_default();
    let is_raw = effective_format(&disk.source) == ImageFormat::Raw;
    Ok(BlockInfo {
        capacity: known.capacity,
        // A raw image takes what its file takes; of another the guest's writes tell, once there are some.
        allocation: match host {
            Some(host) if is_raw || written == 0 => host.allocation,
            _ => written,
        },
        physical,
    })
}

/// Whether there is no medium in the drive.
pub(in crate::driver) fn is_empty(disk: &Disk) -> bool {
    matches!(
        disk.source.location.actual(),
        Location::File { path: None, .. } | Location::Block { path: None } | Location::Dir { path: None }
    )
}

pub(in crate::driver) fn format_node(source: &StorageSource) -> Option<String> {
    source.index.map(|index| format!("libvirt-{index}-format"))
}

pub(in crate::driver) fn storage_node(source: &StorageSource) -> Option<String> {
    source.index.map(|index| format!("libvirt-{index}-storage"))
}

/// The sizes of an image as the host sees it, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sizes {
    allocation: u64,
    physical: u64,
    capacity: Option<u64>,
}

/// [`Sizes::look`] away from the tasks: a file may be on a server that does not answer.
async fn look(source: &StorageSource) -> Result<Sizes> {
    let source = source.clone();
    let looked = tokio::task::spawn_blocking(move || Sizes::look(&source)).await;
    looked.unwrap_or_else(|error| Err(internal("cannot look at the image").caused_by(error)))
}

impl Sizes {
    fn look(source: &StorageSource) -> Result<Self> {
        let path = source.location.local_path().ok_or_else(|| {
            let detail = "the sizes of an image that is not on this host are not known";
            Error::new(ErrorCode::OperationUnsupported, ErrorDomain::Qemu, detail)
        })?;
        let cannot = |error: std::io::Error| {
            let detail = format!("cannot stat file '{path}': {}", reason(&error));
            Error::new(ErrorCode::SystemError, ErrorDomain::Qemu, detail).caused_by(error)
        };
        let metadata = std::fs::metadata(path).map_err(cannot)?;
        let physical = if metadata.file_type().is_file() { metadata.len() } else { device_size(path) };
        let capacity = match effective_format(source) {
            ImageFormat::Raw => Some(physical),
            _ => std::fs::File::open(path).ok().and_then(|file| capacity_in(&file)),
        };
        Ok(Self { allocation: metadata.blocks().saturating_mul(512), physical, capacity })
    }

    fn told(self) -> BlockInfo {
        BlockInfo {
            capacity: self.capacity.unwrap_or(self.physical),
            allocation: self.allocation,
            physical: self.physical,
        }
    }
}

fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}

/// The size of a block device: where its end is.
fn device_size(path: &str) -> u64 {
    use std::io::{Seek, SeekFrom};
    std::fs::File::open(path).and_then(|mut file| file.seek(SeekFrom::End(0))).unwrap_or_default()
}

/// The guest's size in the header of a qcow or qcow2 image (QEMU's docs/interop/qcow2): magic, version, offset and length
/// of the backing file's name, and then the size in one, a number before it in the other.
fn capacity_in(file: &std::fs::File) -> Option<u64> {
    use std::os::unix::fs::FileExt;
    let mut header = [0; 32];
    file.read_exact_at(&mut header, 0).ok()?;
    let number = |at: usize| Some(u64::from_be_bytes(header.get(at..at + 8)?.try_into().ok()?));
    match (header.get(..4)?, header.get(7)?) {
        (b"QFI\xfb", 1) | (b"QFI\xfb", 2..) => number(24),
        _ => None,
    }
}

/// `virDomainGetDiskErrors`
pub(super) async fn errors(
    connection: &QemuConnection,
    domain: &DomainRef,
    flags: u32,
) -> Result<Vec<DiskError>> {
    no_flags(flags, "qemuDomainGetDiskErrors")?;
    let handle = connection.find(domain).await?;
    handle
        .job(JobSpec::active("virDomainGetDiskErrors", JobKind::Query), move |context| async move {
            let drives = hold::guest(&context).await?.execute(&QueryBlock {}).await?;
            let live = context.snapshot().live.clone().ok_or_else(sides::not_running)?;
            let error_of = |disk: &Disk| {
                let path = device_path(disk)?;
                let drive = drives.iter().find(|drive| drive.qdev.as_deref() == Some(&path))?;
                let error = match drive.io_status.as_deref()? {
                    "nospace" => 2,
                    "failed" => 1,
                    _ => return None,
                };
                Some(DiskError { disk: disk.name().to_owned(), error })
            };
            Ok(live.devices.disks.iter().filter_map(error_of).collect())
        })
        .await
}

/// The fields of `virConnectGetAllDomainStats`; `figures` are those of a running guest, if it could be asked.
pub(super) fn fields(
    document: &Domain,
    active: bool,
    figures: Option<&Figures>,
    backing: bool,
) -> TypedParams {
    let mut found = TypedParams::new();
    let mut count = 0u32;
    for disk in &document.devices.disks {
        let chain = disk.source.chain().take(if backing { usize::MAX } else { 1 });
        for (depth, source) in chain.enumerate() {
            if depth > 0 && !is_told(source) {
                break;
            }
            let field = |name: &str| format!("block.{count}.{name}");
            found.push(field("name"), disk.name().to_owned());
            if let Some(path) = source.location.local_path() {
                found.push(field("path"), path.to_owned());
            }
            if let Some(index) = source.index.filter(|_| active) {
                found.push(field("backingIndex"), index);
            }
            match figures {
                Some(figures) if active => {
                    if depth == 0 {
                        counter_fields(figures.of(disk), &field, &mut found);
                    }
                    node_fields(source, figures, &field, &mut found);
                }
                None if !active => size_fields(source, &field, &mut found),
                _ => {}
            }
            count += 1;
        }
    }
    let mut params = TypedParams::new();
    params.push("block.count", count);
    params.0.append(&mut found.0);
    params
}

/// Whether a link of a chain is an image, and not its end.
fn is_told(source: &StorageSource) -> bool {
    source.index.is_some() || source.location.local_path().is_some()
}

fn counter_fields(counters: Option<Counters>, field: &dyn Fn(&str) -> String, params: &mut TypedParams) {
    let Some(found) = counters else { return };
    for (name, value) in [
        ("rd.reqs", found.read_requests),
        ("rd.bytes", found.read_bytes),
        ("rd.times", found.read_time),
        ("wr.reqs", found.write_requests),
        ("wr.bytes", found.write_bytes),
        ("wr.times", found.write_time),
        ("fl.reqs", found.flush_requests),
        ("fl.times", found.flush_time),
    ] {
        params.push(field(name), value);
    }
}

fn node_fields(
    source: &StorageSource,
    figures: &Figures,
    field: &dyn Fn(&str) -> String,
    params: &mut TypedParams,
) {
    let Some(node) = format_node(source) else { return };
    let Some(known) = figures.nodes.get(&node) else { return };
    params.push(field("allocation"), figures.highest_offsets.get(&node).copied().unwrap_or_default());
    if known.capacity > 0 {
        params.push(field("capacity"), known.capacity);
    }
    if let Ok(sizes) = Sizes::look(source) {
        params.push(field("physical"), sizes.physical);
    }
    let storage = storage_node(source).and_then(|node| figures.nodes.get(&node));
    if let Some(storage) = storage.filter(|storage| storage.threshold > 0) {
        params.push(field("threshold"), storage.threshold);
    }
}

fn size_fields(source: &StorageSource, field: &dyn Fn(&str) -> String, params: &mut TypedParams) {
    let Ok(sizes) = Sizes::look(source) else { return };
    params.push(field("allocation"), sizes.allocation);
    if let Some(capacity) = sizes.capacity {
        params.push(field("capacity"), capacity);
    }
    params.push(field("physical"), sizes.physical);
}
