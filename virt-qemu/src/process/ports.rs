//! TCP ports for displays.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

use virt_types::{Error, ErrorCode, ErrorDomain, Result};

use crate::prepare::{PortUse, Ports};

/// Where the search begins (`remote_display_port_min`, `remote_websocket_port_min`).
const DISPLAYS: u16 = 5900;
const WEBSOCKETS: u16 = 5700;

/// Ports that are free on this host. A port just given is not given again soon: QEMU binds it only later.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct HostPorts;

static NEXT_DISPLAY: AtomicU16 = AtomicU16::new(DISPLAYS);
static NEXT_WEBSOCKET: AtomicU16 = AtomicU16::new(WEBSOCKETS);

impl Ports for HostPorts {
    fn take(&mut self, purpose: PortUse) -> Result<i32> {
        let (first, next) = match purpose {
            PortUse::Vnc | PortUse::Spice | PortUse::SpiceTls => (DISPLAYS, &NEXT_DISPLAY),
            PortUse::Websocket => (WEBSOCKETS, &NEXT_WEBSOCKET),
        };
        let start = next.load(Ordering::Relaxed).max(first);
        let port = (start..=u16::MAX).chain(first..start).find(|port| is_free(*port)).ok_or_else(|| {
            let detail = format!("Unable to find an unused port in range '{purpose:?}' ({first}-65535)");
            Error::new(ErrorCode::InternalError, ErrorDomain::Qemu, detail)
        })?;
        next.store(port.checked_add(1).unwrap_or(first), Ordering::Relaxed);
        Ok(i32::from(port))
    }
}

fn is_free(port: u16) -> bool {
    let can_bind = |address: SocketAddr| match TcpListener::bind(address) {
        Ok(_) => true,
        // A host without one of the protocols has nobody on it there.
        Err(error) => error.kind() != std::io::ErrorKind::AddrInUse,
    };
    can_bind((Ipv4Addr::UNSPECIFIED, port).into()) && can_bind((Ipv6Addr::UNSPECIFIED, port).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_passed_over() {
        let first = HostPorts.take(PortUse::Websocket).unwrap();
        let _taken = TcpListener::bind((Ipv4Addr::UNSPECIFIED, first as u16 + 1)).unwrap();
        let second = HostPorts.take(PortUse::Websocket).unwrap();
        assert!(second > first + 1 || second < first, "{first} {second}");
    }
}
