//! `<timer>`: a time source of the guest.

use virt_types::text_enum;
use virt_xml::number::Base;
use virt_xml::{Element, Writer};

use crate::Result;

text_enum! {
    /// `name`
    pub enum TimerName {
        Platform = "platform", Pit = "pit", Rtc = "rtc", Hpet = "hpet", Tsc = "tsc", Kvmclock = "kvmclock",
        Hypervclock = "hypervclock", Armvtimer = "armvtimer",
    }
}

text_enum! {
    /// `track`: what it follows.
    pub enum TimerTrack { Boot = "boot", Guest = "guest", Wall = "wall", Realtime = "realtime" }
}

text_enum! {
    /// `tickpolicy`: what happens to ticks that the guest missed.
    pub enum TimerTickpolicy { Delay = "delay", Catchup = "catchup", Merge = "merge", Discard = "discard" }
}

text_enum! {
    /// `mode`: of the time stamp counter.
    pub enum TimerMode {
        Auto = "auto", Native = "native", Emulate = "emulate", Paravirt = "paravirt", Smpsafe = "smpsafe",
    }
}

/// `<catchup>`; 0 where not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TimerCatchup {
    /// `threshold`
    pub threshold: u64,
    /// `slew`
    pub slew: u64,
    /// `limit`
    pub limit: u64,
}

/// `<timer>`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timer {
    /// `name`
    pub name: TimerName,
    /// `present`
    pub present: Option<bool>,
    /// `tickpolicy`
    pub tickpolicy: Option<TimerTickpolicy>,
    /// `track`
    pub track: Option<TimerTrack>,
    /// `<catchup>`
    pub catchup: TimerCatchup,
    /// `frequency` in Hz; 0 where not given.
    pub frequency: u64,
    /// `mode`
    pub mode: Option<TimerMode>,
}

impl Timer {
    pub(super) fn parse(el: Element<'_>) -> Result<Self> {
        let mut timer = Self {
            name: el.required("name", el.attr_enum("name")?)?,
            present: el.attr_yes_no("present")?,
            tickpolicy: el.attr_enum("tickpolicy")?,
            track: el.attr_enum("track")?,
            frequency: el.attr_u64("frequency", Base::Ten)?.unwrap_or(0),
            mode: el.attr_enum("mode")?,
            catchup: TimerCatchup::default(),
        };
        if let Some(catchup) = el.child("catchup") {
            timer.catchup = TimerCatchup {
                threshold: catchup.attr_u64("threshold", Base::Ten)?.unwrap_or(0),
                slew: catchup.attr_u64("slew", Base::Ten)?.unwrap_or(0),
                limit: catchup.attr_u64("limit", Base::Ten)?.unwrap_or(0),
            };
        }
        Ok(timer)
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.element("timer", |w| {
            w.attr("name", self.name);
            w.attr_yes_no("present", self.present);
            w.attr_opt("tickpolicy", self.tickpolicy);
            w.attr_opt("track", self.track);
            if self.name == TimerName::Tsc {
                w.attr_opt("frequency", (self.frequency > 0).then_some(self.frequency));
                w.attr_opt("mode", self.mode);
            }
            w.element_if_any("catchup", |w| {
                let TimerCatchup { threshold, slew, limit } = self.catchup;
                w.attr_opt("threshold", (threshold > 0).then_some(threshold));
                w.attr_opt("slew", (slew > 0).then_some(slew));
                w.attr_opt("limit", (limit > 0).then_some(limit));
            });
        });
    }
}

grammar! {
    pub(super) GRAMMAR = [
        Must("name", OneOf(TimerName::NAMES)), Attr("track", OneOf(TimerTrack::NAMES)), Attr("tickpolicy", OneOf(TimerTickpolicy::NAMES)),
        Attr("frequency", U64), Attr("mode", OneOf(TimerMode::NAMES)), Attr("present", YesNo),
        Opt("catchup", &[Attr("threshold", U64), Attr("slew", U64), Attr("limit", U64)]),
    ];
}
