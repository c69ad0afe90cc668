//! One check for all devices: what a document comes to.

use virt_types::Arch;
use virt_xml::{Document, Writer};

use super::{Device, FormatContext, ParseContext};
use crate::domain::{Domain, VirtType};
use crate::{FormatFlags, ParseFlags, Result};

/// Reads a device of an x86_64 `kvm` domain, completes and checks it, and compares its canonical form, or the
/// sentence of its refusal.
pub(crate) fn check<T: Device>(xml: &str, expected: &str) {
    let written = canonical::<T>(xml).unwrap_or_else(|error| error.to_string());
    assert_eq!(written.trim_end(), expected, "{xml}");
}

fn canonical<T: Device>(xml: &str) -> Result<String> {
    let mut domain = Domain { virt_type: VirtType::Kvm, ..Domain::default() };
    domain.os.arch = Arch::X86_64;
    domain.os.machine = Some("pc-q35-7.2".to_owned());
    let document = Document::parse(xml)?;
    let mut device =
        T::parse(document.root(), &ParseContext { flags: ParseFlags::INACTIVE, domain: &domain })?;
    device.fill(&domain)?;
    device.validate(&domain)?;
    let mut w = Writer::new();
    device.format(&mut w, &FormatContext { flags: FormatFlags::INACTIVE, domain: &domain });
    Ok(w.finish())
}
