//! The first console and the first serial port of a fully virtualized guest, which are one thing under two names.

use std::collections::BTreeSet;

use crate::Result;
use crate::domain::device::{Console, ConsoleTarget, Serial, SerialTarget};
use crate::domain::{DeviceMut, Domain, OsType};
use crate::error::{internal, unsupported};

/// How many ISA serial ports a PC has.
const MAX_ISA_PORTS: u32 = 4;

impl Domain {
    /// Numbers the serial ports that were written as `isa-serial`.
    ///
    /// # Errors
    /// For more than a PC has, and for a number that two ports want.
    pub(super) fn number_isa_serials(&mut self) -> Result<()> {
        let isa = |serial: &&mut Serial| serial.target == SerialTarget::Isa;
        let mut used = BTreeSet::new();
        for (count, serial) in self.devices.serials.iter_mut().filter(isa).enumerate() {
            if count >= MAX_ISA_PORTS as usize || serial.port.is_some_and(|port| port >= MAX_ISA_PORTS) {
                return Err(internal(format!(
                    "Maximum supported number of ISA serial ports is '{MAX_ISA_PORTS}'"
                )));
            }
            if let Some(port) = serial.port
                && !used.insert(port)
            {
                return Err(internal(format!("target port '{port}' already allocated")));
            }
        }
        for serial in self.devices.serials.iter_mut().filter(isa) {
            if serial.port.is_none() {
                serial.port = (0..MAX_ISA_PORTS).find(|port| used.insert(*port));
            }
        }
        Ok(())
    }

    /// Makes the first console and the first serial port stand for each other.
    ///
    /// A console without a serial port becomes one; a serial port of the kinds that a console can be on gets a console.
    ///
    /// # Errors
    /// Where a later console claims to be a serial port.
    pub(super) fn pair_console_and_serial(&mut self) -> Result<()> {
        let hvm = self.os.os_type == OsType::Hvm;
        let devices = &mut self.devices;
        if devices.consoles.iter().skip(1).any(|console| console.target == ConsoleTarget::Serial) {
            return Err(unsupported("Only the first console can be a serial port"));
        }
        if !hvm {
            return Ok(());
        }
        let stub = || Console { target: ConsoleTarget::Serial, ..Console::default() };
        match (devices.consoles.first_mut(), devices.serials.first()) {
            (Some(console), None) if console.is_serial() => {
                let console = std::mem::replace(console, stub());
                devices.serials.push(Serial {
                    chardev: console.chardev,
                    port: Some(0),
                    info: console.info,
                    ..Serial::default()
                });
            }
            (Some(console), Some(serial)) if console.is_serial() => {
                let same = console.chardev.source.same(&serial.chardev.source);
                *console = if same { std::mem::take(console) } else { stub() };
            }
            (_, Some(serial)) if can_hold_console(serial.target) => devices.consoles.insert(0, stub()),
            _ => {}
        }
        Ok(())
    }

    /// Runs a step on the first serial port alone: pairing may have added it after all devices were filled.
    ///
    /// # Errors
    /// That of the step.
    pub(super) fn fill_first_serial(
        &mut self,
        step: impl FnOnce(DeviceMut<'_>, &Self) -> Result<()>,
    ) -> Result<()> {
        let Some(first) = self.devices.serials.first_mut() else { return Ok(()) };
        let mut serial = std::mem::take(first);
        let outcome = step(DeviceMut::Serial(&mut serial), self);
        self.devices.serials[0] = serial;
        outcome
    }
}

const fn can_hold_console(target: SerialTarget) -> bool {
    match target {
        SerialTarget::None
        | SerialTarget::Isa
        | SerialTarget::SpaprVio
        | SerialTarget::System
        | SerialTarget::Sclp => true,
        SerialTarget::Usb | SerialTarget::Pci | SerialTarget::IsaDebug => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FormatFlags, ParseFlags};

    fn domain(devices: &str) -> Domain {
        let xml = format!(
            "<domain type='qemu'><name>a</name><os><type arch='x86_64'>hvm</type></os><devices>{devices}</devices></domain>"
        );
        Domain::parse(&xml, ParseFlags::INACTIVE).unwrap()
    }

    fn ports(domain: &Domain) -> (Vec<Option<u32>>, Vec<ConsoleTarget>) {
        (
            domain.devices.serials.iter().map(|serial| serial.port).collect(),
            domain.devices.consoles.iter().map(|console| console.target).collect(),
        )
    }

    #[test]
    fn a_console_and_a_serial_port_are_one() {
        use ConsoleTarget::{Serial, Virtio};
        for (devices, serials, consoles) in [
            ("<console type='pty'/>", vec![Some(0)], vec![Serial]),
            ("<serial type='pty'/>", vec![None], vec![Serial]),
            ("<serial><target type='usb-serial'/></serial>", vec![None], vec![]),
            ("<serial/><console><target type='virtio'/></console>", vec![None], vec![Serial, Virtio]),
            ("<console><target type='virtio'/></console>", vec![], vec![Virtio]),
        ] {
            let mut domain = domain(devices);
            domain.pair_console_and_serial().unwrap();
            assert_eq!(ports(&domain), (serials, consoles), "{devices}");
        }
    }

    #[test]
    fn the_first_console_is_shown_as_its_serial_port() {
        let mut domain =
            domain("<serial type='file'><source path='/a'/><target port='3'/></serial><console type='pty'/>");
        domain.pair_console_and_serial().unwrap();
        let xml = domain.format(FormatFlags::INACTIVE);
        let console =
            "<console type='file'>\n      <source path='/a'/>\n      <target type='serial' port='3'/>\n";
        assert!(xml.contains(console), "{xml}");
    }

    #[test]
    fn a_second_console_can_not_be_a_serial_port() {
        let mut domain = domain("<console/><console><target type='serial'/></console>");
        let error = domain.pair_console_and_serial().unwrap_err();
        assert_eq!(
            error.to_string(),
            "unsupported configuration: Only the first console can be a serial port"
        );
    }

    #[test]
    fn isa_ports_are_numbered_around_those_in_use() {
        let isa = |port: &str| format!("<serial><target type='isa-serial' {port}/></serial>");
        let mut numbered = domain(&[isa(""), isa("port='0'"), isa("")].concat());
        numbered.number_isa_serials().unwrap();
        assert_eq!(ports(&numbered).0, [Some(1), Some(0), Some(2)]);
        for (devices, expected) in [
            (isa("").repeat(5), "internal error: Maximum supported number of ISA serial ports is '4'"),
            (isa("port='4'"), "internal error: Maximum supported number of ISA serial ports is '4'"),
            (isa("port='2'").repeat(2), "internal error: target port '2' already allocated"),
        ] {
            assert_eq!(domain(&devices).number_isa_serials().unwrap_err().to_string(), expected);
        }
    }
}
