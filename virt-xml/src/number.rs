//! Numbers as libvirt reads them: the C library's rules, with nothing left over at the end.

/// How digits are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// Decimal.
    Ten,
    /// Octal.
    Eight,
    /// Hexadecimal, `0x` allowed.
    Sixteen,
    /// Decimal, `0x` hexadecimal, or octal after a leading `0`.
    Any,
}

/// Sign and magnitude of a number that fills the whole text; leading white space and a sign are allowed.
fn parse(text: &str, base: Base) -> Option<(bool, u64)> {
    let text = text.trim_start_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let hexadecimal = || digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
    let (radix, digits) = match base {
        Base::Ten => (10, digits),
        Base::Eight => (8, digits),
        Base::Sixteen => (16, hexadecimal().unwrap_or(digits)),
        Base::Any => match hexadecimal() {
            Some(rest) => (16, rest),
            None if digits.len() > 1 && digits.starts_with('0') => (8, &digits[1..]),
            None => (10, digits),
        },
    };
    // The standard parser takes a sign of its own, which must not stand here a second time.
    if !digits.starts_with(|c: char| c.is_digit(radix)) {
        return None;
    }
    u64::from_str_radix(digits, radix).ok().map(|magnitude| (negative, magnitude))
}

/// An unsigned number of 64 bits; a minus sign is refused.
#[must_use]
pub fn parse_u64(text: &str, base: Base) -> Option<u64> {
    parse(text, base).filter(|(negative, _)| !negative).map(|(_, magnitude)| magnitude)
}

/// An unsigned number of 32 bits; a minus sign is refused.
#[must_use]
pub fn parse_u32(text: &str, base: Base) -> Option<u32> {
    parse_u64(text, base)?.try_into().ok()
}

/// A number of 64 bits.
#[must_use]
pub fn parse_i64(text: &str, base: Base) -> Option<i64> {
    let (negative, magnitude) = parse(text, base)?;
    if negative { 0i64.checked_sub_unsigned(magnitude) } else { magnitude.try_into().ok() }
}

/// A number of 32 bits.
#[must_use]
pub fn parse_i32(text: &str, base: Base) -> Option<i32> {
    parse_i64(text, base)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_text_has_to_be_a_number() {
        for (text, base, expected) in [
            ("12", Base::Ten, Some(12)),
            (" 12", Base::Ten, Some(12)),
            ("+12", Base::Ten, Some(12)),
            ("12 ", Base::Ten, None),
            ("0x1f", Base::Ten, None),
            ("0x1f", Base::Any, Some(31)),
            ("017", Base::Any, Some(15)),
            ("0", Base::Any, Some(0)),
            ("0744", Base::Eight, Some(0o744)),
            ("8", Base::Eight, None),
            ("1f", Base::Sixteen, Some(31)),
            ("-1", Base::Ten, None),
            ("++1", Base::Ten, None),
            ("", Base::Ten, None),
            ("18446744073709551615", Base::Ten, Some(u64::MAX)),
            ("18446744073709551616", Base::Ten, None),
        ] {
            assert_eq!(parse_u64(text, base), expected, "{text:?}");
        }
        assert_eq!(parse_i64("-9223372036854775808", Base::Ten), Some(i64::MIN));
        assert_eq!(parse_i32("-2147483649", Base::Ten), None);
    }
}
