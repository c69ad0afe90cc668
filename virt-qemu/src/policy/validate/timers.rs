//! Clocks and timers that QEMU can not give.

use virt_conf::Result;
use virt_conf::domain::{ClockOffset, Domain, Timer, TimerName, TimerTickpolicy, TimerTrack, VirtType};
use virt_types::Error;

use crate::caps::{Cap, Capabilities};
use crate::error::unsupported;
use crate::machine;

/// The last second of the year 9999.
const LATEST: u64 = 253_402_300_799;

pub(super) fn check(domain: &Domain, caps: &Capabilities) -> Result<()> {
    for timer in &domain.clock.timers {
        check_timer(timer, domain, caps)?;
    }
    match domain.clock.offset {
        ClockOffset::Absolute { start } if start > LATEST => {
            Err(unsupported(format!("The maximum 'start' value for <clock offset='absolute'> is {LATEST}")))
        }
        _ => Ok(()),
    }
}

fn check_timer(timer: &Timer, domain: &Domain, caps: &Capabilities) -> Result<()> {
    let x86 = domain.os.arch.is_x86();
    let policy = |policy: TimerTickpolicy| {
        Err(unsupported(format!("unsupported {} tickpolicy '{policy}'", timer.name)))
    };
    match timer.name {
        TimerName::Platform => Err(unsupported(format!("unsupported timer type (name) '{}'", timer.name))),
        TimerName::Tsc | TimerName::Kvmclock | TimerName::Hypervclock => {
            if timer.present == Some(true) && !x86 {
                return Err(not_on_guest(timer, domain));
            }
            Ok(())
        }
        TimerName::Rtc => {
            if timer.track == Some(TimerTrack::Boot) {
                return Err(unsupported("unsupported rtc timer track 'boot'"));
            }
            match timer.tickpolicy {
                Some(given @ (TimerTickpolicy::Merge | TimerTickpolicy::Discard)) => {
                    Err(unsupported(format!("unsupported rtc timer tickpolicy '{given}'")))
                }
                Some(TimerTickpolicy::Delay | TimerTickpolicy::Catchup) | None => Ok(()),
            }
        }
        TimerName::Pit => match timer.tickpolicy {
            Some(given @ TimerTickpolicy::Merge) => policy(given),
            Some(given @ TimerTickpolicy::Catchup) if !caps.has(Cap::KvmPitTickPolicy) => policy(given),
            Some(TimerTickpolicy::Delay | TimerTickpolicy::Discard | TimerTickpolicy::Catchup) | None => {
                Ok(())
            }
        },
        TimerName::Hpet if timer.present == Some(true) && !x86 => {
            Err(unsupported("hpet timer is not supported by this architecture"))
        }
        TimerName::Hpet => Ok(()),
        TimerName::Armvtimer => check_armvtimer(timer, domain, caps),
    }
}

fn check_armvtimer(timer: &Timer, domain: &Domain, caps: &Capabilities) -> Result<()> {
    let name = timer.name;
    if domain.virt_type != VirtType::Kvm || !machine::is_arm_virt(domain) {
        return Err(not_on_guest(timer, domain));
    }
    if timer.present == Some(false) {
        return Err(unsupported(format!("The '{name}' timer can't be disabled")));
    }
    if !caps.has(Cap::CpuKvmNoAdjvtime) {
        let detail = format!("Configuring the '{name}' timer is not supported with this QEMU binary");
        return Err(unsupported(detail));
    }
    match timer.tickpolicy {
        Some(given @ (TimerTickpolicy::Catchup | TimerTickpolicy::Merge)) => {
            Err(unsupported(format!("The '{name}' timer does not support tickpolicy '{given}'")))
        }
        Some(TimerTickpolicy::Delay | TimerTickpolicy::Discard) | None => Ok(()),
    }
}

fn not_on_guest(timer: &Timer, domain: &Domain) -> Error {
    unsupported(format!(
        "Configuring the '{}' timer is not supported for virtType={} arch={} machine={} guests",
        timer.name,
        domain.virt_type,
        domain.os.arch,
        domain.os.machine.as_deref().unwrap_or_default()
    ))
}
