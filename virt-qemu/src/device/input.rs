//! `<input>` as USB, virtio or evdev devices; PS/2 ones are part of the machine.

use virt_conf::common::address::AddressType;
use virt_conf::domain::device::{Input, InputBus, InputModel, InputType};
use virt_types::Result;

use super::common::{address, virtio};
use super::{QemuContext, QemuDevice};
use crate::caps::Cap;
use crate::error::unsupported;
use crate::machine;
use crate::plan::{DevicePlan, Part, PlanContext, Props};
use crate::policy::{AttachContext, Attachment};

impl QemuDevice for Input {
    fn check(&self, cx: &QemuContext<'_>) -> Result<()> {
        if self.bus == InputBus::Ps2 && !cx.domain.os.arch.is_x86() && !machine::is_malta(cx.domain) {
            return Err(unsupported("PS/2 bus is not supported by this machine"));
        }
        if self.bus == InputBus::Virtio
            && let Some(InputModel::VirtioTransitional | InputModel::VirtioNonTransitional) = self.model
        {
            return Err(unsupported(format!(
                "virtio (non-)transitional models are not supported for input type={}",
                self.kind
            )));
        }
        if self.bus == InputBus::Usb && self.kind == InputType::Keyboard && !cx.caps.has(Cap::UsbKbd) {
            return Err(unsupported("USB keyboard is not supported by this QEMU binary"));
        }
        if !matches!(self.bus, InputBus::Virtio | InputBus::None) {
            return Ok(());
        }
        let (base, cap, ccw) = match self.kind {
            InputType::Mouse => ("virtio-mouse", Cap::VirtioMouse, Some(Cap::VirtioMouseCcw)),
            InputType::Tablet => ("virtio-tablet", Cap::VirtioTablet, Some(Cap::VirtioTabletCcw)),
            InputType::Keyboard => ("virtio-keyboard", Cap::VirtioKeyboard, Some(Cap::VirtioKeyboardCcw)),
            InputType::Passthrough => ("virtio-input-host", Cap::VirtioInputHost, None),
            InputType::Evdev => ("input-linux", Cap::InputLinux, None),
        };
        let on_ccw = self.info.address.kind() == AddressType::Ccw;
        if !cx.caps.has(cap) || (on_ccw && !ccw.is_some_and(|ccw| cx.caps.has(ccw))) {
            return Err(unsupported(format!("{base} is not supported by this QEMU binary")));
        }
        Ok(())
    }

    fn attachment(&self, cx: &AttachContext<'_>) -> Attachment {
        match self.bus {
            InputBus::Usb => Attachment::usb(),
            InputBus::Virtio => Attachment::virtio(match self.model {
                Some(InputModel::VirtioTransitional) => AttachContext::CONVENTIONAL,
                None | Some(InputModel::Virtio | InputModel::VirtioNonTransitional) => cx.express(),
            }),
            InputBus::Default | InputBus::Ps2 | InputBus::Xen | InputBus::Parallels | InputBus::None => {
                Attachment::default()
            }
        }
    }

    fn plan(&self, cx: &mut PlanContext<'_>) -> Result<DevicePlan> {
        let mut plan = DevicePlan::default();
        let id = self.info.alias.clone().unwrap_or_default();
        if self.kind == InputType::Evdev {
            let props = Props::new()
                .str("qom-type", "input-linux")
                .str("id", id)
                .opt_str("evdev", self.evdev.clone())
                .opt_bool("repeat", self.repeat)
                .opt_bool("grab_all", self.grab.map(|_| true))
                .opt_str("grab-toggle", self.grab_toggle.map(|toggle| toggle.to_string()));
            plan.parts.push(Part::Object(props));
            return Ok(plan);
        }
        let props = match (self.bus, self.kind) {
            (InputBus::Usb, InputType::Mouse) => Props::new().str("driver", "usb-mouse"),
            (InputBus::Usb, InputType::Tablet) => Props::new().str("driver", "usb-tablet"),
            (InputBus::Usb, InputType::Keyboard) => Props::new().str("driver", "usb-kbd"),
            (InputBus::Virtio, kind) => {
                let base = match kind {
                    InputType::Mouse => "virtio-mouse",
                    InputType::Tablet => "virtio-tablet",
                    InputType::Keyboard => "virtio-keyboard",
                    InputType::Passthrough | InputType::Evdev => "virtio-input-host",
                };
                virtio::props(base, virtio::Revision::Any, &self.info, &self.virtio)?
            }
            _ => return Ok(plan),
        };
        let evdev = self.evdev.clone().filter(|_| self.kind == InputType::Passthrough);
        let place = address::props(cx.domain, &self.info)?;
        plan.device(&self.info, props.str("id", id).opt_str("evdev", evdev).extend(place));
        Ok(plan)
    }
}
