//! Filters: from which priority on a module's messages are taken.

use std::fmt;
use std::str::FromStr;

use super::{Malformed, Priority};

/// A filter, written `PRIORITY:PATTERN`. The pattern may stand anywhere in the source; `*` and `?` stand for any text
/// and any character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// From this priority on messages are taken.
    pub priority: Priority,
    pattern: String,
}

impl FromStr for Filter {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let (number, pattern) =
            text.split_once(':').ok_or_else(|| Malformed(format!("Malformed format for filter '{text}'")))?;
        let priority = Priority::of_text(number)
            .ok_or_else(|| Malformed(format!("Invalid priority '{number}' for filter '{text}'")))?;
        // What follows another colon is not looked at, and a plus once asked for stack traces.
        let pattern = pattern.split(':').next().unwrap_or_default();
        let name = pattern.strip_prefix('+').unwrap_or(pattern);
        if name.is_empty() {
            return Err(Malformed(format!("Invalid match string '{pattern}'")));
        }
        Ok(Self { priority, pattern: format!("*{name}*") })
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.priority, self.pattern)
    }
}

/// Filters in their order, of which the first that matches counts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filters(Vec<Filter>);

impl Filters {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn priority_of(&self, source: &str) -> Option<Priority> {
        let matches = |filter: &&Filter| glob(filter.pattern.as_bytes(), source.as_bytes());
        self.0.iter().find(matches).map(|filter| filter.priority)
    }

    pub(super) fn lowest(&self) -> Option<Priority> {
        self.0.iter().map(|filter| filter.priority).min()
    }
}

impl FromStr for Filters {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        text.split(' ').filter(|word| !word.is_empty()).map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

/// As libvirt writes them, a blank after each.
impl fmt::Display for Filters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|filter| write!(f, "{filter} "))
    }
}

/// Whether a pattern with `*` and `?` matches all of a text.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    // Where the last star stands, and where the text after what it stood for so far goes on.
    let mut star = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&c) if c == b'?' || c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((at, taken)) = star else { return false };
                star = Some((at, taken + 1));
                (p, t) = (at + 1, taken + 1);
            }
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_anywhere() {
        for (pattern, source, matches) in [
            ("*qemu*", "qemu.driver", true),
            ("*driver*", "qemu.driver", true),
            ("*q?mu*", "qemu", true),
            ("*a*b*", "xaxxbx", true),
            ("*a*b*", "xbxxax", false),
            ("*util*", "qemu", false),
            ("**", "", true),
            ("?", "", false),
        ] {
            assert_eq!(glob(pattern.as_bytes(), source.as_bytes()), matches, "{pattern} {source}");
        }
    }

    #[test]
    fn filters_are_read_and_written() {
        for (text, written) in
            [("3:util", "3:*util* "), (" 1:a  4:+b ", "1:*a* 4:*b* "), ("", ""), ("2:a:b", "2:*a* ")]
        {
            let filters: Filters = text.parse().unwrap();
            assert_eq!(filters.to_string(), written, "{text}");
        }
        for (text, expected) in [
            ("util", "Malformed format for filter 'util'"),
            ("5:util", "Invalid priority '5' for filter '5:util'"),
            ("x:util", "Invalid priority 'x' for filter 'x:util'"),
            ("1:+", "Invalid match string '+'"),
            ("1:", "Invalid match string ''"),
        ] {
            assert_eq!(text.parse::<Filters>().unwrap_err().to_string(), expected);
        }
    }
}
