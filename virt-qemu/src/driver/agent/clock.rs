//! The guest's clock.

use virt_domain::JobKind;
use virt_driver::DomainRef;
use virt_qmp::agent::command::{GuestGetTime, GuestSetTime};
use virt_qmp::command::RtcResetReinjection;
use virt_types::{Arch, Result};

use super::super::refusal::{argument_unsupported, known_bits, no_flags, unsupported};
use super::super::{QemuConnection, hold};
use super::{AgentCall, ask, with};

const NANOSECONDS: i64 = 1_000_000_000;
/// `VIR_DOMAIN_TIME_SYNC`
const SYNC: u32 = 1;

/// `virDomainGetTime`
pub(in crate::driver) async fn time(
    connection: &QemuConnection,
    domain: &DomainRef,
    flags: u32,
) -> Result<(i64, u32)> {
    no_flags(flags, "qemuDomainGetTime")?;
    let call = AgentCall::new("virDomainGetTime", JobKind::AgentQuery);
    let time = ask(connection, domain, call, GuestGetTime {}).await?;
    let fraction = u32::try_from(time.rem_euclid(NANOSECONDS)).unwrap_or_default();
    Ok((time.div_euclid(NANOSECONDS), fraction))
}

/// `virDomainSetTime`
pub(in crate::driver) async fn set_time(
    connection: &QemuConnection,
    domain: &DomainRef,
    seconds: i64,
    nanoseconds: u32,
    flags: u32,
) -> Result<()> {
    known_bits(flags, SYNC, "qemuDomainSetTime")?;
    let handle = connection.find(domain).await?;
    let Some(live) = handle.snapshot().live.clone() else {
        // What a binary can do is known of a running guest only.
        let words = "cannot set time: qemu doesn't support rtc-reset-reinjection command";
        return Err(unsupported(words));
    };
    let time = match flags & SYNC {
        0 => Some(nanoseconds_of(seconds, nanoseconds)?),
        _ => None,
    };
    let call = AgentCall::new("virDomainSetTime", JobKind::AgentModify);
    let set = move |agent: super::Agent| async move { agent.ask(&GuestSetTime { time }).await };
    with(connection, &handle, call, set).await?;
    if matches!(live.os.arch, Arch::X86_64 | Arch::I686) {
        // The guest would otherwise catch up with the ticks that it seems to have missed.
        hold::ask(&handle, "virDomainSetTime", JobKind::Modify, RtcResetReinjection {}).await?;
    }
    Ok(())
}

/// The agent counts nanoseconds in 63 bits.
fn nanoseconds_of(seconds: i64, nanoseconds: u32) -> Result<i64> {
    let total = seconds.checked_mul(NANOSECONDS).and_then(|total| total.checked_add(nanoseconds.into()));
    total.ok_or_else(|| argument_unsupported(format!("Time '{seconds}' is too big for guest agent")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_that_do_not_fit_are_refused() {
        assert_eq!(nanoseconds_of(1_700_000_000, 5).unwrap(), 1_700_000_000_000_000_005);
        assert_eq!(
            nanoseconds_of(i64::MAX / 2, 0).unwrap_err().to_string(),
            "argument unsupported: Time '4611686018427387903' is too big for guest agent"
        );
    }
}
