//! What the attributes of a rule's protocol hold.

use std::fmt;
use std::net::IpAddr;

use virt_types::{Error, ErrorDomain, MacAddr};
use virt_xml::number::{Base, parse_u32};

use super::table::{Attribute, Form, Names};
use crate::common::socket_address;
use crate::error::Refuse;

/// The most bytes of a comment.
const COMMENT_LIMIT: usize = 256;
/// The most bytes of an IP set's name.
const IPSET_LIMIT: usize = 31;
/// The most directions of an IP set.
const IPSET_DIRECTIONS: usize = 6;
/// The largest number of an iterator.
const ITERATOR_LIMIT: u32 = 1000;

/// What an attribute holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleValue {
    /// `$NAME`, which the interface that uses the filter fills in.
    Variable(VariableAccess),
    /// A number, how it was written, and the names that some have.
    Number {
        /// The number.
        number: u32,
        /// Whether it was written in hexadecimal.
        hex: bool,
        /// Names of some numbers.
        names: Names,
    },
    /// An Ethernet address or mask.
    Mac(MacAddr),
    /// An address.
    Address(IpAddr),
    /// The bits of a network.
    Mask(u32),
    /// `true` or `false`.
    Boolean(bool),
    /// A comment.
    Comment(String),
    /// States of a connection, by the bits of [`RuleValue::STATES`].
    States(u32),
    /// Flags of TCP that are looked at, and those of them that have to be set.
    TcpFlags {
        /// Which are looked at.
        mask: u32,
        /// Which have to be set.
        flags: u32,
    },
    /// The name of an IP set.
    IpSet(String),
    /// Of each address in the set, whether it is the source's.
    IpSetDirections(Vec<bool>),
}

/// How a variable is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariableAccess {
    /// Its name.
    pub name: String,
    /// Which of its values.
    pub index: VariableIndex,
}

/// Which of a variable's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VariableIndex {
    /// `[n]`: the one at this position.
    Element(u32),
    /// `[@n]`: each, together with those of other variables with the same number; 0 where nothing is said.
    Iterator(u32),
}

impl VariableAccess {
    /// Reads what follows the dollar sign.
    ///
    /// # Errors
    /// With what is wrong.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        let access = |index| Ok(Self { name: name.to_owned(), index });
        if rest.is_empty() {
            return access(VariableIndex::Iterator(0));
        }
        let Some(inner) = rest.strip_prefix('[') else { return Err("Malformatted variable") };
        let inner = inner.trim_start();
        let (iterator, number) = match inner.strip_prefix('@') {
            Some(number) => (true, number),
            None => (false, inner),
        };
        let number = number.find(']').map(|end| number[..end].trim());
        let number = number.and_then(|number| parse_u32(number, Base::Ten));
        match number {
            Some(number) if !iterator => access(VariableIndex::Element(number)),
            Some(number) if number <= ITERATOR_LIMIT => access(VariableIndex::Iterator(number)),
            Some(_) => Err("Iterator ID exceeds maximum ID of 1000"),
            None if iterator => Err("Malformatted iterator id"),
            None => Err("Malformatted array index"),
        }
    }
}

impl fmt::Display for VariableAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match self.index {
            VariableIndex::Iterator(0) => Ok(()),
            VariableIndex::Iterator(number) => write!(f, "[@{number}]"),
            VariableIndex::Element(number) => write!(f, "[{number}]"),
        }
    }
}

impl RuleValue {
    /// The states of a connection, each with its bit.
    pub const STATES: &'static [(u32, &'static str)] =
        &[(2, "NEW"), (4, "ESTABLISHED"), (8, "RELATED"), (16, "INVALID"), (32, "NONE")];

    /// The flags of TCP, each with its bit, and the names for all and none.
    pub const TCP_FLAGS: &'static [(u32, &'static str)] = &[
        (0x1, "FIN"),
        (0x2, "SYN"),
        (0x4, "RST"),
        (0x8, "PSH"),
        (0x10, "ACK"),
        (0x20, "URG"),
        (0x3f, "ALL"),
        (0, "NONE"),
    ];

    /// Reads an attribute's text.
    pub(super) fn parse(attribute: &Attribute, text: &str) -> Result<Self, Error> {
        let illegal =
            || Refuse(ErrorDomain::Nwfilter).internal(format!("{} has illegal value {text}", attribute.name));
        if let Some(variable) = text.strip_prefix('$') {
            return VariableAccess::parse(variable)
                .map(Self::Variable)
                .map_err(|why| illegal().with_hint(why));
        }
        Self::read(attribute.form, text).ok_or_else(illegal)
    }

    fn read(form: Form, text: &str) -> Option<Self> {
        match form {
            Form::Number { width, least, most, names, hex_first } => {
                let value = read_number(text, width, names, hex_first)?;
                match value {
                    Self::Number { number, .. } if !(least..=most).contains(&number) => None,
                    value => Some(value),
                }
            }
            Form::Decimal { most } => {
                let number = parse_u32(text, Base::Ten).filter(|number| *number <= most)?;
                Some(Self::Number { number, hex: false, names: &[] })
            }
            Form::Mac => text.parse().ok().map(Self::Mac),
            Form::MacMask => text.parse().ok().filter(is_contiguous).map(Self::Mac),
            Form::Ipv4 => socket_address::parse(text).filter(IpAddr::is_ipv4).map(Self::Address),
            Form::Ipv6 => socket_address::parse(text).filter(IpAddr::is_ipv6).map(Self::Address),
            Form::Ipv4Mask => read_mask(text, false).map(Self::Mask),
            Form::Ipv6Mask => read_mask(text, true).map(Self::Mask),
            Form::Boolean => Some(Self::Boolean(matches!(text, "true" | "1" | "yes"))),
            Form::Comment => {
                let end =
                    (0..=text.len().min(COMMENT_LIMIT)).rev().find(|end| text.is_char_boundary(*end))?;
                Some(Self::Comment(text[..end].to_owned()))
            }
            Form::States => {
                let states = read_items(Self::STATES, text)?;
                Some(Self::States(if states & 32 > 0 { 32 } else { states }))
            }
            Form::TcpFlags => {
                let (mask, flags) = text.split_once('/')?;
                let mask = read_items(Self::TCP_FLAGS, mask)?;
                Some(Self::TcpFlags { mask, flags: read_items(Self::TCP_FLAGS, flags)? })
            }
            Form::IpSet => {
                let fits = |c: char| c.is_ascii_alphanumeric() || "_.:-+ ".contains(c);
                (text.len() <= IPSET_LIMIT && text.chars().all(fits)).then(|| Self::IpSet(text.to_owned()))
            }
            Form::IpSetDirections => {
                let direction = |part: &str| match part.to_ascii_lowercase().as_str() {
                    "src" => Some(true),
                    "dst" => Some(false),
                    _ => None,
                };
                let directions: Option<Vec<_>> = text.split(',').map(direction).collect();
                directions.filter(|list| list.len() <= IPSET_DIRECTIONS).map(Self::IpSetDirections)
            }
        }
    }
}

/// A number that fits into its field, decimal rather than hexadecimal, or one of the names.
fn read_number(text: &str, width: u32, names: Names, hex_first: bool) -> Option<RuleValue> {
    // The widest numbers wrap around, as the C library's do.
    let wrapped = || {
        let negative = text.strip_prefix('-').filter(|_| width == u32::MAX)?;
        parse_u32(negative, Base::Ten).map(u32::wrapping_neg)
    };
    let fits = |number: &u32| *number <= width;
    if let Some(number) = parse_u32(text, Base::Ten).or_else(wrapped).filter(fits) {
        return Some(RuleValue::Number { number, hex: false, names });
    }
    if let Some(number) = parse_u32(text, Base::Sixteen).filter(fits) {
        return Some(RuleValue::Number { number, hex: true, names });
    }
    let named = names.iter().find(|(_, name)| name.eq_ignore_ascii_case(text));
    named.map(|(number, _)| RuleValue::Number { number: *number, hex: hex_first, names })
}

fn is_contiguous(mask: &MacAddr) -> bool {
    let bits = mask.0.iter().fold(0u64, |bits, byte| bits << 8 | u64::from(*byte)) << 16;
    bits.count_ones() == bits.leading_ones()
}

fn read_mask(text: &str, v6: bool) -> Option<u32> {
    if let Some(bits) = parse_u32(text, Base::Ten) {
        return Some(bits).filter(|bits| *bits <= if v6 { 128 } else { 32 });
    }
    match socket_address::parse(text)? {
        IpAddr::V4(mask) if !v6 => {
            let ones = mask.to_bits().leading_ones();
            (mask.to_bits().count_ones() == ones).then_some(ones)
        }
        IpAddr::V6(mask) if v6 => {
            let ones = mask.to_bits().leading_ones();
            (mask.to_bits().count_ones() == ones).then_some(ones)
        }
        _ => None,
    }
}

/// Names one after the other, with commas and white space between them or not.
fn read_items(items: &[(u32, &'static str)], text: &str) -> Option<u32> {
    let mut bits = 0;
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c: char| c == ',' || c.is_ascii_whitespace());
        if rest.is_empty() {
            return Some(bits);
        }
        let starts =
            |name: &str| rest.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
        let (bit, name) = items.iter().find(|(_, name)| starts(name))?;
        bits |= bit;
        rest = &rest[name.len()..];
    }
}

fn items(f: &mut fmt::Formatter<'_>, items: &[(u32, &'static str)], bits: u32) -> fmt::Result {
    let single = items.iter().filter(|(bit, _)| bit.is_power_of_two() && bits & bit > 0);
    for (i, (_, name)) in single.enumerate() {
        f.write_str(if i > 0 { "," } else { "" })?;
        f.write_str(name)?;
    }
    Ok(())
}

fn tcp_flags(f: &mut fmt::Formatter<'_>, flags: u32) -> fmt::Result {
    match flags {
        0 => f.write_str("NONE"),
        0x3f => f.write_str("ALL"),
        flags => items(f, RuleValue::TCP_FLAGS, flags),
    }
}

impl fmt::Display for RuleValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(access) => write!(f, "${access}"),
            Self::Number { number, hex, names } => match names.iter().find(|(named, _)| named == number) {
                Some((_, name)) => f.write_str(name),
                None if *hex => write!(f, "0x{number:x}"),
                None => write!(f, "{number}"),
            },
            Self::Mac(address) => write!(f, "{address}"),
            Self::Address(address) => f.write_str(&socket_address::format(*address)),
            Self::Mask(bits) => write!(f, "{bits}"),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Comment(text) | Self::IpSet(text) => f.write_str(text),
            Self::States(states) => items(f, Self::STATES, *states),
            Self::TcpFlags { mask, flags } => {
                tcp_flags(f, *mask)?;
                f.write_str("/")?;
                tcp_flags(f, *flags)
            }
            Self::IpSetDirections(directions) => {
                for (i, source) in directions.iter().enumerate() {
                    f.write_str(if i > 0 { "," } else { "" })?;
                    f.write_str(if *source { "src" } else { "dst" })?;
                }
                Ok(())
            }
        }
    }
}
