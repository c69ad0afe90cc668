//! Controllers: their order, their indexes, and those that are added.

use crate::domain::Domain;
use crate::domain::device::{Controller, ControllerKind, ControllerType, UsbModel};

impl Domain {
    /// Puts a controller where it belongs among those of its type: by index, a USB master before its companions.
    pub fn insert_controller(&mut self, controller: Controller) {
        let list = &mut self.devices.controllers;
        let number = |controller: &Controller| controller.index.map_or(-1, i64::from);
        let mut place = None;
        for (i, current) in list.iter().enumerate().rev() {
            if current.controller_type() != controller.controller_type() {
                continue;
            }
            if controller.index.is_none() {
                place = Some(i + 1);
                break;
            }
            let before_companion = controller.info.usb_master.is_none()
                && current.info.usb_master.is_some()
                && current.index == controller.index;
            if number(current) > number(&controller) || before_companion {
                place = Some(i);
            } else if place.is_none() {
                place = Some(i + 1);
            }
        }
        list.insert(place.unwrap_or(list.len()), controller);
    }

    /// Sorts the controllers as if each had been inserted in turn.
    pub(super) fn order_controllers(&mut self) {
        for controller in std::mem::take(&mut self.devices.controllers) {
            self.insert_controller(controller);
        }
    }

    /// Gives each controller without an index the smallest free one of its type.
    pub(super) fn index_controllers(&mut self) {
        for i in 0..self.devices.controllers.len() {
            let controller = &self.devices.controllers[i];
            if controller.index.is_some() {
                continue;
            }
            let index = self
                .companion_index(i)
                .unwrap_or_else(|| self.unused_controller_index(controller.controller_type()));
            self.devices.controllers[i].index = Some(index);
        }
    }

    /// The index of the USB 2 controllers before this one, which it completes if its model is not among them yet.
    fn companion_index(&self, position: usize) -> Option<u32> {
        let (before, from_here) = self.devices.controllers.split_at(position);
        let model = from_here.first().filter(|controller| is_usb2(controller))?.usb_model();
        let last = before.iter().rfind(|controller| controller.controller_type() == ControllerType::Usb)?;
        let taken = self
            .controllers_of(ControllerType::Usb)
            .any(|controller| controller.index == last.index && controller.usb_model() == model);
        last.index.filter(|_| is_usb2(last) && !taken)
    }

    /// Adds a controller behind all others, unless there is one of its type and index.
    pub fn ensure_controller(&mut self, kind: ControllerKind, index: u32) -> bool {
        let missing = self.controller(kind.controller_type(), index).is_none();
        if missing {
            self.devices.controllers.push(Controller::new(kind, index));
        }
        missing
    }

    /// Adds a USB controller; with ICH9's EHCI controller come its companions.
    pub fn add_usb_controller(&mut self, index: u32, model: Option<UsbModel>) {
        let companions = [UsbModel::Ich9Uhci1, UsbModel::Ich9Uhci2, UsbModel::Ich9Uhci3];
        let companions = companions.iter().filter(|_| model == Some(UsbModel::Ich9Ehci1));
        self.devices.controllers.push(Controller::new(ControllerKind::Usb { model, ports: None }, index));
        for companion in companions {
            let mut controller = Controller::new(ControllerKind::usb(*companion), index);
            controller.info.usb_master = companion.companion_port();
            self.devices.controllers.push(controller);
        }
    }
}

/// Whether it is a part of ICH9's USB 2 controller.
#[must_use]
pub fn is_usb2(controller: &Controller) -> bool {
    matches!(
        controller.usb_model(),
        Some(UsbModel::Ich9Ehci1 | UsbModel::Ich9Uhci1 | UsbModel::Ich9Uhci2 | UsbModel::Ich9Uhci3)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usb(model: UsbModel, index: Option<u32>) -> Controller {
        let mut controller = Controller { kind: ControllerKind::usb(model), index, ..Controller::default() };
        controller.info.usb_master = model.companion_port();
        controller
    }

    fn indexed(controllers: Vec<Controller>) -> Vec<(Option<UsbModel>, Option<u32>)> {
        let mut domain = Domain::default();
        domain.devices.controllers = controllers;
        domain.order_controllers();
        domain.index_controllers();
        domain.devices.controllers.iter().map(|c| (c.usb_model(), c.index)).collect()
    }

    #[test]
    fn controllers_of_a_type_stand_in_the_order_of_their_indexes() {
        use UsbModel::{Ich9Ehci1, Ich9Uhci1, QemuXhci};
        let order = indexed(vec![usb(QemuXhci, Some(2)), usb(Ich9Uhci1, Some(0)), usb(Ich9Ehci1, Some(0))]);
        assert_eq!(
            order,
            [(Some(Ich9Ehci1), Some(0)), (Some(Ich9Uhci1), Some(0)), (Some(QemuXhci), Some(2))]
        );
    }

    #[test]
    fn companions_share_an_index_until_a_model_repeats() {
        use UsbModel::{Ich9Ehci1, Ich9Uhci1, QemuXhci};
        let order =
            indexed([Ich9Ehci1, Ich9Uhci1, Ich9Ehci1, QemuXhci, Ich9Uhci1].map(|m| usb(m, None)).to_vec());
        assert_eq!(order.iter().map(|(_, index)| index.unwrap()).collect::<Vec<_>>(), [0, 0, 1, 2, 3]);
    }

    #[test]
    fn an_added_ehci_controller_brings_its_companions() {
        let mut domain = Domain::default();
        domain.add_usb_controller(1, Some(UsbModel::Ich9Ehci1));
        let ports: Vec<_> = domain.devices.controllers.iter().map(|c| c.info.usb_master).collect();
        assert_eq!(ports, [None, Some(0), Some(2), Some(4)]);
        assert!(!domain.ensure_controller(ControllerKind::bare(ControllerType::Usb), 1));
        assert!(domain.ensure_controller(ControllerKind::bare(ControllerType::Usb), 0));
    }
}
