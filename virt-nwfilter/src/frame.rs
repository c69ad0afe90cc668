//! What a frame tells of the addresses of the interface that it passes.

use std::net::Ipv4Addr;

use virt_types::MacAddr;

/// Lengths of headers, in bytes: Ethernet's (IEEE 802.3), a VLAN's tag within (802.1Q), IPv4's shortest (RFC 791), UDP's
/// (RFC 768), and the fixed part of DHCP with its magic number (RFC 2131).
const ETHERNET: usize = 14;
const TAG: usize = 4;
const IPV4: usize = 20;
const UDP: usize = 8;
const DHCP: usize = 240;

const TYPE_IPV4: u16 = 0x0800;
const TYPE_ARP: u16 = 0x0806;
const TYPE_VLAN: u16 = 0x8100;
const PROTOCOL_UDP: u8 = 17;
const MAGIC: [u8; 4] = [99, 130, 83, 99];

/// Options of DHCP (RFC 2132).
const PAD: u8 = 0;
const REQUESTED: u8 = 50;
const LEASE_TIME: u8 = 51;
const MESSAGE_TYPE: u8 = 53;
const END: u8 = 255;

/// Types of messages (RFC 2132, 9.6).
const DECLINE: u8 = 4;
const ACK: u8 = 5;
const RELEASE: u8 = 7;

/// What a frame tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// The interface uses an address.
    Used(Ipv4Addr),
    /// A DHCP server gave it one.
    Given {
        /// The address.
        address: Ipv4Addr,
        /// For how many seconds; the largest number for good.
        seconds: u32,
    },
    /// It gave one back, or did not want it.
    Returned(Ipv4Addr),
}

/// What a frame that passes the interface with this Ethernet address tells of its IPv4 addresses.
///
/// ```
/// use virt_nwfilter::{Seen, look};
///
/// let mac = "52:54:00:00:00:01".parse().unwrap();
/// // Somebody asks by ARP who has 10.0.0.1, and says to be 10.0.0.2.
/// let mut frame = vec![0xff; 6];
/// frame.extend([0x52, 0x54, 0, 0, 0, 1, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
/// frame.extend([0x52, 0x54, 0, 0, 0, 1, 10, 0, 0, 2]);
/// frame.extend([0, 0, 0, 0, 0, 0, 10, 0, 0, 1]);
/// assert_eq!(look(&frame, mac), Some(Seen::Used([10, 0, 0, 2].into())));
/// ```
#[must_use]
pub fn look(frame: &[u8], mac: MacAddr) -> Option<Seen> {
    let (destination, source) = (frame.get(..6)?, frame.get(6..12)?);
    let (kind, payload) = match word(frame, 12)? {
        TYPE_VLAN => (word(frame, ETHERNET + 2)?, frame.get(ETHERNET + TAG..)?),
        kind => (kind, frame.get(ETHERNET..)?),
    };
    let from = source == mac.0;
    let to = destination == mac.0 || destination == [0xff; 6];
    match kind {
        TYPE_ARP if from => arp(payload),
        TYPE_IPV4 if from || to => ipv4(payload, mac, from),
        _ => None,
    }
}

/// The sender's own address (RFC 826).
fn arp(packet: &[u8]) -> Option<Seen> {
    // Ethernet addresses for IPv4 ones.
    let known = packet.get(..6)? == [0, 1, 8, 0, 6, 4];
    known.then_some(())?;
    own(address(packet, 14)?).map(Seen::Used)
}

fn ipv4(packet: &[u8], mac: MacAddr, from: bool) -> Option<Seen> {
    let header = usize::from(packet.first()? & 0xf) * 4;
    if header < IPV4 {
        return None;
    }
    if *packet.get(9)? == PROTOCOL_UDP {
        let ports = (word(packet, header)?, word(packet, header + 2)?);
        let message = packet.get(header + UDP..)?;
        match ports {
            (67, 68) if !from => return dhcp(message, mac, 2),
            (68, 67) if from => return dhcp(message, mac, 1),
            _ => {}
        }
    }
    if from { own(address(packet, 12)?).map(Seen::Used) } else { None }
}

/// A message of DHCP to this client (operation 2) or from it (1).
fn dhcp(message: &[u8], mac: MacAddr, operation: u8) -> Option<Seen> {
    let fits = message.len() >= DHCP
        && message[0] == operation
        && message[28..34] == mac.0
        && message[DHCP - 4..DHCP] == MAGIC;
    if !fits {
        return None;
    }
    let options = || options(&message[DHCP..]);
    let option = |wanted| options().find(|(code, _)| *code == wanted).map(|(_, value)| value);
    match (operation, *option(MESSAGE_TYPE)?.first()?) {
        (2, ACK) => {
            let seconds =
                option(LEASE_TIME).and_then(|value| Some(u32::from_be_bytes(value.try_into().ok()?)));
            let address = own(address(message, 16)?)?;
            // An answer to a question about other things gives no lease.
            Some(Seen::Given { address, seconds: seconds? })
        }
        (1, RELEASE) => own(address(message, 12)?).map(Seen::Returned),
        (1, DECLINE) => own(address(option(REQUESTED)?, 0)?).map(Seen::Returned),
        _ => None,
    }
}

/// Options, each with its value; those after one that is cut off are lost.
fn options(mut rest: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        loop {
            let (&code, after) = rest.split_first()?;
            match code {
                PAD => rest = after,
                END => return None,
                code => {
                    let (&length, after) = after.split_first()?;
                    let (value, after) = after.split_at_checked(length.into())?;
                    rest = after;
                    return Some((code, value));
                }
            }
        }
    })
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn address(bytes: &[u8], at: usize) -> Option<Ipv4Addr> {
    let octets: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
    Some(octets.into())
}

/// An address that can be an interface's own: neither none, nor of a group, nor reserved.
fn own(address: Ipv4Addr) -> Option<Ipv4Addr> {
    let usable = !address.is_unspecified() && address.octets()[0] < 224;
    usable.then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: MacAddr = MacAddr([0x52, 0x54, 0, 0, 0, 1]);
    const OTHER: [u8; 6] = [0x52, 0x54, 0, 0, 0, 2];
    const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 7);

    fn frame(destination: [u8; 6], source: [u8; 6], kind: u16, payload: &[u8]) -> Vec<u8> {
        [&destination[..], &source, &kind.to_be_bytes(), payload].concat()
    }

    fn packet(source: Ipv4Addr, protocol: u8, payload: &[u8]) -> Vec<u8> {
        let mut header = vec![0x45; 1];
        header.resize(IPV4, 0);
        header[9] = protocol;
        header[12..16].copy_from_slice(&source.octets());
        [&header, payload].concat()
    }

    fn message(operation: u8, ports: [u16; 2], kind: u8, more: &[u8]) -> Vec<u8> {
        let mut message = vec![0; DHCP];
        message[0] = operation;
        message[12..16].copy_from_slice(&ADDRESS.octets());
        message[16..20].copy_from_slice(&ADDRESS.octets());
        message[28..34].copy_from_slice(&MAC.0);
        message[236..].copy_from_slice(&MAGIC);
        message.extend([PAD, MESSAGE_TYPE, 1, kind]);
        message.extend(more);
        message.push(END);
        let mut udp = Vec::new();
        ports.iter().for_each(|port| udp.extend(port.to_be_bytes()));
        udp.extend([0; 4]);
        udp.extend(message);
        packet(Ipv4Addr::UNSPECIFIED, PROTOCOL_UDP, &udp)
    }

    fn arp_from(address: Ipv4Addr) -> Vec<u8> {
        [&[0, 1, 8, 0, 6, 4, 0, 1][..], &MAC.0, &address.octets(), &[0; 10]].concat()
    }

    #[test]
    fn own_addresses_are_seen_and_others_are_not() {
        let used = Some(Seen::Used(ADDRESS));
        let ip = |address| packet(address, 6, &[0; 20]);
        for (what, frame, expected) in [
            ("packet", frame(OTHER, MAC.0, TYPE_IPV4, &ip(ADDRESS)), used),
            ("no address", frame(OTHER, MAC.0, TYPE_IPV4, &ip(Ipv4Addr::UNSPECIFIED)), None),
            ("group", frame(OTHER, MAC.0, TYPE_IPV4, &ip(Ipv4Addr::new(224, 0, 0, 1))), None),
            ("answer", frame(MAC.0, OTHER, TYPE_IPV4, &ip(ADDRESS)), None),
            ("arp", frame([0xff; 6], MAC.0, TYPE_ARP, &arp_from(ADDRESS)), used),
            ("arp of others", frame([0xff; 6], OTHER, TYPE_ARP, &arp_from(ADDRESS)), None),
            ("vlan", frame(OTHER, MAC.0, TYPE_VLAN, &[&[0, 5, 8, 0][..], &ip(ADDRESS)].concat()), used),
            ("ipv6", frame(OTHER, MAC.0, 0x86dd, &ip(ADDRESS)), None),
            ("empty", Vec::new(), None),
        ] {
            assert_eq!(look(&frame, MAC), expected, "{what}");
        }
    }

    #[test]
    fn leases_are_seen() {
        let time = [LEASE_TIME, 4, 0, 0, 0x0e, 0x10];
        let given = Some(Seen::Given { address: ADDRESS, seconds: 3600 });
        let requested = [&[REQUESTED, 4][..], &ADDRESS.octets()].concat();
        let to = |payload: Vec<u8>| frame([0xff; 6], OTHER, TYPE_IPV4, &payload);
        let from = |payload: Vec<u8>| frame([0xff; 6], MAC.0, TYPE_IPV4, &payload);
        for (what, frame, expected) in [
            ("ack", to(message(2, [67, 68], ACK, &time)), given),
            ("ack without a time", to(message(2, [67, 68], ACK, &[])), None),
            ("offer", to(message(2, [67, 68], 2, &time)), None),
            ("ack from the guest", from(message(2, [67, 68], ACK, &time)), None),
            ("release", from(message(1, [68, 67], RELEASE, &[])), Some(Seen::Returned(ADDRESS))),
            ("decline", from(message(1, [68, 67], DECLINE, &requested)), Some(Seen::Returned(ADDRESS))),
            ("decline of nothing", from(message(1, [68, 67], DECLINE, &[])), None),
            ("request", from(message(1, [68, 67], 3, &requested)), None),
        ] {
            assert_eq!(look(&frame, MAC), expected, "{what}");
        }
    }

    #[test]
    fn a_frame_that_is_cut_off_tells_nothing_and_harms_nothing() {
        let whole =
            frame([0xff; 6], OTHER, TYPE_IPV4, &message(2, [67, 68], ACK, &[LEASE_TIME, 4, 0, 0, 0, 9]));
        for end in 0..whole.len() - 1 {
            assert_eq!(look(&whole[..end], MAC), None, "{end}");
        }
        assert!(look(&whole, MAC).is_some());
    }
}
