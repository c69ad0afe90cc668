//! What the text of an attribute or element may be.

use super::Part;

/// What a text may be.
#[derive(Debug)]
pub enum Value {
    /// Any text.
    Str,
    /// One of these.
    OneOf(&'static [&'static str]),
    /// `yes` or `no`.
    YesNo,
    /// `on` or `off`.
    OnOff,
    /// A number in decimal digits, within these bounds.
    Number(u64, u64),
    /// A number that may be negative.
    Integer,
    /// A number of this size at most, in decimal digits or, after `0x`, in hexadecimal ones.
    Hex(u64),
    /// A text of this form.
    Like(&'static Form),
}

/// The form of a text.
#[derive(Debug)]
pub struct Form {
    /// What it is, for people.
    pub name: &'static str,
    /// A regular expression that every such text matches.
    pub pattern: &'static str,
    /// Whether a text is such.
    pub test: fn(&str) -> bool,
}

pub(crate) const U8: Value = Value::Number(0, 255);
pub(crate) const U16: Value = Value::Number(0, 65_535);
pub(crate) const U32: Value = Value::Number(0, 4_294_967_295);
pub(crate) const U64: Value = Value::Number(0, u64::MAX);
pub(crate) const POSITIVE: Value = Value::Number(1, 4_294_967_295);
pub(crate) const CPUSET: Value = Value::Like(&Form {
    name: "a list of numbers and ranges",
    pattern: "^[0-9,^ -]*$",
    test: |text| text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b',' | b'^' | b' ' | b'-')),
});
pub(crate) const UUID: Value = Value::Like(&Form {
    name: "a UUID",
    pattern: "^[0-9A-Fa-f -]{32,}$",
    test: |text| text.parse::<virt_types::Uuid>().is_ok(),
});
pub(crate) const MAC: Value = Value::Like(&Form {
    name: "an Ethernet address",
    pattern: "^([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}$",
    test: |text| {
        text.len() == 17
            && text.split(':').count() == 6
            && text.split(':').all(|octet| octet.len() == 2 && is_hex(octet))
    },
});
/// A path from the root.
pub(crate) const PATH: Value =
    Value::Like(&Form { name: "an absolute path", pattern: "^/", test: |text| text.starts_with('/') });
/// The ports that lead to a USB device.
pub(crate) const USB_PORT: Value = Value::Like(&Form {
    name: "up to four port numbers",
    pattern: "^[0-9]{1,3}(\\.[0-9]{1,3}){0,3}$",
    test: |text| {
        let parts: Vec<&str> = text.split('.').collect();
        parts.len() <= 4
            && parts
                .iter()
                .all(|part| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()))
    },
});
pub(crate) const UNIT: Value = Value::Like(&Form {
    name: "a unit of memory",
    pattern: "^([bB]([yY][tT][eE][sS]?)?|[kKmMgGtTpPeE]([iI]?[bB])?)$",
    test: |text| {
        let text = text.to_ascii_lowercase();
        matches!(text.as_str(), "b" | "byte" | "bytes")
            || (text.starts_with(['k', 'm', 'g', 't', 'p', 'e']) && matches!(&text[1..], "" | "b" | "ib"))
    },
});
/// The s390 loader's parameter.
pub(crate) const LOADPARM: Value = Value::Like(&Form {
    name: "up to eight letters, digits, dots and spaces",
    pattern: "^[a-zA-Z0-9. ]{1,8}$",
    test: |text| {
        (1..=8).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b' '))
    },
});
pub(crate) const WWN: Value = Value::Like(&Form {
    name: "sixteen hexadecimal digits",
    pattern: "^(0x)?[0-9A-Fa-f]{16}$",
    test: |text| {
        let digits = text.strip_prefix("0x").unwrap_or(text);
        digits.len() == 16 && is_hex(digits)
    },
});

/// Elements of the plainest kinds.
pub(crate) const TEXT: &[Part] = &[Part::Text(Value::Str)];
pub(crate) const NUMBER: &[Part] = &[Part::Text(U64)];
pub(crate) const FLAG: &[Part] = &[];
/// A size, with its unit.
pub(crate) const SIZE: &[Part] = &[Part::Attr("unit", UNIT), Part::Text(U64)];
/// What is on where its state is not told.
pub(crate) const STATE: &[Part] = &[Part::Attr("state", Value::OnOff)];
/// What has to say its state.
pub(crate) const SWITCH: &[Part] = &[Part::Must("state", Value::OnOff)];

fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_hexdigit())
}

impl Value {
    /// Whether a text is one of these.
    #[must_use]
    pub fn allows(&self, text: &str) -> bool {
        match self {
            Self::Str => true,
            Self::OneOf(names) => names.contains(&text),
            Self::YesNo => matches!(text, "yes" | "no"),
            Self::OnOff => matches!(text, "on" | "off"),
            Self::Number(least, most) => {
                let text = text.trim();
                let text = text.strip_prefix('+').unwrap_or(text);
                text.parse::<u64>().is_ok_and(|number| (*least..=*most).contains(&number))
            }
            Self::Integer => text.trim().parse::<i64>().is_ok(),
            Self::Hex(most) => {
                let text = text.trim();
                let number = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
                    Some(digits) => u64::from_str_radix(digits, 16),
                    None => text.parse(),
                };
                number.is_ok_and(|number| number <= *most)
            }
            Self::Like(form) => (form.test)(text),
        }
    }

    /// What is allowed, in words.
    #[must_use]
    pub fn expected(&self) -> String {
        match self {
            Self::Str => "any text".to_owned(),
            Self::OneOf(names) => format!("allowed values: {}", names.join(", ")),
            Self::YesNo => "allowed values: yes, no".to_owned(),
            Self::OnOff => "allowed values: on, off".to_owned(),
            Self::Number(least, most) => format!("a number from {least} to {most}"),
            Self::Integer => "a number".to_owned(),
            Self::Hex(most) => format!("a number up to 0x{most:x}"),
            Self::Like(form) => form.name.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_from_others() {
        for (value, right, wrong) in [
            (&Value::YesNo, "yes", "on"),
            (&Value::OnOff, "off", "no"),
            (&U16, "65535", "65536"),
            (&U16, "+7", "-7"),
            (&Value::Integer, "-1", "x"),
            (&Value::Hex(0xff), "0xfF", "0x100"),
            (&Value::Hex(7), "7", "8"),
            (&MAC, "52:54:00:7b:35:93", "52:54:0:7b:35:93"),
            (&USB_PORT, "1.2.3.4", "1.2.3.4.5"),
            (&UNIT, "KiB", "kilo"),
            (&CPUSET, "0-3,^2", "a"),
            (&LOADPARM, "BOOT 1", "SYSTEM-1"),
            (&WWN, "0x5123456789abcde0", "512345678"),
            (&PATH, "/a", "a"),
        ] {
            assert!(value.allows(right), "{value:?}: {right}");
            assert!(!value.allows(wrong), "{value:?}: {wrong}");
        }
    }
}
