//! `<seclabel>`: the security label of a whole guest.

use virt_types::{ErrorCode, ErrorDomain, text_enum};
use virt_xml::{Element, Writer};

use crate::error::{unsupported, xml_error};
use crate::{ParseFlags, Result};

text_enum! {
    /// `type`: who chooses the label.
    pub enum SeclabelType { #[default] None = "none", Dynamic = "dynamic", Static = "static" }
}

/// `<seclabel>`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seclabel {
    /// `model`: the security driver; absent for the host's first one.
    pub model: Option<String>,
    /// `type`
    pub kind: SeclabelType,
    /// `relabel`: whether the guest's files are relabelled.
    pub relabel: bool,
    /// `<label>`
    pub label: Option<String>,
    /// `<imagelabel>`: in a running guest.
    pub imagelabel: Option<String>,
    /// `<baselabel>`
    pub baselabel: Option<String>,
}

/// Longest model name and label that libvirt takes.
const MODEL_LIMIT: usize = 256;
const LABEL_LIMIT: usize = 4096;

impl Seclabel {
    pub(super) fn parse_all(domain: Element<'_>, flags: ParseFlags) -> Result<Vec<Self>> {
        let mut labels: Vec<Self> = Vec::new();
        if flags.contains(ParseFlags::SKIP_SECLABEL) {
            return Ok(labels);
        }
        for el in domain.children_named("seclabel") {
            let label = Self::parse(el, flags)?;
            if labels.iter().any(|other| other.model == label.model) {
                let model = label.model.unwrap_or_default();
                let detail = format!("seclabel for model {model} is already provided");
                return Err(el.error(ErrorCode::XmlDetail, ErrorDomain::Domain, detail));
            }
            labels.push(label);
        }
        if labels.len() > 1 && labels.iter().any(|label| label.model.is_none()) {
            let detail = "missing security model when using multiple labels";
            return Err(xml_error(detail).at(domain.place()));
        }
        Ok(labels)
    }

    fn parse(el: Element<'_>, flags: ParseFlags) -> Result<Self> {
        let inactive = flags.contains(ParseFlags::INACTIVE);
        let model = el.attr("model").filter(|model| model.len() < MODEL_LIMIT).map(str::to_owned);
        let kind = el.attr_enum("type")?.unwrap_or(SeclabelType::Dynamic);
        let relabel = el.attr_yes_no("relabel")?.unwrap_or(kind == SeclabelType::Dynamic);
        match (kind, relabel) {
            (SeclabelType::Dynamic, false) => {
                let detail = "dynamic label type must use resource relabeling";
                return Err(unsupported(detail).at(el.place()));
            }
            (SeclabelType::None, true) => {
                let detail = "resource relabeling is not compatible with 'none' label type";
                return Err(unsupported(detail).at(el.place()));
            }
            _ => {}
        }
        let mut label = Self { model, kind, relabel, ..Self::default() };
        if label.model.as_deref() == Some("none") {
            if inactive {
                (label.kind, label.relabel) = (SeclabelType::None, false);
            } else if kind != SeclabelType::None {
                let detail = format!("unsupported type='{kind}' to model 'none'");
                return Err(unsupported(detail).at(el.place()));
            }
            return Ok(label);
        }
        let live = !inactive && kind != SeclabelType::None;
        let required = |name: &'static str, what: &str| {
            el.child_text(name)
                .filter(|text| text.len() < LABEL_LIMIT)
                .ok_or_else(|| xml_error(format!("security {what} is missing")).at(el.place()))
        };
        if kind == SeclabelType::Static || live {
            label.label = Some(required("label", "label")?);
        }
        if relabel && live {
            label.imagelabel = Some(required("imagelabel", "imagelabel")?);
        }
        if kind == SeclabelType::Dynamic {
            label.baselabel = el.child_text("baselabel").filter(|text| text.len() < LABEL_LIMIT);
        }
        Ok(label)
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.element("seclabel", |w| {
            w.attr("type", self.kind);
            w.attr_opt("model", self.model.as_ref());
            if self.kind == SeclabelType::None {
                return;
            }
            w.attr_yes_no("relabel", Some(self.relabel));
            w.text_element_opt("label", self.label.as_ref());
            w.text_element_opt("imagelabel", self.imagelabel.as_ref().filter(|_| self.relabel));
            let base = self.baselabel.as_ref().filter(|_| self.kind == SeclabelType::Dynamic);
            w.text_element_opt("baselabel", base);
        });
    }

    /// Gives the only label without a model the host's first one, as old documents mean it.
    ///
    /// # Errors
    /// `VIR_ERR_XML_ERROR` where a label without a model can not be meant for any host.
    pub fn complete_model(labels: &mut [Self], default: &str, flags: ParseFlags) -> Result<()> {
        let [label] = labels else { return Ok(()) };
        if label.model.is_some() {
            return Ok(());
        }
        let inactive = flags.contains(ParseFlags::INACTIVE);
        let any_host = match label.kind {
            SeclabelType::None => true,
            SeclabelType::Dynamic => label.baselabel.is_none() && inactive,
            SeclabelType::Static => false,
        };
        if !any_host {
            return Err(xml_error("missing security model in domain seclabel"));
        }
        label.model = Some(default.to_owned());
        if default == "none" && inactive {
            (label.kind, label.relabel) = (SeclabelType::None, false);
        }
        Ok(())
    }
}

grammar! {
    pub(super) GRAMMAR = [
        Attr("type", OneOf(SeclabelType::NAMES)), Attr("model", Str), Attr("relabel", YesNo), Opt("label", TEXT), Opt("imagelabel", TEXT), Opt("baselabel", TEXT),
    ];
}

#[cfg(test)]
mod tests {
    use virt_xml::Document;

    use super::*;

    fn parse(xml: &str) -> Result<Vec<Seclabel>> {
        Seclabel::parse_all(Document::parse(xml)?.root(), ParseFlags::INACTIVE)
    }

    #[test]
    fn what_is_read_is_written() {
        for (xml, written) in [
            ("<d><seclabel/></d>", "<seclabel type='dynamic' model='selinux' relabel='yes'/>\n"),
            (
                "<d><seclabel model='dac' type='static'><label>0:0</label></seclabel></d>",
                "<seclabel type='static' model='dac' relabel='no'>\n  <label>0:0</label>\n</seclabel>\n",
            ),
            ("<d><seclabel model='none' type='dynamic'/></d>", "<seclabel type='none' model='none'/>\n"),
        ] {
            let mut labels = parse(xml).unwrap();
            Seclabel::complete_model(&mut labels, "selinux", ParseFlags::INACTIVE).unwrap();
            let mut w = Writer::new();
            labels[0].format(&mut w);
            assert_eq!(w.finish(), written);
        }
    }

    #[test]
    fn contradictions_are_refused() {
        for (xml, code) in [
            ("<d><seclabel relabel='no'/></d>", ErrorCode::ConfigUnsupported),
            ("<d><seclabel type='none' relabel='yes'/></d>", ErrorCode::ConfigUnsupported),
            ("<d><seclabel type='static' model='dac'/></d>", ErrorCode::XmlError),
            ("<d><seclabel model='dac'/><seclabel model='dac'/></d>", ErrorCode::XmlDetail),
            ("<d><seclabel model='dac'/><seclabel/></d>", ErrorCode::XmlError),
        ] {
            assert_eq!(parse(xml).unwrap_err().code(), code, "{xml}");
        }
    }
}
