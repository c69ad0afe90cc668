//! What the guest knows of itself, as named values.

use serde_json::Value;
use virt_conf::domain::Domain;
use virt_domain::JobKind;
use virt_driver::DomainRef;
use virt_qmp::agent::command::{
    GuestGetDisks, GuestGetFsinfo, GuestGetHostName, GuestGetOsinfo, GuestGetTimezone, GuestGetUsers,
    GuestNetworkGetInterfaces,
};
use virt_qmp::command::{Command, Object};
use virt_types::{Result, TypedParams};

use super::super::QemuConnection;
use super::super::refusal::{invalid_argument, no_flags};
use super::disks::DiskAddress;
use super::{Agent, AgentCall, file_systems, interfaces, nonsense, refused, with};

/// The bits of `virDomainGuestInfoTypes`.
const USERS: u32 = 1;
const OS: u32 = 2;
const TIMEZONE: u32 = 4;
const HOSTNAME: u32 = 8;
const FILE_SYSTEMS: u32 = 16;
const DISKS: u32 = 32;
const INTERFACES: u32 = 64;
const ALL: u32 = 127;

/// `virDomainGetGuestInfo`
pub(in crate::driver) async fn get(
    connection: &QemuConnection,
    domain: &DomainRef,
    types: u32,
    flags: u32,
) -> Result<TypedParams> {
    no_flags(flags, "qemuDomainGetGuestInfo")?;
    if types & !ALL != 0 {
        let detail = format!("unsupported guest information types '0x{:x}'", types & !ALL);
        return Err(invalid_argument(detail));
    }
    let handle = connection.find(domain).await?;
    let call = AgentCall::of_driver("virDomainGetGuestInfo", JobKind::AgentQuery);
    with(connection, &handle, call, move |agent| async move {
        let live = agent.snapshot().live.clone().unwrap_or_default();
        Question { agent, wanted: if types == 0 { ALL } else { types }, lenient: types == 0 }
            .answer(&live)
            .await
    })
    .await
}

/// What was asked. Who asks for everything gets what the agent knows; who asks for something gets it, or an error.
struct Question {
    agent: Agent,
    wanted: u32,
    lenient: bool,
}

impl Question {
    async fn answer(&self, live: &Domain) -> Result<TypedParams> {
        let mut params = TypedParams::new();
        if let Some(users) = self.ask(USERS, &GuestGetUsers {}).await? {
            params.push("user.count", length(&users));
            for (number, user) in users.into_iter().enumerate() {
                params.push(format!("user.{number}.name"), user.user);
                if let Some(domain) = user.domain {
                    params.push(format!("user.{number}.domain"), domain);
                }
                params.push(format!("user.{number}.login-time"), (user.login_time * 1000.0) as u64);
            }
        }
        if let Some(os) = self.ask(OS, &GuestGetOsinfo {}).await? {
            for (name, value) in [
                ("id", os.id),
                ("name", os.name),
                ("pretty-name", os.pretty_name),
                ("version", os.version),
                ("version-id", os.version_id),
                ("machine", os.machine),
                ("variant", os.variant),
                ("variant-id", os.variant_id),
                ("kernel-release", os.kernel_release),
                ("kernel-version", os.kernel_version),
            ] {
                if let Some(value) = value {
                    params.push(format!("os.{name}"), value);
                }
            }
        }
        if let Some(zone) = self.ask(TIMEZONE, &GuestGetTimezone {}).await? {
            if let Some(name) = zone.zone {
                params.push("timezone.name", name);
            }
            params.push("timezone.offset", i32::try_from(zone.offset).unwrap_or_default());
        }
        if let Some(host) = self.ask(HOSTNAME, &GuestGetHostName {}).await? {
            params.push("hostname", host.host_name);
        }
        if let Some(systems) = self.ask(FILE_SYSTEMS, &GuestGetFsinfo {}).await?
            && !systems.is_empty()
        {
            file_systems::parameters(&systems, live, &mut params)?;
        }
        if let Some(disks) = self.ask(DISKS, &GuestGetDisks {}).await?
            && !disks.is_empty()
        {
            disk_parameters(&disks, live, &mut params)?;
        }
        if let Some(found) = self.ask(INTERFACES, &GuestNetworkGetInterfaces {}).await?
            && !found.is_empty()
        {
            interfaces::parameters(&interfaces::told(found)?, &mut params);
        }
        Ok(params)
    }

    async fn ask<C: Command + Sync>(&self, bit: u32, command: &C) -> Result<Option<C::Reply>> {
        if self.wanted & bit == 0 {
            return Ok(None);
        }
        match self.agent.attempt(command).await? {
            Ok(reply) => Ok(Some(reply)),
            Err(error) if self.lenient && is_unsupported(&error) => Ok(None),
            Err(error) => Err(refused(C::NAME, &error)),
        }
    }
}

/// Whether the agent does not have the command, or may not execute it.
fn is_unsupported(error: &virt_qmp::CommandError) -> bool {
    matches!(error.class.as_str(), "CommandNotFound" | "CommandDisabled" | "FeatureDisabled" | "Unsupported")
        || error.desc.contains("not supported")
        || error.desc.contains("has been disabled")
}

fn disk_parameters(disks: &[Object], live: &Domain, params: &mut TypedParams) -> Result<()> {
    params.push("disk.count", length(disks));
    for (number, disk) in disks.iter().enumerate() {
        let field = |name: &str| format!("disk.{number}.{name}");
        let text = |name: &str| disk.get(name).and_then(Value::as_str).map(str::to_owned);
        params.push(
            field("name"),
            text("name").ok_or_else(|| nonsense("'name' missing in reply of guest-get-disks"))?,
        );
        let partition = disk.get("partition").and_then(Value::as_bool);
        let missing = || nonsense("'partition' missing in reply of guest-get-disks");
        params.push(field("partition"), partition.ok_or_else(missing)?);
        let dependencies: Vec<&str> = disk
            .get("dependencies")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        if !dependencies.is_empty() {
            params.push(field("dependency.count"), length(&dependencies));
            for (number, name) in dependencies.iter().enumerate() {
                params.push(field(&format!("dependency.{number}.name")), (*name).to_owned());
            }
        }
        if let Some(address) = disk.get("address").and_then(Value::as_object) {
            let address = DiskAddress::read(address)?;
            if let Some(serial) = &address.serial {
                params.push(field("serial"), serial.clone());
            }
            if let Some(found) = address.find(live) {
                params.push(field("alias"), found.name().to_owned());
            }
        }
        if let Some(alias) = text("alias") {
            params.push(field("guest_alias"), alias);
        }
    }
    Ok(())
}

/// A length as the API counts.
pub(super) fn length<T>(list: &[T]) -> u32 {
    u32::try_from(list.len()).unwrap_or(u32::MAX)
}
