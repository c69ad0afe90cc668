//! vCPUs that are given one by one.

use crate::Result;
use crate::domain::Vcpus;
use crate::error::unsupported;

/// libvirt keeps no more vCPUs one by one.
const MOST: u32 = 16_384;

impl Vcpus {
    /// Says of each vCPU whether it can be unplugged: by default those that are there from the start can not.
    pub(super) fn fill(&mut self) -> Result<()> {
        let max = self.max;
        let Some(individual) = &mut self.individual else { return Ok(()) };
        for id in 0..max.min(MOST) {
            let vcpu = individual.entry(id).or_default();
            let hotpluggable = *vcpu.hotpluggable.get_or_insert(!vcpu.online);
            if !hotpluggable && !vcpu.online {
                return Err(unsupported(format!("vcpu '{id}' is both offline and not hotpluggable")));
            }
        }
        Ok(())
    }
}
