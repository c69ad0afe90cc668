//! VLAN links: the frames of a link that carry one tag.

use netlink_packet_route::link::{
    InfoData, InfoKind, InfoVlan, LinkAttribute, LinkMessage, VlanFlags, VlanProtocol,
};
use rustix::io::Errno;

use super::{Common, Link, new_link};
use crate::{InterfaceName, Result, Socket};

/// A VLAN link to create.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vlan<'a> {
    /// Its name.
    pub name: &'a InterfaceName,
    /// The index of the link whose frames they are.
    pub parent: u32,
    /// The number in the tag, 0 to 4094.
    pub id: u16,
    /// The tags are those of 802.1ad (`0x88a8`), which providers put around their customers' 802.1Q ones.
    pub service_tag: bool,
    /// The link is up whenever it is switched on, whatever its parent is.
    pub loose_binding: bool,
    /// The VLAN is registered at the switch by GVRP.
    pub gvrp: bool,
    /// The VLAN is registered at the switch by MVRP.
    pub mvrp: bool,
    /// What every link has.
    pub common: Common,
}

impl<'a> Vlan<'a> {
    /// A VLAN of 802.1Q on `parent` with the kernel's defaults, switched off.
    #[must_use]
    pub fn new(name: &'a InterfaceName, parent: u32, id: u16) -> Self {
        Self {
            name,
            parent,
            id,
            service_tag: false,
            loose_binding: false,
            gvrp: false,
            mvrp: false,
            common: Common::default(),
        }
    }

    fn message(&self) -> LinkMessage {
        let mut settings = vec![InfoVlan::Id(self.id)];
        if self.service_tag {
            settings.push(InfoVlan::Protocol(VlanProtocol::Ieee8021Ad));
        }
        let mut flags = VlanFlags::empty();
        flags.set(VlanFlags::LooseBinding, self.loose_binding);
        flags.set(VlanFlags::Gvrp, self.gvrp);
        flags.set(VlanFlags::Mvrp, self.mvrp);
        if !flags.is_empty() {
            settings.push(InfoVlan::Flags((flags, flags)));
        }
        let mut message = new_link(self.name, InfoKind::Vlan, Some(InfoData::Vlan(settings)), self.common);
        message.attributes.push(LinkAttribute::Link(self.parent));
        message
    }
}

/// Creates a VLAN link by one `RTM_NEWLINK`, and gives what the kernel told of it at once, as it does since Linux 6.2.
///
/// # Errors
///
/// [`Error::Refused`](crate::Error::Refused): the name is taken, the parent is missing or has the VLAN already, or
/// the kernel has no VLANs.
pub fn create(socket: &mut Socket, vlan: &Vlan<'_>) -> Result<Option<Link>> {
    super::create(socket, vlan.message(), format_args!("create vlan '{}'", vlan.name)).map_err(|error| {
        error.explain(|errno| match errno {
            Errno::NODEV => Some(format!("its parent, link number {}, does not exist", vlan.parent)),
            Errno::EXIST => {
                Some(format!("the name exists already, or its parent has VLAN {} already", vlan.id))
            }
            Errno::RANGE => Some(format!("VLAN {} is not within 0 and 4094", vlan.id)),
            Errno::OPNOTSUPP => {
                Some("this kernel has no VLANs (module '8021q'), or the parent carries none".to_owned())
            }
            _ => None,
        })
    })
}
