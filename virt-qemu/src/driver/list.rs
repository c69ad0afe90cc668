//! Finding domains, and hearing of them.

use virt_driver::{
    DomainEvent, DomainEventFilter, DomainRef, MonitorEvent, MonitorEventFilter, Subscription,
};
use virt_types::{ListFlags, Result, Uuid};

use super::QemuConnection;
use super::refusal::known;

/// `virDomainLookupByID`
pub(super) async fn by_id(connection: &QemuConnection, id: u32) -> Result<DomainRef> {
    Ok(connection.registry.by_id(id).await?.snapshot().reference())
}

/// `virDomainLookupByUUID`
pub(super) async fn by_uuid(connection: &QemuConnection, uuid: Uuid) -> Result<DomainRef> {
    Ok(connection.registry.by_uuid(uuid).await?.snapshot().reference())
}

/// `virDomainLookupByName`
pub(super) async fn by_name(connection: &QemuConnection, name: &str) -> Result<DomainRef> {
    Ok(connection.registry.by_name(name).await?.snapshot().reference())
}

/// `virConnectListAllDomains`
pub(super) async fn all(connection: &QemuConnection, flags: ListFlags) -> Result<Vec<DomainRef>> {
    known(flags, ListFlags::all(), "qemuConnectListAllDomains")?;
    Ok(connection.registry.list(flags).iter().map(|domain| domain.snapshot().reference()).collect())
}

/// `virConnectDomainEventRegisterAny`
pub(super) async fn subscribe(
    connection: &QemuConnection,
    filter: DomainEventFilter,
    capacity: usize,
) -> Result<Subscription<DomainEvent>> {
    Ok(connection.registry.subscribe(filter, capacity))
}

/// `virConnectDomainQemuMonitorEventRegister`
pub(super) async fn subscribe_monitor(
    connection: &QemuConnection,
    filter: MonitorEventFilter,
    capacity: usize,
) -> Result<Subscription<MonitorEvent>> {
    connection.backend.raw_events.subscribe(&filter, capacity)
}
