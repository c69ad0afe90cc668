//! Several cards that act as one, by the files of the bonding driver (`Documentation/networking/bonding.rst`).

use virt_conf::interface::{ArpValidate, Bond, BondMode, BondMonitor, MiiCarrier};
use virt_types::{Result, TextEnum};

use crate::error::internal;
use crate::links::{Files, HostInterfaces};

pub(crate) fn describe(interfaces: &HostInterfaces, files: &Files<'_>) -> Result<Bond> {
    let number = |file: &str| files.number(&format!("bonding/{file}"));
    let (down_delay, up_delay) = (number("downdelay")?, number("updelay")?);
    let (frequency, interval) = (number("miimon")?, number("arp_interval")?);
    let mode = numbered::<BondMode>(files, "bonding/mode", 0)?;
    let validate = numbered::<ArpValidate>(files, "bonding/arp_validate", 1)?;
    let carrier = usize::try_from(number("use_carrier")?).ok().and_then(nth::<MiiCarrier>);
    let target = files.required("bonding/arp_ip_target")?;
    let monitor = if interval > 0 {
        Some(BondMonitor::Arp { interval, target, validate })
    } else if frequency > 0 {
        Some(BondMonitor::Mii { frequency, down_delay, up_delay, carrier })
    } else {
        None
    };
    let mut ports = Vec::new();
    for entry in files.entries("") {
        // The driver keeps a link of such a name for each of them.
        let Some(port) = entry.strip_prefix("slave_") else { continue };
        ports.push(interfaces.part(port, files.name, "a part of bond")?);
    }
    Ok(Bond { mode, monitor, ports })
}

/// A value whose file says its name and its number. `first` is the number of the first value that libvirt has a name for.
fn numbered<T: TextEnum>(files: &Files<'_>, file: &str, first: usize) -> Result<Option<T>> {
    let text = files.required(file)?;
    let number = text.split_whitespace().nth(1).and_then(|number| number.parse::<usize>().ok());
    let number =
        number.ok_or_else(|| internal(format!("Invalid format for '{file}' for '{}'", files.name)))?;
    Ok(number.checked_sub(first).and_then(nth))
}

fn nth<T: TextEnum>(number: usize) -> Option<T> {
    T::SPELLINGS.get(number).map(|(value, _)| *value)
}
