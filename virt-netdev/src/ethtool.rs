//! What a device's hardware and driver can do and do: offloads, speed (`linux/ethtool_netlink.h`).

use std::collections::BTreeMap;

use virt_netlink::generic::{Attribute, Family, GenericSocket, attributes, read_number, read_text};

use crate::namespace::in_namespace_of;
use crate::{Error, InterfaceName, Result, Socket, link};

const LINKMODES_GET: u8 = 4;
const FEATURES_GET: u8 = 11;
const FEATURES_SET: u8 = 12;

/// The attribute of the device in every request.
const HEADER: u16 = 1;
const HEADER_DEV_NAME: u16 = 2;

const FEATURES_HW: u16 = 2;
const FEATURES_WANTED: u16 = 3;
const FEATURES_ACTIVE: u16 = 4;

const BITSET_BITS: u16 = 3;
const BITSET_BIT: u16 = 1;
const BIT_NAME: u16 = 2;
const BIT_VALUE: u16 = 3;

const LINKMODES_SPEED: u16 = 5;
const LINKMODES_DUPLEX: u16 = 6;

/// One offload of a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Feature {
    /// It is on.
    pub on: bool,
    /// It can be changed.
    pub changeable: bool,
}

/// The offloads of a device by the kernel's names, `tx-checksum-ipv4` for example. What is neither on nor changeable is
/// left out.
pub type Features = BTreeMap<String, Feature>;

/// How the device is connected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkMode {
    /// Megabits per second, if there is a carrier that has a speed.
    pub speed: Option<u32>,
    /// Sends and receives at once.
    pub full_duplex: Option<bool>,
}

/// The names that libvirt has for groups of offloads, and the kernel's that begin so.
const NAMES: [(&str, &[&str]); 12] = [
    ("rx", &["rx-checksum"]),
    ("tx", &["tx-checksum-"]),
    ("sg", &["tx-scatter-gather"]),
    ("tso", &["tx-tcp-segmentation", "tx-tcp6-segmentation"]),
    ("gso", &["tx-generic-segmentation"]),
    ("gro", &["rx-gro"]),
    ("lro", &["rx-lro"]),
    ("rxvlan", &["rx-vlan-hw-parse"]),
    ("txvlan", &["tx-vlan-hw-insert"]),
    ("ntuple", &["rx-ntuple-filter"]),
    ("rxhash", &["rx-hashing"]),
    ("txudptnl", &["tx-udp_tnl-segmentation"]),
];

/// What is on, by libvirt's names, in its order.
///
/// ```
/// use virt_netdev::ethtool::{Feature, Features, libvirt_names};
///
/// let on = Feature { on: true, changeable: true };
/// let features: Features =
///     [("rx-gro", on), ("tx-checksum-ipv4", on)].map(|(name, on)| (name.to_owned(), on)).into();
/// assert_eq!(libvirt_names(&features), ["tx", "gro"]);
/// ```
#[must_use]
pub fn libvirt_names(features: &Features) -> Vec<&'static str> {
    let on = |known: &str| {
        features.iter().any(|(name, feature)| {
            let same = if known.ends_with('-') { name.starts_with(known) } else { name == known };
            same && feature.on
        })
    };
    NAMES.iter().filter(|(_, known)| known.iter().any(|known| on(known))).map(|(name, _)| *name).collect()
}

fn connect(socket: &mut Socket, device: &InterfaceName) -> Result<(GenericSocket, Family)> {
    // An absent device is told in the same words as everywhere.
    link::get(socket, device)?;
    let mut generic = in_namespace_of(socket, || Ok(GenericSocket::open()?))?;
    let family = generic.family("ethtool")?;
    Ok((generic, family))
}

fn header(device: &InterfaceName) -> Attribute {
    Attribute::nest(HEADER, &[Attribute::text(HEADER_DEV_NAME, device.as_str())])
}

/// The offloads of a device.
///
/// # Errors
///
/// [`Error::Netlink`], with `ENODEV` when there is no such device, `ENOENT` on kernels before 5.6.
pub fn features(socket: &mut Socket, device: &InterfaceName) -> Result<Features> {
    let (mut generic, family) = connect(socket, device)?;
    read_features(&mut generic, family, device)
}

fn read_features(generic: &mut GenericSocket, family: Family, device: &InterfaceName) -> Result<Features> {
    let operation = format_args!("read the offloads of '{device}'");
    let answer = generic.request(family, FEATURES_GET, 0, &[header(device)], operation)?;
    Ok(answer.map(|answer| parse_features(&answer.payload)).unwrap_or_default())
}

fn parse_features(payload: &[u8]) -> Features {
    let mut features = Features::new();
    for (number, value) in attributes(payload) {
        for (name, set) in bits(value).filter(|(_, set)| *set) {
            match number {
                FEATURES_HW => features.entry(name).or_default().changeable = set,
                FEATURES_ACTIVE => features.entry(name).or_default().on = set,
                _ => {}
            }
        }
    }
    features
}

/// The bits of a set by their names. In a set without a mask only those that are on are listed.
fn bits(set: &[u8]) -> impl Iterator<Item = (String, bool)> {
    const NO_MASK: u16 = 1;
    let no_mask = attributes(set).any(|(number, _)| number == NO_MASK);
    let lists = attributes(set).filter(|(number, _)| *number == BITSET_BITS);
    let all = lists.flat_map(|(_, bits)| attributes(bits)).filter(|(number, _)| *number == BITSET_BIT);
    all.filter_map(move |(_, bit)| {
        let name = attributes(bit).find(|(number, _)| *number == BIT_NAME)?;
        let value = attributes(bit).any(|(number, _)| number == BIT_VALUE);
        Some((read_text(name.1)?.to_owned(), no_mask || value))
    })
}

/// Switches offloads on and off, reads them back and compares.
///
/// # Errors
///
/// [`Error::Netlink`] for a name that the kernel does not know, [`Error::NotApplied`] for an offload that the device can
/// not have or not lose. The offloads are then what they were before.
pub fn set_features(
    socket: &mut Socket,
    device: &InterfaceName,
    wanted: &[(&str, bool)],
) -> Result<Features> {
    let (mut generic, family) = connect(socket, device)?;
    let before = read_features(&mut generic, family, device)?;
    send_features(&mut generic, family, device, wanted)?;
    let after = read_features(&mut generic, family, device)?;
    let is_on = |features: &Features, name: &str| features.get(name).is_some_and(|feature| feature.on);
    match wanted.iter().find(|(name, on)| is_on(&after, name) != *on) {
        None => Ok(after),
        Some((name, on)) => {
            let error = Error::NotApplied {
                device: format!("device '{device}'"),
                property: "an offload",
                wanted: format!("{name} {}", if *on { "on" } else { "off" }),
                found: if *on { "off" } else { "on" }.to_owned(),
            };
            let old: Vec<_> = wanted.iter().map(|(name, _)| (*name, is_on(&before, name))).collect();
            Err(error.after_undo(send_features(&mut generic, family, device, &old)))
        }
    }
}

fn send_features(
    generic: &mut GenericSocket,
    family: Family,
    device: &InterfaceName,
    wanted: &[(&str, bool)],
) -> Result<()> {
    let bit = |(name, on): &(&str, bool)| {
        let mut parts = vec![Attribute::text(BIT_NAME, name)];
        parts.extend(on.then(|| Attribute::flag(BIT_VALUE)));
        Attribute::nest(BITSET_BIT, &parts)
    };
    let bits: Vec<_> = wanted.iter().map(bit).collect();
    let set = Attribute::nest(FEATURES_WANTED, &[Attribute::nest(BITSET_BITS, &bits)]);
    let operation = format_args!("change the offloads of '{device}'");
    generic.request(family, FEATURES_SET, 0, &[header(device), set], operation)?;
    Ok(())
}

/// How a device is connected.
///
/// # Errors
///
/// [`Error::Netlink`], with `EOPNOTSUPP` for a device that has no such thing.
pub fn link_mode(socket: &mut Socket, device: &InterfaceName) -> Result<LinkMode> {
    let (mut generic, family) = connect(socket, device)?;
    let operation = format_args!("read the speed of '{device}'");
    let answer = generic.request(family, LINKMODES_GET, 0, &[header(device)], operation)?;
    Ok(answer.map(|answer| parse_link_mode(&answer.payload)).unwrap_or_default())
}

fn parse_link_mode(payload: &[u8]) -> LinkMode {
    let mut mode = LinkMode::default();
    for (number, value) in attributes(payload) {
        match (number, value) {
            // All bits set says that nobody knows.
            (LINKMODES_SPEED, value) => mode.speed = read_number(value).filter(|speed| *speed != u32::MAX),
            (LINKMODES_DUPLEX, [0]) => mode.full_duplex = Some(false),
            (LINKMODES_DUPLEX, [1]) => mode.full_duplex = Some(true),
            _ => {}
        }
    }
    mode
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libvirt_s_names_are_of_groups() {
        let off = Feature { on: false, changeable: true };
        let on = Feature { on: true, changeable: false };
        let features: Features = [
            ("tx-tcp6-segmentation", on),
            ("rx-gro-list", on),
            ("rx-checksum", off),
            ("tx-checksum-ip-generic", on),
        ]
        .map(|(name, feature)| (name.to_owned(), feature))
        .into();
        assert_eq!(libvirt_names(&features), ["tx", "tso"]);
        assert!(libvirt_names(&Features::new()).is_empty());
    }

    #[test]
    fn damaged_answers_are_what_is_whole() {
        for length in 0..64 {
            assert!(parse_features(&vec![0xff; length]).is_empty());
            assert_eq!(parse_link_mode(&vec![1; length]), LinkMode::default());
        }
    }
}
