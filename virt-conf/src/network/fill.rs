//! What a document leaves open.

use virt_types::{MacAddr, PciAddress, Uuid};

use super::Network;
use crate::Result;

/// The decisions of a driver that sets networks up on a host; all default to "nothing to add".
pub trait Policy {
    /// An identifier for a network that has none.
    fn uuid(&self) -> Option<Uuid> {
        None
    }

    /// An Ethernet address for a bridge that has none.
    fn mac(&self) -> Option<MacAddr> {
        None
    }

    /// The name of a bridge where the document gives none, or one with `%d`; `virbr%d` is the template of the former.
    ///
    /// # Errors
    /// Where no name is free.
    fn bridge(&self, _template: &str) -> Result<Option<String>> {
        Ok(None)
    }

    /// Whether the device at this place is an SR-IOV virtual function, the only kind that a pool may have.
    fn is_virtual_function(&self, _address: PciAddress) -> bool {
        true
    }
}

/// The policy of a driver that adds nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NullPolicy;

impl Policy for NullPolicy {}

impl Network {
    /// Completes a network as it was read: identifier, bridge, Ethernet address of the bridge.
    ///
    /// Filling a filled network changes nothing.
    ///
    /// # Errors
    /// Where the policy has no name for the bridge.
    pub fn fill(&mut self, policy: &dyn Policy) -> Result<()> {
        if self.uuid.is_none() {
            self.uuid = policy.uuid();
        }
        if let Some(metadata) = &mut self.metadata {
            metadata.fill();
        }
        if !self.forward.mode.has_bridge() {
            return Ok(());
        }
        match &self.bridge.name {
            Some(name) if !name.contains("%d") => {}
            name => {
                let template = name.as_deref().filter(|name| name.matches('%').count() == 1);
                if let Some(name) = policy.bridge(template.unwrap_or("virbr%d"))? {
                    self.bridge.name = Some(name);
                }
            }
        }
        if self.mac.is_none() {
            self.mac = policy.mac();
        }
        Ok(())
    }
}
