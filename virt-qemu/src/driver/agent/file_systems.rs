//! The guest's file systems.

use virt_conf::domain::Domain;
use virt_domain::JobKind;
use virt_driver::{DomainRef, FileSystemInfo};
use virt_qmp::agent::command::{
    GuestFilesystem, GuestFsfreezeFreeze, GuestFsfreezeFreezeList, GuestFsfreezeThaw, GuestFstrim,
    GuestGetFsinfo,
};
use virt_types::{Result, TypedParams};

use super::super::QemuConnection;
use super::super::refusal::{argument_unsupported, no_flags};
use super::disks::DiskAddress;
use super::{AgentCall, ask, nonsense, with};

/// `virDomainFSFreeze`
pub(super) async fn freeze(
    connection: &QemuConnection,
    domain: &DomainRef,
    mountpoints: &[String],
    flags: u32,
) -> Result<u32> {
    no_flags(flags, "qemuDomainFSFreeze")?;
    let call = AgentCall::new("virDomainFSFreeze", JobKind::AgentModify);
    let frozen = if mountpoints.is_empty() {
        ask(connection, domain, call, GuestFsfreezeFreeze {}).await?
    } else {
        let command = GuestFsfreezeFreezeList { mountpoints: Some(mountpoints.to_vec()) };
        ask(connection, domain, call, command).await?
    };
    count(frozen)
}

/// `virDomainFSThaw`, which libvirt does for all of them whatever is named.
pub(super) async fn thaw(
    connection: &QemuConnection,
    domain: &DomainRef,
    _mountpoints: &[String],
    flags: u32,
) -> Result<u32> {
    no_flags(flags, "qemuDomainFSThaw")?;
    let call = AgentCall::new("virDomainFSThaw", JobKind::AgentModify);
    count(ask(connection, domain, call, GuestFsfreezeThaw {}).await?)
}

fn count(number: i64) -> Result<u32> {
    u32::try_from(number).map_err(|_| nonsense("malformed return value"))
}

/// `virDomainFSTrim`
pub(super) async fn trim(
    connection: &QemuConnection,
    domain: &DomainRef,
    mountpoint: Option<&str>,
    minimum: u64,
    flags: u32,
) -> Result<()> {
    no_flags(flags, "qemuDomainFSTrim")?;
    if mountpoint.is_some() {
        return Err(argument_unsupported("Specifying mount point is not supported for now"));
    }
    let call = AgentCall::of_driver("virDomainFSTrim", JobKind::AgentModify);
    ask(connection, domain, call, GuestFstrim { minimum: Some(minimum) }).await.map(drop)
}

/// `virDomainGetFSInfo`
pub(super) async fn list(
    connection: &QemuConnection,
    domain: &DomainRef,
    flags: u32,
) -> Result<Vec<FileSystemInfo>> {
    no_flags(flags, "qemuDomainGetFSInfo")?;
    let handle = connection.find(domain).await?;
    let call = AgentCall::new("virDomainGetFSInfo", JobKind::AgentQuery);
    with(connection, &handle, call, |agent| async move {
        let found = agent.ask(&GuestGetFsinfo {}).await?;
        let live = agent.snapshot().live.clone().unwrap_or_default();
        found.iter().map(|system| told(system, &live)).collect()
    })
    .await
}

fn told(system: &GuestFilesystem, live: &Domain) -> Result<FileSystemInfo> {
    let mut disks = Vec::new();
    for address in addresses(system)? {
        disks.extend(address.find(live).map(|disk| disk.name().to_owned()));
    }
    Ok(FileSystemInfo {
        mountpoint: system.mountpoint.clone(),
        name: system.name.clone(),
        kind: system.kind.clone(),
        disks,
    })
}

fn addresses(system: &GuestFilesystem) -> Result<Vec<DiskAddress>> {
    system.disk.iter().map(DiskAddress::read).collect()
}

/// The fields of `virDomainGetGuestInfo`.
pub(super) fn parameters(systems: &[GuestFilesystem], live: &Domain, params: &mut TypedParams) -> Result<()> {
    params.push("fs.count", super::guest_info::length(systems));
    for (number, system) in systems.iter().enumerate() {
        let field = |name: &str| format!("fs.{number}.{name}");
        params.push(field("name"), system.name.clone());
        params.push(field("mountpoint"), system.mountpoint.clone());
        params.push(field("fstype"), system.kind.clone());
        for (name, value) in [("total-bytes", system.total_bytes), ("used-bytes", system.used_bytes)] {
            if let Some(value) = value {
                params.push(field(name), value);
            }
        }
        let addresses = addresses(system)?;
        params.push(field("disk.count"), super::guest_info::length(&addresses));
        for (number, address) in addresses.iter().enumerate() {
            let alias = address.find(live).map(|disk| disk.name().to_owned());
            let told = [("alias", &alias), ("serial", &address.serial), ("device", &address.device)];
            for (name, value) in told {
                if let Some(value) = value {
                    params.push(field(&format!("disk.{number}.{name}")), value.clone());
                }
            }
        }
    }
    Ok(())
}
