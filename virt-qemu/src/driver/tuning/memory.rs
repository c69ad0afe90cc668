//! Limits of the whole process's memory, in KiB.

use virt_conf::domain::{Domain, Memtune};
use virt_driver::DomainRef;
use virt_types::{Impact, Result, TypedParams};

use super::super::QemuConnection;
use super::super::refusal::invalid_argument;
use super::super::sides::Side;
use super::params::{self, Kind};
use super::{read, write};

/// `VIR_DOMAIN_MEMORY_PARAM_UNLIMITED`
const UNLIMITED: u64 = 9_007_199_254_740_991;

const NAMES: [&str; 3] = ["hard_limit", "soft_limit", "swap_hard_limit"];

/// `virDomainGetMemoryParameters`
pub(super) async fn get(
    connection: &QemuConnection,
    domain: &DomainRef,
    impact: Impact,
) -> Result<TypedParams> {
    read(connection, domain, impact, "qemuDomainGetMemoryParameters", |document, side| {
        let none = Memtune::default();
        let limits = if side == Side::Config { &document.memtune } else { &none };
        let mut params = TypedParams::new();
        let values = [limits.hard_limit, limits.soft_limit, limits.swap_hard_limit];
        for (name, value) in NAMES.into_iter().zip(values) {
            params.push(name, value.unwrap_or(UNLIMITED));
        }
        Ok(params)
    })
    .await
}

/// `virDomainSetMemoryParameters`
pub(super) async fn set(
    connection: &QemuConnection,
    domain: &DomainRef,
    params: &TypedParams,
    impact: Impact,
) -> Result<()> {
    params::check(params, &NAMES.map(|name| (name, Kind::ULLong)))?;
    let params = params.clone();
    let names = ("virDomainSetMemoryParameters", "qemuDomainSetMemoryParameters");
    write(connection, domain, impact, names, move |config: &mut Domain| {
        let limits = &mut config.memtune;
        let places = [&mut limits.hard_limit, &mut limits.soft_limit, &mut limits.swap_hard_limit];
        for (name, place) in NAMES.into_iter().zip(places) {
            if let Some(value) = params::unsigned(&params, name) {
                *place = (value < UNLIMITED).then_some(value);
            }
        }
        let bound = |limit: Option<u64>| limit.unwrap_or(UNLIMITED);
        if params.get("swap_hard_limit").is_some() && bound(limits.hard_limit) > bound(limits.swap_hard_limit)
        {
            return Err(invalid_argument(
                "memory hard_limit tunable value must be lower than or equal to swap_hard_limit",
            ));
        }
        Ok(())
    })
    .await
}
