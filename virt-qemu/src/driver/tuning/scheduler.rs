//! Shares of the host's CPUs.

use virt_conf::domain::{Cputune, Domain, Quota};
use virt_driver::DomainRef;
use virt_types::{Impact, Result, TypedParams, TypedValue};

use super::super::QemuConnection;
use super::super::sides::Side;
use super::params::{self, Kind};
use super::{read_late, write};

/// What the kernel gives a group that nothing was said of.
const SHARES: u64 = 1024;
const PERIOD: u64 = 100_000;
const NO_QUOTA: i64 = -1;

/// libvirt's limits, in microseconds.
const PERIODS: (i128, i128) = (1_000, 1_000_000);
const QUOTAS: (i128, i128) = (1_000, 17_592_186_044_415);

/// The names of the quotas, and where they are.
type At = fn(&mut Cputune) -> &mut Quota;
const QUOTA_FIELDS: [(&str, At); 4] = [
    ("vcpu", |tune| &mut tune.vcpu_quota),
    ("emulator", |tune| &mut tune.emulator_quota),
    ("global", |tune| &mut tune.global_quota),
    ("iothread", |tune| &mut tune.iothread_quota),
];

/// `virDomainGetSchedulerType`
pub(in crate::driver) async fn kind(
    connection: &QemuConnection,
    domain: &DomainRef,
) -> Result<(String, u32)> {
    connection.find(domain).await?;
    Ok(("posix".to_owned(), 9))
}

/// `virDomainGetSchedulerParametersFlags`
pub(in crate::driver) async fn get(
    connection: &QemuConnection,
    domain: &DomainRef,
    impact: Impact,
) -> Result<TypedParams> {
    read_late(connection, domain, impact, "qemuDomainGetSchedulerParametersFlags", |document, side| {
        Ok(match side {
            Side::Config => told(&document.cputune),
            Side::Live => told(&Cputune {
                shares: Some(SHARES),
                vcpu_quota: UNLIMITED,
                global_quota: UNLIMITED,
                emulator_quota: UNLIMITED,
                iothread_quota: UNLIMITED,
                ..Cputune::default()
            }),
        })
    })
    .await
}

const UNLIMITED: Quota = Quota { period: PERIOD, quota: NO_QUOTA };

fn told(tune: &Cputune) -> TypedParams {
    let mut tune = tune.clone();
    let mut params = TypedParams::new();
    params.push("cpu_shares", tune.shares.unwrap_or_default());
    for (name, at) in QUOTA_FIELDS {
        let quota = at(&mut tune);
        params.push(format!("{name}_period"), quota.period);
        params.push(format!("{name}_quota"), quota.quota);
    }
    params
}

/// `virDomainSetSchedulerParametersFlags`
pub(in crate::driver) async fn set(
    connection: &QemuConnection,
    domain: &DomainRef,
    params: &TypedParams,
    impact: Impact,
) -> Result<()> {
    let mut known = vec![("cpu_shares".to_owned(), Kind::ULLong)];
    for (name, _) in QUOTA_FIELDS {
        known.push((format!("{name}_period"), Kind::ULLong));
        known.push((format!("{name}_quota"), Kind::LLong));
    }
    let known: Vec<_> = known.iter().map(|(name, kind)| (name.as_str(), *kind)).collect();
    params::check(params, &known)?;
    let params = params.clone();
    let names = ("virDomainSetSchedulerParametersFlags", "qemuDomainSetSchedulerParametersFlags");
    write(connection, domain, impact, names, move |config: &mut Domain| {
        let tune = &mut config.cputune;
        if let Some(shares) = params::unsigned(&params, "cpu_shares") {
            tune.shares = Some(shares);
        }
        for (name, at) in QUOTA_FIELDS {
            let (period, quota) = (format!("{name}_period"), format!("{name}_quota"));
            if let Some(value) = params::unsigned(&params, &period) {
                if value != 0 {
                    params::in_range(&period, value.into(), PERIODS.0, PERIODS.1)?;
                }
                at(tune).period = value;
            }
            if let Some(TypedValue::LLong(value)) = params.get(&quota) {
                if *value > 0 {
                    params::in_range(&quota, (*value).into(), QUOTAS.0, QUOTAS.1)?;
                }
                at(tune).quota = *value;
            }
        }
        Ok(())
    })
    .await
}
