//! Sending the guest to sleep.

use virt_domain::{DomainHandle, JobKind};
use virt_driver::DomainRef;
use virt_qmp::agent::command::{GuestSuspendDisk, GuestSuspendHybrid, GuestSuspendRam};
use virt_qmp::command::QueryCurrentMachine;
use virt_types::{DomainState, Result};

use super::super::refusal::{argument_unsupported, internal, invalid_argument, no_flags, unsupported};
use super::super::{QemuConnection, hold};
use super::{AgentCall, check, with};

/// `virDomainPMSuspendForDuration`
pub(in crate::driver) async fn suspend(
    connection: &QemuConnection,
    domain: &DomainRef,
    target: u32,
    duration: u64,
    flags: u32,
) -> Result<()> {
    no_flags(flags, "qemuDomainPMSuspendForDuration")?;
    if duration != 0 {
        return Err(argument_unsupported("Duration not supported. Use 0 for now"));
    }
    if target > 2 {
        return Err(invalid_argument(format!("Unknown suspend target: {target}")));
    }
    let handle = connection.find(domain).await?;
    let snapshot = handle.snapshot();
    check(&snapshot)?;
    let machine =
        hold::ask(&handle, "virDomainPMSuspendForDuration", JobKind::Query, QueryCurrentMachine {}).await?;
    if !machine.wakeup_suspend_support {
        return Err(unsupported("Domain does not have suspend support"));
    }
    let pm = snapshot.live.as_ref().map(|live| live.pm).unwrap_or_default();
    if pm.suspend_to_mem == Some(false) && target != 1 {
        return Err(internal("S3 state is disabled for this domain"));
    }
    if pm.suspend_to_disk == Some(false) && target == 1 {
        return Err(internal("S4 state is disabled for this domain"));
    }
    let call = AgentCall::of_driver("virDomainPMSuspendForDuration", JobKind::AgentModify);
    let asleep = until_asleep(handle.clone());
    with(connection, &handle, call, move |agent| async move {
        match target {
            0 => agent.guest.order_agent(&GuestSuspendRam {}, asleep).await,
            1 => agent.guest.order_agent(&GuestSuspendDisk {}, asleep).await,
            _ => agent.guest.order_agent(&GuestSuspendHybrid {}, asleep).await,
        }
    })
    .await
}

/// A guest that fell asleep answers nothing any more.
async fn until_asleep(domain: DomainHandle) {
    let mut snapshots = domain.watch();
    let done = |state| matches!(state, DomainState::PmSuspended | DomainState::Shutoff);
    if snapshots.wait_for(|snapshot| done(snapshot.status.state())).await.is_err() {
        std::future::pending::<()>().await;
    }
}
