//! The clock, sleep states, and what boots.

use virt_conf::domain::{ClockBasis, ClockOffset, Domain, TimerName, TimerTickpolicy, TimerTrack};
use virt_types::{Arch, Result};

use super::{Part, PlanContext, keyval};
use crate::caps::Cap;
use crate::error::{internal, unsupported};
use crate::machine;

/// The latest time that can be written with a year of four digits.
const LATEST: i64 = 253_402_300_799;

/// `-rtc` and the timers that are devices.
pub(super) fn clock(cx: &mut PlanContext<'_>) -> Result<()> {
    let domain = cx.domain;
    let mut rtc = base(domain)?;
    if let Some(timer) = domain.clock.timer(TimerName::Rtc) {
        rtc.push_str(match timer.track {
            Some(TimerTrack::Guest) => ",clock=vm",
            Some(TimerTrack::Wall) => ",clock=host",
            Some(TimerTrack::Realtime) => ",clock=rt",
            Some(TimerTrack::Boot) | None => "",
        });
        if timer.tickpolicy == Some(TimerTickpolicy::Catchup) {
            rtc.push_str(",driftfix=slew");
        }
    }
    cx.option("-rtc", rtc);
    if let ClockOffset::Timezone(zone) = &domain.clock.offset {
        cx.plan.env.push(("TZ".to_owned(), zone.clone()));
    }
    for timer in &domain.clock.timers {
        match timer.name {
            TimerName::Pit if cx.caps.has(Cap::KvmPitTickPolicy) => match timer.tickpolicy {
                None | Some(TimerTickpolicy::Delay) => {
                    cx.option("-global", "kvm-pit.lost_tick_policy=delay");
                }
                Some(TimerTickpolicy::Discard) => {
                    cx.option("-global", "kvm-pit.lost_tick_policy=discard");
                }
                Some(TimerTickpolicy::Catchup | TimerTickpolicy::Merge) => {}
            },
            TimerName::Hpet
                if timer.present == Some(false)
                    && !cx.caps.has(Cap::MachineHpet)
                    && domain.os.arch.is_x86() =>
            {
                cx.part(Part::Flag("-no-hpet"));
            }
            TimerName::Pit
            | TimerName::Hpet
            | TimerName::Platform
            | TimerName::Rtc
            | TimerName::Tsc
            | TimerName::Kvmclock
            | TimerName::Hypervclock
            | TimerName::Armvtimer => {}
        }
    }
    Ok(())
}

fn base(domain: &Domain) -> Result<String> {
    let seconds = match &domain.clock.offset {
        ClockOffset::Utc { .. } => return Ok("base=utc".to_owned()),
        ClockOffset::Localtime { .. } | ClockOffset::Timezone(_) => return Ok("base=localtime".to_owned()),
        ClockOffset::Variable { adjustment, basis, .. } => {
            let now = now();
            let offset = match basis {
                ClockBasis::Utc => 0,
                ClockBasis::Localtime => virt_sys::host::utc_offset(now)
                    .ok_or_else(|| internal("the host's time zone can not be told"))?,
            };
            now.saturating_add(offset).saturating_add(*adjustment)
        }
        ClockOffset::Absolute { start } => i64::try_from(*start).unwrap_or(i64::MAX),
    };
    timestamp(seconds)
        .map(|time| format!("base={time}"))
        .ok_or_else(|| unsupported("the clock's time can not be written as a date"))
}

/// The host's time; the one thing of a plan that is no property of domain, binary or host.
fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

/// Seconds since the epoch as `2010-11-28T14:29:01`.
fn timestamp(seconds: i64) -> Option<String> {
    if !(0..=LATEST).contains(&seconds) {
        return None;
    }
    let (mut days, second) = (seconds / 86_400, seconds % 86_400);
    let mut year = 1970;
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    while days >= 365 + i64::from(leap(year)) {
        days -= 365 + i64::from(leap(year));
        year += 1;
    }
    let mut month = 1;
    for length in [31, 28 + i64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    Some(format!("{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}", days + 1))
}

/// What happens at shutdown, and the sleep states.
pub(super) fn power_management(cx: &mut PlanContext<'_>) {
    cx.part(Part::Flag("-no-shutdown"));
    let domain = cx.domain;
    let by_option = matches!(domain.os.arch, Arch::I686 | Arch::X86_64 | Arch::Aarch64);
    if by_option && !domain.features.acpi && cx.machine_type().is_none_or(|machine| machine.acpi.is_none()) {
        cx.part(Part::Flag("-no-acpi"));
    }
    let device = if machine::is_q35(domain) { "ICH9-LPC" } else { "PIIX4_PM" };
    for (state, enabled) in [("s3", domain.pm.suspend_to_mem), ("s4", domain.pm.suspend_to_disk)] {
        if let Some(enabled) = enabled {
            cx.option("-global", format!("{device}.disable_{state}={}", u8::from(!enabled)));
        }
    }
}

/// `-boot`, and a kernel that is handed over directly.
pub(super) fn boot(cx: &mut PlanContext<'_>) {
    let os = &cx.domain.os;
    let mut words = Vec::new();
    if let Some(menu) = os.bootmenu {
        words.push(format!("menu={}", super::machine::on_off(menu.enable)));
    }
    words.extend(os.bios.reboot_timeout.map(|timeout| format!("reboot-timeout={timeout}")));
    words.extend(os.bootmenu.and_then(|menu| menu.timeout).map(|timeout| format!("splash-time={timeout}")));
    words.push("strict=on".to_owned());
    cx.option("-boot", words.join(","));
    for (name, value) in
        [("-kernel", &os.kernel), ("-initrd", &os.initrd), ("-append", &os.cmdline), ("-dtb", &os.dtb)]
    {
        if let Some(value) = value {
            cx.option(name, value.clone());
        }
    }
    if let Some(table) = &os.slic_table {
        cx.option("-acpitable", format!("sig=SLIC,file={}", keyval(table)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_dates() {
        for (seconds, text) in [
            (0, Some("1970-01-01T00:00:00")),
            (951_782_399, Some("2000-02-28T23:59:59")),
            (951_782_400, Some("2000-02-29T00:00:00")),
            (1_290_954_541, Some("2010-11-28T14:29:01")),
            (LATEST, Some("9999-12-31T23:59:59")),
            (LATEST + 1, None),
            (-1, None),
        ] {
            assert_eq!(timestamp(seconds).as_deref(), text);
        }
    }
}
