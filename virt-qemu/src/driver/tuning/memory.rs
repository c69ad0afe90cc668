//! Limits of the whole process's memory, in KiB.

use virt_cgroup::{Controller, Group, UNLIMITED};
use virt_conf::domain::{Domain, Memtune};
use virt_driver::{DomainEventKind, DomainRef};
use virt_types::{ErrorCode, Impact, Result, TypedParams};

use super::super::QemuConnection;
use super::super::refusal::invalid_argument;
use super::super::sides::Side;
use super::live::{Change, Limits};
use super::params::{self, Kind};
use super::read;

const LIMITS: Limits = Limits {
    controller: Controller::Memory,
    unmounted: "cgroup memory controller is not mounted",
    session: Some((ErrorCode::OperationUnsupported, "Memory tuning is not available in session mode")),
};

const NAMES: [&str; 3] = ["hard_limit", "soft_limit", "swap_hard_limit"];

/// `ENOENT` and `EOPNOTSUPP`: a kernel that does not count swap.
const NOT_COUNTED: [i32; 2] = [2, 95];

/// `virDomainGetMemoryParameters`
pub(super) async fn get(
    connection: &QemuConnection,
    domain: &DomainRef,
    impact: Impact,
) -> Result<TypedParams> {
    read(connection, domain, impact, "qemuDomainGetMemoryParameters", |document, side| {
        LIMITS.check_session(connection)?;
        let limits = match side {
            Side::Config => document.memtune.clone(),
            Side::Live => of_group(&LIMITS.group(&connection.backend, document)?)?,
        };
        let mut params = TypedParams::new();
        let values = [limits.hard_limit, limits.soft_limit, limits.swap_hard_limit];
        for (name, value) in NAMES.into_iter().zip(values) {
            params.push(name, value.unwrap_or(UNLIMITED));
        }
        Ok(params)
    })
    .await
}

/// What the kernel says.
fn of_group(group: &Group) -> Result<Memtune> {
    let swap = match group.swap_hard_limit() {
        Err(error) if error.errno().is_some_and(|errno| NOT_COUNTED.contains(&errno)) => UNLIMITED,
        limit => limit?,
    };
    Ok(Memtune {
        hard_limit: Some(group.memory_hard_limit()?),
        soft_limit: Some(group.memory_soft_limit()?),
        swap_hard_limit: Some(swap),
        ..Memtune::default()
    })
}

/// What a caller wants.
#[derive(Debug, Clone, Copy)]
struct Wanted([Option<u64>; 3]);

impl Wanted {
    fn write(self, limits: &mut Memtune) -> Result<()> {
        let places = [&mut limits.hard_limit, &mut limits.soft_limit, &mut limits.swap_hard_limit];
        for (place, value) in places.into_iter().zip(self.0) {
            if let Some(value) = value {
                *place = (value < UNLIMITED).then_some(value);
            }
        }
        let [hard, _, swap] = self.0;
        let bound = |limit: Option<u64>| limit.unwrap_or(UNLIMITED);
        if (hard.is_some() || swap.is_some()) && bound(limits.hard_limit) > bound(limits.swap_hard_limit) {
            return Err(invalid_argument(
                "memory hard_limit tunable value must be lower than or equal to swap_hard_limit",
            ));
        }
        Ok(())
    }

    /// The kernel keeps memory below memory with swap at every moment.
    fn set(self, group: &Group, before: &Memtune) -> Result<()> {
        let [hard, soft, swap] = self.0;
        if let Some(limit) = soft {
            group.set_memory_soft_limit(limit)?;
        }
        let lowered = hard.filter(|limit| before.hard_limit.unwrap_or(UNLIMITED) > *limit);
        if let Some(limit) = lowered {
            group.set_memory_hard_limit(limit)?;
        }
        if let Some(limit) = swap {
            group.set_swap_hard_limit(limit)?;
        }
        if let Some(limit) = hard.filter(|_| lowered.is_none()) {
            group.set_memory_hard_limit(limit)?;
        }
        Ok(())
    }
}

/// `virDomainSetMemoryParameters`
pub(super) async fn set(
    connection: &QemuConnection,
    domain: &DomainRef,
    params: &TypedParams,
    impact: Impact,
) -> Result<()> {
    params::check(params, &NAMES.map(|name| (name, Kind::ULLong)))?;
    let wanted = Wanted(NAMES.map(|name| params::unsigned(params, name)));
    let names = ("virDomainSetMemoryParameters", "qemuDomainSetMemoryParameters");
    let set = move |group: &Group, live: &Domain| -> Result<Option<DomainEventKind>> {
        wanted.set(group, &live.memtune).map(|()| None)
    };
    let write = move |document: &mut Domain, _: Side| wanted.write(&mut document.memtune);
    Change { names, limits: LIMITS, set, write }.make(connection, domain, impact).await
}
