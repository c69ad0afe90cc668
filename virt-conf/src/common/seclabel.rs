//! `<seclabel>` of a single image or character device, which overrides the domain's.

use virt_types::{ErrorCode, ErrorDomain};
use virt_xml::{Element, Writer};

use crate::domain::Domain;
use crate::error::{unsupported, xml_error};
use crate::{FormatFlags, ParseFlags, Result};

/// The longest label that a security driver takes, bytes.
const MAX_LABEL: usize = 4096;

/// A security label of one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceSeclabel {
    /// `model`: which security driver it is for; absent for the first.
    pub model: Option<String>,
    /// `relabel`: whether the resource is relabelled for the guest.
    pub relabel: bool,
    /// `labelskip`: relabelling was tried and is not possible; only of a running domain.
    pub labelskip: bool,
    /// `<label>`.
    pub label: Option<String>,
}

impl Default for DeviceSeclabel {
    fn default() -> Self {
        Self { model: None, relabel: true, labelskip: false, label: None }
    }
}

impl DeviceSeclabel {
    /// Reads the `<seclabel>` children of an element.
    ///
    /// # Errors
    /// For two labels of one model, and for contradictions.
    pub fn parse_all(parent: Element<'_>, flags: ParseFlags) -> Result<Vec<Self>> {
        if flags.contains(ParseFlags::SKIP_SECLABEL) {
            return Ok(Vec::new());
        }
        let mut labels: Vec<Self> = Vec::new();
        for el in parent.children_named("seclabel") {
            let label = Self::parse(el, flags)?;
            if let Some(model) = &label.model
                && labels.iter().any(|other| other.model.as_ref() == Some(model))
            {
                let detail = format!("seclabel for model {model} is already provided");
                return Err(el.error(ErrorCode::XmlDetail, ErrorDomain::Domain, detail));
            }
            labels.push(label);
        }
        Ok(labels)
    }

    fn parse(el: Element<'_>, flags: ParseFlags) -> Result<Self> {
        let inactive = flags.contains(ParseFlags::INACTIVE);
        let model = el.attr("model").map(str::to_owned);
        let relabel = el.attr_yes_no("relabel")?;
        let labelskip = match inactive {
            true => false,
            false => el.attr_yes_no("labelskip")?.unwrap_or(false),
        };
        let label = el.child_text("label").filter(|label| label.len() < MAX_LABEL);
        let shown = model.as_deref().unwrap_or("<null>");
        if label.is_some() && relabel == Some(false) {
            let detail = format!("Cannot specify a label if relabelling is turned off. model={shown}");
            return Err(xml_error(detail).at(el.place()));
        }
        if inactive && relabel == Some(true) && label.is_none() {
            let detail = format!("Cannot specify relabel if label is missing. model={shown}");
            return Err(xml_error(detail).at(el.place()));
        }
        Ok(Self { model, relabel: relabel.unwrap_or(true), labelskip, label })
    }

    /// Refuses overrides where the domain keeps its sources from being labelled.
    ///
    /// # Errors
    /// `VIR_ERR_CONFIG_UNSUPPORTED`.
    pub fn validate_all(labels: &[Self], domain: &Domain) -> Result<()> {
        let fixed = |label: &Self| {
            domain.seclabels.iter().any(|of_domain| of_domain.model == label.model && !of_domain.relabel)
        };
        if labels.iter().any(fixed) {
            return Err(unsupported("label overrides require relabeling to be enabled at the domain level"));
        }
        Ok(())
    }

    /// Writes the element.
    pub fn format(&self, w: &mut Writer, flags: FormatFlags) {
        if flags.contains(FormatFlags::INACTIVE) && self.label.is_none() && self.relabel {
            return;
        }
        w.element("seclabel", |w| {
            w.attr_opt("model", self.model.as_ref());
            match self.labelskip {
                true => w.attr("labelskip", "yes"),
                false => w.attr_yes_no("relabel", Some(self.relabel)),
            }
            w.text_element_opt("label", self.label.as_ref());
        });
    }
}

grammar! {
    /// `<seclabel>` within a device.
    pub SECLABELS = [Many("seclabel", &[
        Attr("model", Str), Attr("relabel", YesNo), Attr("labelskip", YesNo), Opt("label", TEXT),
    ])];
}
