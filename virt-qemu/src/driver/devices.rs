//! Devices of configurations: attaching, detaching and changing them.
//!
//! A running guest keeps the devices that it was started with; some of what they are can change (see `live_update`).

use std::sync::Arc;

use virt_conf::ParseFlags;
use virt_conf::domain::device::{Device, Disk, DiskName, WatchdogModel};
use virt_conf::domain::{AnyDevice, DeviceKind, Domain, ParseContext};
use virt_domain::{JobKind, JobSpec};
use virt_driver::DomainRef;
use virt_types::{Error, ErrorCode, ErrorDomain, Impact, Result, TextEnum};
use virt_xml::Document;

use super::refusal::{invalid, invalid_argument, known_bits, unsupported};
use super::sides::{self, Sides, impact_of};
use super::{QemuConnection, live_update};

/// A change of the devices of a configuration.
type Change = Box<dyn Fn(&mut Domain) -> Result<()> + Send + Sync>;

/// `virDomainAttachDeviceFlags`
pub(super) async fn attach(
    connection: &QemuConnection,
    domain: &DomainRef,
    xml: &str,
    flags: u32,
) -> Result<()> {
    let names = ("virDomainAttachDeviceFlags", "qemuDomainAttachDeviceLiveAndConfig", 3);
    let xml = xml.to_owned();
    change(connection, domain, flags, names, Box::new(move |config| add(config, parse(&xml, config)?))).await
}

/// `virDomainDetachDeviceFlags`
pub(super) async fn detach(
    connection: &QemuConnection,
    domain: &DomainRef,
    xml: &str,
    flags: u32,
) -> Result<()> {
    let names = ("virDomainDetachDeviceFlags", "qemuDomainDetachDeviceLiveAndConfig", 3);
    let xml = xml.to_owned();
    let remove = move |config: &mut Domain| {
        let meant = parse(&xml, config)?;
        let position = find(config, &meant)?;
        remove(config, meant.as_ref().kind(), position)
    };
    change(connection, domain, flags, names, Box::new(remove)).await
}

/// `virDomainDetachDeviceAlias`
pub(super) async fn detach_alias(
    connection: &QemuConnection,
    domain: &DomainRef,
    alias: &str,
    flags: u32,
) -> Result<()> {
    let names = ("virDomainDetachDeviceAlias", "qemuDomainDetachDeviceAliasLiveAndConfig", 3);
    let alias = alias.to_owned();
    let remove = move |config: &mut Domain| {
        let (kind, position) = config.devices.find_alias(&alias).ok_or_else(|| {
            let detail = format!("no device found with alias {alias}");
            Error::new(ErrorCode::InternalError, ErrorDomain::Domain, detail)
        })?;
        remove(config, kind, position)
    };
    change(connection, domain, flags, names, Box::new(remove)).await
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
    let api = "virDomainUpdateDeviceFlags";
    let handle = connection.find(domain).await?;
    known_bits(flags, FORCE | 3, "qemuDomainUpdateDeviceFlags")?;
    let backend = Arc::clone(&connection.backend);
    let xml = xml.to_owned();
    handle
        .job(JobSpec::any(api, JobKind::ModifyConfig), move |context| async move {
            let snapshot = context.snapshot();
            let sides = Sides::of(&snapshot, impact_of(flags & (Impact::LIVE | Impact::CONFIG).bits()))?;
            let config = if sides.config { sides::config_of(&snapshot)? } else { None };
            let caps = match (&snapshot.live, &config) {
                (Some(domain), _) | (None, Some(domain)) => backend.capabilities(domain).await?,
                (None, None) => return Ok(()),
            };
            let replace = |config: &mut Domain| {
                replace(config, parse(&xml, config)?)?;
                backend.complete_again(config, &caps)
            };
            if let Some(live) = snapshot.live.as_ref().filter(|_| sides.live) {
                if let Some(config) = &config {
                    replace(&mut (**config).clone())?;
                }
                let device = parse(&xml, live)?;
                live_update::update(&context, &backend, device, flags & FORCE != 0).await?;
            }
            if sides.config {
                context.change_config(replace).await?;
            }
            Ok(())
        })
        .await
}

/// Changes the configuration, completes and checks it as if it was defined anew.
async fn change(
    connection: &QemuConnection,
    domain: &DomainRef,
    flags: u32,
    (api, function, allowed): (&'static str, &str, u32),
    change: Change,
) -> Result<()> {
    let handle = connection.find(domain).await?;
    known_bits(flags, allowed, function)?;
    let backend = Arc::clone(&connection.backend);
    handle
        .job(JobSpec::any(api, JobKind::ModifyConfig), move |context| async move {
            let snapshot = context.snapshot();
            let sides = Sides::of(&snapshot, impact_of(flags & (Impact::LIVE | Impact::CONFIG).bits()))?;
            if sides.live {
                return Err(
                    Error::no_support(api).with_hint("change the configuration, and start the domain anew")
                );
            }
            let Some(config) = sides::config_of(&snapshot)? else { return Ok(()) };
            let caps = backend.capabilities(&config).await?;
            context
                .change_config(|config| {
                    change(config)?;
                    backend.complete_again(config, &caps)
                })
                .await
        })
        .await
}

fn parse(xml: &str, config: &Domain) -> Result<AnyDevice> {
    let document = Document::parse(xml)?;
    AnyDevice::parse(document.root(), &ParseContext { flags: ParseFlags::INACTIVE, domain: config })
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

/// Disks of one bus stand in the order of their names.
fn place_of(disks: &[Disk], disk: &Disk) -> usize {
    let number = |disk: &Disk| DiskName::parse(disk.name()).map(|name| name.index);
    let mut place = disks.len();
    for (position, other) in disks.iter().enumerate().rev() {
        if other.bus() != disk.bus() {
            continue;
        }
        if number(other) < number(disk) {
            return if place == disks.len() { place } else { position + 1 };
        }
        place = position;
    }
    place
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
