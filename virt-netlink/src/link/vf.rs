//! Virtual functions of SR-IOV hardware: what their physical function's driver sets for them.

use netlink_packet_core::{DefaultNla, NLA_F_NESTED};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{
    LinkAttribute, LinkExtentMask, LinkMessage, LinkVfInfo, LinkVfPort, VfInfo, VfInfoLinkState, VfInfoMac,
    VfInfoRate, VfInfoSpoofCheck, VfInfoTrust, VfInfoVlan, VfLinkState, VfPort,
};
use rustix::io::Errno;

use super::{HardwareAddress, LinkRef};
use crate::{Error, Result, Socket};

/// What a virtual function has, to set where it is not `None`, or as the driver tells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The hardware address that the function has when its own driver starts.
    pub mac: Option<HardwareAddress>,
    /// The VLAN whose tag the hardware adds and takes away; 0 for none.
    pub vlan: Option<Vlan>,
    /// Frames from other addresses than the function's are dropped.
    pub spoof_check: Option<bool>,
    /// The function may change its address and hear every frame.
    pub trust: Option<bool>,
    /// What the function sees of the cable.
    pub link_state: Option<LinkState>,
    /// Megabits per second that it may send at least and at most; 0 for no bound.
    pub rate: Option<(u32, u32)>,
}

/// A VLAN with its priority.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Vlan {
    /// The number in the tag, 0 for no tag.
    pub id: u16,
    /// The priority in the tag, 0 to 7.
    pub priority: u8,
}

/// What a function sees of the cable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// What the physical function sees.
    Auto,
    /// Always a carrier: functions reach each other without a cable.
    Enable,
    /// Never a carrier.
    Disable,
}

impl Settings {
    fn attributes(&self, function: u32) -> Vec<VfInfo> {
        let mut list = Vec::new();
        list.extend(self.mac.map(|mac| VfInfo::Mac(VfInfoMac::new(function, &mac))));
        list.extend(
            self.vlan
                .map(|vlan| VfInfo::Vlan(VfInfoVlan::new(function, vlan.id.into(), vlan.priority.into()))),
        );
        list.extend(self.spoof_check.map(|on| VfInfo::SpoofCheck(VfInfoSpoofCheck::new(function, on))));
        list.extend(self.trust.map(|on| VfInfo::Trust(VfInfoTrust::new(function, on))));
        list.extend(self.link_state.map(|state| {
            let state = match state {
                LinkState::Auto => VfLinkState::Auto,
                LinkState::Enable => VfLinkState::Enable,
                LinkState::Disable => VfLinkState::Disable,
            };
            VfInfo::LinkState(VfInfoLinkState::new(function, state))
        }));
        list.extend(self.rate.map(|(min, max)| VfInfo::Rate(VfInfoRate::new(function, min, max))));
        list
    }

    /// What the driver tells of one function, with its number.
    fn read(info: &LinkVfInfo) -> Option<(u32, Self)> {
        let mut function = None;
        let mut read = Self::default();
        for attribute in &info.0 {
            match attribute {
                VfInfo::Mac(mac) => {
                    function = Some(mac.vf_id);
                    read.mac = mac.mac.first_chunk().copied();
                }
                VfInfo::Vlan(vlan) => {
                    let id = u16::try_from(vlan.vlan_id).unwrap_or(u16::MAX);
                    read.vlan = Some(Vlan { id, priority: u8::try_from(vlan.qos).unwrap_or(u8::MAX) });
                }
                VfInfo::SpoofCheck(check) => read.spoof_check = Some(check.enabled),
                VfInfo::Trust(trust) => read.trust = Some(trust.enabled),
                VfInfo::LinkState(link) => {
                    read.link_state = match link.state {
                        VfLinkState::Auto => Some(LinkState::Auto),
                        VfLinkState::Enable => Some(LinkState::Enable),
                        VfLinkState::Disable => Some(LinkState::Disable),
                        _ => None,
                    }
                }
                VfInfo::Rate(rate) => read.rate = Some((rate.min_tx_rate, rate.max_tx_rate)),
                _ => {}
            }
        }
        Some((function?, read))
    }
}

fn explain(errno: Errno, function: u32) -> Option<String> {
    match errno {
        Errno::OPNOTSUPP => Some("its driver has no such virtual functions or settings".to_owned()),
        Errno::INVAL => {
            Some(format!("it has no virtual function {function}, or can not set one of the values"))
        }
        _ => None,
    }
}

/// Changes the settings of a virtual function by one message to its physical function's link.
///
/// # Errors
///
/// [`Error::Refused`], with `EOPNOTSUPP` for a driver that lacks one of them. The kernel makes the changes one by one and
/// stops at the first that fails.
pub fn set(socket: &mut Socket, physical: LinkRef<'_>, function: u32, settings: &Settings) -> Result<()> {
    let mut message = physical.message();
    let info = LinkVfInfo(settings.attributes(function));
    message.attributes.push(LinkAttribute::VfInfoList(vec![info]));
    let operation = format_args!("change virtual function {function} of {physical}");
    socket
        .request(RouteNetlinkMessage::SetLink(message), 0, operation)
        .map_err(|error| error.explain(|errno| explain(errno, function)))
}

/// The settings of all virtual functions of a physical function's link, with their numbers.
///
/// # Errors
///
/// As [`get`](super::get).
pub fn list(socket: &mut Socket, physical: LinkRef<'_>) -> Result<Vec<(u32, Settings)>> {
    let message = read_extended(socket, physical, format_args!("list the virtual functions of {physical}"))?;
    let lists = message.attributes.iter().filter_map(|attribute| match attribute {
        LinkAttribute::VfInfoList(list) => Some(list),
        _ => None,
    });
    Ok(lists.flatten().filter_map(Settings::read).collect())
}

fn read_extended(
    socket: &mut Socket,
    link: LinkRef<'_>,
    operation: std::fmt::Arguments<'_>,
) -> Result<LinkMessage> {
    let mut message = link.message();
    message.attributes.push(LinkAttribute::ExtMask(vec![LinkExtentMask::Vf]));
    match socket.get(RouteNetlinkMessage::GetLink(message), operation)? {
        RouteNetlinkMessage::NewLink(message) => Ok(message),
        _ => Err(Error::Empty { operation: operation.to_string() }),
    }
}

/// What a port profile's switch is asked for (`PORT_REQUEST_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortRequest {
    /// To reserve what the guest will need, before it moves in.
    Preassociate,
    /// To let the guest's frames pass.
    Associate,
    /// To end it.
    Disassociate,
}

/// What became of a request (`PORT_VDP_RESPONSE_*`, `PORT_PROFILE_RESPONSE_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortResponse {
    /// It is done.
    Success,
    /// The switch has not answered yet.
    InProgress,
    /// The switch refused, for the reason of this number.
    Refused(u16),
}

/// A port profile of 802.1Qbh, which the device's driver negotiates with the switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortProfile<'a> {
    /// The virtual function, or `None` for the link itself.
    pub function: Option<u32>,
    /// The profile's name, at most 39 bytes.
    pub profile: &'a str,
    /// What identifies the guest's interface.
    pub instance: [u8; 16],
    /// What identifies the host.
    pub host: [u8; 16],
    /// What is asked for.
    pub request: PortRequest,
}

const PORT_VF: u16 = 1;
const PORT_PROFILE: u16 = 2;
const PORT_VSI_TYPE: u16 = 3;
const PORT_INSTANCE_UUID: u16 = 4;
const PORT_HOST_UUID: u16 = 5;
const PORT_REQUEST: u16 = 6;
const PORT_RESPONSE: u16 = 7;

fn port_attribute(number: u16, value: Vec<u8>) -> VfPort {
    VfPort::Other(DefaultNla::new(number, value))
}

impl PortRequest {
    fn number(self) -> u8 {
        match self {
            Self::Preassociate => 0,
            Self::Associate => 2,
            Self::Disassociate => 3,
        }
    }
}

impl PortProfile<'_> {
    fn attributes(&self) -> Vec<VfPort> {
        let mut name = self.profile.as_bytes().to_vec();
        name.push(0);
        let mut list = Vec::new();
        list.extend(self.function.map(|function| port_attribute(PORT_VF, function.to_ne_bytes().to_vec())));
        if self.request != PortRequest::Disassociate {
            list.push(port_attribute(PORT_PROFILE, name));
            list.push(port_attribute(PORT_INSTANCE_UUID, self.instance.to_vec()));
            list.push(port_attribute(PORT_HOST_UUID, self.host.to_vec()));
        }
        list.push(port_attribute(PORT_REQUEST, vec![self.request.number()]));
        list
    }

    fn message(&self, link: LinkRef<'_>) -> LinkMessage {
        let mut message = link.message();
        let port = LinkVfPort(self.attributes());
        message.attributes.push(match self.function {
            Some(_) => LinkAttribute::VfPorts(vec![port]),
            None => LinkAttribute::PortSelf(port),
        });
        message
    }
}

/// Asks a device's driver to negotiate a port profile. It answers at once; [`port_response`] tells what became of it.
///
/// # Errors
///
/// [`Error::Refused`], with `EOPNOTSUPP` for a driver that knows no port profiles.
pub fn set_port(socket: &mut Socket, link: LinkRef<'_>, profile: &PortProfile<'_>) -> Result<()> {
    let operation = format_args!("set the port profile '{}' of {link}", profile.profile);
    socket.request(RouteNetlinkMessage::SetLink(profile.message(link)), 0, operation).map_err(|error| {
        error.explain(|errno| match errno {
            Errno::OPNOTSUPP => Some("its driver knows no port profiles".to_owned()),
            Errno::INVAL => Some("there is no such virtual function or profile".to_owned()),
            _ => None,
        })
    })
}

/// What became of the port profile of a virtual function, or of the link itself; `None` if the driver does not tell.
///
/// # Errors
///
/// As [`get`](super::get).
pub fn port_response(
    socket: &mut Socket,
    link: LinkRef<'_>,
    function: Option<u32>,
) -> Result<Option<PortResponse>> {
    let message = read_extended(socket, link, format_args!("read the port profile of {link}"))?;
    Ok(message.attributes.iter().find_map(|attribute| match (attribute, function) {
        (LinkAttribute::PortSelf(port), None) => read_response(port, None),
        (LinkAttribute::VfPorts(ports), Some(function)) => {
            ports.iter().find_map(|port| read_response(port, Some(function)))
        }
        _ => None,
    }))
}

fn read_response(port: &LinkVfPort, function: Option<u32>) -> Option<PortResponse> {
    use netlink_packet_core::Nla;
    let value = |number: u16| {
        port.0.iter().find(|attribute| attribute.kind() & !NLA_F_NESTED == number).map(|attribute| {
            let mut bytes = vec![0; attribute.value_len()];
            attribute.emit_value(&mut bytes);
            bytes
        })
    };
    if let Some(function) = function
        && value(PORT_VF)? != function.to_ne_bytes()
    {
        return None;
    }
    let response = value(PORT_RESPONSE)?;
    match u16::from_ne_bytes(response.try_into().ok()?) {
        0 | 0x100 => Some(PortResponse::Success),
        0x101 => Some(PortResponse::InProgress),
        reason => Some(PortResponse::Refused(reason)),
    }
}

/// A virtual station of 802.1Qbg, which the daemon `lldpad` negotiates with the switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Station {
    /// Who manages the types of stations.
    pub manager: u8,
    /// The type, 24 bits.
    pub type_id: u32,
    /// The type's version.
    pub type_version: u8,
    /// What identifies the station.
    pub instance: [u8; 16],
    /// The station's hardware address.
    pub mac: HardwareAddress,
    /// The VLAN that it is in, 0 for none.
    pub vlan: u16,
    /// What is asked for.
    pub request: PortRequest,
}

impl Station {
    fn message(&self, link: LinkRef<'_>) -> LinkMessage {
        /// `PORT_SELF_VF`: the station is no virtual function.
        const SELF: u32 = u32::MAX;
        let mut message = link.message();
        let info = LinkVfInfo(vec![
            VfInfo::Mac(VfInfoMac::new(SELF, &self.mac)),
            VfInfo::Vlan(VfInfoVlan::new(SELF, self.vlan.into(), 0)),
        ]);
        message.attributes.push(LinkAttribute::VfInfoList(vec![info]));
        // struct ifla_port_vsi: manager, type of three bytes, version, padding.
        let mut station = vec![self.manager];
        station.extend(&self.type_id.to_ne_bytes()[..3]);
        station.extend([self.type_version, 0, 0, 0]);
        let port = LinkVfPort(vec![
            port_attribute(PORT_VF, SELF.to_ne_bytes().to_vec()),
            port_attribute(PORT_VSI_TYPE, station),
            port_attribute(PORT_INSTANCE_UUID, self.instance.to_vec()),
            port_attribute(PORT_REQUEST, vec![self.request.number()]),
        ]);
        message.attributes.push(LinkAttribute::VfPorts(vec![port]));
        message
    }
}

/// Asks `lldpad`, whose socket has the number of its process, to negotiate for a station on a link.
///
/// # Errors
///
/// [`Error::Open`] when no such process listens, [`Error::Refused`] when it refuses.
pub fn ask_lldpad(lldpad: u32, link: LinkRef<'_>, station: &Station) -> Result<()> {
    let mut socket = Socket::open_to(lldpad)?;
    let operation = format_args!("have lldpad associate a station on {link}");
    socket.request(RouteNetlinkMessage::SetLink(station.message(link)), 0, operation)
}

#[cfg(test)]
mod tests {
    use netlink_packet_core::{Emitable, Parseable};

    use super::*;

    #[test]
    fn what_is_set_is_what_is_read() {
        let settings = Settings {
            mac: Some([2, 0, 0, 0, 0, 1]),
            vlan: Some(Vlan { id: 42, priority: 3 }),
            spoof_check: Some(true),
            trust: Some(false),
            link_state: Some(LinkState::Enable),
            rate: Some((100, 1000)),
        };
        let mut message = LinkMessage::default();
        message.attributes.push(LinkAttribute::VfInfoList(vec![LinkVfInfo(settings.attributes(3))]));
        let mut bytes = vec![0; message.buffer_len()];
        message.emit(&mut bytes);
        let read = LinkMessage::parse(&bytes[..]).unwrap();
        let LinkAttribute::VfInfoList(list) = &read.attributes[0] else { panic!("{read:?}") };
        assert_eq!(Settings::read(&list[0]), Some((3, settings)));
        assert_eq!(Settings::read(&LinkVfInfo(vec![])), None);
    }

    #[test]
    fn a_port_profile_and_its_response() {
        let profile = PortProfile {
            function: Some(1),
            profile: "web",
            instance: [1; 16],
            host: [2; 16],
            request: PortRequest::Associate,
        };
        assert_eq!(profile.attributes().len(), 5);
        let end = PortProfile { function: None, request: PortRequest::Disassociate, ..profile };
        assert_eq!(end.attributes(), [port_attribute(PORT_REQUEST, vec![3])]);
        assert!(matches!(end.message(1.into()).attributes[..], [LinkAttribute::PortSelf(_)]));

        for (number, expected) in [
            (0_u16, PortResponse::Success),
            (0x100, PortResponse::Success),
            (0x101, PortResponse::InProgress),
            (0x103, PortResponse::Refused(0x103)),
        ] {
            let mut list = profile.attributes();
            list.push(port_attribute(PORT_RESPONSE, number.to_ne_bytes().to_vec()));
            let port = LinkVfPort(list);
            assert_eq!(read_response(&port, Some(1)), Some(expected));
            assert_eq!(read_response(&port, Some(2)), None);
        }
        assert_eq!(read_response(&LinkVfPort(profile.attributes()), Some(1)), None);
    }

    #[test]
    fn a_station_s_type_has_three_bytes() {
        let station = Station {
            manager: 5,
            type_id: 0x0012_3456,
            type_version: 9,
            instance: [7; 16],
            mac: [2, 0, 0, 0, 0, 1],
            vlan: 10,
            request: PortRequest::Preassociate,
        };
        let message = station.message(4.into());
        let LinkAttribute::VfPorts(ports) = &message.attributes[1] else { panic!("{message:?}") };
        let expected = vec![5, 0x56, 0x34, 0x12, 9, 0, 0, 0];
        if cfg!(target_endian = "little") {
            assert!(ports[0].0.contains(&port_attribute(PORT_VSI_TYPE, expected)));
        }
    }
}
