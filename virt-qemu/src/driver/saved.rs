//! Saved guests: into a file and back, at once or with the next start.

use std::path::{Path, PathBuf};

use virt_conf::domain::Domain;
use virt_conf::{FormatFlags, ParseFlags};
use virt_domain::{JobContext, JobKind, JobSpec, LongJob, StartOptions};
use virt_driver::{DomainEventKind, DomainRef};
use virt_types::{
    CreateFlags, Error, ErrorCode, ErrorDomain, Result, ShutoffReason, StoppedDetail, TypedParams, TypedValue,
};

use super::refusal::{invalid, invalid_argument, known_bits, no_flags};
use super::{QemuConnection, hold, jobs};
use crate::error::unsupported;
use crate::process::{SaveOptions, document, rewrite};
use crate::save_image::SaveImage;

/// `VIR_DOMAIN_SAVE_BYPASS_CACHE`
const BYPASS_CACHE: u32 = 1;
/// `VIR_DOMAIN_SAVE_RUNNING`
const RUNNING: u32 = 2;
/// `VIR_DOMAIN_SAVE_PAUSED`
const PAUSED: u32 = 4;
/// `VIR_DOMAIN_SAVE_RESET_NVRAM`
const RESET_NVRAM: u32 = 8;
/// `VIR_DOMAIN_XML_SECURE`
const SECURE: u32 = 1;

/// What the flags say of the guest after a restore.
const fn running(flags: u32) -> Option<bool> {
    match (flags & RUNNING != 0, flags & PAUSED != 0) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    }
}

/// `virDomainSaveFlags`
pub(super) async fn save(
    connection: &QemuConnection,
    domain: &DomainRef,
    to: &str,
    xml: Option<&str>,
    flags: u32,
) -> Result<()> {
    known_bits(flags, BYPASS_CACHE | RUNNING | PAUSED, "qemuDomainSaveFlags")?;
    save_to(connection, domain, Some(to.into()), xml, flags).await
}

/// `virDomainSaveParams`
pub(super) async fn save_with(
    connection: &QemuConnection,
    domain: &DomainRef,
    params: &TypedParams,
    flags: u32,
) -> Result<()> {
    known_bits(flags, BYPASS_CACHE | RUNNING | PAUSED, "qemuDomainSaveParams")?;
    save_to(connection, domain, text(params, "file").map(PathBuf::from), text(params, "dxml"), flags).await
}

/// A parameter that is a text.
fn text<'a>(params: &'a TypedParams, name: &str) -> Option<&'a str> {
    match params.get(name) {
        Some(TypedValue::String(text)) => Some(text),
        _ => None,
    }
}

/// `virDomainManagedSave`
pub(super) async fn managed_save(connection: &QemuConnection, domain: &DomainRef, flags: u32) -> Result<()> {
    known_bits(flags, BYPASS_CACHE | RUNNING | PAUSED, "qemuDomainManagedSave")?;
    save_to(connection, domain, None, None, flags).await
}

/// Saves a guest to a file, or where its next start finds it.
async fn save_to(
    connection: &QemuConnection,
    domain: &DomainRef,
    to: Option<PathBuf>,
    xml: Option<&str>,
    flags: u32,
) -> Result<()> {
    let handle = connection.find(domain).await?;
    let backend = std::sync::Arc::clone(&connection.backend);
    let xml = xml.map(str::to_owned);
    let spec = JobSpec::active("virDomainSave", JobKind::Long(LongJob::Save));
    handle
        .job(spec, move |context| async move {
            let snapshot = context.snapshot();
            let path = match to {
                Some(path) => path,
                None if !snapshot.is_persistent() => {
                    return Err(invalid("cannot do managed save for transient domain"));
                }
                None => {
                    let path = backend.managed_save(snapshot.name.as_str());
                    make_room(&path)?;
                    path
                }
            };
            let guest = hold::guest(&context).await?;
            let live = snapshot.live.clone().ok_or_else(super::sides::not_running)?;
            let xml = match xml {
                Some(xml) => {
                    let mut given = parse(&xml)?;
                    let caps = backend.capabilities(&live).await?;
                    backend.complete_again(&mut given, &caps)?;
                    check_same(&live, &given)?;
                    Some(document(&given))
                }
                None => None,
            };
            let options = SaveOptions {
                path,
                xml,
                running: running(flags),
                compression: backend.config().save_image_format,
                bypass_cache: flags & BYPASS_CACHE != 0,
            };
            let info = backend.save(&context, &guest, &options).await?;
            tell_completed(&context, &jobs::params(&info, jobs::SAVE));
            context.end_as(ShutoffReason::Saved, StoppedDetail::Saved).await
        })
        .await
}

fn tell_completed(context: &JobContext, params: &TypedParams) {
    context.tell(DomainEventKind::JobCompleted { params: params.clone() });
}

fn make_room(path: &Path) -> Result<()> {
    let Some(dir) = path.parent() else { return Ok(()) };
    virt_sys::fs::create_dir_all(dir, 0o700).map_err(|error| {
        let detail = format!("cannot make the directory {}", dir.display());
        Error::new(ErrorCode::SystemError, ErrorDomain::Qemu, detail).caused_by(error)
    })
}

fn parse(xml: &str) -> Result<Domain> {
    Domain::parse(xml, ParseFlags::INACTIVE | ParseFlags::SKIP_VALIDATE)
}

/// Refuses a document in which the guest would not find itself again.
fn check_same(source: &Domain, target: &Domain) -> Result<()> {
    let text = |uuid: Option<virt_types::Uuid>| uuid.unwrap_or_default().to_string();
    for (what, source, target) in [
        ("uuid", text(source.uuid), text(target.uuid)),
        ("max memory", source.memory.total.to_string(), target.memory.total.to_string()),
        ("vCPU max", source.vcpus.max.to_string(), target.vcpus.max.to_string()),
    ] {
        if source != target {
            return Err(unsupported(format!("Target domain {what} {target} does not match source {source}")));
        }
    }
    if source.name != target.name {
        let detail = format!("Target domain name '{}' does not match source '{}'", target.name, source.name);
        return Err(unsupported(detail));
    }
    if source.devices.iter().count() != target.devices.iter().count() {
        let (source, target) = (source.devices.iter().count(), target.devices.iter().count());
        return Err(unsupported(format!(
            "Target domain device count {target} does not match source {source}"
        )));
    }
    Ok(())
}

/// `virDomainRestoreFlags`
pub(super) async fn restore(
    connection: &QemuConnection,
    from: &str,
    xml: Option<&str>,
    flags: u32,
) -> Result<()> {
    known_bits(flags, BYPASS_CACHE | RUNNING | PAUSED | RESET_NVRAM, "qemuDomainRestoreInternal")?;
    let backend = &connection.backend;
    let (mut image, state) = backend.open_saved(from.as_ref())?;
    if let Some(xml) = xml {
        let (before, after) = (completed(connection, &image.xml).await?, completed(connection, xml).await?);
        check_same(&before, &after)?;
        image.xml = document(&after);
    }
    image.running = running(flags).unwrap_or(image.running);
    let saved = backend.resumption(&image, state, None).await?;
    let domain = saved.domain.clone();
    let flags = if image.running { CreateFlags::empty() } else { CreateFlags::START_PAUSED };
    let options = StartOptions { flags, saved: Some(saved), ..StartOptions::default() };
    connection.registry.create(domain, options).await.map(drop)
}

/// `virDomainRestoreParams`
pub(super) async fn restore_with(
    connection: &QemuConnection,
    params: &TypedParams,
    flags: u32,
) -> Result<()> {
    let from = text(params, "file").ok_or_else(|| invalid_argument("missing path to restore from"))?;
    restore(connection, from, text(params, "dxml"), flags).await
}

/// A document of a file, as a domain that could be started.
async fn completed(connection: &QemuConnection, xml: &str) -> Result<Domain> {
    let backend = &connection.backend;
    let mut domain = parse(xml)?;
    let caps = backend.capabilities(&domain).await?;
    backend.complete_again(&mut domain, &caps)?;
    Ok(domain)
}

/// `virDomainSaveImageGetXMLDesc`
pub(super) async fn image_xml(connection: &QemuConnection, file: &str, flags: u32) -> Result<String> {
    known_bits(flags, SECURE, "qemuDomainSaveImageGetXMLDesc")?;
    let (image, _) = connection.backend.open_saved(file.as_ref())?;
    shown(connection, &image, flags).await
}

async fn shown(connection: &QemuConnection, image: &SaveImage, flags: u32) -> Result<String> {
    let secure = if flags & SECURE != 0 { FormatFlags::SECURE } else { FormatFlags::empty() };
    Ok(completed(connection, &image.xml).await?.format(secure | FormatFlags::INACTIVE))
}

/// `virDomainSaveImageDefineXML`
pub(super) async fn define_image_xml(
    connection: &QemuConnection,
    file: &str,
    xml: &str,
    flags: u32,
) -> Result<()> {
    known_bits(flags, RUNNING | PAUSED, "qemuDomainSaveImageDefineXML")?;
    let (mut image, _) = connection.backend.open_saved(file.as_ref())?;
    let (before, after) = (completed(connection, &image.xml).await?, completed(connection, xml).await?);
    check_same(&before, &after)?;
    image.xml = document(&after);
    image.running = running(flags).unwrap_or(image.running);
    rewrite(file.as_ref(), &image)
}

/// The file of a domain's saved state, which has to be there.
async fn managed(connection: &QemuConnection, domain: &DomainRef) -> Result<String> {
    let name = connection.find(domain).await?.snapshot().name.clone();
    let path = connection.backend.managed_save(name.as_str());
    if !path.exists() {
        return Err(invalid("domain does not have managed save image"));
    }
    Ok(path.to_string_lossy().into_owned())
}

/// `virDomainManagedSaveGetXMLDesc`
pub(super) async fn managed_xml(
    connection: &QemuConnection,
    domain: &DomainRef,
    flags: u32,
) -> Result<String> {
    known_bits(flags, SECURE, "qemuDomainManagedSaveGetXMLDesc")?;
    let path = managed(connection, domain).await?;
    image_xml(connection, &path, flags).await
}

/// `virDomainManagedSaveDefineXML`
pub(super) async fn define_managed_xml(
    connection: &QemuConnection,
    domain: &DomainRef,
    xml: Option<&str>,
    flags: u32,
) -> Result<()> {
    known_bits(flags, RUNNING | PAUSED, "qemuDomainManagedSaveDefineXML")?;
    let path = managed(connection, domain).await?;
    let xml = xml.ok_or_else(|| invalid_argument("a document is required"))?;
    define_image_xml(connection, &path, xml, flags).await
}

/// `virDomainHasManagedSaveImage`
pub(super) async fn has_managed(connection: &QemuConnection, domain: &DomainRef, flags: u32) -> Result<bool> {
    no_flags(flags, "qemuDomainHasManagedSaveImage")?;
    let name = connection.find(domain).await?.snapshot().name.clone();
    Ok(connection.backend.managed_save(name.as_str()).exists())
}

/// `virDomainManagedSaveRemove`
pub(super) async fn remove_managed(
    connection: &QemuConnection,
    domain: &DomainRef,
    flags: u32,
) -> Result<()> {
    no_flags(flags, "qemuDomainManagedSaveRemove")?;
    let name = connection.find(domain).await?.snapshot().name.clone();
    let path = connection.backend.managed_save(name.as_str());
    std::fs::remove_file(&path).map_err(|error| {
        let reason = error.to_string();
        let reason = reason.split(" (os error").next().unwrap_or(&reason).to_owned();
        let detail = format!("Failed to remove managed save file '{}': {reason}", path.display());
        Error::new(ErrorCode::SystemError, ErrorDomain::Qemu, detail).caused_by(error)
    })
}
