//! Checks of everything but devices, as every driver does them.

use super::{Policy, PolicyFeatures};
use crate::Result;
use crate::domain::Domain;

impl Domain {
    /// Checks the sections in libvirt's order.
    pub(super) fn validate_sections(&self, policy: &dyn Policy) -> Result<()> {
        if let Some(resource) = &self.resource {
            resource.validate()?;
        }
        if let Some(topology) = self.cpu.as_ref().and_then(|cpu| cpu.topology) {
            topology.validate()?;
        }
        self.lifecycle.validate()?;
        self.memory_backing.validate(self.numa.cells.len())?;
        self.os.validate(policy.features().contains(PolicyFeatures::FW_AUTOSELECT))?;
        self.cputune.validate()?;
        self.os.validate_boot()?;
        self.blkiotune.validate()?;
        self.idmap.validate()?;
        self.numa.validate(&self.numatune)?;
        self.iothreads.validate()
    }
}
