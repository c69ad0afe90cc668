//! A guest's state through a descriptor, as QEMU sends and takes it.

use std::os::fd::OwnedFd;

use serde_json::Value;
use virt_driver::{Delivery, MonitorEvent, Subscription};
use virt_qmp::command::{
    GetFd, Migrate, MigrateIncoming, MigrateSetCapabilities, MigrateSetParameters, MigrationCapability,
    MigrationStatus, QueryMigrate,
};
use virt_types::{Error, ErrorCode, ErrorDomain, Result};

use super::super::guest::Guest;
use super::super::monitor::{self, GuestMonitor};

/// QEMU's name for the descriptor.
const NAME: &str = "state";

fn events_on() -> MigrateSetCapabilities {
    let events = MigrationCapability { capability: "events".to_owned(), state: true };
    MigrateSetCapabilities { capabilities: vec![events] }
}

/// Lets QEMU write the guest's state. [`outcome`] says when it has.
pub(crate) async fn send(guest: &Guest, to: OwnedFd) -> Result<()> {
    guest.execute_with_fds(&GetFd { fdname: NAME.to_owned() }, vec![to]).await?;
    guest.execute(&events_on()).await?;
    // A disk is waited for, not spared.
    let speed = [("max-bandwidth".to_owned(), Value::from(i64::MAX))];
    guest.execute(&MigrateSetParameters(speed.into_iter().collect())).await?;
    guest.execute(&Migrate { uri: format!("fd:{NAME}"), detach: None, resume: None }).await.map(drop)
}

/// Waits for the report of the end.
pub(super) async fn outcome(guest: &Guest, events: Subscription<MonitorEvent>) -> Result<()> {
    let reported = tokio::select! {
        reported = last_status(events) => reported?,
        () = guest.ended() => return Err(failed("domain is not running")),
    };
    match reported.as_str() {
        "completed" => Ok(()),
        "cancelled" => {
            Err(Error::new(ErrorCode::OperationAborted, ErrorDomain::Qemu, "job: canceled by client"))
        }
        _ => {
            let why = guest.execute(&QueryMigrate {}).await?.error_desc;
            Err(failed(format!("job: {}", why.unwrap_or_else(|| "unexpectedly failed".to_owned()))))
        }
    }
}

/// Lets QEMU take a guest's state, and waits until it has.
pub(in super::super) async fn receive(
    monitor: &GuestMonitor,
    from: OwnedFd,
    events: Subscription<MonitorEvent>,
) -> Result<()> {
    let named = GetFd { fdname: NAME.to_owned() };
    let answer = monitor.monitor.execute_with_fds(&named, vec![from], monitor.deadline()).await;
    answer.map_err(|error| monitor.refused(error))?;
    monitor.execute(&events_on()).await?;
    monitor.execute(&MigrateIncoming { uri: format!("fd:{NAME}") }).await?;
    let reported = tokio::select! {
        reported = last_status(events) => reported?,
        _ = monitor.monitor.closed() => String::new(),
    };
    if reported == "completed" {
        return Ok(());
    }
    // QEMU ends itself if it can not make sense of the state, and has said why in its log.
    let why = match monitor.execute(&QueryMigrate {}).await {
        Ok(info) if info.status != Some(MigrationStatus::Completed) => info.error_desc,
        _ => None,
    };
    Err(failed(format!(
        "the saved state can not be loaded{}",
        why.map(|why| format!(": {why}")).unwrap_or_default()
    )))
}

/// The status with which a migration ended.
async fn last_status(mut events: Subscription<MonitorEvent>) -> Result<String> {
    while let Some(delivery) = events.next().await {
        let Delivery::Event(event) = delivery else { continue };
        let details: Value =
            serde_json::from_str(event.details.as_deref().unwrap_or("{}")).unwrap_or_default();
        let status = details.get("status").and_then(Value::as_str).unwrap_or_default();
        if matches!(status, "completed" | "failed" | "cancelled") {
            return Ok(status.to_owned());
        }
    }
    Err(monitor::failed("the guest's monitor is closed"))
}

fn failed(detail: impl Into<String>) -> Error {
    Error::new(ErrorCode::OperationFailed, ErrorDomain::Qemu, detail)
}
