//! What creating a device of any kind has in common.

use virt_netlink::link::Common;
use virt_types::MacAddr;

use crate::link::{get_kind, verify_creation};
use crate::readback::{Readback, check_unicast};
use crate::{InterfaceName, Link, Result, Socket};

/// What a new device of any kind can be given; what is `None` gets the kernel's default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Properties {
    /// Its hardware address; the kernel makes one up if there is none.
    pub mac: Option<MacAddr>,
    /// Bytes of payload in a frame.
    pub mtu: Option<u32>,
    /// The bridge that it joins.
    pub master: Option<InterfaceName>,
    /// Frames that wait to be sent.
    pub tx_queue_length: Option<u32>,
    /// Switches it on at once.
    pub up: bool,
}

/// Has `request` create a device with these properties, reads it back, and deletes it if it came out differently.
pub(crate) fn create(
    socket: &mut Socket,
    kind: &'static str,
    name: &InterfaceName,
    properties: &Properties,
    request: impl FnOnce(&mut Socket, Common) -> virt_netlink::Result<Option<Link>>,
    check: impl FnOnce(&Readback<'_>, &Link) -> Result<()>,
) -> Result<Link> {
    let Properties { mac, mtu, ref master, tx_queue_length, up } = *properties;
    check_unicast(mac)?;
    let master = master.as_ref().map(|bridge| get_kind(socket, bridge, "bridge")).transpose()?;
    let master = master.map(|bridge| bridge.index);
    let common = Common { mac: mac.map(|mac| mac.0), mtu, master, tx_queue_length, up, ..Common::default() };
    // What the kernel tells at once is from before it joined its bridge.
    let told = request(socket, common)?.filter(|_| master.is_none());
    verify_creation(socket, name, told, |link| {
        let readback = Readback::of(kind, name);
        readback.same("the kind", Some(Some(kind.to_owned())), &link.kind, |kind| format!("{kind:?}"))?;
        readback.common(link, mac, mtu, up, master)?;
        readback.same(
            "the transmit queue's length",
            tx_queue_length,
            &link.tx_queue_length,
            u32::to_string,
        )?;
        check(&readback, link)
    })
}
