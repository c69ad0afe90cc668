//! Addresses of hosts, with the forms that the C library reads.

use std::net::{IpAddr, Ipv4Addr};

use virt_types::{Error, ErrorCode, ErrorDomain};
use virt_xml::number::{Base, parse_u32};

/// The address in a text: one of IPv6, or one of IPv4 in four parts or fewer, each decimal, octal or hexadecimal.
///
/// ```
/// use virt_conf::common::socket_address::parse;
/// assert_eq!(parse("10.1"), "10.0.0.1".parse().ok());
/// assert_eq!(parse("fe80::1"), "fe80::1".parse().ok());
/// assert_eq!(parse("10.0.0.256"), None);
/// ```
#[must_use]
pub fn parse(text: &str) -> Option<IpAddr> {
    text.parse().ok().or_else(|| short_ipv4(text).map(IpAddr::V4))
}

/// The address in a text.
///
/// # Errors
/// `VIR_ERR_SYSTEM_ERROR` with the C library's words for what is none.
pub fn read(text: &str) -> Result<IpAddr, Error> {
    parse(text).ok_or_else(|| {
        let detail = format!("Cannot parse socket address '{text}': Name or service not known");
        Error::new(ErrorCode::SystemError, ErrorDomain::None, detail)
    })
}

fn short_ipv4(text: &str) -> Option<Ipv4Addr> {
    let parts: Vec<&str> = text.split('.').collect();
    let (last, leading) = parts.split_last()?;
    let read = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_digit()).then(|| parse_u32(part, Base::Any)).flatten()
    };
    if leading.len() > 3 {
        return None;
    }
    let mut bits = read(last)?;
    if !leading.is_empty() && u64::from(bits) >= 1 << (8 * (4 - leading.len())) {
        return None;
    }
    for (i, part) in leading.iter().enumerate() {
        let part = read(part).filter(|part| *part < 256)?;
        bits |= part << (24 - 8 * i);
    }
    Some(Ipv4Addr::from_bits(bits))
}

/// The address as the C library writes it, which shows the last 32 bits of `::/96` as an IPv4 address.
///
/// ```
/// use virt_conf::common::socket_address::format;
/// assert_eq!(format("::a01:203".parse().unwrap()), "::10.1.2.3");
/// assert_eq!(format("::1".parse().unwrap()), "::1");
/// ```
#[must_use]
pub fn format(address: IpAddr) -> String {
    match address {
        IpAddr::V6(v6) if v6.segments()[..6] == [0; 6] && v6.segments()[6] != 0 => {
            let [.., a, b, c, d] = v6.octets();
            format!("::{}", Ipv4Addr::new(a, b, c, d))
        }
        address => address.to_string(),
    }
}

/// The mask of an IPv4 network with this many bits.
pub(crate) const fn ipv4_mask(bits: u32) -> u32 {
    match u32::MAX.checked_shl(32u32.saturating_sub(bits)) {
        Some(mask) => mask,
        None => 0,
    }
}

/// The address with all bits beyond a network's cleared.
pub(crate) fn masked(address: IpAddr, bits: u32) -> IpAddr {
    match address {
        IpAddr::V4(address) => IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & ipv4_mask(bits))),
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128u32.saturating_sub(bits)).unwrap_or(0);
            IpAddr::V6((address.to_bits() & mask).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_c_librarys_forms_are_read() {
        for (text, expected) in [
            ("10.0.0.1", Some("10.0.0.1")),
            ("10.0.258", Some("10.0.1.2")),
            ("0x7f.1", Some("127.0.0.1")),
            ("010.0.0.1", Some("8.0.0.1")),
            ("2130706433", Some("127.0.0.1")),
            ("10.0.0.0.1", None),
            ("10.+1", None),
            ("10.", None),
            ("", None),
            ("host", None),
        ] {
            assert_eq!(parse(text), expected.map(|text| text.parse().unwrap()), "{text}");
        }
        assert_eq!(masked("10.1.2.3".parse().unwrap(), 8), "10.0.0.0".parse::<IpAddr>().unwrap());
        assert_eq!(masked("fe80::1:2".parse().unwrap(), 112), "fe80::1:0".parse::<IpAddr>().unwrap());
        assert_eq!(masked("10.1.2.3".parse().unwrap(), 0), "0.0.0.0".parse::<IpAddr>().unwrap());
    }
}
