//! Devices of configurations and of running guests: attaching, detaching and changing them.

use std::sync::Arc;

use virt_conf::ParseFlags;
use virt_conf::domain::device::{Device, Disk, DiskDevice, WatchdogModel};
use virt_conf::domain::{AnyDevice, DeviceKind, Domain, ParseContext};
use virt_domain::{JobContext, JobKind, JobSpec};
use virt_driver::{BoxFuture, DomainRef};
use virt_types::{Error, ErrorCode, ErrorDomain, Impact, MacAddr, Result, TextEnum};
use virt_xml::Document;

use super::refusal::{invalid, invalid_argument, known_bits, unsupported};
use super::sides::{self, Sides, impact_of};
use super::{QemuConnection, live_update};
use crate::plug::{self, place_of};
use crate::process::QemuBackend;
use crate::random;

/// `virDomainAttachDeviceFlags`
pub(super) async fn attach(
    connection: &QemuConnection,
    domain: &DomainRef,
    xml: &str,
    flags: u32,
) -> Result<()> {
    let call = ("virDomainAttachDeviceFlags", "qemuDomainAttachDeviceLiveAndConfig");
    let xml = xml.to_owned();
    change(connection, domain, flags, call, |backend, context, sides, config| {
        Box::pin(async move {
            // Both sides get the same card.
            let mac = MacAddr::qemu(random::bytes()?);
            let device = |domain: &Domain| {
                let mut device = parse(&xml, domain, ParseFlags::INACTIVE)?;
                if let AnyDevice::Interface(interface) = &mut device {
                    interface.mac.get_or_insert(mac);
                }
                Ok::<_, Error>(device)
            };
            let add = |config: &mut Domain| add(config, device(config)?);
            try_on(backend, config, &add).await?;
            let live = context.snapshot().live.clone();
            if let Some(live) = live.filter(|_| sides.live) {
                match device(&live)? {
                    AnyDevice::Disk(disk) if is_medium(&live, &disk) => {
                        live_update::insert_medium(context, backend, &live, disk).await?;
                    }
                    device => backend.attach(context, device).await?,
                }
            }
            write(backend, context, config, &add).await
        })
    })
    .await
}

/// `virDomainDetachDeviceFlags`
pub(super) async fn detach(
    connection: &QemuConnection,
    domain: &DomainRef,
    xml: &str,
    flags: u32,
) -> Result<()> {
    let call = ("virDomainDetachDeviceFlags", "qemuDomainDetachDeviceLiveAndConfig");
    let xml = xml.to_owned();
    change(connection, domain, flags, call, |backend, context, sides, config| {
        Box::pin(async move {
            let how = if sides.live { ParseFlags::empty() } else { ParseFlags::INACTIVE };
            let how = how | ParseFlags::SKIP_VALIDATE;
            let take = |config: &mut Domain| {
                let meant = parse(&xml, config, how)?;
                let position = find(config, &meant)?;
                remove(config, meant.as_ref().kind(), position)
            };
            try_on(backend, config, &take).await?;
            let live = context.snapshot().live.clone();
            if let Some(live) = live.filter(|_| sides.live) {
                let meant = parse(&xml, &live, how)?;
                let place = (meant.as_ref().kind(), find_live(&live, &meant)?);
                backend.detach(context, place, true).await?;
            }
            write(backend, context, config, &take).await
        })
    })
    .await
}

/// `virDomainDetachDeviceAlias`
pub(super) async fn detach_alias(
    connection: &QemuConnection,
    domain: &DomainRef,
    alias: &str,
    flags: u32,
) -> Result<()> {
    let call = ("virDomainDetachDeviceAlias", "qemuDomainDetachDeviceAliasLiveAndConfig");
    let alias = alias.to_owned();
    change(connection, domain, flags, call, |backend, context, sides, config| {
        Box::pin(async move {
            let place = |domain: &Domain| {
                domain.devices.find_alias(&alias).ok_or_else(|| {
                    let detail = format!("no device found with alias {alias}");
                    Error::new(ErrorCode::InternalError, ErrorDomain::Domain, detail)
                })
            };
            let take = |config: &mut Domain| {
                let (kind, position) = place(config)?;
                remove(config, kind, position)
            };
            try_on(backend, config, &take).await?;
            let live = context.snapshot().live.clone();
            if let Some(live) = live.filter(|_| sides.live) {
                backend.detach(context, place(&live)?, false).await?;
            }
            write(backend, context, config, &take).await
        })
    })
    .await
}

/// `virDomainUpdateDeviceFlags`
pub(super) async fn update(
    connection: &QemuConnection,
    domain: &DomainRef,
    xml: &str,
    flags: u32,
) -> Result<()> {
    // Takes the medium out of a locked drive.
    const FORCE: u32 = 4;
    let call = ("virDomainUpdateDeviceFlags", "qemuDomainUpdateDeviceFlags");
    let forces = flags & FORCE != 0;
    let xml = xml.to_owned();
    change(connection, domain, flags & !FORCE, call, move |backend, context, sides, config| {
        Box::pin(async move {
            let replace = |config: &mut Domain| replace(config, parse(&xml, config, ParseFlags::INACTIVE)?);
            try_on(backend, config, &replace).await?;
            let live = context.snapshot().live.clone();
            if let Some(live) = live.filter(|_| sides.live) {
                let device = parse(&xml, &live, ParseFlags::INACTIVE)?;
                live_update::update(context, backend, device, forces).await?;
            }
            write(backend, context, config, &replace).await
        })
    })
    .await
}

/// Does a change of devices as a job; `work` gets the sides that are meant, and the configuration if it is among them.
async fn change(
    connection: &QemuConnection,
    domain: &DomainRef,
    flags: u32,
    (api, function): (&'static str, &str),
    work: impl for<'a> FnOnce(
        &'a QemuBackend,
        &'a JobContext,
        Sides,
        Option<&'a Domain>,
    ) -> BoxFuture<'a, Result<()>>
    + Send
    + 'static,
) -> Result<()> {
    let handle = connection.find(domain).await?;
    known_bits(flags, (Impact::LIVE | Impact::CONFIG).bits(), function)?;
    let backend = Arc::clone(&connection.backend);
    handle
        .job(JobSpec::any(api, JobKind::ModifyConfig), move |context| async move {
            let snapshot = context.snapshot();
            let sides = Sides::of(&snapshot, impact_of(flags))?;
            let config = if sides.config { sides::config_of(&snapshot)? } else { None };
            work(&backend, &context, sides, config.as_deref()).await
        })
        .await
}

/// A change of the devices of a configuration.
type Change<'a> = &'a (dyn Fn(&mut Domain) -> Result<()> + Send + Sync);

/// Makes sure that a change will be possible before anything else is done.
async fn try_on(backend: &QemuBackend, config: Option<&Domain>, change: Change<'_>) -> Result<()> {
    let Some(config) = config else { return Ok(()) };
    let caps = backend.capabilities(config).await?;
    let mut changed = config.clone();
    change(&mut changed)?;
    backend.complete_again(&mut changed, &caps)
}

/// Changes the configuration, completes and checks it as if it was defined anew.
async fn write(
    backend: &QemuBackend,
    context: &JobContext,
    config: Option<&Domain>,
    change: Change<'_>,
) -> Result<()> {
    let Some(config) = config else { return Ok(()) };
    let caps = backend.capabilities(config).await?;
    let changed = context.change_config(|config| {
        change(config)?;
        backend.complete_again(config, &caps)
    });
    changed.await
}

/// A document that names a drive which is there means another medium in it.
fn is_medium(live: &Domain, disk: &Disk) -> bool {
    let drive = live.devices.disks.iter().any(|other| other.name() == disk.name());
    drive && matches!(disk.device, DiskDevice::Cdrom | DiskDevice::Floppy)
}

/// The position of the device of a running guest that is meant.
fn find_live(live: &Domain, meant: &AnyDevice) -> Result<usize> {
    match meant {
        AnyDevice::Interface(_) => find(live, meant),
        _ => live.devices.find(meant).first().copied().ok_or_else(|| plug::not_there(meant)),
    }
}

fn parse(xml: &str, domain: &Domain, flags: ParseFlags) -> Result<AnyDevice> {
    let document = Document::parse(xml)?;
    AnyDevice::parse(document.root(), &ParseContext { flags, domain })
}

/// Adds a device, with libvirt's refusals.
fn add(config: &mut Domain, device: AnyDevice) -> Result<()> {
    let devices = &config.devices;
    let taken = || invalid("device is already in the domain configuration");
    let same = || !devices.find(&device).is_empty();
    let mut position = usize::MAX;
    match &device {
        AnyDevice::Disk(disk) => {
            if same() {
                return Err(invalid(format!("target {} already exists", disk.name())));
            }
            position = place_of(&devices.disks, disk);
        }
        AnyDevice::Hostdev(_) | AnyDevice::Shmem(_) if same() => return Err(taken()),
        AnyDevice::Watchdog(watchdog) => {
            if same() {
                return Err(taken());
            }
            let model = watchdog.model;
            let twin = devices.watchdogs.iter().any(|other| other.model == model);
            if model != WatchdogModel::I6300esb && twin {
                let model = model.text();
                return Err(invalid(format!("domain can only have one watchdog with model '{model}'")));
            }
        }
        AnyDevice::Lease(lease) if same() => {
            let detail = format!("Lease {} in lockspace {} already exists", lease.key, lease.lockspace);
            return Err(invalid(detail));
        }
        AnyDevice::Controller(controller) => {
            if let Some(index) = controller.index.filter(|_| same()) {
                return Err(invalid(format!("controller index='{index}' already exists")));
            }
        }
        AnyDevice::Filesystem(_) if same() => return Err(invalid("Target already exists")),
        AnyDevice::Vsock(_) if devices.vsock.is_some() => {
            return Err(invalid("domain already has a vsock device"));
        }
        AnyDevice::MemoryDevice(_) if devices.memories.len() >= config.memory.slots as usize => {
            let detail = "no free memory device slot available";
            return Err(Error::new(ErrorCode::ConfigUnsupported, ErrorDomain::Qemu, detail));
        }
        AnyDevice::MemoryDevice(memory) => config.memory.current += memory.size,
        AnyDevice::Hostdev(_)
        | AnyDevice::Shmem(_)
        | AnyDevice::Lease(_)
        | AnyDevice::Filesystem(_)
        | AnyDevice::Vsock(_)
        | AnyDevice::Interface(_)
        | AnyDevice::Sound(_)
        | AnyDevice::Serial(_)
        | AnyDevice::Parallel(_)
        | AnyDevice::Console(_)
        | AnyDevice::Channel(_)
        | AnyDevice::Rng(_)
        | AnyDevice::Redirdev(_)
        | AnyDevice::Input(_) => {}
        other => return Err(not_persistent("attach", other)),
    }
    if let AnyDevice::MemoryDevice(memory) = &device {
        config.memory.total += memory.size;
    }
    config.devices.insert(position, device);
    Ok(())
}

fn not_persistent(what: &str, device: &AnyDevice) -> Error {
    let element = device.as_ref().kind().element();
    unsupported(format!("persistent {what} of device '{element}' is not supported"))
}

/// The position of the only device that is meant.
pub(super) fn find(config: &Domain, meant: &AnyDevice) -> Result<usize> {
    let missing = |detail: String| Error::new(ErrorCode::DeviceMissing, ErrorDomain::Qemu, detail);
    let found = config.devices.find(meant);
    if let AnyDevice::Interface(interface) = meant {
        let mac = interface.mac.map(|mac| mac.to_string()).unwrap_or_default();
        return match found.as_slice() {
            [only] => Ok(*only),
            [] => {
                let detail = format!("no device matching MAC address {mac} found");
                Err(Error::new(ErrorCode::DeviceMissing, ErrorDomain::Domain, detail))
            }
            _ => {
                let detail = format!("multiple devices matching MAC address {mac} found");
                Err(Error::new(ErrorCode::OperationFailed, ErrorDomain::Domain, detail))
            }
        };
    }
    match (found.first(), meant) {
        (Some(first), _) => Ok(*first),
        (None, AnyDevice::Disk(disk)) => Err(missing(format!("no target device {}", disk.name()))),
        (None, _) => Err(missing("device not present in domain configuration".to_owned())),
    }
}

fn remove(config: &mut Domain, kind: DeviceKind, position: usize) -> Result<()> {
    let removed = config.devices.remove(kind, position);
    match removed {
        Some(AnyDevice::MemoryDevice(memory)) => {
            config.memory.total = config.memory.total.saturating_sub(memory.size);
            config.memory.current = config.memory.current.min(config.memory.total);
            Ok(())
        }
        Some(
            device @ (AnyDevice::Video(_)
            | AnyDevice::Graphics(_)
            | AnyDevice::Hub(_)
            | AnyDevice::Smartcard(_)
            | AnyDevice::Memballoon(_)
            | AnyDevice::Nvram(_)
            | AnyDevice::Tpm(_)
            | AnyDevice::Panic(_)
            | AnyDevice::Iommu(_)
            | AnyDevice::Audio(_)
            | AnyDevice::Crypto(_)),
        ) => Err(not_persistent("detach", &device)),
        _ => Ok(()),
    }
}

/// Puts a device in the place of the one that it means, which keeps its address if the new one has none.
fn replace(config: &mut Domain, mut device: AnyDevice) -> Result<()> {
    let kind = device.as_ref().kind();
    let position = match &device {
        AnyDevice::Disk(disk) => {
            let found = config.devices.find(&device).first().copied();
            found.ok_or_else(|| invalid_argument(format!("target {} doesn't exist.", disk.name())))?
        }
        AnyDevice::Graphics(graphics) => {
            let found = config.devices.find(&device).first().copied();
            let text = graphics.kind().text();
            let words = || format!("cannot find existing graphics type '{text}' device to modify");
            found.ok_or_else(|| invalid_argument(words()))?
        }
        AnyDevice::Interface(_) => find(config, &device)?,
        other => return Err(not_persistent("update", other)),
    };
    let old = config.devices.get(kind, position).and_then(|old| old.info().cloned());
    if let (Some(old), Some(new)) = (old, info_mut(&mut device)) {
        if new.address == virt_conf::common::Address::None {
            new.address = old.address;
        }
        if new.alias.is_none() {
            new.alias = old.alias;
        }
    }
    config.devices.remove(kind, position);
    config.devices.insert(position, device);
    Ok(())
}

fn info_mut(device: &mut AnyDevice) -> Option<&mut virt_conf::common::DeviceInfo> {
    match device {
        AnyDevice::Disk(disk) => disk.info_mut(),
        AnyDevice::Interface(interface) => interface.info_mut(),
        AnyDevice::Graphics(graphics) => graphics.info_mut(),
        _ => None,
    }
}
