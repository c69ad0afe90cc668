//! `<clock>`: the guest's idea of time.

mod timer;

use virt_types::text_enum;

pub use timer::{Timer, TimerCatchup, TimerMode, TimerName, TimerTickpolicy, TimerTrack};

text_enum! {
    /// `<clock basis='…'>`: what an adjustment is relative to.
    pub enum ClockBasis { #[default] Utc = "utc", Localtime = "localtime" }
}

/// `offset`, with what belongs to each kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClockOffset {
    /// `utc`
    Utc {
        /// `adjustment`: what happens to changes that the guest makes.
        adjustment: Adjustment,
    },
    /// `localtime`
    Localtime {
        /// `adjustment`
        adjustment: Adjustment,
    },
    /// `variable`: an offset that changes as the guest sets its clock.
    Variable {
        /// `adjustment` in seconds.
        adjustment: i64,
        /// `adjustment0`: as it was when the guest started; in status documents.
        adjustment0: i64,
        /// `basis`
        basis: ClockBasis,
    },
    /// `timezone`
    Timezone(String),
    /// `absolute`: seconds since the epoch at which each start begins.
    Absolute {
        /// `start`
        start: u64,
    },
}

/// What happens to changes that the guest makes to its clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adjustment {
    /// Lost at the next start.
    Reset {
        /// Whether the document says so.
        written: bool,
    },
    /// Kept: the clock becomes a variable one, from this many seconds.
    Seconds(i64),
}

impl Default for Adjustment {
    fn default() -> Self {
        Self::Reset { written: false }
    }
}

impl Default for ClockOffset {
    fn default() -> Self {
        Self::Utc { adjustment: Adjustment::default() }
    }
}

/// `<clock>`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Clock {
    /// `offset`
    pub offset: ClockOffset,
    /// `<timer>`
    pub timers: Vec<Timer>,
}

impl Clock {
    /// The timer of this name.
    #[must_use]
    pub fn timer(&self, name: TimerName) -> Option<&Timer> {
        self.timers.iter().find(|timer| timer.name == name)
    }
}
