//! The guest's memory in a file, for debuggers.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;

use serde_json::Value;
use virt_domain::{JobContext, JobKind, JobSpec, LongJob};
use virt_driver::{Delivery, DomainRef, MonitorEvent, MonitorEventFilter, Subscription};
use virt_qmp::command::{DumpGuestMemory, GetFd, SystemReset};
use virt_types::{Error, ErrorCode, ErrorDomain, PausedReason, Result};

use super::refusal::{failed, internal, invalid_argument, known_bits, unsupported};
use super::{QemuConnection, hold};
use crate::process::{Guest, send};

/// The guest is ended when its memory is written.
const CRASH: u32 = 1;
/// The guest runs on meanwhile.
const LIVE: u32 = 2;
/// The file is written past the host's cache.
const BYPASS_CACHE: u32 = 4;
/// The guest is reset when its memory is written.
const RESET: u32 = 8;
/// Memory without the devices' states.
const MEMORY_ONLY: u32 = 16;

/// QEMU's names of the formats, by libvirt's numbers.
const FORMATS: [&str; 5] = ["elf", "kdump-zlib", "kdump-lzo", "kdump-snappy", "win-dmp"];

/// QEMU's name for the descriptor of the file.
const NAME: &str = "dump";

/// `virDomainCoreDumpWithFormat`
pub(super) async fn dump(
    connection: &QemuConnection,
    domain: &DomainRef,
    to: &str,
    format: u32,
    flags: u32,
) -> Result<()> {
    known_bits(flags, CRASH | LIVE | BYPASS_CACHE | RESET | MEMORY_ONLY, "qemuDomainCoreDumpWithFormat")?;
    let handle = connection.find(domain).await?;
    let filter = MonitorEventFilter {
        domain: Some(domain.uuid),
        event: Some(if flags & MEMORY_ONLY != 0 { "DUMP_COMPLETED" } else { "MIGRATION" }.to_owned()),
        flags: 0,
    };
    let events = connection.backend.raw_events.subscribe(&filter, 64)?;
    let to = to.to_owned();
    let spec = JobSpec::active("virDomainCoreDumpWithFormat", JobKind::Long(LongJob::Dump));
    handle.job(spec, move |context| async move { run(&context, &to, format, flags, events).await }).await
}

async fn run(
    context: &JobContext,
    to: &str,
    format: u32,
    flags: u32,
    events: Subscription<MonitorEvent>,
) -> Result<()> {
    let guest = hold::guest(context).await?;
    let ran = context.snapshot().status.state() == virt_types::DomainState::Running;
    if flags & LIVE == 0 {
        context.pause(PausedReason::Dump).await?;
    }
    let written = write(&guest, to, format, flags, events).await;
    context.settle();
    if written.is_ok() && flags & CRASH != 0 {
        return context.end_as_crashed().await;
    }
    let reset = match &written {
        Ok(()) if flags & RESET != 0 => guest.execute(&SystemReset {}).await.map(drop),
        _ => Ok(()),
    };
    if ran && context.snapshot().status.state() != virt_types::DomainState::Running {
        context.go_on().await?;
    }
    written.and(reset)
}

/// Writes the file, and removes one that is not whole.
async fn write(
    guest: &Guest,
    to: &str,
    format: u32,
    flags: u32,
    events: Subscription<MonitorEvent>,
) -> Result<()> {
    let format = FORMATS
        .get(format as usize)
        .ok_or_else(|| invalid_argument(format!("unknown dumpformat '{format}'")))?;
    if flags & MEMORY_ONLY == 0 && *format != "elf" {
        return Err(unsupported("kdump-compressed format is only supported with memory-only dump"));
    }
    let fd = create(to, flags & BYPASS_CACHE != 0)?;
    let done = async {
        // With the states of the devices it is what a saved guest is.
        if flags & MEMORY_ONLY != 0 { memory(guest, fd, format).await } else { send(guest, fd).await }?;
        tokio::select! {
            outcome = outcome(events) => outcome,
            () = guest.ended() => Err(failed("domain is not running")),
        }
    };
    let done = done.await;
    if done.is_err() {
        let _ = std::fs::remove_file(to);
    }
    done
}

fn create(path: &str, direct: bool) -> Result<OwnedFd> {
    let flags = if direct { rustix::fs::OFlags::DIRECT.bits() } else { 0 };
    let mut options = File::options();
    options.write(true).create(true).truncate(true).mode(0o600).custom_flags(flags.cast_signed());
    options.open(path).map(OwnedFd::from).map_err(|error| {
        let reason = error.to_string();
        let reason = reason.split(" (os error").next().unwrap_or(&reason).to_owned();
        let detail = format!("Failed to create file '{path}': {reason}");
        Error::new(ErrorCode::SystemError, ErrorDomain::Qemu, detail).caused_by(error)
    })
}

async fn memory(guest: &Guest, fd: OwnedFd, format: &str) -> Result<()> {
    guest.execute_with_fds(&GetFd { fdname: NAME.to_owned() }, vec![fd]).await?;
    let dump = DumpGuestMemory {
        paging: false,
        protocol: format!("fd:{NAME}"),
        detach: Some(true),
        begin: None,
        length: None,
        format: (format != "elf").then(|| format.to_owned()),
    };
    guest.execute(&dump).await.map(drop)
}

/// Waits for the report of the end.
async fn outcome(mut events: Subscription<MonitorEvent>) -> Result<()> {
    while let Some(delivery) = events.next().await {
        let Delivery::Event(event) = delivery else { continue };
        let details: Value =
            serde_json::from_str(event.details.as_deref().unwrap_or("{}")).unwrap_or_default();
        let status = details.get("status").or_else(|| details.pointer("/result/status"));
        match status.and_then(Value::as_str) {
            Some("completed") => return Ok(()),
            Some("failed" | "cancelled") => {
                let why = details.get("error").and_then(Value::as_str).unwrap_or("unexpectedly failed");
                return Err(failed(format!("the dump failed: {why}")));
            }
            _ => {}
        }
    }
    Err(internal("the guest's monitor is closed"))
}
