//! What QEMU, or this build of it, can not do with an interface.

use std::net::IpAddr;

use virt_conf::common::virtualport::VirtualPortType;
use virt_conf::domain::device::{
    BackendType, DirectMode, Interface, InterfaceModel, InterfaceSource, InterfaceType, KnownModel,
    TeamingType,
};
use virt_types::Result;

use super::model_name;
use crate::caps::Cap;
use crate::device::QemuContext;
use crate::error::{unsupported, xml_error};

pub(super) fn check(interface: &Interface, cx: &QemuContext<'_>) -> Result<()> {
    let kind = interface.source.kind();
    let passt = interface.backend.kind == BackendType::Passt;
    match kind {
        InterfaceType::User => {
            if passt && !cx.caps.has(Cap::NetdevStream) {
                return Err(unsupported("the passt network backend is not supported with this QEMU binary"));
            }
            check_addresses(interface)?;
        }
        InterfaceType::Vdpa => check_vdpa(interface, cx)?,
        _ if !interface.guest_ip.is_empty() => {
            return Err(unsupported(
                "Invalid attempt to set network interface guest-side IP route and/or address info, not supported by QEMU",
            ));
        }
        _ => {}
    }
    if interface.is_virtio() {
        check_driver(interface, cx)?;
    }
    if interface.mtu > 0 && !takes_mtu(kind, passt) {
        return Err(unsupported(format!("setting MTU on interface type {kind} is not supported yet")));
    }
    check_teaming(interface, kind)?;
    if interface.coalesce_rx_frames.is_some()
        && !matches!(kind, InterfaceType::Network | InterfaceType::Bridge)
    {
        return Err(unsupported(format!("coalesce settings on interface type {kind} are not supported")));
    }
    Ok(())
}

const fn takes_mtu(kind: InterfaceType, passt: bool) -> bool {
    match kind {
        InterfaceType::Network
        | InterfaceType::Bridge
        | InterfaceType::Ethernet
        | InterfaceType::Vhostuser => true,
        InterfaceType::User => passt,
        InterfaceType::Server
        | InterfaceType::Client
        | InterfaceType::Mcast
        | InterfaceType::Internal
        | InterfaceType::Direct
        | InterfaceType::Hostdev
        | InterfaceType::Udp
        | InterfaceType::Vdpa
        | InterfaceType::Null
        | InterfaceType::Vds => false,
    }
}

/// The user-mode network has one network of each family, of sizes that its own hosts fit in.
fn check_addresses(interface: &Interface) -> Result<()> {
    if !interface.guest_ip.routes.is_empty() {
        return Err(unsupported(
            "Invalid attempt to set network interface guest-side IP route, not supported by QEMU",
        ));
    }
    let (mut v4, mut v6) = (false, false);
    for ip in &interface.guest_ip.addresses {
        if ip.peer.is_some() {
            return Err(unsupported("Invalid attempt to set peer IP for guest"));
        }
        match ip.address {
            IpAddr::V4(_) => {
                if std::mem::replace(&mut v4, true) {
                    return Err(unsupported("Only one IPv4 address per interface is allowed"));
                }
                if ip.prefix > 0 && !(4..=27).contains(&ip.prefix) {
                    return Err(xml_error("invalid prefix, must be in range of 4-27"));
                }
            }
            IpAddr::V6(_) => {
                if std::mem::replace(&mut v6, true) {
                    return Err(unsupported("Only one IPv6 address per interface is allowed"));
                }
                if ip.prefix > 0 && ip.prefix != 64 {
                    return Err(unsupported(format!(
                        "unsupported IPv6 address prefix='{}' - must be 64",
                        ip.prefix
                    )));
                }
            }
        }
    }
    Ok(())
}

fn check_vdpa(interface: &Interface, cx: &QemuContext<'_>) -> Result<()> {
    if !cx.caps.has(Cap::NetdevVhostVdpa) {
        return Err(unsupported("vDPA devices are not supported with this QEMU binary"));
    }
    if interface.model != Some(InterfaceModel::Known(KnownModel::Virtio)) {
        return Err(unsupported(format!(
            "invalid model for interface of type 'vdpa': '{}'",
            model_name(interface).unwrap_or("unknown")
        )));
    }
    Ok(())
}

fn check_driver(interface: &Interface, cx: &QemuContext<'_>) -> Result<()> {
    let driver = &interface.driver;
    for (name, size) in [("rx_queue_size", driver.rx_queue_size), ("tx_queue_size", driver.tx_queue_size)] {
        if size > 0 && !size.is_power_of_two() {
            return Err(unsupported(format!("{name} has to be a power of two")));
        }
    }
    for (name, value) in [("rss", driver.rss), ("rss hash report", driver.rss_hash_report)] {
        if value.is_some() && !cx.caps.has(Cap::VirtioNetRss) {
            return Err(unsupported(format!("virtio {name} is not supported with this QEMU binary")));
        }
    }
    Ok(())
}

fn check_teaming(interface: &Interface, kind: InterfaceType) -> Result<()> {
    match interface.teaming {
        TeamingType::Persistent if !interface.is_virtio() => Err(unsupported(format!(
            "virtio-net teaming persistent interface must be <model type='virtio'/>, not '{}'",
            model_name(interface).unwrap_or("(null)")
        ))),
        TeamingType::Transient if !matches!(kind, InterfaceType::Hostdev | InterfaceType::Network) => {
            Err(unsupported(format!(
                "virtio-net teaming transient interface must be type='hostdev', not '{kind}'"
            )))
        }
        TeamingType::None | TeamingType::Persistent | TeamingType::Transient => Ok(()),
    }
}

/// What is known only when the guest starts, once a network's port came to something.
pub(super) fn check_actual(interface: &Interface) -> Result<()> {
    let kind = interface.actual_kind();
    let port = interface.actual_virtualport().map_or(VirtualPortType::None, |port| port.kind);
    let refuse = |what: String| Err(unsupported(format!("interface {} - {what}", interface.mac_text())));
    let tagged = match &interface.source {
        InterfaceSource::Direct { mode, .. } => *mode == DirectMode::Passthrough,
        InterfaceSource::Bridge { .. } => port == VirtualPortType::OpenVSwitch,
        _ => kind == InterfaceType::Hostdev,
    };
    let resolved = interface.source.kind() != InterfaceType::Network || interface.actual.is_some();
    if interface.vlan.is_some() && resolved && !tagged {
        return refuse("vlan tag not supported for this connection type".into());
    }
    if interface.bandwidth.is_some() && kind == InterfaceType::Hostdev {
        return refuse("bandwidth settings are not supported for hostdev interfaces".into());
    }
    interface.check_isolation(kind, interface.actual_virtualport(), interface.port_isolated)?;
    let tap = matches!(kind, InterfaceType::Network | InterfaceType::Bridge | InterfaceType::Ethernet);
    let queued =
        tap || matches!(kind, InterfaceType::Direct | InterfaceType::Vhostuser | InterfaceType::Vdpa);
    if interface.driver.queues > 0 && !queued {
        return refuse(format!("multiqueue is not supported for network interfaces of type {kind}"));
    }
    if interface.filter.is_some() {
        if !tap {
            return refuse(format!("filterref is not supported for network interfaces of type {kind}"));
        }
        if port != VirtualPortType::None {
            return refuse(format!(
                "filterref is not supported for network interfaces with virtualport type {port}"
            ));
        }
    }
    if interface.backend.tap.is_some() && !tap {
        return refuse(format!(
            "custom tap device path is not supported for network interfaces of type {kind}"
        ));
    }
    if interface.teaming == TeamingType::Transient && kind != InterfaceType::Hostdev {
        return refuse(format!("teaming transient device must be type='hostdev', not '{kind}'"));
    }
    Ok(())
}
