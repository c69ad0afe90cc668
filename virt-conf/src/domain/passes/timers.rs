//! Which timers take which settings.

use crate::Result;
use crate::domain::{Clock, TimerCatchup, TimerName, TimerTickpolicy};
use crate::error::{unsupported, xml_error};

impl Clock {
    pub(super) fn refuse_timer_settings(&self) -> Result<()> {
        for timer in &self.timers {
            let name = timer.name;
            let refuse = |what: &str| {
                Err(unsupported(format!("timer {name} doesn't support setting of timer {what}")))
            };
            let clock = matches!(name, TimerName::Kvmclock | TimerName::Hypervclock);
            if clock && timer.tickpolicy.is_some() {
                return refuse("tickpolicy");
            }
            if timer.tickpolicy != Some(TimerTickpolicy::Catchup) && timer.catchup != TimerCatchup::default()
            {
                return Err(xml_error(
                    "setting of timer catchup policies is only supported with tickpolicy='catchup'",
                ));
            }
            if name != TimerName::Tsc && timer.frequency != 0 {
                return refuse("frequency");
            }
            if name != TimerName::Tsc && timer.mode.is_some() {
                return refuse("mode");
            }
            if !matches!(name, TimerName::Platform | TimerName::Rtc) && timer.track.is_some() {
                return refuse("track");
            }
        }
        Ok(())
    }
}
