//! VLAN devices: the frames of another device that carry one tag.

use virt_netlink::link::{self as request, Details};

pub use crate::kind::Properties;
use crate::{InterfaceName, Link, Result, Socket, kind, link};

/// A VLAN device to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vlan {
    /// Its name.
    pub name: InterfaceName,
    /// The device whose frames they are.
    pub parent: InterfaceName,
    /// The number in the tag, 0 to 4094.
    pub id: u16,
    /// The tags are those of 802.1ad, which providers put around their customers' 802.1Q ones.
    pub service_tag: bool,
    /// It is up whenever it is switched on, whatever its parent is.
    pub loose_binding: bool,
    /// What every device has.
    pub properties: Properties,
}

impl Vlan {
    /// A VLAN of 802.1Q with the kernel's defaults, switched off.
    #[must_use]
    pub fn new(name: InterfaceName, parent: InterfaceName, id: u16) -> Self {
        Self { name, parent, id, service_tag: false, loose_binding: false, properties: Properties::default() }
    }
}

/// Creates a VLAN device by one `RTM_NEWLINK`, reads it back and compares.
///
/// # Errors
///
/// [`Error::Netlink`](crate::Error::Netlink) when the parent does not exist or the kernel refuses;
/// [`Error::NotApplied`](crate::Error::NotApplied) when it came out differently, after it was deleted.
pub fn create(socket: &mut Socket, vlan: &Vlan) -> Result<Link> {
    let parent = link::get(socket, &vlan.parent)?.index;
    kind::create(
        socket,
        "vlan",
        &vlan.name,
        &vlan.properties,
        |socket, common| {
            let request = request::vlan::Vlan {
                service_tag: vlan.service_tag,
                loose_binding: vlan.loose_binding,
                common,
                ..request::vlan::Vlan::new(&vlan.name, parent, vlan.id)
            };
            request::vlan::create(socket, &request)
        },
        |readback, link| {
            let found = match link.details {
                Details::Vlan(state) => Some((state.id, state.service_tag)),
                _ => None,
            };
            readback
                .same("the tag", Some(Some((vlan.id, vlan.service_tag))), &found, |tag| format!("{tag:?}"))
        },
    )
}
