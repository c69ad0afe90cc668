//! Devices that exclude others.

use std::collections::BTreeSet;

use crate::Result;
use crate::domain::Domain;
use crate::domain::device::{Controller, ControllerType, HostdevSource, InputBus};
use crate::error::{unsupported, xml_error};

impl Domain {
    pub(super) fn refuse_duplicate_controllers(&self) -> Result<()> {
        let mut seen = BTreeSet::new();
        for controller in &self.devices.controllers {
            let kind = controller.controller_type();
            // A USB 2 controller and its companions have one index.
            if kind != ControllerType::Usb && !seen.insert((kind, controller.index)) {
                return Err(xml_error(format!(
                    "Multiple '{kind}' controllers with index '{}'",
                    controller.index_text()
                )));
            }
        }
        Ok(())
    }

    /// Refuses USB devices in a guest that is said to have no USB.
    pub(super) fn refuse_usb_devices(&self) -> Result<()> {
        if !self.devices.controllers.iter().any(Controller::is_usb_none) {
            return Ok(());
        }
        if self.devices.inputs.iter().any(|input| input.bus == InputBus::Usb) {
            return Err(unsupported("Can't add USB input device. USB bus is disabled"));
        }
        if self.devices.hostdevs.iter().any(|hostdev| matches!(hostdev.source, HostdevSource::Usb(_))) {
            return Err(unsupported("Can't add host USB device: USB is disabled in this host"));
        }
        if !self.devices.hubs.is_empty() {
            return Err(unsupported("Can't add USB hub: USB is disabled for this domain"));
        }
        Ok(())
    }

    pub(super) fn refuse_duplicate_panics(&self) -> Result<()> {
        let mut seen = BTreeSet::new();
        for model in self.devices.panics.iter().map(|panic| panic.model) {
            if !seen.insert(model) {
                let name = model.map_or_else(|| "default".to_owned(), |model| model.to_string());
                return Err(xml_error(format!("Multiple panic devices with model '{name}'")));
            }
        }
        Ok(())
    }
}
