//! A `<cpu>` that is a document of its own: a host's, or what a guest wants.

use virt_types::{Arch, TextEnum};
use virt_xml::{Document, Writer};

use super::{Cpu, CpuFeature, FeaturePolicy};
use crate::Result;
use crate::error::{unsupported, xml_error};

/// A `<cpu>` document, as comparing CPUs and finding a baseline take it.
///
/// ```
/// use virt_conf::domain::CpuDescription;
/// let host = CpuDescription::parse("<cpu><arch>x86_64</arch><model>kvm64</model><feature name='x2apic'/></cpu>")?;
/// assert!(host.host);
/// assert_eq!(host.cpu.model.as_deref(), Some("kvm64"));
/// assert!(!CpuDescription::parse("<cpu match='exact'><model>kvm64</model></cpu>")?.host);
/// # Ok::<(), virt_conf::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CpuDescription {
    /// Whether it is a host's: such name their architecture and only have features.
    pub host: bool,
    /// `<arch>` of a host's.
    pub arch: Arch,
    /// Model and features.
    pub cpu: Cpu,
}

impl CpuDescription {
    /// Reads a document, which is a host's if it names an architecture.
    ///
    /// # Errors
    /// `VIR_ERR_XML_ERROR` or `VIR_ERR_CONFIG_UNSUPPORTED` for a document that is wrong.
    pub fn parse(xml: &str) -> Result<Self> {
        Self::parse_as(xml, None)
    }

    /// Reads a host's document.
    ///
    /// # Errors
    /// As [`CpuDescription::parse`].
    pub fn parse_host(xml: &str) -> Result<Self> {
        Self::parse_as(xml, Some(true))
    }

    fn parse_as(xml: &str, host: Option<bool>) -> Result<Self> {
        let document = Document::parse(xml)?;
        let root = document.root();
        if root.name() != "cpu" {
            return Err(xml_error("XML does not contain expected 'cpu' element").at(root.place()));
        }
        let arch = root.child_text("arch");
        if host.is_none() && arch.is_some() && root.attr("match").is_some() {
            let detail = "'arch' element cannot be used inside 'cpu' element with 'match' attribute'";
            return Err(xml_error(detail).at(root.place()));
        }
        let host = host.unwrap_or_else(|| arch.is_some());
        if !host {
            return Ok(Self { host, arch: Arch::None, cpu: Cpu::parse_element(root)? });
        }
        if root.attr("mode").is_some() {
            return Err(unsupported("Attribute mode is only allowed for guest CPU").at(root.place()));
        }
        let arch = arch.ok_or_else(|| xml_error("Missing CPU architecture").at(root.place()))?;
        let known = Arch::from_text(&arch).filter(|arch| *arch != Arch::None);
        let arch =
            known.ok_or_else(|| unsupported(format!("Unknown architecture {arch}")).at(root.place()))?;
        if root.child_text("model").is_none() {
            return Err(xml_error("Missing CPU model name").at(root.place()));
        }
        let mut cpu = Cpu::parse_element(root)?;
        cpu.matching = None;
        Ok(Self { host, arch, cpu })
    }

    /// Features with what is said of them; all that a host names it has.
    pub fn features(&self) -> impl Iterator<Item = (&str, FeaturePolicy)> {
        let policy = |said| if self.host { FeaturePolicy::Require } else { said };
        self.cpu.features.iter().map(move |feature| (feature.name.as_str(), policy(feature.policy)))
    }

    /// The features as a guest's document says them.
    #[must_use]
    pub fn required(&self) -> Vec<CpuFeature> {
        self.features().map(|(name, policy)| CpuFeature { name: name.to_owned(), policy }).collect()
    }
}

impl Cpu {
    /// The CPU of a guest as a document of its own.
    #[must_use]
    pub fn to_xml(&self) -> String {
        let mut w = Writer::new();
        self.format_element(&mut w);
        w.finish()
    }

    /// Writes the element without what a domain's has of NUMA nodes.
    pub fn format_element(&self, w: &mut Writer) {
        w.element("cpu", |w| {
            self.format_attributes(w);
            self.format_content(w);
        });
    }
}

#[cfg(test)]
mod tests {
    use virt_types::ErrorCode;

    use super::*;

    #[test]
    fn wrong_documents_are_refused() {
        for (xml, code) in [
            ("<domain/>", ErrorCode::XmlError),
            ("<cpu match='exact'><arch>x86_64</arch><model>kvm64</model></cpu>", ErrorCode::XmlError),
            ("<cpu><arch>x86_64</arch></cpu>", ErrorCode::XmlError),
            ("<cpu><arch>z80</arch><model>m</model></cpu>", ErrorCode::ConfigUnsupported),
            ("<cpu mode='custom'><arch>x86_64</arch><model>m</model></cpu>", ErrorCode::ConfigUnsupported),
        ] {
            assert_eq!(CpuDescription::parse(xml).unwrap_err().code(), code, "{xml}");
        }
        assert_eq!(CpuDescription::parse_host("<cpu/>").unwrap_err().detail(), "Missing CPU architecture");
    }
}
