//! `<input>`: keyboards, pointers, and host devices passed through.

use virt_types::{Arch, TextEnum, text_enum};
use virt_xml::{Element, Writer};

use super::{Device, Domain, FormatContext, ParseContext};
use crate::common::address::AddressType;
use crate::common::device_info::Takes;
use crate::common::{DeviceInfo, VirtioDriver, sanitize_path};
use crate::domain::{OsType, VirtType};
use crate::error::{internal, unsupported, unsupported_value, xml_error};
use crate::grammar::Part;
use crate::{FormatFlags, Result};

text_enum! {
    /// What it is to the guest.
    pub enum InputType {
        #[default] Mouse = "mouse", Tablet = "tablet", Keyboard = "keyboard", Passthrough = "passthrough",
        Evdev = "evdev",
    }
}

text_enum! {
    /// How it is connected.
    pub enum InputBus {
        #[default] Default = "default", Ps2 = "ps2", Usb = "usb", Xen = "xen", Parallels = "parallels",
        Virtio = "virtio", None = "none",
    }
}

text_enum! {
    /// Which virtio device it is.
    pub enum InputModel {
        Virtio = "virtio", VirtioTransitional = "virtio-transitional",
        VirtioNonTransitional = "virtio-non-transitional",
    }
}

text_enum! {
    /// Which input devices an evdev device takes along when it is grabbed.
    pub enum InputGrab { All = "all" }
}

text_enum! {
    /// The keys that switch a grabbed evdev device between host and guest.
    pub enum GrabToggle {
        CtrlCtrl = "ctrl-ctrl", AltAlt = "alt-alt", ShiftShift = "shift-shift", MetaMeta = "meta-meta",
        Scrolllock = "scrolllock", CtrlScrolllock = "ctrl-scrolllock",
    }
}

/// An input device.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Input {
    /// `type`.
    pub kind: InputType,
    /// `bus`.
    pub bus: InputBus,
    /// `model`.
    pub model: Option<InputModel>,
    /// `<source>`: the host's event device.
    pub evdev: Option<String>,
    /// `<source grab='…'>`.
    pub grab: Option<InputGrab>,
    /// `<source grabToggle='…'>`.
    pub grab_toggle: Option<GrabToggle>,
    /// `<source repeat='…'>`.
    pub repeat: Option<bool>,
    /// `<driver>`.
    pub virtio: VirtioDriver,
    /// Alias and address.
    pub info: DeviceInfo,
}

impl Device for Input {
    const ELEMENT: &'static str = "input";
    const GRAMMAR: &'static [Part] = GRAMMAR;

    fn parse(el: Element<'_>, cx: &ParseContext<'_>) -> Result<Self> {
        let kind = el.attr("type").ok_or_else(|| internal("missing input device type").at(el.place()))?;
        let kind = InputType::from_text(kind)
            .ok_or_else(|| unsupported_value(el, "type", format!("unknown input device type '{kind}'")))?;
        let model = el
            .attr("model")
            .map(|text| {
                InputModel::from_text(text)
                    .ok_or_else(|| unsupported_value(el, "model", format!("unknown input model '{text}'")))
            })
            .transpose()?;
        let bus = match el.attr("bus") {
            None => InputBus::Default,
            Some(text) => InputBus::from_text(text)
                .filter(|bus| *bus != InputBus::Default)
                .ok_or_else(|| unsupported_value(el, "bus", format!("unknown input bus type '{text}'")))?,
        };
        let mut input = Self {
            kind,
            bus,
            model,
            info: DeviceInfo::parse(el, Takes::NOTHING, cx.flags)?,
            virtio: VirtioDriver::parse_child(el)?,
            ..Self::default()
        };
        let address = input.info.address.kind();
        if bus == InputBus::Usb && !matches!(address, AddressType::None | AddressType::Usb) {
            return Err(xml_error("Invalid address for a USB device").at(el.place()));
        }
        if let Some(source) = el.child("source") {
            input.parse_source(source)?;
        }
        Ok(input)
    }

    fn format(&self, w: &mut Writer, cx: &FormatContext<'_>) {
        // Older peers do not know the keyboards that every machine has.
        if cx.flags.contains(FormatFlags::MIGRATABLE)
            && self.kind == InputType::Keyboard
            && matches!(self.bus, InputBus::Ps2 | InputBus::Xen)
        {
            return;
        }
        w.element(Self::ELEMENT, |w| {
            w.attr("type", self.kind);
            if self.bus != InputBus::None {
                w.attr("bus", self.bus);
            }
            w.attr_opt("model", self.model);
            self.virtio.format_child(w);
            w.element_if_any("source", |w| {
                w.attr_opt(if self.kind == InputType::Evdev { "dev" } else { "evdev" }, self.evdev.as_ref());
                w.attr_opt("grab", self.grab);
                w.attr_opt("grabToggle", self.grab_toggle);
                w.attr_on_off("repeat", self.repeat);
            });
            self.info.format(w, Takes::NOTHING);
        });
    }

    has_info!();

    fn fill(&mut self, domain: &Domain) -> Result<()> {
        if self.bus != InputBus::Default {
            return Ok(());
        }
        let x86 = domain.os.arch.is_x86() || domain.os.arch == Arch::None;
        self.bus = match (domain.os.os_type, self.kind) {
            (OsType::Hvm, InputType::Mouse | InputType::Keyboard) if x86 => InputBus::Ps2,
            (OsType::Hvm, _) if domain.os.arch.is_s390() => InputBus::Virtio,
            (OsType::Hvm, InputType::Passthrough) => InputBus::Virtio,
            (OsType::Hvm, InputType::Evdev) => InputBus::None,
            (OsType::Hvm, _) => InputBus::Usb,
            (OsType::Xen | OsType::Linux | OsType::Xenpvh, _) => InputBus::Xen,
            (OsType::Exe | OsType::Uml, _)
                if matches!(domain.virt_type, VirtType::Vz | VirtType::Parallels) =>
            {
                InputBus::Parallels
            }
            (OsType::Exe | OsType::Uml, _) => InputBus::Default,
        };
        Ok(())
    }

    fn validate(&self, domain: &Domain) -> Result<()> {
        let pointer_or_keyboard = matches!(self.kind, InputType::Mouse | InputType::Keyboard);
        let bus_refuses =
            |bus: &str| Err(internal(format!("{bus} bus does not support {} input device", self.kind)));
        match domain.os.os_type {
            OsType::Hvm => {
                if self.bus == InputBus::Ps2 && !pointer_or_keyboard {
                    return bus_refuses("ps2");
                }
                if self.bus == InputBus::Xen {
                    return Err(internal(format!("unsupported input bus {}", self.bus)));
                }
            }
            OsType::Xen | OsType::Linux | OsType::Xenpvh => {
                if self.bus != InputBus::Xen {
                    return Err(internal(format!("unsupported input bus {}", self.bus)));
                }
                if !pointer_or_keyboard {
                    return bus_refuses("xen");
                }
            }
            OsType::Exe | OsType::Uml => {
                if !matches!(domain.virt_type, VirtType::Vz | VirtType::Parallels) {
                    return Err(internal("Input devices are not supported by this virtualization driver."));
                }
                if self.bus != InputBus::Parallels {
                    return Err(internal(format!(
                        "parallels containers don't support input bus {}",
                        self.bus
                    )));
                }
                if !pointer_or_keyboard {
                    return bus_refuses("parallels");
                }
            }
        }
        match self.kind {
            InputType::Mouse | InputType::Tablet | InputType::Keyboard if self.evdev.is_some() => {
                Err(unsupported("setting source evdev path only supported for passthrough input devices"))
            }
            InputType::Passthrough if self.bus != InputBus::Virtio => {
                Err(unsupported("only bus 'virtio' is supported for 'passthrough' input devices"))
            }
            InputType::Evdev if self.bus != InputBus::None => {
                Err(unsupported("input evdev doesn't support bus element"))
            }
            _ => match self.model {
                Some(model) if self.bus != InputBus::Virtio => {
                    Err(unsupported(format!("only bus 'virtio' is supported for input model '{model}'")))
                }
                _ => Ok(()),
            },
        }
    }

    fn same_device(&self, other: &Self) -> bool {
        self.kind == other.kind && self.bus == other.bus && self.evdev == other.evdev
    }
}

impl Input {
    /// An input device that every machine of a kind has.
    #[must_use]
    pub fn implicit(kind: InputType, bus: InputBus) -> Self {
        Self { kind, bus, ..Self::default() }
    }

    fn parse_source(&mut self, source: Element<'_>) -> Result<()> {
        let path = match self.kind {
            InputType::Passthrough => source.attr("evdev"),
            InputType::Evdev => source.attr("dev"),
            InputType::Mouse | InputType::Tablet | InputType::Keyboard => return Ok(()),
        };
        let path = path.ok_or_else(|| xml_error("Missing evdev path for input device").at(source.place()))?;
        self.evdev = Some(sanitize_path(path));
        if self.kind == InputType::Evdev {
            self.grab = source.attr_enum("grab")?;
            self.grab_toggle = source.attr_enum("grabToggle")?;
            self.repeat = source.attr_on_off("repeat")?;
        }
        Ok(())
    }
}

grammar! {
    GRAMMAR = [
        Must("type", OneOf(InputType::NAMES)), Attr("bus", OneOf(InputBus::NAMES)), Attr("model", OneOf(InputModel::NAMES)),
        Opt("driver", crate::common::virtio_driver::VIRTIO),
        Opt("source", &[
            Attr("evdev", PATH), Attr("dev", PATH), Attr("grab", OneOf(InputGrab::NAMES)),
            Attr("grabToggle", OneOf(GrabToggle::NAMES)), Attr("repeat", OnOff),
        ]),
        With(crate::common::device_info::INFO),
    ];
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::*;

    #[test]
    fn forms_come_back_canonical() {
        check::<Input>("<input type='mouse' bus='ps2'/>", "<input type='mouse' bus='ps2'/>");
        check::<Input>("<input type='tablet'/>", "<input type='tablet' bus='usb'/>");
        check::<Input>("<input type='keyboard'/>", "<input type='keyboard' bus='ps2'/>");
        check::<Input>(
            "<input type='evdev'><source dev='/dev//input/event1' grab='all' repeat='on' grabToggle='alt-alt'/></input>",
            "<input type='evdev'>\n  <source dev='/dev/input/event1' grab='all' grabToggle='alt-alt' repeat='on'/>\n</input>",
        );
    }

    #[test]
    fn wrong_forms_are_refused() {
        for (xml, expected) in [
            ("<input/>", "internal error: missing input device type"),
            ("<input type='joystick'/>", "unsupported configuration: unknown input device type 'joystick'"),
            (
                "<input type='tablet' bus='ps2'/>",
                "internal error: ps2 bus does not support tablet input device",
            ),
            ("<input type='passthrough'><source/></input>", "XML error: Missing evdev path for input device"),
            (
                "<input type='mouse' bus='usb' model='virtio'/>",
                "unsupported configuration: only bus 'virtio' is supported for input model 'virtio'",
            ),
        ] {
            check::<Input>(xml, expected);
        }
    }
}
