//! Extended acknowledgements: what the kernel adds to an error number (`NETLINK_EXT_ACK`, Linux 4.12).
//!
//! `enum nlmsgerr_attrs` and `enum netlink_policy_type_attr` in `linux/netlink.h`.

use netlink_packet_core::{NLA_TYPE_MASK, NlasIterator};

use crate::refusal::Bounds;

const NLMSGERR_ATTR_MSG: u16 = 1;
const NLMSGERR_ATTR_OFFS: u16 = 2;
const NLMSGERR_ATTR_POLICY: u16 = 4;
const NLMSGERR_ATTR_MISS_TYPE: u16 = 5;

const NL_POLICY_TYPE_ATTR_MIN_VALUE_S: u16 = 2;
const NL_POLICY_TYPE_ATTR_MAX_VALUE_S: u16 = 3;
const NL_POLICY_TYPE_ATTR_MIN_VALUE_U: u16 = 4;
const NL_POLICY_TYPE_ATTR_MAX_VALUE_U: u16 = 5;

/// Length of `struct nlmsghdr`.
const HEADER_LEN: usize = 16;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ExtendedAck {
    pub(crate) text: Option<String>,
    /// Where the attribute at fault begins, counted from the beginning of the request's header.
    pub(crate) offset: Option<usize>,
    pub(crate) missing_attribute: Option<u16>,
    pub(crate) bounds: Option<Bounds>,
}

/// Reads the attributes behind the request that an error message quotes.
///
/// `quoted` is everything behind the error number: the request's header, the rest of the request unless
/// `capped`, then the attributes. Malformed attributes end the reading; what was read is kept.
pub(crate) fn parse_error(quoted: &[u8], capped: bool) -> ExtendedAck {
    let request_len = if capped {
        HEADER_LEN
    } else {
        let Some(length) = quoted.first_chunk::<4>() else { return ExtendedAck::default() };
        align(u32::from_ne_bytes(*length) as usize)
    };
    quoted.get(request_len..).map(parse).unwrap_or_default()
}

/// Reads the attributes themselves.
pub(crate) fn parse(attributes: &[u8]) -> ExtendedAck {
    let mut ack = ExtendedAck::default();
    for attribute in NlasIterator::new(attributes).map_while(Result::ok) {
        let value = attribute.value();
        match attribute.kind() & NLA_TYPE_MASK {
            NLMSGERR_ATTR_MSG => {
                let text = value.strip_suffix(&[0]).unwrap_or(value);
                ack.text = Some(String::from_utf8_lossy(text).trim_end().to_owned());
            }
            NLMSGERR_ATTR_OFFS => {
                ack.offset = unsigned(value).and_then(|offset| usize::try_from(offset).ok())
            }
            NLMSGERR_ATTR_MISS_TYPE => {
                ack.missing_attribute = unsigned(value).and_then(|number| u16::try_from(number).ok());
            }
            NLMSGERR_ATTR_POLICY => ack.bounds = parse_policy(value),
            _ => {}
        }
    }
    ack
}

fn parse_policy(attributes: &[u8]) -> Option<Bounds> {
    let mut bounds = Bounds { min: None, max: None };
    for attribute in NlasIterator::new(attributes).map_while(Result::ok) {
        let value = attribute.value();
        match attribute.kind() & NLA_TYPE_MASK {
            NL_POLICY_TYPE_ATTR_MIN_VALUE_S => bounds.min = signed(value),
            NL_POLICY_TYPE_ATTR_MAX_VALUE_S => bounds.max = signed(value),
            NL_POLICY_TYPE_ATTR_MIN_VALUE_U => bounds.min = unsigned(value).map(i128::from),
            NL_POLICY_TYPE_ATTR_MAX_VALUE_U => bounds.max = unsigned(value).map(i128::from),
            _ => {}
        }
    }
    (bounds.min.is_some() || bounds.max.is_some()).then_some(bounds)
}

fn unsigned(value: &[u8]) -> Option<u64> {
    match *value {
        [a, b, c, d] => Some(u32::from_ne_bytes([a, b, c, d]).into()),
        _ => Some(u64::from_ne_bytes(value.try_into().ok()?)),
    }
}

fn signed(value: &[u8]) -> Option<i128> {
    Some(i64::from_ne_bytes(value.try_into().ok()?).into())
}

fn align(length: usize) -> usize {
    length.next_multiple_of(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
        let length = u16::try_from(4 + value.len()).unwrap();
        let mut bytes = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
        bytes.extend_from_slice(value);
        bytes.resize(align(bytes.len()), 0);
        bytes
    }

    fn request(total: u32) -> Vec<u8> {
        let mut bytes = total.to_ne_bytes().to_vec();
        bytes.resize(align(total as usize), 0xee);
        bytes
    }

    #[test]
    fn text_and_offset_behind_a_capped_request() {
        let mut quoted = request(16);
        // The header tells the length that was sent, of which only the header itself is quoted.
        quoted[..4].copy_from_slice(&4096u32.to_ne_bytes());
        quoted.extend(attribute(NLMSGERR_ATTR_MSG, b"Unknown device type\0"));
        quoted.extend(attribute(NLMSGERR_ATTR_OFFS, &64u32.to_ne_bytes()));
        let ack = parse_error(&quoted, true);
        assert_eq!(ack.text.as_deref(), Some("Unknown device type"));
        assert_eq!(ack.offset, Some(64));
    }

    #[test]
    fn attributes_behind_a_whole_request() {
        let mut quoted = request(37);
        quoted.extend(attribute(NLMSGERR_ATTR_MISS_TYPE, &7u32.to_ne_bytes()));
        assert_eq!(parse_error(&quoted, false).missing_attribute, Some(7));
    }

    #[test]
    fn policy_bounds_are_signed_or_unsigned() {
        let unsigned = [
            attribute(NL_POLICY_TYPE_ATTR_MIN_VALUE_U, &1u64.to_ne_bytes()),
            attribute(NL_POLICY_TYPE_ATTR_MAX_VALUE_U, &u64::MAX.to_ne_bytes()),
        ]
        .concat();
        let ack = parse(&attribute(NLMSGERR_ATTR_POLICY, &unsigned));
        assert_eq!(ack.bounds, Some(Bounds { min: Some(1), max: Some(u64::MAX.into()) }));

        let signed = attribute(NL_POLICY_TYPE_ATTR_MIN_VALUE_S, &(-5i64).to_ne_bytes());
        let ack = parse(&attribute(NLMSGERR_ATTR_POLICY, &signed));
        assert_eq!(ack.bounds, Some(Bounds { min: Some(-5), max: None }));
    }

    #[test]
    fn damaged_input_yields_what_is_whole() {
        let mut bytes = attribute(NLMSGERR_ATTR_MSG, b"said\0");
        bytes.extend_from_slice(&[0xff, 0xff, 1, 0]);
        assert_eq!(parse(&bytes).text.as_deref(), Some("said"));
        assert_eq!(parse(&attribute(NLMSGERR_ATTR_OFFS, &[1, 2, 3])), ExtendedAck::default());
        for length in 0..20 {
            assert_eq!(parse_error(&vec![0xff; length], false), ExtendedAck::default());
            assert_eq!(parse_error(&vec![0; length], true), ExtendedAck::default());
        }
    }
}
