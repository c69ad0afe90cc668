//! CPU documents outside of domains.

use virt_types::{Error, ErrorCode, ErrorDomain, Result};
use virt_xml::{Document, Element};

use crate::driver::host;

/// The best CPU that guests can have on every host that a document describes: a `<cpu>` of a host, or an element with several
/// of them or of hosts' capabilities in it.
///
/// ```
/// let hosts = "<hosts><cpu><arch>x86_64</arch><model>Haswell</model></cpu>\
///              <cpu><arch>x86_64</arch><model>SandyBridge</model></cpu></hosts>";
/// assert!(virt_qemu::cpu::baseline(hosts)?.contains("<model fallback='allow'>SandyBridge</model>"));
/// # Ok::<(), virt_types::Error>(())
/// ```
///
/// # Errors
/// `VIR_ERR_XML_ERROR` for a document that describes none; `VIR_ERR_OPERATION_FAILED` where they have nothing in common; for
/// models and features that are not known.
pub fn baseline(document: &str) -> Result<String> {
    let document = Document::parse(document)?;
    let mut cpus = Vec::new();
    collect(document.root(), &mut cpus);
    if cpus.is_empty() {
        let detail = "the document describes no host's CPU";
        return Err(Error::new(ErrorCode::XmlError, ErrorDomain::Cpu, detail).at(document.root().place()));
    }
    host::baseline(&cpus, 0)
}

fn collect(element: Element<'_>, cpus: &mut Vec<String>) {
    if element.is("cpu") {
        cpus.push(element.source().to_owned());
        return;
    }
    element.children().for_each(|child| collect(child, cpus));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_found_wherever_they_stand() {
        let haswell = "<cpu><arch>x86_64</arch><model>Haswell</model></cpu>";
        for (document, expected) in [
            (haswell.to_owned(), Ok(())),
            (format!("<capabilities><host>{haswell}</host></capabilities>"), Ok(())),
            ("<cpus/>".to_owned(), Err(ErrorCode::XmlError)),
            ("<cpu><model>Haswell</model></cpu>".to_owned(), Err(ErrorCode::XmlError)),
        ] {
            assert_eq!(baseline(&document).map(drop).map_err(|error| error.code()), expected, "{document}");
        }
    }
}
