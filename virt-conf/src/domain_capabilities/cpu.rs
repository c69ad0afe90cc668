//! `<cpu>`: where a guest's CPU can come from.

use virt_types::text_enum;
use virt_xml::Writer;

use super::Section;
use crate::domain::Cpu;

/// `<cpu>`
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CpuModes {
    /// `<mode name='host-passthrough'>`
    pub host_passthrough: Section,
    /// `<mode name='maximum'>`
    pub maximum: Section,
    /// `<mode name='host-model'>`: the model that a guest would get.
    pub host_model: Option<Cpu>,
    /// `<mode name='custom'>`: the models by name.
    pub custom: Vec<CustomModel>,
}

text_enum! {
    /// Whether this host can run a model.
    pub enum Usable { Unknown = "unknown", Yes = "yes", No = "no" }
}

/// A model that a document may name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomModel {
    /// Its name.
    pub name: String,
    /// `usable`
    pub usable: Usable,
    /// `deprecated`: whether the hypervisor will drop it.
    pub deprecated: bool,
    /// `vendor`; absent where it is nobody's.
    pub vendor: Option<&'static str>,
}

impl CpuModes {
    pub(super) fn format(&self, w: &mut Writer) {
        w.element("cpu", |w| {
            self.host_passthrough.format_named("mode", "host-passthrough", w);
            self.maximum.format_named("mode", "maximum", w);
            w.element("mode", |w| {
                w.attr("name", "host-model");
                w.attr_yes_no("supported", Some(self.host_model.is_some()));
                if let Some(cpu) = &self.host_model {
                    cpu.format_content(w);
                }
            });
            w.element("mode", |w| {
                w.attr("name", "custom");
                w.attr_yes_no("supported", Some(!self.custom.is_empty()));
                self.custom.iter().for_each(|model| model.format(w));
            });
        });
    }
}

impl CustomModel {
    fn format(&self, w: &mut Writer) {
        let attributes = |w: &mut Writer| {
            w.attr("usable", self.usable);
            w.attr_opt("deprecated", self.deprecated.then_some("yes"));
            w.attr("vendor", self.vendor.unwrap_or("unknown"));
        };
        w.text_element_with("model", attributes, &self.name);
    }
}
