//! The interfaces that filters are bound to.

use std::fmt;

use rustix::net::netdevice::name_to_index;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

/// Interfaces of this network namespace, or what a test makes of them.
pub(crate) trait Ports: Send + Sync + fmt::Debug {
    /// Whether there is an interface of this name.
    fn exists(&self, name: &str) -> bool;
}

/// Those of this process's network namespace.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Host;

impl Ports for Host {
    fn exists(&self, name: &str) -> bool {
        let socket = socket_with(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::CLOEXEC, None);
        socket.is_ok_and(|socket| name_to_index(&socket, name).is_ok())
    }
}
