//! Firmware and boot settings that do not fit the machine.

use virt_conf::Result;
use virt_conf::domain::{Domain, Firmware, LoaderType};
use virt_types::Arch;

use crate::caps::Capabilities;
use crate::error::{unsupported, xml_error};
use crate::machine;

fn is_uefi(domain: &Domain) -> bool {
    let loader = domain.os.loader.as_ref();
    domain.os.firmware == Some(Firmware::Efi)
        || loader.is_some_and(|loader| loader.kind == Some(LoaderType::Pflash))
}

/// Not every machine has ACPI, and on ARM it takes UEFI.
pub(super) fn acpi(domain: &Domain, caps: &Capabilities) -> Result<()> {
    let machine = domain.os.machine.as_deref().unwrap_or_default();
    let found = caps.machine(domain.virt_type, machine);
    if domain.features.acpi && found.is_some_and(|machine| machine.acpi == Some(false)) {
        return Err(unsupported(format!("machine type '{machine}' does not support ACPI")));
    }
    if domain.features.acpi && domain.os.arch == Arch::Aarch64 && !is_uefi(domain) {
        return Err(unsupported("ACPI requires UEFI on this architecture"));
    }
    Ok(())
}

pub(super) fn needs_acpi(domain: &Domain) -> Result<()> {
    if is_uefi(domain) && domain.os.arch.is_x86() && !domain.features.acpi {
        return Err(
            unsupported("UEFI requires ACPI on this architecture").with_hint("add <acpi/> to <features>")
        );
    }
    Ok(())
}

pub(super) fn serial_output(domain: &Domain) -> Result<()> {
    if domain.os.bios.useserial != Some(true) {
        return Ok(());
    }
    if !domain.os.arch.is_x86() {
        return Err(unsupported("BIOS serial console only supported on x86 architectures"));
    }
    if !domain.devices.iter().any(|device| device.kind().element() == "serial") {
        return Err(xml_error("need at least one serial port to use BIOS serial output"));
    }
    Ok(())
}

pub(super) fn boot(domain: &Domain) -> Result<()> {
    if domain.bootloader.is_some() || domain.bootloader_args.is_some() {
        return Err(unsupported("bootloader is not supported by QEMU"));
    }
    let secure = domain.os.loader.as_ref().is_some_and(|loader| loader.secure == Some(true));
    if !secure {
        return Ok(());
    }
    if !machine::is_q35(domain) {
        return Err(unsupported("Secure boot is supported with q35 machine types only"));
    }
    if domain.os.arch != Arch::X86_64 {
        return Err(unsupported("Secure boot is supported for x86_64 architecture only"));
    }
    // A firmware that is chosen brings what it needs.
    let smm = domain.features.smm.is_some_and(|smm| smm.state);
    if domain.os.firmware.is_none() && !smm {
        return Err(unsupported("Secure boot requires SMM feature enabled"));
    }
    Ok(())
}
