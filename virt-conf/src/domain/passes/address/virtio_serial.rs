//! The ports of virtio-serial controllers.

use std::collections::{BTreeMap, BTreeSet};

use crate::Result;
use crate::common::address::VirtioSerial;
use crate::error::{internal, xml_error};

/// Ports of a controller that does not say how many it has.
pub const DEFAULT_PORTS: u32 = 31;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Controller {
    ports: u32,
    taken: BTreeSet<u32>,
}

/// The virtio-serial controllers of a guest and which of their ports are taken.
///
/// ```
/// use virt_conf::domain::passes::address::VirtioSerialSet;
/// let mut set = VirtioSerialSet::default();
/// set.add_controller(0, None)?;
/// // Port 0 is kept for a console.
/// assert_eq!(set.assign()?.map(|at| at.port), Some(1));
/// assert_eq!(set.assign()?.map(|at| at.port), Some(2));
/// # Ok::<(), virt_conf::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VirtioSerialSet {
    controllers: BTreeMap<u32, Controller>,
}

impl VirtioSerialSet {
    /// Adds a controller.
    ///
    /// # Errors
    /// Where the index is taken.
    pub fn add_controller(&mut self, index: u32, ports: Option<u32>) -> Result<()> {
        let controller = Controller { ports: ports.unwrap_or(DEFAULT_PORTS), taken: BTreeSet::new() };
        match self.controllers.insert(index, controller) {
            None => Ok(()),
            Some(_) => Err(internal(format!(
                "virtio serial controller with index {index} already exists in the address set"
            ))),
        }
    }

    /// Takes a port that the document names; port 0 stands for "any" and is not taken.
    ///
    /// # Errors
    /// For a port that does not exist or is taken.
    pub fn reserve(&mut self, at: VirtioSerial) -> Result<()> {
        if at.port == 0 {
            return Ok(());
        }
        let VirtioSerial { controller: index, port, .. } = at;
        let Some(controller) = self.controllers.get_mut(&index) else {
            return Err(xml_error(format!("virtio serial controller {index} is missing")));
        };
        if port >= controller.ports {
            return Err(xml_error(format!("virtio serial controller {index} does not have port {port}")));
        }
        if !controller.taken.insert(port) {
            return Err(xml_error(format!(
                "virtio serial port {port} on controller {index} is already occupied"
            )));
        }
        Ok(())
    }

    /// Takes the first free port of any controller but port 0, or says that there is none.
    ///
    /// # Errors
    /// Where there is no controller at all.
    pub fn assign(&mut self) -> Result<Option<VirtioSerial>> {
        if self.controllers.is_empty() {
            return Err(internal("no virtio-serial controllers are available"));
        }
        let free = self
            .controllers
            .iter()
            .find_map(|(index, controller)| controller.free().map(|port| (*index, port)));
        let Some((controller, port)) = free else { return Ok(None) };
        let at = VirtioSerial { controller, bus: 0, port };
        self.reserve(at)?;
        Ok(Some(at))
    }

    /// Takes the first free port of one controller, but not port 0.
    ///
    /// # Errors
    /// Where it does not exist or has no free port.
    pub fn assign_on(&mut self, index: u32) -> Result<VirtioSerial> {
        let Some(controller) = self.controllers.get(&index) else {
            return Err(internal(format!("virtio-serial controller {index} not available")));
        };
        let port = controller.free().ok_or_else(|| {
            xml_error(format!("Unable to find a free port on virtio-serial controller {index}"))
        })?;
        let at = VirtioSerial { controller: index, bus: 0, port };
        self.reserve(at)?;
        Ok(at)
    }
}

impl Controller {
    fn free(&self) -> Option<u32> {
        (1..self.ports).find(|port| !self.taken.contains(port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(controller: u32, port: u32) -> VirtioSerial {
        VirtioSerial { controller, bus: 0, port }
    }

    fn set(ports: &[u32]) -> VirtioSerialSet {
        let mut set = VirtioSerialSet::default();
        for (i, ports) in (0..).zip(ports) {
            set.add_controller(i, Some(*ports)).unwrap();
        }
        set
    }

    #[test]
    fn ports_come_from_the_first_controller_that_has_one() {
        let mut set = set(&[2, 3]);
        let taken: Vec<_> = (0..4).map(|_| set.assign().unwrap()).collect();
        assert_eq!(taken, [Some(at(0, 1)), Some(at(1, 1)), Some(at(1, 2)), None]);
    }

    #[test]
    fn one_controller_can_be_asked_for() {
        let mut set = set(&[4, 4]);
        set.reserve(at(1, 1)).unwrap();
        assert_eq!(set.assign_on(1).unwrap(), at(1, 2));
        assert!(set.assign_on(2).is_err());
    }

    #[test]
    fn refusals_name_controller_and_port() {
        for (place, expected) in [
            (at(1, 1), "virtio serial controller 1 is missing"),
            (at(0, 4), "virtio serial controller 0 does not have port 4"),
            (at(0, 2), "virtio serial port 2 on controller 0 is already occupied"),
        ] {
            let mut set = set(&[4]);
            set.reserve(at(0, 2)).unwrap();
            assert_eq!(set.reserve(place).unwrap_err().to_string(), format!("XML error: {expected}"));
        }
    }
}
