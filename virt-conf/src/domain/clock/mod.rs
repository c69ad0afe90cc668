//! `<clock>`: the guest's idea of time.

mod timer;

use virt_types::{Error, TextEnum, text_enum};
use virt_xml::number::{Base, parse_i64, parse_u64};
use virt_xml::{Element, Writer};

pub use timer::{Timer, TimerCatchup, TimerMode, TimerName, TimerTickpolicy, TimerTrack};

use crate::error::{internal, unsupported, xml_error};
use crate::{FormatFlags, Result};

text_enum! {
    /// `<clock basis='…'>`: what an adjustment is relative to.
    pub enum ClockBasis { #[default] Utc = "utc", Localtime = "localtime" }
}

text_enum! {
    enum OffsetKind {
        Utc = "utc", Localtime = "localtime", Variable = "variable", Timezone = "timezone", Absolute = "absolute",
    }
}

/// `offset`, with what belongs to each kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClockOffset {
    /// `utc`
    Utc {
        /// `adjustment='reset'`: changes that the guest makes are lost at the next start.
        reset: bool,
    },
    /// `localtime`
    Localtime {
        /// `adjustment='reset'`
        reset: bool,
    },
    /// `variable`: an offset that changes as the guest sets its clock. Other offsets with a number as their
    /// adjustment are read as this.
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
    /// `absolute`: each start begins at the same time.
    Absolute {
        /// `start`: seconds since the epoch.
        start: u64,
    },
}

impl Default for ClockOffset {
    fn default() -> Self {
        Self::Utc { reset: false }
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
    pub(super) fn parse(domain: Element<'_>) -> Result<Self> {
        let Some(el) = domain.child("clock") else { return Ok(Self::default()) };
        let timers = || el.children_named("timer").map(Timer::parse).collect::<Result<Vec<_>>>();
        Ok(Self { offset: ClockOffset::parse(el)?, timers: timers()? })
    }

    pub(super) fn format(&self, w: &mut Writer, flags: FormatFlags) {
        w.element("clock", |w| {
            self.offset.format(w, flags);
            self.timers.iter().for_each(|timer| timer.format(w));
        });
    }

    /// The timer of this name.
    #[must_use]
    pub fn timer(&self, name: TimerName) -> Option<&Timer> {
        self.timers.iter().find(|timer| timer.name == name)
    }
}

impl ClockOffset {
    fn parse(el: Element<'_>) -> Result<Self> {
        let attr = |name| el.attr(name).filter(|text| !text.is_empty());
        let number = |name| attr(name).and_then(|text| parse_i64(text, Base::Ten));
        let kind = match attr("offset") {
            None => OffsetKind::Utc,
            Some(text) => {
                OffsetKind::from_text(text).ok_or_else(|| unknown::<OffsetKind>(el, "offset", text))?
            }
        };
        match kind {
            OffsetKind::Utc => Self::parse_fixed(el, attr("adjustment"), ClockBasis::Utc),
            OffsetKind::Localtime => Self::parse_fixed(el, attr("adjustment"), ClockBasis::Localtime),
            OffsetKind::Variable => {
                let basis = match attr("basis") {
                    None => ClockBasis::Utc,
                    Some(text) => {
                        ClockBasis::from_text(text).ok_or_else(|| unknown::<ClockBasis>(el, "basis", text))?
                    }
                };
                let adjustment = number("adjustment").unwrap_or(0);
                let adjustment0 = number("adjustment0").unwrap_or(0);
                Ok(Self::Variable { adjustment, adjustment0, basis })
            }
            OffsetKind::Timezone => {
                let missing = "missing 'timezone' attribute for clock with offset='timezone'";
                let zone = attr("timezone").ok_or_else(|| internal(missing).at(el.place()))?;
                Ok(Self::Timezone(zone.to_owned()))
            }
            OffsetKind::Absolute => {
                let missing = "missing 'start' attribute for clock with offset='absolute'";
                let start = attr("start").and_then(|text| parse_u64(text, Base::Ten));
                Ok(Self::Absolute { start: start.ok_or_else(|| internal(missing).at(el.place()))? })
            }
        }
    }

    fn parse_fixed(el: Element<'_>, adjustment: Option<&str>, basis: ClockBasis) -> Result<Self> {
        let reset = match adjustment {
            None => false,
            Some("reset") => true,
            Some(text) => {
                let adjustment = parse_i64(text, Base::Ten)
                    .ok_or_else(|| xml_error(format!("unknown clock adjustment '{text}'")).at(el.place()))?;
                return Ok(Self::Variable { adjustment, adjustment0: 0, basis });
            }
        };
        Ok(match basis {
            ClockBasis::Utc => Self::Utc { reset },
            ClockBasis::Localtime => Self::Localtime { reset },
        })
    }

    fn format(&self, w: &mut Writer, flags: FormatFlags) {
        let fixed = |w: &mut Writer, kind: OffsetKind, reset: bool| {
            w.attr("offset", kind);
            w.attr_opt("adjustment", reset.then_some("reset"));
        };
        match self {
            Self::Utc { reset } => fixed(w, OffsetKind::Utc, *reset),
            Self::Localtime { reset } => fixed(w, OffsetKind::Localtime, *reset),
            Self::Variable { adjustment, adjustment0, basis } => {
                w.attr("offset", OffsetKind::Variable);
                w.attr("adjustment", adjustment);
                w.attr("basis", basis);
                if flags.contains(FormatFlags::CLOCK_ADJUST) && *adjustment0 != 0 {
                    w.attr("adjustment0", adjustment0);
                }
            }
            Self::Timezone(zone) => {
                w.attr("offset", OffsetKind::Timezone);
                w.attr("timezone", zone);
            }
            Self::Absolute { start } => {
                w.attr("offset", OffsetKind::Absolute);
                w.attr("start", start);
            }
        }
    }
}

/// The refusal of a text that is none of `T`'s spellings.
fn unknown<T: TextEnum>(el: Element<'_>, what: &str, text: &str) -> Error {
    unsupported(format!("unknown clock {what} '{text}'")).at(el.place()).with_hint(T::hint(text))
}

grammar! {
    pub(super) GRAMMAR = [
        Must("offset", OneOf(OffsetKind::NAMES)),
        When("offset", &["utc", "localtime"], &[Attr("adjustment", Str)]),
        When("offset", &["timezone"], &[Must("timezone", Str)]),
        When("offset", &["variable"], &[Attr("adjustment", Str), Attr("adjustment0", Integer), Attr("basis", OneOf(ClockBasis::NAMES))]),
        When("offset", &["absolute"], &[Must("start", U64)]),
        Many("timer", timer::GRAMMAR),
    ];
}

#[cfg(test)]
mod tests {
    use virt_types::ErrorCode;
    use virt_xml::Document;

    use super::*;

    fn round(clock: &str) -> Result<String> {
        let xml = format!("<d>{clock}</d>");
        let document = Document::parse(&xml)?;
        let mut w = Writer::new();
        Clock::parse(document.root())?.format(&mut w, FormatFlags::INACTIVE);
        Ok(w.finish().replace('\n', "").replace("  ", ""))
    }

    #[test]
    fn what_is_read_is_written() {
        for (clock, written) in [
            ("", "<clock offset='utc'/>"),
            (
                "<clock offset='localtime' adjustment='reset'/>",
                "<clock offset='localtime' adjustment='reset'/>",
            ),
            (
                "<clock offset='localtime' adjustment='-60'/>",
                "<clock offset='variable' adjustment='-60' basis='localtime'/>",
            ),
            (
                "<clock offset='variable' adjustment0='5'/>",
                "<clock offset='variable' adjustment='0' basis='utc'/>",
            ),
            ("<clock offset='absolute' start='5'/>", "<clock offset='absolute' start='5'/>"),
            (
                "<clock offset='timezone' timezone='Europe/Paris'><timer name='rtc' tickpolicy='catchup' track='guest'><catchup limit='9' slew='2' threshold='1'/></timer><timer name='tsc' frequency='7' mode='native'/><timer name='hpet' present='no' frequency='7'/></clock>",
                "<clock offset='timezone' timezone='Europe/Paris'><timer name='rtc' tickpolicy='catchup' track='guest'><catchup threshold='1' slew='2' limit='9'/></timer><timer name='tsc' frequency='7' mode='native'/><timer name='hpet' present='no'/></clock>",
            ),
        ] {
            assert_eq!(round(clock).unwrap(), written);
        }
    }

    #[test]
    fn wrong_clocks_are_refused() {
        for (clock, code) in [
            ("<clock offset='moon'/>", ErrorCode::ConfigUnsupported),
            ("<clock adjustment='soon'/>", ErrorCode::XmlError),
            ("<clock offset='timezone'/>", ErrorCode::InternalError),
            ("<clock offset='absolute' start='x'/>", ErrorCode::InternalError),
            ("<clock><timer name='sundial'/></clock>", ErrorCode::XmlError),
        ] {
            assert_eq!(round(clock).unwrap_err().code(), code, "{clock}");
        }
    }
}
