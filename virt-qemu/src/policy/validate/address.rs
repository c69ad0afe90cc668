//! Addresses that QEMU, or this build of it, can not have.

use virt_conf::Result;
use virt_conf::common::{Address, DeviceInfo};
use virt_conf::domain::Domain;

use crate::caps::{Cap, Capabilities};
use crate::error::unsupported;
use crate::machine;

/// Registers of the VIO bus have 32 bits.
const MAX_VIO_REGISTER: u64 = 0xffff_ffff;

/// Checks a device's address whatever the kind of device.
pub(in crate::policy) fn check(info: &DeviceInfo, domain: &Domain, caps: &Capabilities) -> Result<()> {
    match &info.address {
        Address::Pci(pci) => {
            if (pci.zpci.uid.is_some() || pci.zpci.fid.is_some()) && !caps.has(Cap::Zpci) {
                return Err(unsupported("This QEMU binary doesn't support zPCI"));
            }
            Ok(())
        }
        Address::SpaprVio(vio) => match vio.reg.filter(|reg| *reg > MAX_VIO_REGISTER) {
            Some(reg) => Err(unsupported(format!(
                "spapr-vio reg='{reg:#x}' exceeds maximum possible value (0xffffffff)"
            ))),
            None => Ok(()),
        },
        Address::Ccw(_) if !machine::is_s390_ccw(domain) => Err(unsupported(format!(
            "CCW addresses are not supported by machine type '{}'",
            domain.os.machine.as_deref().unwrap_or_default()
        ))),
        Address::VirtioS390 => Err(unsupported("'virtio-s390' addresses are no longer supported")),
        // Places on controllers are checked with what is attached there.
        Address::None
        | Address::Ccw(_)
        | Address::Drive(_)
        | Address::VirtioSerial(_)
        | Address::Ccid(_)
        | Address::Usb(_)
        | Address::VirtioMmio
        | Address::Isa(_)
        | Address::Dimm(_)
        | Address::Unassigned => Ok(()),
    }
}
