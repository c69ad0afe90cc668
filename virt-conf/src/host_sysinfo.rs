//! `<sysinfo type='smbios'>` of a host: what its firmware says of it.

use virt_xml::Writer;

/// What firmware says of a host, for people to read.
///
/// ```
/// use virt_conf::host_sysinfo::HostSysinfo;
/// let sysinfo = HostSysinfo {
///     tables: vec![("bios", vec![("vendor", "Example".to_owned())]), ("chassis", Vec::new())],
///     oem_strings: Vec::new(),
/// };
/// let xml = "<sysinfo type='smbios'>\n  <bios>\n    <entry name='vendor'>Example</entry>\n  </bios>\n</sysinfo>\n";
/// assert_eq!(sysinfo.format(), xml);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HostSysinfo {
    /// Elements with their entries, in the order of output; those without entries are left out.
    pub tables: Vec<(&'static str, Vec<(&'static str, String)>)>,
    /// `<oemStrings>`
    pub oem_strings: Vec<String>,
}

impl HostSysinfo {
    /// The document as libvirt writes it.
    #[must_use]
    pub fn format(&self) -> String {
        let mut w = Writer::new();
        w.element("sysinfo", |w| {
            w.attr("type", "smbios");
            for (name, entries) in self.tables.iter().filter(|(_, entries)| !entries.is_empty()) {
                w.element(name, |w| {
                    for (name, value) in entries {
                        w.text_element_with("entry", |w| w.attr("name", name), value);
                    }
                });
            }
            w.element_if_any("oemStrings", |w| {
                self.oem_strings.iter().for_each(|text| w.text_element("entry", text));
            });
        });
        w.finish()
    }
}
