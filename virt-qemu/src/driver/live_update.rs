//! Changes of a running guest's devices that need no other device: media of drives, links of network cards, passwords
//! of displays.

use std::sync::Arc;

use virt_conf::common::{Address, StorageSource};
use virt_conf::domain::device::{
    Connected, Disk, DiskDevice, Graphics, GraphicsAuth, Interface, LinkState, Listen, ListenAt, Tray,
};
use virt_conf::domain::{AnyDevice, Domain};
use virt_domain::JobContext;
use virt_qmp::command::{
    BlockdevAdd, BlockdevCloseTray, BlockdevDel, BlockdevInsertMedium, BlockdevOpenTray,
    BlockdevRemoveMedium, ExpirePassword, SetLink, SetPassword,
};
use virt_types::{Error, ErrorCode, ErrorDomain, Result, TextEnum};

use super::hold;
use super::refusal::{internal, unsupported};
use crate::block;
use crate::plan::{Part, PlanContext};
use crate::process::{Guest, QemuBackend};

/// Changes a device of the running guest to what was written.
///
/// # Errors
/// For what cannot change while a guest runs, in libvirt's words where there are some.
pub(super) async fn update(
    context: &JobContext,
    backend: &QemuBackend,
    device: AnyDevice,
    force: bool,
) -> Result<()> {
    let live = context.snapshot().live.clone().ok_or_else(super::sides::not_running)?;
    match device {
        AnyDevice::Disk(disk) => change_disk(context, backend, &live, disk, force).await,
        AnyDevice::Interface(interface) => change_interface(context, &live, interface).await,
        AnyDevice::Graphics(graphics) => change_graphics(context, &live, graphics).await,
        AnyDevice::Memballoon(_) | AnyDevice::MemoryDevice(_) => {
            Err(Error::no_support("virDomainUpdateDeviceFlags"))
        }
        other => {
            let element = other.as_ref().kind().element();
            Err(unsupported(format!("live update of device '{element}' is not supported")))
        }
    }
}

// --- drives

/// Puts another medium into a drive that a device to attach means.
pub(super) async fn insert_medium(
    context: &JobContext,
    backend: &QemuBackend,
    live: &Domain,
    disk: Disk,
) -> Result<()> {
    let Some(old) = live.devices.disks.iter().find(|old| old.name() == disk.name()) else {
        return Err(internal(format!("disk '{}' not found", disk.name())));
    };
    let wanted = Disk { source: disk.source, ..old.clone() };
    change_disk(context, backend, live, wanted, false).await
}

async fn change_disk(
    context: &JobContext,
    backend: &QemuBackend,
    live: &Domain,
    wanted: Disk,
    force: bool,
) -> Result<()> {
    let name = wanted.name().to_owned();
    let Some(old) = live.devices.disks.iter().find(|disk| disk.name() == name) else {
        return Err(internal(format!("disk '{name}' not found")));
    };
    check_disk(&wanted, old)?;
    let mut changed = old.clone();
    changed.startup_policy = wanted.startup_policy;
    changed.snapshot = wanted.snapshot.or(old.snapshot);
    if wanted.source.location != old.source.location {
        if !matches!(old.device, DiskDevice::Cdrom | DiskDevice::Floppy) {
            let detail = "disk source can be changed only in removable drives";
            return Err(Error::new(ErrorCode::ConfigUnsupported, ErrorDomain::Qemu, detail));
        }
        changed.source = wanted.source;
        changed.source.readonly |= old.source.readonly;
        number(live, &mut changed.source);
        let caps = backend.capabilities(live).await?;
        let cx = PlanContext::new(live, &caps, backend.config(), backend.host());
        let nodes = |disk: &Disk| {
            if disk.source.is_empty() { Ok(Vec::new()) } else { nodes_of(block::chain_parts(disk, &cx)?) }
        };
        let (out, into) = (nodes(old)?, nodes(&changed)?);
        let guest = hold::guest(context).await?;
        let done = change_medium(&guest, old, &changed, out, into, force).await;
        // How the tray moved comes before what is in it.
        context.settle();
        done?;
    }
    context.change_live(|live| {
        let place = live.devices.disks.iter_mut().find(|disk| disk.name() == name);
        let place = place.ok_or_else(|| internal(format!("disk '{name}' not found")))?;
        changed.target.tray = place.target.tray;
        *place = changed;
        Ok(())
    })
}

/// The nodes of an image, in the order in which they are made.
fn nodes_of(parts: Vec<Part>) -> Result<Vec<serde_json::Map<String, serde_json::Value>>> {
    parts
        .into_iter()
        .map(|part| match part {
            Part::Blockdev(props) => match props.into_json() {
                serde_json::Value::Object(members) => Ok(members),
                _ => Err(internal("a node without properties")),
            },
            _ => Err(Error::no_support("virDomainUpdateDeviceFlags")
                .with_hint("the image needs a secret; change the configuration, and start the domain anew")),
        })
        .collect()
}

/// Numbers that no image of the guest has had.
fn number(live: &Domain, source: &mut StorageSource) {
    let known =
        live.devices.disks.iter().flat_map(|disk| disk.source.chain()).filter_map(|image| image.index);
    let mut next = known.max().unwrap_or(0) + 1;
    let mut image = Some(source);
    while let Some(source) = image {
        source.index = (!source.is_empty()).then_some(next);
        next += 1;
        image = source.backing_source_mut();
    }
}

async fn change_medium(
    guest: &Arc<Guest>,
    old: &Disk,
    new: &Disk,
    out: Vec<serde_json::Map<String, serde_json::Value>>,
    into: Vec<serde_json::Map<String, serde_json::Value>>,
    force: bool,
) -> Result<()> {
    let id = old.info.alias.clone().ok_or_else(|| internal("the drive has no alias"))?;
    if old.target.tray != Tray::Open {
        guest.execute(&BlockdevOpenTray { id: id.clone(), force: Some(force) }).await?;
    }
    guest.execute(&BlockdevRemoveMedium { id: id.clone() }).await?;
    remove(guest, &out).await;
    if !into.is_empty()
        && let Err(error) = insert(guest, &id, block::top_node(new)?, &into).await
    {
        remove(guest, &into).await;
        return Err(error);
    }
    guest.execute(&BlockdevCloseTray { id }).await.map(drop)
}

async fn insert(
    guest: &Guest,
    id: &str,
    node_name: String,
    nodes: &[serde_json::Map<String, serde_json::Value>],
) -> Result<()> {
    for node in nodes {
        guest.execute(&BlockdevAdd(node.clone())).await?;
    }
    guest.execute(&BlockdevInsertMedium { id: id.to_owned(), node_name }).await.map(drop)
}

/// Removes nodes, those that use others first. What is not there need not go.
async fn remove(guest: &Guest, nodes: &[serde_json::Map<String, serde_json::Value>]) {
    for node in nodes.iter().rev() {
        let Some(name) = node.get("node-name").and_then(|name| name.as_str()) else { continue };
        let _ = guest.attempt(&BlockdevDel { node_name: name.to_owned() }).await;
    }
}

/// Refuses what cannot change of a drive. What was not written stays as it is.
fn check_disk(new: &Disk, old: &Disk) -> Result<()> {
    fn kept<T: PartialEq>(new: &Option<T>, old: &Option<T>) -> bool {
        new.is_none() || new == old
    }
    fn usual<T: PartialEq + Default>(new: &T, old: &T) -> bool {
        *new == T::default() || new == old
    }
    let (driver, before) = (&new.driver, &old.driver);
    let address = new.info.address == Address::None || new.info.address == old.info.address;
    for (same, field) in [
        (new.device == old.device, "device"),
        (new.bus() == old.bus(), "bus"),
        (new.target.tray == Tray::default() || new.target.tray == old.target.tray, "tray"),
        (kept(&new.target.removable, &old.target.removable), "removable"),
        (new.blockio == old.blockio, "blockio logical_block_size"),
        (kept(&new.serial, &old.serial), "serial"),
        (kept(&new.wwn, &old.wwn), "wwn"),
        (kept(&new.vendor, &old.vendor), "vendor"),
        (kept(&new.product, &old.product), "product"),
        (usual(&driver.cache, &before.cache), "cache"),
        (kept(&driver.error_policy, &before.error_policy), "error_policy"),
        (kept(&driver.rerror_policy, &before.rerror_policy), "rerror_policy"),
        (kept(&driver.io, &before.io), "io"),
        (kept(&driver.ioeventfd, &before.ioeventfd), "ioeventfd"),
        (kept(&driver.event_idx, &before.event_idx), "event_idx"),
        (kept(&driver.copy_on_read, &before.copy_on_read), "copy_on_read"),
        (kept(&new.transient, &old.transient), "transient"),
        (address, "address"),
        (kept(&new.info.boot_order, &old.info.boot_order), "boot order"),
        (kept(&new.rawio, &old.rawio), "rawio"),
        (kept(&new.sgio, &old.sgio), "sgio"),
        (kept(&driver.discard, &before.discard), "discard"),
        (kept(&driver.iothread, &before.iothread), "iothread"),
        (kept(&new.backend_domain, &old.backend_domain), "backenddomain"),
        (!new.source.readonly || old.source.readonly, "readonly"),
        (!new.source.shared || old.source.shared, "shared"),
    ] {
        if !same {
            return Err(unsupported(format!("cannot modify field '{field}' of the disk")));
        }
    }
    Ok(())
}

// --- network cards

async fn change_interface(context: &JobContext, live: &Domain, wanted: Interface) -> Result<()> {
    let position = super::devices::find(live, &AnyDevice::Interface(wanted.clone()))?;
    let Some(old) = live.devices.interfaces.get(position) else {
        return Err(internal("the interface is gone"));
    };
    check_interface(&wanted, old)?;
    let link = wanted.link;
    if link != old.link {
        let name = old.info.alias.clone().ok_or_else(|| internal("the interface has no alias"))?;
        let up = link != LinkState::Down;
        hold::guest(context).await?.execute(&SetLink { name, up }).await?;
    }
    let mac = old.mac;
    context.change_live(|live| {
        if let Some(card) = live.devices.interfaces.iter_mut().find(|card| card.mac == mac) {
            card.link = link;
        }
        Ok(())
    })
}

/// Refuses what cannot change of a network card; the state of its link can.
fn check_interface(new: &Interface, old: &Interface) -> Result<()> {
    let device = |what: &str| unsupported(format!("cannot modify network device {what}"));
    if new.source.kind() != old.source.kind() {
        let detail = format!(
            "cannot change config of '{}' network type to '{}'",
            old.source.kind().text(),
            new.source.kind().text()
        );
        return Err(unsupported(detail));
    }
    if new.model.is_some() && new.model != old.model {
        let name = |card: &Interface| {
            card.model.as_ref().map_or("", virt_conf::domain::device::InterfaceModel::name).to_owned()
        };
        return Err(device(&format!("model from {} to {}", name(old), name(new))));
    }
    if new.target.is_some() && new.target != old.target {
        return Err(device("tap name"));
    }
    if new.info.address != Address::None && new.info.address != old.info.address {
        return Err(device("guest PCI address"));
    }
    if new.info.alias.is_some() && new.info.alias != old.info.alias {
        return Err(device("alias"));
    }
    if new.info.boot_order.is_some() && new.info.boot_order != old.info.boot_order {
        return Err(device("boot index setting"));
    }
    for (same, what) in [
        (new.driver == old.driver && new.virtio == old.virtio, "driver attributes"),
        (new.script.is_none() || new.script == old.script, "script attribute"),
        (new.mtu == 0 || new.mtu == old.mtu, "MTU"),
        (new.sndbuf.is_none() || new.sndbuf == old.sndbuf, "tune"),
    ] {
        if !same {
            return Err(device(what));
        }
    }
    // These can change as far as libvirt goes; nothing here does it yet.
    let others = new.source == old.source
        && new.bandwidth == old.bandwidth
        && new.filter == old.filter
        && new.vlan == old.vlan
        && new.virtualport == old.virtualport
        && new.coalesce_rx_frames == old.coalesce_rx_frames;
    if others { Ok(()) } else { Err(Error::no_support("virDomainUpdateDeviceFlags")) }
}

// --- displays

async fn change_graphics(context: &JobContext, live: &Domain, wanted: Graphics) -> Result<()> {
    let text = wanted.kind().text();
    let Some(old) = live.devices.graphics.iter().find(|graphics| graphics.kind() == wanted.kind()) else {
        let detail = format!("cannot find existing graphics device to modify of type '{text}'");
        return Err(Error::new(ErrorCode::DeviceMissing, ErrorDomain::Qemu, detail));
    };
    let (old_auth, auth) = match (old, &wanted) {
        (Graphics::Vnc(before), Graphics::Vnc(after)) => {
            check_listens(text, &before.listens, &after.listens)?;
            let port = before.autoport != after.autoport || !after.autoport && before.port != after.port;
            check_display(text, port, before.keymap != after.keymap)?;
            (&before.auth, &after.auth)
        }
        (Graphics::Spice(before), Graphics::Spice(after)) => {
            check_listens(text, &before.listens, &after.listens)?;
            let ports = (before.port, before.tls_port) != (after.port, after.tls_port);
            let port = before.autoport != after.autoport || !after.autoport && ports;
            check_display(text, port, before.keymap != after.keymap)?;
            (&before.auth, &after.auth)
        }
        _ => return Err(internal(format!("unable to change config on '{text}' graphics type"))),
    };
    let disconnects = |auth: &Option<GraphicsAuth>| {
        text == "spice" && auth.as_ref().and_then(|auth| auth.connected) == Some(Connected::Disconnect)
    };
    let expires = |auth: &Option<GraphicsAuth>| auth.as_ref().is_some_and(|auth| auth.valid_to.is_some());
    if old_auth != auth || expires(auth) || disconnects(auth) {
        set_password(&*hold::guest(context).await?, text, auth.as_ref()).await?;
    }
    let (kind, auth) = (wanted.kind(), auth.clone());
    context.change_live(|live| {
        match live.devices.graphics.iter_mut().find(|graphics| graphics.kind() == kind) {
            Some(Graphics::Vnc(vnc)) => vnc.auth = auth,
            Some(Graphics::Spice(spice)) => spice.auth = auth,
            _ => {}
        }
        Ok(())
    })
}

fn check_listens(text: &str, before: &[Listen], after: &[Listen]) -> Result<()> {
    let refuse = |what: &str| Err(unsupported(format!("cannot change {what} on '{text}' graphics")));
    if before.len() != after.len() {
        return refuse("the number of listen addresses");
    }
    for (old, new) in before.iter().zip(after) {
        match (&old.at, &new.at) {
            (old, new) if old == new => {}
            (ListenAt::Address(_), ListenAt::Address(_))
            | (ListenAt::Network { .. }, ListenAt::Network { .. }) => {
                return refuse("listen address setting");
            }
            (ListenAt::Socket(_), ListenAt::Socket(_)) => return refuse("listen socket setting"),
            _ => return refuse("the type of listen address"),
        }
    }
    Ok(())
}

fn check_display(text: &str, port: bool, keymap: bool) -> Result<()> {
    if port {
        return Err(unsupported(format!("cannot change port settings on {text} graphics")));
    }
    if keymap {
        return Err(unsupported(format!("cannot change keymap setting on {text} graphics")));
    }
    Ok(())
}

async fn set_password(guest: &Guest, protocol: &str, auth: Option<&GraphicsAuth>) -> Result<()> {
    let Some(auth) = auth else { return Ok(()) };
    let connected = auth.connected.map(|what| what.text().to_owned());
    let (protocol, password) = (protocol.to_owned(), auth.password.clone());
    guest.execute(&SetPassword { protocol: protocol.clone(), password, connected }).await?;
    let time = auth.valid_to.map_or_else(|| "never".to_owned(), |time| time.seconds().to_string());
    guest.execute(&ExpirePassword { protocol, time }).await.map(drop)
}
