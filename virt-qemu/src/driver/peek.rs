//! Looking into a guest's memory and disks.

use std::os::unix::fs::FileExt;

use virt_conf::common::storage_source::ImageFormat;
use virt_domain::{JobKind, JobSpec};
use virt_driver::DomainRef;
use virt_qmp::command::{MemSave, PmemSave};
use virt_types::{Error, ErrorCode, ErrorDomain, Result};

use super::refusal::{invalid_argument, known_bits, no_flags, unsupported};
use super::{QemuConnection, disks, hold, temporary};
use crate::block::effective_format;

/// `VIR_MEMORY_VIRTUAL`
const VIRTUAL: u32 = 1;
/// `VIR_MEMORY_PHYSICAL`
const PHYSICAL: u32 = 2;

/// `virDomainMemoryPeek`
pub(super) async fn memory(
    connection: &QemuConnection,
    domain: &DomainRef,
    start: u64,
    size: usize,
    flags: u32,
) -> Result<Vec<u8>> {
    known_bits(flags, VIRTUAL | PHYSICAL, "qemuDomainMemoryPeek")?;
    if flags != VIRTUAL && flags != PHYSICAL {
        let words = "flags parameter must be VIR_MEMORY_VIRTUAL or VIR_MEMORY_PHYSICAL";
        return Err(invalid_argument(words));
    }
    let handle = connection.find(domain).await?;
    let spec = JobSpec::active("virDomainMemoryPeek", JobKind::Query);
    handle
        .job(spec, move |context| async move {
            let guest = hold::guest(&context).await?;
            let bytes = size as u64;
            temporary::written(guest.dir(), "mem", bytes, async |path| {
                let filename = path.display().to_string();
                if flags == VIRTUAL {
                    let save = MemSave { val: start, size: bytes, filename, cpu_index: None };
                    return guest.execute(&save).await.map(drop);
                }
                guest.execute(&PmemSave { val: start, size: bytes, filename }).await.map(drop)
            })
            .await
        })
        .await
}

/// `virDomainBlockPeek`
pub(super) async fn block(
    connection: &QemuConnection,
    domain: &DomainRef,
    disk: &str,
    offset: u64,
    size: usize,
    flags: u32,
) -> Result<Vec<u8>> {
    no_flags(flags, "qemuDomainBlockPeek")?;
    let snapshot = connection.find(domain).await?.snapshot();
    let document = snapshot.current()?.unwrap_or_default();
    let found = disks::by_name(&document, disk)?;
    let format = effective_format(&found.source);
    if format != ImageFormat::Raw {
        let detail = format!("peeking is only supported for disk with 'raw' format not '{format}'");
        return Err(unsupported(detail));
    }
    let path = found.source.location.local_path().map(str::to_owned).ok_or_else(|| {
        let detail = format!("disk '{disk}' is not in a file or device of this host");
        Error::new(ErrorCode::InternalError, ErrorDomain::Qemu, detail)
    })?;
    let read = tokio::task::spawn_blocking(move || read_at(&path, offset, size)).await;
    read.unwrap_or_else(|error| Err(unsupported("cannot read the disk").caused_by(error)))
}

fn read_at(path: &str, offset: u64, size: usize) -> Result<Vec<u8>> {
    let cannot = |what: &str, error: std::io::Error| {
        let detail = format!("cannot {what} '{path}': {error}");
        Error::new(ErrorCode::SystemError, ErrorDomain::Qemu, detail).caused_by(error)
    };
    let file = std::fs::File::open(path).map_err(|error| cannot("open", error))?;
    let mut bytes = vec![0; size];
    let mut read = 0;
    while read < size {
        match file.read_at(&mut bytes[read..], offset + read as u64) {
            Ok(0) => {
                let detail = format!("'{path}' starting from {offset} has only {read} bytes available");
                return Err(invalid_argument(detail));
            }
            Ok(count) => read += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(cannot("read", error)),
        }
    }
    Ok(bytes)
}
