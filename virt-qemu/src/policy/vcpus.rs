//! The order in which QEMU can bring up vCPUs.

use virt_conf::Result;
use virt_conf::common::Bitmap;
use virt_conf::domain::{Domain, Vcpu};

use crate::error::unsupported;

/// Refuses orders that QEMU can not follow.
pub(super) fn check(domain: &Domain) -> Result<()> {
    let Some(individual) = &domain.vcpus.individual else { return Ok(()) };
    let vcpu = |id: u32| individual.get(&id).copied().unwrap_or_default();
    let first = vcpu(0);
    if !first.online {
        return Err(unsupported("vcpu 0 can't be offline"));
    }
    if first.hotpluggable == Some(true) {
        return Err(unsupported("vcpu0 can't be hotpluggable"));
    }
    if first.order > 1 {
        return Err(unsupported("vcpu0 must be enabled first"));
    }
    let ordered = first.order != 0;
    let mut previous: Vcpu = first;
    for id in individual.keys().copied().filter(|id| *id > 0) {
        let vcpu = vcpu(id);
        if vcpu.online && (vcpu.order != 0) != ordered {
            return Err(unsupported("all vcpus must have either set or unset order"));
        }
        if vcpu.hotpluggable == Some(false) {
            if previous.hotpluggable == Some(true) {
                return Err(unsupported(
                    "online non-hotpluggable vcpus need to be ordered prior to hotplugable vcpus",
                ));
            }
            if previous.order > vcpu.order {
                return Err(unsupported("online non-hotpluggable vcpus must be ordered in ascending order"));
            }
        }
        previous = vcpu;
    }
    Ok(())
}

/// Puts every vCPU that no NUMA node has into node 0, as QEMU would.
pub(super) fn complete_numa(domain: &mut Domain) {
    let max = domain.vcpus.max;
    let taken: usize = domain.numa.cells.iter().flat_map(|cell| &cell.cpus).map(|cpus| cpus.0.len()).sum();
    let Some((first, others)) = domain.numa.cells.split_first_mut() else { return };
    if taken >= max as usize {
        return;
    }
    let elsewhere = |id: u32| others.iter().flat_map(|cell| &cell.cpus).any(|cpus| cpus.contains(id));
    first.cpus = Some((0..max).filter(|id| !elsewhere(*id)).collect::<Bitmap>());
}

#[cfg(test)]
mod tests {
    use virt_conf::domain::NumaCell;

    use super::*;

    #[test]
    fn vcpus_without_a_node_are_in_node_0() {
        let mut domain = Domain::default();
        domain.vcpus.max = 6;
        let cell = |set: &str| NumaCell { cpus: Some(set.parse().unwrap()), ..NumaCell::default() };
        domain.numa.cells = vec![cell("0"), cell("2-3")];
        complete_numa(&mut domain);
        assert_eq!(domain.numa.cells[0].cpus.as_ref().unwrap().to_string(), "0-1,4-5");
    }

    #[test]
    fn orders_that_qemu_can_not_follow_are_refused() {
        let vcpu = |online, hotpluggable, order| Vcpu { online, hotpluggable, order };
        for (second, refused) in [
            (vcpu(true, Some(true), 2), false),
            (vcpu(true, Some(true), 0), true),
            (vcpu(false, None, 0), false),
        ] {
            let mut domain = Domain::default();
            domain.vcpus.max = 2;
            domain.vcpus.individual = Some([(0, vcpu(true, Some(false), 1)), (1, second)].into());
            assert_eq!(check(&domain).is_err(), refused);
        }
    }
}
