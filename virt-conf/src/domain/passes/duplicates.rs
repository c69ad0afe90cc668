//! What may exist only once.

use std::collections::BTreeSet;

use crate::Result;
use crate::domain::Domain;
use crate::domain::device::ControllerType;
use crate::error::xml_error;

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
