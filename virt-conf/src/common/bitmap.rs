//! Sets of numbers as libvirt writes them: `0-3,^2,8`.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use virt_types::{Error, ErrorCode, ErrorDomain};
use virt_xml::Element;

use crate::error::unsupported;

/// The numbers that a set in a document may hold are below this.
const LIMIT: u32 = 16384;

/// A set of CPUs, NUMA nodes or I/O threads.
///
/// ```
/// use virt_conf::common::Bitmap;
/// let set: Bitmap = "0-3,^2,8".parse()?;
/// assert_eq!(set.to_string(), "0-1,3,8");
/// # Ok::<(), virt_conf::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, PartialOrd, Ord)]
pub struct Bitmap(pub BTreeSet<u32>);

impl Bitmap {
    /// Whether the number is in the set.
    #[must_use]
    pub fn contains(&self, number: u32) -> bool {
        self.0.contains(&number)
    }

    /// Whether the set is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The numbers, in order.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        self.0.iter().copied()
    }

    /// The set as runs of consecutive numbers: first and last of each.
    #[must_use]
    pub fn runs(&self) -> Vec<(u32, u32)> {
        let mut runs: Vec<(u32, u32)> = Vec::new();
        for number in self.iter() {
            match runs.last_mut() {
                Some((_, last)) if *last + 1 == number => *last = number,
                _ => runs.push((number, number)),
            }
        }
        runs
    }

    /// Whether the sets have a number in common.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        !self.0.is_disjoint(&other.0)
    }

    /// The set in an attribute, which must not be empty where it is given.
    ///
    /// # Errors
    /// `VIR_ERR_INVALID_ARG` for what is no set, `VIR_ERR_CONFIG_UNSUPPORTED` for an empty one.
    pub fn attr_nonempty(el: Element<'_>, name: &'static str) -> Result<Option<Self>, Error> {
        let Some(text) = el.attr(name) else { return Ok(None) };
        let set: Self = text.parse().map_err(|error: Error| error.at(el.place()))?;
        if set.is_empty() {
            return Err(unsupported(format!("Invalid value of '{name}': {text}")).at(el.place()));
        }
        Ok(Some(set))
    }

    fn read(text: &str) -> Option<BTreeSet<u32>> {
        let mut set = BTreeSet::new();
        for part in text.trim().split(',') {
            let part = part.trim();
            if let Some(excluded) = part.strip_prefix('^') {
                if !set.remove(&number(excluded)?) {
                    return None;
                }
            } else if let Some((first, last)) = part.split_once('-') {
                let (first, last) = (number(first.trim_end())?, number(last.trim_start())?);
                if first > last {
                    return None;
                }
                set.extend(first..=last);
            } else {
                set.insert(number(part)?);
            }
        }
        Some(set)
    }
}

fn number(digits: &str) -> Option<u32> {
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok().filter(|number| *number < LIMIT)
}

impl FromStr for Bitmap {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::read(text).map(Self).ok_or_else(|| {
            let detail = format!("Failed to parse bitmap '{text}'");
            Error::new(ErrorCode::InvalidArg, ErrorDomain::None, detail)
        })
    }
}

impl FromIterator<u32> for Bitmap {
    fn from_iter<T: IntoIterator<Item = u32>>(numbers: T) -> Self {
        Self(numbers.into_iter().collect())
    }
}

impl fmt::Display for Bitmap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (first, last)) in self.runs().into_iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            if first == last { write!(f, "{comma}{first}")? } else { write!(f, "{comma}{first}-{last}")? }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_read_and_written_in_runs() {
        for (text, written) in [("0", "0"), ("3,1,2", "1-3"), ("0-7,^3", "0-2,4-7"), (" 1 - 2 , 5", "1-2,5")]
        {
            assert_eq!(text.parse::<Bitmap>().unwrap().to_string(), written);
        }
        for text in ["", "a", "3-1", "^2", "1,,2", "-1", "16384", "1-"] {
            assert!(text.parse::<Bitmap>().is_err(), "{text}");
        }
    }
}
