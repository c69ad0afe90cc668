//! How much memory a domain has, and may have.

use virt_conf::domain::Domain;
use virt_conf::domain::device::MemballoonModel;
use virt_domain::{JobContext, JobKind, JobSpec};
use virt_driver::DomainRef;
use virt_qmp::command::Balloon;
use virt_types::Result;

use super::refusal::{invalid, invalid_argument, invalid_call, known_bits};
use super::sides::{self, Side, Sides, impact_of};
use super::{QemuConnection, hold};

/// `VIR_DOMAIN_MEM_MAXIMUM`
const MAXIMUM: u32 = 4;
/// That, and the two sides.
const KNOWN: u32 = MAXIMUM | 3;

/// `virDomainGetMaxMemory`
pub(super) async fn maximum(connection: &QemuConnection, domain: &DomainRef) -> Result<u64> {
    let snapshot = connection.find(domain).await?.snapshot();
    Ok(snapshot.brief().map(|brief| brief.max_memory).unwrap_or_default())
}

/// `virDomainSetMemoryFlags`
pub(super) async fn set(
    connection: &QemuConnection,
    domain: &DomainRef,
    memory: u64,
    flags: u32,
) -> Result<()> {
    if memory == 0 {
        return Err(invalid_call("memory in virDomainSetMemoryFlags must not be zero"));
    }
    known_bits(flags, KNOWN, "qemuDomainSetMemoryFlags")?;
    let handle = connection.find(domain).await?;
    let spec = JobSpec::any("virDomainSetMemoryFlags", JobKind::ModifyConfig);
    handle
        .job(spec, move |context| async move {
            let sides = Sides::of(&context.snapshot(), impact_of(flags))?;
            if flags & MAXIMUM != 0 {
                return set_maximum(&context, sides, memory).await;
            }
            set_current(&context, sides, memory).await
        })
        .await
}

async fn set_maximum(context: &JobContext, sides: Sides, memory: u64) -> Result<()> {
    if sides.live {
        return Err(invalid("cannot resize the maximum memory on an active domain"));
    }
    sides::apply(context, sides, |config, _| {
        if config.numa.cells.iter().any(|cell| cell.memory > 0) {
            let words = "initial memory size of a domain with NUMA nodes cannot be modified with this API";
            return Err(invalid(words));
        }
        if config.memory.max > 0 && config.memory.max < memory {
            let words = "cannot set initial memory size greater than the maximum memory size";
            return Err(invalid(words));
        }
        let devices = config.memory.total.saturating_sub(config.initial_memory());
        config.memory.total = memory.saturating_add(devices);
        config.memory.current = config.memory.current.min(config.memory.total);
        Ok(())
    })
    .await
}

async fn set_current(context: &JobContext, sides: Sides, memory: u64) -> Result<()> {
    let snapshot = context.snapshot();
    let sizes = [(sides.live, snapshot.live.clone()), (sides.config, sides::config_of(&snapshot)?)];
    let wanted = sizes.iter().filter(|(wanted, _)| *wanted);
    let most = wanted.filter_map(|(_, document)| Some(document.as_ref()?.memory.total)).min();
    if most.is_some_and(|most| memory > most) {
        return Err(invalid_argument("cannot set memory higher than max memory"));
    }
    if sides.live {
        if !snapshot.live.as_ref().is_some_and(|live| has_balloon(live)) {
            let words = "Unable to change memory of active domain without the balloon device and guest OS balloon driver";
            return Err(invalid(words));
        }
        // What the guest then has is told by the event.
        hold::guest(context).await?.execute(&Balloon { value: memory.saturating_mul(1024) }).await?;
        context.settle();
    }
    let config = Sides { live: false, ..sides };
    sides::apply(context, config, |config, _| {
        config.memory.current = memory;
        Ok(())
    })
    .await
}

/// Whether the guest can give memory back.
pub(super) fn has_balloon(domain: &Domain) -> bool {
    domain.devices.memballoon.as_ref().is_some_and(|balloon| balloon.model != MemballoonModel::None)
}

/// `virDomainSetMemoryStatsPeriod`
pub(super) async fn set_statistics_period(
    connection: &QemuConnection,
    domain: &DomainRef,
    period: i32,
    flags: u32,
) -> Result<()> {
    if period < 0 {
        return Err(invalid_call("period in virDomainSetMemoryStatsPeriod must be zero or greater"));
    }
    known_bits(flags, 3, "qemuDomainSetMemoryStatsPeriod")?;
    let handle = connection.find(domain).await?;
    let spec = JobSpec::any("virDomainSetMemoryStatsPeriod", JobKind::ModifyConfig);
    let period = period.unsigned_abs();
    handle
        .job(spec, move |context| async move {
            let sides = Sides::of(&context.snapshot(), impact_of(flags))?;
            let snapshot = context.snapshot();
            if sides.live {
                let live = snapshot.live.as_deref().filter(|live| has_balloon(live)).ok_or_else(|| {
                    invalid("Memory balloon model must be virtio to set the collection period")
                })?;
                let guest = hold::guest(&context).await?;
                guest.set_balloon_period(live, period).await?;
            }
            sides::apply(&context, sides, |domain, side| set_period(domain, side, period)).await
        })
        .await
}

fn set_period(domain: &mut Domain, side: Side, period: u32) -> Result<()> {
    let words = match side {
        Side::Live => "Memory balloon model must be virtio to set the collection period",
        Side::Config => "No memory balloon device configured, can not set the collection period",
    };
    let balloon = domain.devices.memballoon.as_mut().filter(|balloon| balloon.model != MemballoonModel::None);
    balloon.ok_or_else(|| invalid(words))?.stats_period = period;
    Ok(())
}
