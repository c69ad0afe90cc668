//! Points in time as `YYYY-MM-DDTHH:MM:SS`, UTC.

use std::fmt;
use std::str::FromStr;

use virt_xml::number::{self, Base};

/// A point in time, to the second.
///
/// ```
/// use virt_conf::common::UtcTime;
/// let time: UtcTime = "2010-11-28T14:29:01".parse().unwrap();
/// assert_eq!(time.seconds(), 1_290_954_541);
/// assert_eq!(time.to_string(), "2010-11-28T14:29:01");
/// assert!("2010-02-30T00:00:00".parse::<UtcTime>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UtcTime(i64);

/// A text that names no point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expect YYYY-MM-DDTHH:MM:SS")]
pub struct NoTime;

impl UtcTime {
    /// Seconds since the beginning of 1970.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0
    }
}

impl FromStr for UtcTime {
    type Err = NoTime;

    fn from_str(text: &str) -> Result<Self, NoTime> {
        let mut rest = text;
        let mut part = |separator: &str| -> Result<i64, NoTime> {
            let (number, after) = match separator {
                "" => (rest, ""),
                separator => rest.split_once(separator).ok_or(NoTime)?,
            };
            rest = after;
            number::parse_u32(number, Base::Ten).map(i64::from).ok_or(NoTime)
        };
        let (year, month, day) = (part("-")?, part("-")?, part("T")?);
        let (hour, minute, second) = (part(":")?, part(":")?, part("")?);
        let valid = (1..=9999).contains(&year)
            && (1..=12).contains(&month)
            && (1..=days_in_month(year, month)).contains(&day)
            && hour < 24
            && minute < 60
            && second < 60;
        if !valid {
            return Err(NoTime);
        }
        Ok(Self(((days_before(year, month, day) * 24 + hour) * 60 + minute) * 60 + second))
    }
}

impl fmt::Display for UtcTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, of_day) = (self.0.div_euclid(86_400), self.0.rem_euclid(86_400));
        let mut year = 1970 + days.div_euclid(366);
        while days_before(year + 1, 1, 1) <= days {
            year += 1;
        }
        let mut month = 12;
        while days_before(year, month, 1) > days {
            month -= 1;
        }
        let day = days - days_before(year, month, 1) + 1;
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
    }
}

const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

const fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from the beginning of 1970 to the beginning of this day, in the Gregorian calendar.
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let full = year - 1;
    let years = full * 365 + full / 4 - full / 100 + full / 400;
    let months: i64 = (1..month).map(|month| days_in_month(year, month)).sum();
    // The days from year 1 to 1970.
    years + months + day - 1 - 719_162
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00", 0),
            ("2000-02-29T23:59:59", 951_868_799),
            ("2024-12-31T12:00:00", 1_735_646_400),
            ("2100-03-01T00:00:00", 4_107_542_400),
        ] {
            let time: UtcTime = text.parse().unwrap();
            assert_eq!(time.seconds(), seconds, "{text}");
            assert_eq!(time.to_string(), text);
        }
        for text in ["", "2010-11-28", "2010-13-01T00:00:00", "2010-11-28T24:00:00", "2010-11-28T14:29:01Z"] {
            assert!(text.parse::<UtcTime>().is_err(), "{text}");
        }
    }
}
