//! `<timer>`: a time source of the guest.

use virt_types::text_enum;

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
    pub threshold: u32,
    /// `slew`
    pub slew: u32,
    /// `limit`
    pub limit: u32,
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
