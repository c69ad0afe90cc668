//! Which performance events are counted.

use virt_conf::domain::PerfEvent;
use virt_domain::{JobKind, JobSpec};
use virt_driver::DomainRef;
use virt_types::{Impact, Result, TextEnum, TypedParams, TypedValue};

use super::super::refusal::known;
use super::super::sides::{self, Sides};
use super::super::{QemuConnection, hold};
use super::params::{self, Kind};
use super::{IMPACT, read_late};

/// `virDomainGetPerfEvents`
pub(super) async fn get(
    connection: &QemuConnection,
    domain: &DomainRef,
    impact: Impact,
) -> Result<TypedParams> {
    read_late(connection, domain, impact, "qemuDomainGetPerfEvents", |document, _| {
        let mut params = TypedParams::new();
        for (event, name) in PerfEvent::SPELLINGS {
            params.push(*name, document.perf.0.get(event) == Some(&true));
        }
        Ok(params)
    })
    .await
}

/// `virDomainSetPerfEvents`
pub(super) async fn set(
    connection: &QemuConnection,
    domain: &DomainRef,
    params: &TypedParams,
    impact: Impact,
) -> Result<()> {
    let events: Vec<_> = PerfEvent::SPELLINGS.iter().map(|(_, name)| (*name, Kind::Boolean)).collect();
    params::check(params, &events)?;
    known(impact, IMPACT, "qemuDomainSetPerfEvents")?;
    let wanted: Vec<_> = params
        .0
        .iter()
        .filter_map(|param| match (PerfEvent::from_text(&param.field), &param.value) {
            (Some(event), TypedValue::Boolean(on)) => Some((event, *on)),
            _ => None,
        })
        .collect();
    let handle = connection.find(domain).await?;
    let spec = JobSpec::any("virDomainSetPerfEvents", JobKind::ModifyConfig);
    handle
        .job(spec, move |context| async move {
            let snapshot = context.snapshot();
            let sides = Sides::of(&snapshot, impact)?;
            if let Some(pid) = snapshot.pid.filter(|_| sides.live) {
                let guest = hold::guest(&context).await?;
                wanted.iter().try_for_each(|(event, on)| guest.counters().set(*event, pid, *on))?;
            }
            sides::apply(&context, sides, move |document, _| {
                document.perf.0.extend(wanted.iter().copied());
                Ok(())
            })
            .await
        })
        .await
}
