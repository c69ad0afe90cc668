//! Virtual CPUs one by one.

use std::collections::BTreeMap;

use virt_conf::common::Bitmap;
use virt_conf::domain::{Domain, Vcpu};
use virt_domain::{JobKind, JobSpec};
use virt_driver::{DomainRef, VcpuInfo};
use virt_types::{Impact, Result};

use super::super::refusal::{invalid, invalid_argument, invalid_call, known, unsupported};
use super::super::sides::{self, Sides};
use super::super::statistics::process;
use super::super::{QemuConnection, hot_cpu};
use super::IMPACT;
use super::pins::map_of;

/// `VIR_VCPU_RUNNING`
const RUNNING: i32 = 1;

/// `virDomainGetVcpus`
pub(super) async fn infos(connection: &QemuConnection, domain: &DomainRef) -> Result<Vec<VcpuInfo>> {
    let snapshot = connection.find(domain).await?.snapshot();
    if !snapshot.is_active() {
        return Err(invalid("cannot retrieve vcpu information for inactive domain"));
    }
    let cpus = connection.backend.host().cpus;
    let pid = snapshot.pid.unwrap_or_default();
    let info = |thread: process::VcpuThread| {
        let times = process::thread_times(pid, thread.thread)?;
        let allowed = process::affinity(thread.thread)?;
        Some(VcpuInfo {
            number: thread.vcpu,
            state: RUNNING,
            cpu_time: times.total(),
            cpu: times.cpu,
            cpu_map: map_of(&Bitmap(allowed.into_iter().collect()), cpus),
        })
    };
    let found: Vec<VcpuInfo> = process::vcpu_threads(pid).into_iter().filter_map(info).collect();
    if found.is_empty() {
        return Err(invalid("cpu affinity is not supported"));
    }
    Ok(found)
}

/// `virDomainSetVcpu`
pub(super) async fn set(
    connection: &QemuConnection,
    domain: &DomainRef,
    cpus: &str,
    online: bool,
    impact: Impact,
) -> Result<()> {
    known(impact, IMPACT, "qemuDomainSetVcpu")?;
    let wanted: Bitmap =
        cpus.parse().map_err(|_| invalid_argument(format!("Failed to parse bitmap '{cpus}'")))?;
    if wanted.is_empty() {
        return Err(invalid_argument("no vcpus selected for modification"));
    }
    let handle = connection.find(domain).await?;
    let spec = JobSpec::any("virDomainSetVcpu", JobKind::ModifyConfig);
    handle
        .job(spec, move |context| async move {
            let snapshot = context.snapshot();
            let sides = Sides::of(&snapshot, impact)?;
            if let Some(live) = snapshot.live.as_ref().filter(|_| sides.live) {
                let ids = one_by_one(live, &wanted, online)?;
                hot_cpu::switch(&context, &ids, online).await?;
            }
            let config = Sides { live: false, ..sides };
            sides::apply(&context, config, |config, _| switch(config, &wanted, online)).await
        })
        .await
}

/// The CPUs of a running guest that are to be switched, of which each can be and none is so already.
fn one_by_one(live: &Domain, wanted: &Bitmap, online: bool) -> Result<Vec<u32>> {
    for id in wanted.iter() {
        if id >= live.vcpus.max {
            return Err(invalid_argument(format!("vcpu '{id}' is not present in domain definition")));
        }
        let is_online = match &live.vcpus.individual {
            Some(individual) => individual.get(&id).is_some_and(|vcpu| vcpu.online),
            None => id < live.vcpus.current,
        };
        if is_online == online {
            return Err(invalid_argument(format!("vcpu '{id}' is already in requested state")));
        }
    }
    let ids: Vec<u32> = wanted.iter().collect();
    match ids.len() {
        1 => Ok(ids),
        _ => Err(unsupported("only one hotpluggable entity can be selected")),
    }
}

fn switch(config: &mut Domain, wanted: &Bitmap, online: bool) -> Result<()> {
    let vcpus = &mut config.vcpus;
    let most = vcpus.max;
    if let Some(beyond) = wanted.iter().find(|id| *id >= most) {
        return Err(invalid_argument(format!("vcpu '{beyond}' is not present in domain definition")));
    }
    if !online && wanted.contains(0) {
        return Err(invalid_argument("vCPU '0' can't be offline"));
    }
    let current = vcpus.current;
    let all = |id| Vcpu { online: id < current, hotpluggable: Some(id >= current), order: 0 };
    let individual =
        vcpus.individual.get_or_insert_with(|| (0..most).map(|id| (id, all(id))).collect::<BTreeMap<_, _>>());
    individual.values_mut().for_each(|vcpu| vcpu.order = 0);
    for id in wanted.iter() {
        let vcpu = individual.entry(id).or_default();
        vcpu.online = online;
        vcpu.hotpluggable = Some(true);
    }
    if individual.values().all(|vcpu| !vcpu.online) {
        return Err(invalid_call("at least one virtual CPU has to be online"));
    }
    Ok(())
}
