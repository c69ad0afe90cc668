//! How many virtual CPUs a domain has, and may have.

use virt_conf::domain::{Domain, Vcpu};
use virt_domain::{JobContext, JobKind, JobSpec};
use virt_driver::DomainRef;
use virt_types::{Impact, Result};

use super::refusal::{invalid_argument, invalid_call, known_bits, unsupported};
use super::sides::{self, Sides, impact_of};
use super::{QemuConnection, agent, hot_cpu};

/// `VIR_DOMAIN_VCPU_MAXIMUM`
const MAXIMUM: u32 = 4;
/// `VIR_DOMAIN_VCPU_GUEST`
const GUEST: u32 = 8;
/// `VIR_DOMAIN_VCPU_HOTPLUGGABLE`
const HOTPLUGGABLE: u32 = 16;
/// The two sides.
const IMPACT: u32 = 3;

/// `virDomainGetVcpusFlags`
pub(super) async fn count(connection: &QemuConnection, domain: &DomainRef, flags: u32) -> Result<u32> {
    sides::not_both(impact_of(flags))?;
    known_bits(flags, IMPACT | MAXIMUM | GUEST, "qemuDomainGetVcpusFlags")?;
    let handle = connection.find(domain).await?;
    let snapshot = handle.snapshot();
    let (side, document) = sides::one(&snapshot, impact_of(flags))?;
    if flags & GUEST != 0 {
        if side == sides::Side::Config {
            let words = "vCPU count provided by the guest agent can only be requested for live domains";
            return Err(invalid_argument(words));
        }
        let vcpus = agent::vcpus::list(connection, &handle, "virDomainGetVcpusFlags").await?;
        let online = vcpus.iter().filter(|vcpu| flags & MAXIMUM != 0 || vcpu.online);
        return Ok(u32::try_from(online.count()).unwrap_or(u32::MAX));
    }
    Ok(if flags & MAXIMUM != 0 { document.vcpus.max } else { document.vcpus.online_count() })
}

/// `virDomainSetVcpusFlags`
pub(super) async fn set(
    connection: &QemuConnection,
    domain: &DomainRef,
    count: u32,
    flags: u32,
) -> Result<()> {
    check(count, flags)?;
    known_bits(flags, IMPACT | MAXIMUM | GUEST | HOTPLUGGABLE, "qemuDomainSetVcpusFlags")?;
    let handle = connection.find(domain).await?;
    if flags & GUEST != 0 {
        return agent::vcpus::set_count(connection, &handle, count).await;
    }
    let spec = JobSpec::any("virDomainSetVcpusFlags", JobKind::ModifyConfig);
    handle
        .job(spec, move |context| async move {
            let sides = Sides::of(&context.snapshot(), impact_of(flags))?;
            if flags & MAXIMUM != 0 {
                return set_maximum(&context, sides, count).await;
            }
            set_current(&context, sides, count, flags & HOTPLUGGABLE != 0).await
        })
        .await
}

/// What libvirt's client library refuses before it asks anybody.
fn check(count: u32, flags: u32) -> Result<()> {
    let exclusive = |one: (u32, &str), other: (u32, &str)| {
        if flags & one.0 != 0 && flags & other.0 != 0 {
            let detail = format!("Flags '{}' and '{}' are mutually exclusive", one.1, other.1);
            return Err(invalid_call(detail));
        }
        Ok(())
    };
    if flags & MAXIMUM != 0 && flags & Impact::CONFIG.bits() == 0 {
        let detail = "Flag 'VIR_DOMAIN_AFFECT_CONFIG' is required by flag 'VIR_DOMAIN_VCPU_MAXIMUM'";
        return Err(invalid_call(detail));
    }
    let guest = (GUEST, "VIR_DOMAIN_VCPU_GUEST");
    exclusive(guest, (Impact::CONFIG.bits(), "VIR_DOMAIN_AFFECT_CONFIG"))?;
    exclusive(guest, (HOTPLUGGABLE, "VIR_DOMAIN_VCPU_HOTPLUGGABLE"))?;
    if count == 0 {
        return Err(invalid_call("nvcpus in virDomainSetVcpusFlags must not be zero"));
    }
    Ok(())
}

async fn set_current(context: &JobContext, sides: Sides, count: u32, hotpluggable: bool) -> Result<()> {
    let snapshot = context.snapshot();
    let config = sides::config_of(&snapshot)?;
    let sizes = [(sides.live, "live", &snapshot.live), (sides.config, "persistent", &config)];
    for (wanted, whose, document) in sizes {
        let Some(most) = document.as_ref().filter(|_| wanted).map(|document| document.vcpus.max) else {
            continue;
        };
        if count > most {
            let detail = format!(
                "requested vcpus is greater than max allowable vcpus for the {whose} domain: {count} > {most}"
            );
            return Err(invalid_argument(detail));
        }
    }
    let online = snapshot.live.as_ref().map(|live| live.vcpus.online_count());
    if let Some(live) = snapshot.live.as_ref().filter(|_| sides.live && online != Some(count)) {
        let (chosen, on) = hot_cpu::choose(live, count)?;
        hot_cpu::switch(context, &chosen, on).await?;
    }
    let config = Sides { live: false, ..sides };
    sides::apply(context, config, |config, _| {
        switch(config, count, hotpluggable);
        Ok(())
    })
    .await
}

/// Switches virtual CPUs of a configuration on from its first, or off from its last, until so many are on.
fn switch(config: &mut Domain, count: u32, mut hotpluggable: bool) {
    let vcpus = &mut config.vcpus;
    let Some(individual) = &mut vcpus.individual else {
        if hotpluggable && count > vcpus.current {
            let new = vcpus.current;
            let each = (0..vcpus.max).map(|id| {
                let is_new = id >= new && id < count;
                let vcpu = Vcpu { online: id < count, hotpluggable: Some(is_new || id >= count), order: 0 };
                (id, vcpu)
            });
            vcpus.individual = Some(each.collect());
        } else {
            vcpus.current = count;
        }
        return;
    };
    individual.values_mut().for_each(|vcpu| vcpu.order = 0);
    let mut online = individual.values().filter(|vcpu| vcpu.online).count() as u32;
    for id in 0..vcpus.max {
        if online >= count {
            break;
        }
        let vcpu = individual.entry(id).or_default();
        if vcpu.online {
            // Those that can not be unplugged stand together at the beginning.
            hotpluggable |= vcpu.hotpluggable == Some(true);
            continue;
        }
        *vcpu = Vcpu { online: true, hotpluggable: Some(hotpluggable), order: 0 };
        online += 1;
    }
    for vcpu in individual.values_mut().rev() {
        if online <= count {
            break;
        }
        if vcpu.online {
            *vcpu = Vcpu { online: false, hotpluggable: Some(true), order: 0 };
            online -= 1;
        }
    }
}

async fn set_maximum(context: &JobContext, sides: Sides, count: u32) -> Result<()> {
    if sides.live {
        return Err(unsupported("maximum vcpu count of a live domain can't be modified"));
    }
    sides::apply(context, sides, |config, _| {
        let in_nodes: usize =
            config.numa.cells.iter().map(|cell| cell.cpus.as_ref().map_or(0, |cpus| cpus.0.len())).sum();
        if in_nodes > count as usize {
            let words = "Number of CPUs in <numa> exceeds the desired maximum vcpu count";
            return Err(invalid_argument(words));
        }
        let topology = config.cpu.as_ref().and_then(|cpu| cpu.topology.as_ref());
        if topology.is_some_and(|topology| topology.vcpus() != u64::from(count)) {
            return Err(invalid_argument("CPU topology doesn't match the desired vcpu count"));
        }
        resize(config, count);
        Ok(())
    })
    .await
}

fn resize(config: &mut Domain, count: u32) {
    let vcpus = &mut config.vcpus;
    vcpus.max = count;
    vcpus.current = vcpus.current.min(count);
    if let Some(individual) = &mut vcpus.individual {
        individual.retain(|id, _| *id < count);
        individual.values_mut().for_each(|vcpu| vcpu.order = 0);
    }
    // New ones belong to the guest's first node.
    let placed: std::collections::BTreeSet<u32> =
        config.numa.cells.iter().flat_map(|cell| cell.cpus.iter().flat_map(|cpus| cpus.iter())).collect();
    if let Some(first) = config.numa.cells.first_mut().filter(|_| !placed.is_empty()) {
        let new = (0..count).filter(|id| !placed.contains(id));
        first.cpus.get_or_insert_default().0.extend(new);
    }
}

#[cfg(test)]
mod tests {
    use virt_conf::ParseFlags;

    use super::*;

    fn domain(vcpus: &str) -> Domain {
        let xml = format!(
            "<domain type='qemu'><name>v</name><memory>1024</memory>{vcpus}<os><type>hvm</type></os></domain>"
        );
        Domain::parse(&xml, ParseFlags::INACTIVE).unwrap()
    }

    fn shown(domain: &Domain) -> String {
        let text = domain.format(virt_conf::FormatFlags::INACTIVE);
        let from = text.find("<vcpu ").unwrap();
        let to = text.find("</vcpus>").or_else(|| text.find("</vcpu>")).unwrap();
        text[from..to].split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn cpus_are_switched_from_the_first_and_from_the_last() {
        for (xml, count, hotpluggable, expected) in [
            ("<vcpu current='2'>4</vcpu>", 3, false, "<vcpu placement='static' current='3'>4"),
            ("<vcpu current='2'>4</vcpu>", 4, false, "<vcpu placement='static'>4"),
            (
                "<vcpu current='1'>3</vcpu>",
                2,
                true,
                "<vcpu placement='static' current='2'>3</vcpu> <vcpus> \
                 <vcpu id='0' enabled='yes' hotpluggable='no'/> \
                 <vcpu id='1' enabled='yes' hotpluggable='yes'/> \
                 <vcpu id='2' enabled='no' hotpluggable='yes'/>",
            ),
            (
                "<vcpu>3</vcpu><vcpus><vcpu id='0' enabled='yes' hotpluggable='no' order='1'/>\
                 <vcpu id='1' enabled='yes' hotpluggable='yes' order='2'/></vcpus>",
                3,
                false,
                "<vcpu placement='static'>3</vcpu> <vcpus> \
                 <vcpu id='0' enabled='yes' hotpluggable='no'/> \
                 <vcpu id='1' enabled='yes' hotpluggable='yes'/> \
                 <vcpu id='2' enabled='yes' hotpluggable='yes'/>",
            ),
        ] {
            let mut domain = domain(xml);
            switch(&mut domain, count, hotpluggable);
            assert_eq!(shown(&domain), expected);
        }
    }

    #[test]
    fn fewer_places_take_cpus_away() {
        let mut domain = domain("<vcpu current='3'>4</vcpu>");
        resize(&mut domain, 2);
        assert_eq!(shown(&domain), "<vcpu placement='static'>2");
    }
}
