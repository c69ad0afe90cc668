//! The USB buses of a guest, their hubs, and which ports are taken.

use crate::Result;
use crate::common::address::Usb;
use crate::error::{internal, xml_error};

/// Ports of a hub.
pub const HUB_PORTS: u32 = 8;

/// Ports of a controller or hub, with the hubs plugged into them.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Hub {
    ports: Vec<Port>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Port {
    taken: bool,
    hub: Option<Hub>,
}

/// The USB buses of a guest.
///
/// ```
/// use virt_conf::domain::passes::address::UsbSet;
/// let mut set = UsbSet::default();
/// set.add_controller(0, 2)?;
/// assert_eq!(set.assign(None)?.to_string(), "0:1");
/// assert_eq!(set.assign(Some(0))?.to_string(), "0:2");
/// assert!(set.assign(None).is_err());
/// # Ok::<(), virt_conf::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UsbSet {
    buses: Vec<Option<Hub>>,
}

impl Hub {
    fn new(ports: u32) -> Self {
        Self { ports: vec![Port::default(); ports as usize] }
    }

    /// The first free port; of this hub itself if it has one, else of a hub below it.
    fn free_port(&self, path: &mut [u32]) -> bool {
        let Some((here, below)) = path.split_first_mut() else { return false };
        if let Some(i) = self.ports.iter().position(|port| !port.taken) {
            *here = number(i);
            return true;
        }
        for (i, port) in self.ports.iter().enumerate() {
            if port.hub.as_ref().is_some_and(|hub| hub.free_port(below)) {
                *here = number(i);
                return true;
            }
        }
        false
    }
}

impl UsbSet {
    /// Adds the ports of a controller. A companion, which has none of its own, adds nothing.
    ///
    /// # Errors
    /// Where the index has a controller with ports already.
    pub fn add_controller(&mut self, index: u32, ports: u32) -> Result<()> {
        if ports == 0 {
            return Ok(());
        }
        let i = index as usize;
        if self.buses.len() <= i {
            self.buses.resize(i + 1, None);
        }
        if self.buses[i].is_some() {
            return Err(xml_error(format!("Duplicate USB controllers with index {index}")));
        }
        self.buses[i] = Some(Hub::new(ports));
        Ok(())
    }

    /// Adds a hub whose port is known.
    ///
    /// # Errors
    /// For a port that does not exist or has a hub already.
    pub fn add_hub(&mut self, at: Usb) -> Result<()> {
        let port = self.port(at)?;
        if port.hub.is_some() {
            return Err(xml_error(format!("Duplicate USB hub on bus {} port {}", at.bus, at.port_text())));
        }
        port.taken = true;
        port.hub = Some(Hub::new(HUB_PORTS));
        Ok(())
    }

    /// Takes a port that the document names.
    ///
    /// # Errors
    /// For a port that does not exist or is taken.
    pub fn reserve(&mut self, at: Usb) -> Result<()> {
        let port = self.port(at)?;
        if port.taken {
            return Err(xml_error(format!("Duplicate USB address bus {} port {}", at.bus, at.port_text())));
        }
        port.taken = true;
        Ok(())
    }

    /// Takes the next free port, of one bus where `bus` says so.
    ///
    /// # Errors
    /// Where no port is free, or the bus does not exist.
    pub fn assign(&mut self, bus: Option<u32>) -> Result<Usb> {
        let candidates = match bus {
            Some(bus) if self.buses.get(bus as usize).is_none_or(Option::is_none) => {
                return Err(xml_error(format!(
                    "USB bus {bus} requested but no controller with that index is present"
                )));
            }
            Some(bus) => bus as usize..bus as usize + 1,
            None => 0..self.buses.len(),
        };
        for i in candidates {
            let mut at = Usb { bus: number(i) - 1, ..Usb::default() };
            if self.buses[i].as_ref().is_some_and(|hub| hub.free_port(&mut at.port)) {
                self.reserve(at)?;
                return Ok(at);
            }
        }
        Err(internal("No free USB ports"))
    }

    /// Gives a port back.
    pub fn release(&mut self, at: Usb) {
        if let Ok(port) = self.port(at) {
            port.taken = false;
        }
    }

    fn port(&mut self, at: Usb) -> Result<&mut Port> {
        let Some(mut hub) = self.buses.get_mut(at.bus as usize).and_then(Option::as_mut) else {
            return Err(xml_error(format!("Missing USB bus {}", at.bus)));
        };
        let depth = at.port.iter().rposition(|port| *port != 0).unwrap_or(0);
        for port in &at.port[..depth] {
            let place = format!("USB address bus: {} port: {}", at.bus, at.port_text());
            let Some(on_path) = index(*port).and_then(|i| hub.ports.get_mut(i)) else {
                return Err(xml_error(format!("port {port} out of range in {place}")));
            };
            let Some(below) = on_path.hub.as_mut() else {
                return Err(xml_error(format!("there is no hub at port {port} in {place}")));
            };
            hub = below;
        }
        index(at.port[depth]).and_then(|i| hub.ports.get_mut(i)).ok_or_else(|| {
            xml_error(format!("requested USB port {} not present on USB bus {}", at.port_text(), at.bus))
        })
    }
}

/// Ports are numbered from 1.
fn number(i: usize) -> u32 {
    u32::try_from(i + 1).unwrap_or(u32::MAX)
}

fn index(port: u32) -> Option<usize> {
    port.checked_sub(1).map(|i| i as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(bus: u32, port: [u32; 4]) -> Usb {
        Usb { bus, port }
    }

    fn two_ports() -> UsbSet {
        let mut set = UsbSet::default();
        set.add_controller(0, 2).unwrap();
        set
    }

    #[test]
    fn ports_behind_hubs_are_used_when_the_controller_is_full() {
        let mut set = two_ports();
        set.add_hub(at(0, [1, 0, 0, 0])).unwrap();
        let ports: Vec<_> = (0..3).map(|_| set.assign(None).unwrap().port_text()).collect();
        assert_eq!(ports, ["2", "1.1", "1.2"]);
    }

    #[test]
    fn the_next_bus_is_used_when_one_is_full() {
        let mut set = two_ports();
        set.add_controller(2, 6).unwrap();
        let ports: Vec<_> = (0..3).map(|_| set.assign(None).unwrap().to_string()).collect();
        assert_eq!(ports, ["0:1", "0:2", "2:1"]);
        assert!(set.assign(Some(0)).is_err());
    }

    #[test]
    fn a_released_port_is_free_again() {
        let mut set = two_ports();
        let port = set.assign(None).unwrap();
        set.release(port);
        assert_eq!(set.assign(None).unwrap(), port);
    }

    #[test]
    fn refusals_name_bus_and_port() {
        for (place, expected) in [
            (at(0, [1, 0, 0, 0]), "Duplicate USB address bus 0 port 1"),
            (at(0, [3, 0, 0, 0]), "requested USB port 3 not present on USB bus 0"),
            (at(1, [1, 0, 0, 0]), "Missing USB bus 1"),
            (at(0, [2, 1, 0, 0]), "there is no hub at port 2 in USB address bus: 0 port: 2.1"),
            (at(0, [9, 1, 0, 0]), "port 9 out of range in USB address bus: 0 port: 9.1"),
        ] {
            let mut set = two_ports();
            set.reserve(at(0, [1, 0, 0, 0])).unwrap();
            assert_eq!(set.reserve(place).unwrap_err().to_string(), format!("XML error: {expected}"));
        }
        assert_eq!(
            two_ports().add_controller(0, 4).unwrap_err().to_string(),
            "XML error: Duplicate USB controllers with index 0"
        );
    }
}
