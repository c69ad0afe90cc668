//! Which performance events are counted.

use virt_conf::domain::{Domain, PerfEvent};
use virt_driver::DomainRef;
use virt_types::{Impact, Result, TextEnum, TypedParams, TypedValue};

use super::super::QemuConnection;
use super::super::sides::Side;
use super::params::{self, Kind};
use super::{read_late, write};

/// `virDomainGetPerfEvents`
pub(super) async fn get(
    connection: &QemuConnection,
    domain: &DomainRef,
    impact: Impact,
) -> Result<TypedParams> {
    read_late(connection, domain, impact, "qemuDomainGetPerfEvents", |document, side| {
        let mut params = TypedParams::new();
        for (event, name) in PerfEvent::SPELLINGS {
            // Nothing is counted of a running guest.
            let counted = side == Side::Config && document.perf.0.get(event) == Some(&true);
            params.push(*name, counted);
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
    let known: Vec<_> = PerfEvent::SPELLINGS.iter().map(|(_, name)| (*name, Kind::Boolean)).collect();
    params::check(params, &known)?;
    let params = params.clone();
    let names = ("virDomainSetPerfEvents", "qemuDomainSetPerfEvents");
    write(connection, domain, impact, names, move |config: &mut Domain| {
        for param in &params.0 {
            if let (Some(event), TypedValue::Boolean(on)) = (PerfEvent::from_text(&param.field), &param.value)
            {
                config.perf.0.insert(event, *on);
            }
        }
        Ok(())
    })
    .await
}
