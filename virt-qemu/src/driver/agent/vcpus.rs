//! Which virtual CPUs the guest uses.

use virt_conf::common::Bitmap;
use virt_domain::{DomainHandle, JobKind};
use virt_driver::DomainRef;
use virt_qmp::agent::command::{GuestGetVcpus, GuestSetVcpus, GuestVcpu};
use virt_types::{Result, TypedParams};

use super::super::QemuConnection;
use super::super::refusal::{internal, invalid_argument, no_flags, unsupported};
use super::{Agent, AgentCall, with};

/// The highest number of a virtual CPU of a guest that libvirt takes, and one.
const LIMIT: u32 = 4096;

/// The guest's list.
pub(in crate::driver) async fn list(
    connection: &QemuConnection,
    domain: &DomainHandle,
    api: &'static str,
) -> Result<Vec<GuestVcpu>> {
    let call = AgentCall::new(api, JobKind::AgentQuery);
    with(connection, domain, call, |agent| async move { agent.ask(&GuestGetVcpus {}).await }).await
}

/// `virDomainGetGuestVcpus`
pub(super) async fn get(connection: &QemuConnection, domain: &DomainRef, flags: u32) -> Result<TypedParams> {
    no_flags(flags, "qemuDomainGetGuestVcpus")?;
    let handle = connection.find(domain).await?;
    let call = AgentCall::of_driver("virDomainGetGuestVcpus", JobKind::AgentQuery);
    let vcpus =
        with(connection, &handle, call, |agent| async move { agent.ask(&GuestGetVcpus {}).await }).await?;
    let mut params = TypedParams::new();
    type Wanted = fn(&GuestVcpu) -> bool;
    let sets: [(&str, Wanted); 3] = [
        ("vcpus", |_| true),
        ("online", |vcpu| vcpu.online),
        ("offlinable", |vcpu| vcpu.can_offline == Some(true)),
    ];
    for (name, wanted) in sets {
        let numbers = vcpus.iter().filter(|vcpu| wanted(vcpu)).map(number).collect::<Result<_>>()?;
        params.push(name, Bitmap(numbers).to_string());
    }
    Ok(params)
}

fn number(vcpu: &GuestVcpu) -> Result<u32> {
    u32::try_from(vcpu.logical_id).ok().filter(|id| *id < LIMIT).ok_or_else(|| {
        internal(format!("vcpu id '{}' reported by guest agent is out of range", vcpu.logical_id))
    })
}

/// `virDomainSetGuestVcpus`
pub(super) async fn set(
    connection: &QemuConnection,
    domain: &DomainRef,
    cpus: &str,
    online: bool,
    flags: u32,
) -> Result<()> {
    no_flags(flags, "qemuDomainSetGuestVcpus")?;
    let mut wanted: Bitmap =
        cpus.parse().map_err(|_| invalid_argument(format!("Failed to parse bitmap '{cpus}'")))?;
    let handle = connection.find(domain).await?;
    let call = AgentCall::of_driver("virDomainSetGuestVcpus", JobKind::AgentModify);
    with(connection, &handle, call, move |agent| async move {
        let mut changed = Vec::new();
        for vcpu in agent.ask(&GuestGetVcpus {}).await? {
            if !wanted.0.remove(&number(&vcpu)?) {
                continue;
            }
            if !online && vcpu.can_offline != Some(true) {
                return Err(unsupported(format!("vCPU '{}' is not offlinable", vcpu.logical_id)));
            }
            changed.push(GuestVcpu { online, ..vcpu });
        }
        if !wanted.is_empty() {
            return Err(invalid_argument(format!("guest is missing vCPUs '{wanted}'")));
        }
        change(&agent, changed).await
    })
    .await
}

/// `virDomainSetVcpusFlags` with `VIR_DOMAIN_VCPU_GUEST`
pub(in crate::driver) async fn set_count(
    connection: &QemuConnection,
    domain: &DomainHandle,
    count: u32,
) -> Result<()> {
    let call = AgentCall::of_driver("virDomainSetVcpusFlags", JobKind::AgentModify);
    with(connection, domain, call, move |agent| async move {
        let most = agent.snapshot().live.as_ref().map_or(0, |live| live.vcpus.online_count());
        if count > most {
            let detail = format!(
                "requested vcpu count is greater than the count of enabled vcpus in the domain: {count} > {most}"
            );
            return Err(invalid_argument(detail));
        }
        let changed = choose(agent.ask(&GuestGetVcpus {}).await?, count)?;
        change(&agent, changed).await
    })
    .await
}

/// Which virtual CPUs are to be switched so that so many are used.
fn choose(mut vcpus: Vec<GuestVcpu>, count: u32) -> Result<Vec<GuestVcpu>> {
    let can_go = |vcpu: &GuestVcpu| vcpu.online && vcpu.can_offline == Some(true);
    if vcpus.iter().any(|vcpu| !vcpu.online && vcpu.can_offline != Some(true)) {
        return Err(internal("Invalid data provided by guest agent"));
    }
    // Some kernels can not do without their first one, though they say so.
    if vcpus.iter().filter(|vcpu| vcpu.online).all(can_go)
        && let Some(first) = vcpus.iter_mut().find(|vcpu| vcpu.logical_id == 0 && vcpu.online)
    {
        first.can_offline = Some(false);
    }
    let count = count as usize;
    let online = vcpus.iter().filter(|vcpu| vcpu.online).count();
    if count > vcpus.len() {
        return Err(internal("guest agent reports less cpu than requested"));
    }
    if count < online - vcpus.iter().filter(|vcpu| can_go(vcpu)).count() {
        return Err(invalid_argument("Cannot offline enough CPUs"));
    }
    let switched = if count < online {
        vcpus
            .into_iter()
            .filter(can_go)
            .take(online - count)
            .map(|vcpu| GuestVcpu { online: false, ..vcpu })
            .collect()
    } else {
        let idle = vcpus.into_iter().filter(|vcpu| !vcpu.online).take(count - online);
        idle.map(|vcpu| GuestVcpu { online: true, ..vcpu }).collect()
    };
    Ok(switched)
}

/// Switches virtual CPUs; the agent may do part of them, and is asked for the rest.
async fn change(agent: &Agent, mut vcpus: Vec<GuestVcpu>) -> Result<()> {
    while !vcpus.is_empty() {
        let done = agent.ask(&GuestSetVcpus { vcpus: vcpus.clone() }).await?;
        match usize::try_from(done).ok().filter(|done| *done > 0 && *done <= vcpus.len()) {
            Some(done) => vcpus.drain(..done),
            None => return Err(internal("guest agent failed to change the state of vCPUs")),
        };
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpus_are_chosen_so_that_the_guest_lives() {
        let vcpu = |id, online, can| GuestVcpu { logical_id: id, online, can_offline: Some(can) };
        let all = vec![vcpu(0, true, true), vcpu(1, true, true), vcpu(2, false, true)];
        let ids = |count| {
            choose(all.clone(), count)
                .map(|list| list.iter().map(|v| (v.logical_id, v.online)).collect::<Vec<_>>())
                .map_err(|error| error.detail().to_owned())
        };
        assert_eq!(ids(1).unwrap(), [(1, false)]);
        assert_eq!(ids(2).unwrap(), []);
        assert_eq!(ids(3).unwrap(), [(2, true)]);
        assert_eq!(ids(0).unwrap_err(), "Cannot offline enough CPUs");
        assert_eq!(ids(4).unwrap_err(), "guest agent reports less cpu than requested");
    }
}
