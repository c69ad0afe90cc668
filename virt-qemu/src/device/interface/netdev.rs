//! The back end: `-netdev`, with the descriptors and processes that it needs.

use std::net::IpAddr;
use std::path::PathBuf;

use virt_conf::common::Chardev;
use virt_conf::domain::VirtType;
use virt_conf::domain::device::{
    BackendType, DriverName, ForwardProto, Interface, InterfaceSource, InterfaceType, PortForward,
    SocketSource,
};
use virt_types::Result;

use super::is_device;
use crate::caps::Cap;
use crate::device::common::chardev::{self, Setup};
use crate::error::{internal, unsupported};
use crate::plan::{Companion, DevicePlan, FdSource, HostNeed, Part, PlanContext, Program, Props};

/// Seconds after which QEMU connects to `passt` again.
const PASST_RECONNECT: u32 = 5;

/// The id of the back end of an interface.
pub(super) fn id(interface: &Interface) -> String {
    format!("host{}", interface.info.alias.as_deref().unwrap_or_default())
}

pub(super) fn plan(interface: &Interface, cx: &mut PlanContext<'_>, plan: &mut DevicePlan) -> Result<()> {
    let kind = interface.actual_kind();
    if interface.script.is_some() && kind != InterfaceType::Ethernet {
        return Err(unsupported(format!("scripts are not supported on interfaces of type {kind}")));
    }
    let props = match &interface.source {
        InterfaceSource::Bridge { .. }
        | InterfaceSource::Network { .. }
        | InterfaceSource::Direct { .. }
        | InterfaceSource::Ethernet => tap(interface, cx)?,
        InterfaceSource::Client(socket) => Props::new().str("type", "socket").str("connect", text(socket)),
        InterfaceSource::Server(socket) => Props::new().str("type", "socket").str("listen", text(socket)),
        InterfaceSource::Mcast(socket) => Props::new().str("type", "socket").str("mcast", text(socket)),
        InterfaceSource::Udp { remote, local } => {
            Props::new().str("type", "socket").str("udp", text(remote)).str("localaddr", text(local))
        }
        InterfaceSource::User { .. } if interface.backend.kind == BackendType::Passt => {
            passt(interface, cx, plan)
        }
        InterfaceSource::User { .. } => user(interface),
        InterfaceSource::Internal { .. } => Props::new().str("type", "user"),
        InterfaceSource::Vhostuser(socket) => vhost_user(interface, socket, cx, plan)?,
        InterfaceSource::Vdpa { dev } => {
            let alias = interface.info.alias.as_deref().unwrap_or_default();
            let (path, part) = cx.fd_set(FdSource::File(dev.into()), format!("{alias}-vdpa"));
            plan.parts.push(part);
            Props::new().str("type", "vhost-vdpa").str("vhostdev", path).extend(queues(interface))
        }
        InterfaceSource::Hostdev(_) | InterfaceSource::Null | InterfaceSource::Vds { .. } => {
            return Err(unsupported(format!(
                "network device type '{kind}' is not supported by this hypervisor"
            )));
        }
    };
    plan.parts.push(Part::Netdev(props.str("id", id(interface))));
    Ok(())
}

fn text(socket: &SocketSource) -> String {
    format!("{}:{}", socket.address.as_deref().unwrap_or_default(), socket.port)
}

fn queues(interface: &Interface) -> Props {
    Props::new().opt_u64("queues", Some(interface.driver.queues).filter(|queues| *queues > 1))
}

/// One descriptor per queue: `fd` for one, `fds` for more.
fn descriptors(one: &str, more: &str, fds: &[i32]) -> Props {
    let numbers: Vec<_> = fds.iter().map(i32::to_string).collect();
    match fds.len() {
        0 => Props::new(),
        1 => Props::new().str(one, numbers.concat()),
        _ => Props::new().str(more, numbers.join(":")),
    }
}

fn tap(interface: &Interface, cx: &mut PlanContext<'_>) -> Result<Props> {
    if interface.target_managed == Some(false) && interface.target.is_none() {
        return Err(internal("target dev must be supplied when managed='no'"));
    }
    let count = interface.driver.queues.max(1);
    let alias = interface.info.alias.clone().unwrap_or_default();
    let taps: Vec<i32> =
        (0..count).map(|queue| cx.fd(FdSource::Tap { interface: alias.clone(), queue })).collect();
    let mut props = Props::new().str("type", "tap").extend(descriptors("fd", "fds", &taps));
    if uses_vhost(interface, cx)? {
        let path: PathBuf = interface.backend.vhost.as_deref().unwrap_or("/dev/vhost-net").into();
        let vhosts: Vec<i32> = (0..count).map(|_| cx.fd(FdSource::VhostNet(path.clone()))).collect();
        props = props.bool("vhost", true).extend(descriptors("vhostfd", "vhostfds", &vhosts));
    }
    Ok(props.opt_u64("sndbuf", interface.sndbuf))
}

/// Whether the kernel moves the packets: the faster way, where it can be had.
fn uses_vhost(interface: &Interface, cx: &PlanContext<'_>) -> Result<bool> {
    let wanted = interface.driver.name;
    if cx.domain.virt_type != VirtType::Kvm || wanted == DriverName::Qemu {
        return Ok(false);
    }
    let obstacle = if !is_device(interface, cx.domain) {
        Some("vhost-net is not supported with this QEMU binary")
    } else if !interface.is_virtio() {
        Some("vhost-net is only supported for virtio network interfaces")
    } else if interface.backend.vhost.is_none() && !cx.host.vhost_net {
        Some("vhost-net was requested for an interface, but is unavailable")
    } else {
        None
    };
    match obstacle {
        Some(reason) if wanted == DriverName::Vhost => Err(unsupported(reason)
            .with_hint("load the kernel module vhost_net, or leave out <driver name='vhost'/>")),
        obstacle => Ok(obstacle.is_none()),
    }
}

fn user(interface: &Interface) -> Props {
    let mut props = Props::new().str("type", "user");
    for ip in &interface.guest_ip.addresses {
        props = match ip.address {
            IpAddr::V4(address) if ip.prefix > 0 => props.str("net", format!("{address}/{}", ip.prefix)),
            IpAddr::V4(address) => props.str("net", address.to_string()),
            IpAddr::V6(address) => props
                .str("ipv6-prefix", address.to_string())
                .opt_u64("ipv6-prefixlen", Some(ip.prefix).filter(|prefix| *prefix > 0)),
        };
    }
    props
}

fn passt(interface: &Interface, cx: &PlanContext<'_>, plan: &mut DevicePlan) -> Props {
    let alias = interface.info.alias.clone().unwrap_or_default();
    let socket = cx.passt_socket(&alias);
    let address = Props::new().str("type", "unix").str("path", socket.to_string_lossy());
    let program = Program::Passt { arguments: passt_arguments(interface) };
    plan.needs.push(HostNeed::Companion(Companion { device: alias, socket, program }));
    let reconnect = cx.caps.has(Cap::NetdevStreamReconnect).then_some(PASST_RECONNECT);
    Props::new()
        .str("type", "stream")
        .object("addr", address)
        .bool("server", false)
        .opt_u64("reconnect", reconnect)
}

/// What `passt` is told of an interface (passt(1)), but for its own files.
fn passt_arguments(interface: &Interface) -> Vec<String> {
    let mut arguments = Vec::new();
    let mut add = |name: &str, value: String| arguments.extend([name.to_owned(), value]);
    if interface.mtu > 0 {
        add("--mtu", interface.mtu.to_string());
    }
    if let InterfaceSource::User { dev: Some(dev) } = &interface.source {
        add("--interface", dev.clone());
    }
    if let Some(log) = &interface.backend.log_file {
        add("--log-file", log.clone());
    }
    for ip in &interface.guest_ip.addresses {
        add("--address", ip.address.to_string());
        if ip.prefix > 0 && ip.address.is_ipv4() {
            add("--netmask", ip.prefix.to_string());
        }
    }
    for forward in &interface.port_forwards {
        let option = if forward.proto == ForwardProto::Udp { "--udp-ports" } else { "--tcp-ports" };
        add(option, forwarded_ports(forward));
    }
    arguments
}

/// `[ADDRESS][%LINK]/RANGES`, or all ports.
fn forwarded_ports(forward: &PortForward) -> String {
    let mut spec = forward.address.map(|address| address.to_string()).unwrap_or_default();
    if let Some(dev) = &forward.dev {
        spec.push_str(&format!("%{dev}"));
    }
    if !spec.is_empty() {
        spec.push('/');
    }
    let ranges: Vec<String> = forward
        .ranges
        .iter()
        .filter_map(|range| {
            let start = range.start?;
            let mut text = if range.exclude == Some(true) { format!("~{start}") } else { start.to_string() };
            if let Some(end) = range.end {
                text.push_str(&format!("-{end}"));
            }
            if let Some(to) = range.to {
                text.push_str(&format!(":{to}"));
                if let Some(end) = range.end {
                    text.push_str(&format!("-{}", (end + to).saturating_sub(start)));
                }
            }
            Some(text)
        })
        .collect();
    spec + &if ranges.is_empty() { "all".to_owned() } else { ranges.join(",") }
}

fn vhost_user(
    interface: &Interface,
    socket: &Chardev,
    cx: &mut PlanContext<'_>,
    plan: &mut DevicePlan,
) -> Result<Props> {
    let id = chardev::id(interface.info.alias.as_deref().unwrap_or_default());
    // The guest has no use for a card whose switch is not there yet.
    let setup = Setup { wait: true, by_path: true, ..Setup::default() };
    plan.parts.extend(chardev::parts(cx, socket, &id, setup)?);
    Ok(Props::new().str("type", "vhost-user").str("chardev", id).extend(queues(interface)))
}
