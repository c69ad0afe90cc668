//! Counting what test programs report, and the final line of every verb that runs tests.

use std::{
    fmt,
    ops::{Add, AddAssign},
};

/// Tests that passed, failed and were skipped.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Tally {
    pub(crate) const PASSED: Self = Self { passed: 1, failed: 0, skipped: 0 };
    pub(crate) const FAILED: Self = Self { passed: 0, failed: 1, skipped: 0 };
    pub(crate) const SKIPPED: Self = Self { passed: 0, failed: 0, skipped: 1 };

    /// Reads the last line of a test program, `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
    pub(crate) fn of_line(line: &str) -> Option<Self> {
        let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
        let count = |word: &str| {
            counts
                .split("; ")
                .find_map(|part| part.trim().strip_suffix(word)?.trim().parse().ok())
                .unwrap_or(0)
        };
        Some(Self { passed: count("passed"), failed: count("failed"), skipped: count("ignored") })
    }

    /// What a test program amounts to that printed `reported` and ended well or not. One that ended badly failed, also if
    /// it did not live to say so; one without the usual last line is a single test.
    pub(crate) fn of_program(reported: Option<Self>, success: bool) -> Self {
        match (reported, success) {
            (Some(tally), true) => tally,
            (Some(tally), false) if tally.failed > 0 => tally,
            (Some(tally), false) => Self { failed: 1, ..tally },
            (None, true) => Self::PASSED,
            (None, false) => Self::FAILED,
        }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, more: Self) {
        self.passed += more.passed;
        self.failed += more.failed;
        self.skipped += more.skipped;
    }
}

impl Add for Tally {
    type Output = Self;

    fn add(mut self, more: Self) -> Self {
        self += more;
        self
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 { write!(f, ", {} skipped", self.skipped) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_of_a_test_program_is_understood() {
        let line = "test result: FAILED. 12 passed; 3 failed; 1 ignored; 0 measured; 5 filtered out; finished in 0.1s";
        assert_eq!(Tally::of_line(line), Some(Tally { passed: 12, failed: 3, skipped: 1 }));
        assert_eq!(Tally::of_line("test parse ... ok"), None);
    }

    #[test]
    fn a_program_that_dies_has_failed() {
        let two = Tally { passed: 2, failed: 0, skipped: 0 };
        assert_eq!(Tally::of_program(Some(two), true), two);
        assert_eq!(Tally::of_program(Some(two), false).failed, 1);
        assert_eq!(Tally::of_program(None, false), Tally::FAILED);
        assert_eq!(Tally::of_program(None, true), Tally::PASSED);
    }

    #[test]
    fn the_final_line_names_skips_only_if_there_are_some() {
        let mut tally = Tally { passed: 3, failed: 0, skipped: 0 };
        assert_eq!(tally.to_string(), "3 passed, 0 failed");
        tally += Tally::SKIPPED;
        assert_eq!(tally.to_string(), "3 passed, 0 failed, 1 skipped");
    }
}
