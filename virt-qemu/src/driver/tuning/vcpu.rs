//! Virtual CPUs one by one.

use std::collections::BTreeMap;

use virt_conf::common::Bitmap;
use virt_conf::domain::{Domain, Vcpu};
use virt_driver::{DomainRef, VcpuInfo};
use virt_types::{Error, Impact, Result};

use super::super::QemuConnection;
use super::super::refusal::{invalid, invalid_argument, invalid_call, known};
use super::super::sides::{self, Sides};
use super::super::statistics::process;
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
    let sides = Sides::of(&handle.snapshot(), impact)?;
    if sides.live {
        return Err(Error::no_support("virDomainSetVcpu")
            .with_hint("change the configuration, and start the domain anew"));
    }
    sides::edit(&handle, "virDomainSetVcpu", Impact::CONFIG, move |config, _| switch(config, &wanted, online))
        .await
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
