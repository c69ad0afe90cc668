//! Filters: which class a frame belongs to, or what happens to it.

use netlink_packet_core::{DefaultNla, NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::tc::{TcAttribute, TcMessage, TcOption};
use rustix::io::Errno;

use super::{Handle, index_of, message, rate, words};
use crate::link::{HardwareAddress, LinkRef};
use crate::{Result, Socket};

const ETH_P_ALL: u16 = 3;
const ETH_P_IP: u16 = 0x0800;

/// A filter to add.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filter {
    /// The discipline whose frames it looks at.
    pub parent: Handle,
    /// Filters of smaller figures look first; 0 leaves it to the kernel.
    pub priority: u16,
    /// Its number: that of a mark for [`FilterKind::Mark`]; for the others the number of an entry, see [`Filter::entry`],
    /// or 0.
    pub handle: u32,
    /// What it looks for and does.
    pub kind: FilterKind,
}

/// What a filter looks for and does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FilterKind {
    /// Frames with the firewall's mark go to a class.
    Mark {
        /// The class.
        class: Handle,
    },
    /// IPv4 packets to a hardware address go to a class.
    Destination {
        /// The address.
        mac: HardwareAddress,
        /// The class.
        class: Handle,
    },
    /// Frames beyond a rate are dropped, at the [ingress](Handle::INGRESS) usually.
    Police {
        /// Bytes per second.
        rate: u64,
        /// Bytes that may come at once after a pause.
        burst: u64,
        /// The largest frame, in bytes; larger ones are dropped.
        mtu: u32,
    },
}

impl FilterKind {
    fn kind(self) -> &'static str {
        match self {
            Self::Mark { .. } => "fw",
            Self::Destination { .. } | Self::Police { .. } => "u32",
        }
    }

    fn protocol(self) -> u16 {
        match self {
            Self::Destination { .. } => ETH_P_IP,
            Self::Mark { .. } | Self::Police { .. } => ETH_P_ALL,
        }
    }

    fn options(self) -> Vec<TcOption> {
        const TCA_FW_CLASSID: u16 = 1;
        const TCA_U32_CLASSID: u16 = 1;
        const TCA_U32_SEL: u16 = 5;
        const TCA_U32_POLICE: u16 = 6;
        let class_id = |class: Handle| words(&[u32::from(class.major) << 16 | u32::from(class.minor)]);
        let parts = match self {
            Self::Mark { class } => vec![DefaultNla::new(TCA_FW_CLASSID, class_id(class))],
            Self::Destination { mac: [a, b, c, d, e, f], class } => {
                // The hardware header lies before what the filter sees: its type 2 bytes, the address 14.
                let selector = selector(&[
                    Key { value: [0, 0, 0x08, 0x00], mask: [0, 0, 0xff, 0xff], offset: -4 },
                    Key { value: [c, d, e, f], mask: [0xff; 4], offset: -12 },
                    Key { value: [0, 0, a, b], mask: [0, 0, 0xff, 0xff], offset: -16 },
                ]);
                vec![
                    DefaultNla::new(TCA_U32_CLASSID, class_id(class)),
                    DefaultNla::new(TCA_U32_SEL, selector),
                ]
            }
            Self::Police { rate, burst, mtu } => {
                let everything = selector(&[Key { value: [0; 4], mask: [0; 4], offset: 0 }]);
                vec![
                    DefaultNla::new(TCA_U32_CLASSID, class_id(Handle::new(0, 1))),
                    DefaultNla::new(TCA_U32_POLICE, police(rate, burst, mtu)),
                    DefaultNla::new(TCA_U32_SEL, everything),
                ]
            }
        };
        parts.into_iter().map(TcOption::Other).collect()
    }
}

/// `struct tc_u32_key`: four bytes to compare, at an offset from the network header.
struct Key {
    value: [u8; 4],
    mask: [u8; 4],
    offset: i32,
}

/// `struct tc_u32_sel` with its keys, of which all have to match.
fn selector(keys: &[Key]) -> Vec<u8> {
    const TERMINAL: u8 = 1;
    // flags, shift, count of keys, padding, offset's mask, offset, two offsets of a hash, its mask
    let mut bytes = vec![TERMINAL, 0, u8::try_from(keys.len()).unwrap_or(u8::MAX), 0];
    bytes.extend([0; 12]);
    for key in keys {
        bytes.extend(key.mask);
        bytes.extend(key.value);
        bytes.extend(key.offset.to_ne_bytes());
        bytes.extend(0_i32.to_ne_bytes());
    }
    bytes
}

/// The attributes of policing, `struct tc_police` first.
fn police(rate: u64, burst: u64, mtu: u32) -> Vec<u8> {
    const TCA_POLICE_TBF: u16 = 1;
    const TCA_POLICE_RATE: u16 = 2;
    const TCA_POLICE_RATE64: u16 = 8;
    const DROP: u32 = 2;
    let mut parameters = words(&[0, DROP, 0, rate::ticks_to_send(rate, burst), mtu]);
    parameters.extend(rate::specification(rate, mtu.into()));
    // No peak rate, and what the kernel counts.
    parameters.extend([0; 12 + 12]);
    let mut attributes = vec![
        DefaultNla::new(TCA_POLICE_TBF, parameters),
        DefaultNla::new(TCA_POLICE_RATE, rate::table(rate, mtu.into())),
    ];
    if u32::try_from(rate).is_err() {
        attributes.push(DefaultNla::new(TCA_POLICE_RATE64, rate.to_ne_bytes().to_vec()));
    }
    let attributes = &attributes[..];
    let mut bytes = vec![0; netlink_packet_core::Emitable::buffer_len(&attributes)];
    netlink_packet_core::Emitable::emit(&attributes, &mut bytes);
    bytes
}

impl Filter {
    /// The number of an entry of the first table of a `u32` filter: `800::entry`.
    #[must_use]
    pub const fn entry(entry: u16) -> u32 {
        0x800 << 20 | entry as u32
    }

    fn message(&self, index: u32) -> TcMessage {
        let mut message = message(index, self.parent, Handle::default());
        message.header.handle = self.handle.into();
        message.header.info = u32::from(self.priority) << 16 | u32::from(self.kind.protocol().to_be());
        message.attributes.push(TcAttribute::Kind(self.kind.kind().to_owned()));
        message
    }
}

/// Adds a filter.
///
/// # Errors
///
/// [`Error::Refused`](crate::Error::Refused), with `ENOENT` for a kind that the kernel lacks, `EEXIST` when there is one
/// of that number.
pub fn add_filter(socket: &mut Socket, link: LinkRef<'_>, filter: &Filter) -> Result<()> {
    let mut message = filter.message(index_of(socket, link)?);
    message.attributes.push(TcAttribute::Options(filter.kind.options()));
    let kind = filter.kind.kind();
    let operation = format_args!("add a traffic filter '{kind}' at {} of {link}", filter.parent);
    socket
        .request(RouteNetlinkMessage::NewTrafficFilter(message), NLM_F_CREATE | NLM_F_EXCL, operation)
        .map_err(|error| {
            error.explain(|errno| match errno {
                Errno::NOENT => Some(format!(
                    "this kernel lacks the filter (module 'cls_{kind}') or its action (module 'act_police')"
                )),
                Errno::EXIST => Some("there is a filter of that number already".to_owned()),
                Errno::INVAL => Some("the device has no discipline of that number".to_owned()),
                _ => None,
            })
        })
}

/// Deletes a filter; only its parent, priority, number, and the sort of its kind matter.
///
/// # Errors
///
/// [`Error::Refused`](crate::Error::Refused), with `ENOENT` when there is none.
pub fn delete_filter(socket: &mut Socket, link: LinkRef<'_>, filter: &Filter) -> Result<()> {
    let message = filter.message(index_of(socket, link)?);
    let operation =
        format_args!("delete a traffic filter '{}' at {} of {link}", filter.kind.kind(), filter.parent);
    socket.request(RouteNetlinkMessage::DelTrafficFilter(message), 0, operation).map_err(|error| {
        error.explain(|errno| {
            matches!(errno, Errno::NOENT | Errno::INVAL).then(|| "there is no such filter".to_owned())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_have_the_kernel_s_layout() {
        let bytes = selector(&[Key { value: [1, 2, 3, 4], mask: [0xff; 4], offset: -12 }]);
        assert_eq!(bytes.len(), 16 + 16);
        assert_eq!(bytes[..3], [1, 0, 1]);
        assert_eq!(bytes[16..24], [0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4]);
        assert_eq!(bytes[24..28], (-12_i32).to_ne_bytes());
        // struct tc_police is 56 bytes, its rate table 1024, their headers 4 each.
        assert_eq!(police(1_000_000, 1024, 65_536).len(), 60 + 1028);
        assert_eq!(police(5_000_000_000, 1024, 65_536).len(), 60 + 1028 + 12);
        assert_eq!(Filter::entry(0x803), 0x8000_0803);
    }
}
