//! `<vcpu>` and `<vcpus>`: how many CPUs a guest has.

use std::collections::BTreeMap;

use virt_types::text_enum;
use virt_xml::number::{Base, parse_u32};
use virt_xml::{Element, Writer};

use crate::Result;
use crate::common::Bitmap;
use crate::error::{unsupported, xml_error};

/// CPUs that are given one by one are below this, so that a document of a line can not ask for gigabytes.
const INDIVIDUAL_LIMIT: u32 = 65_536;

text_enum! {
    /// Who places vCPUs on host CPUs.
    pub enum Placement { #[default] Static = "static", Auto = "auto" }
}

/// `<vcpu>` within `<vcpus>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Vcpu {
    /// `enabled`
    pub online: bool,
    /// `hotpluggable`
    pub hotpluggable: Option<bool>,
    /// `order`; 0 where not given.
    pub order: u32,
}

/// The CPUs of a guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vcpus {
    /// How many there may be.
    pub max: u32,
    /// How many there are, where they are not given one by one: use [`Vcpus::online_count`].
    pub current: u32,
    /// `placement`
    pub placement: Placement,
    /// `cpuset`
    pub cpuset: Option<Bitmap>,
    /// `<vcpus>`: the CPUs one by one, by id; those missing are offline.
    pub individual: Option<BTreeMap<u32, Vcpu>>,
}

impl Default for Vcpus {
    fn default() -> Self {
        Self { max: 1, current: 1, placement: Placement::Static, cpuset: None, individual: None }
    }
}

impl Vcpus {
    pub(super) fn parse(domain: Element<'_>) -> Result<Self> {
        let mut vcpus = Self::default();
        if let Some(el) = domain.child("vcpu") {
            vcpus.max = parse_u32(&el.text(), Base::Ten)
                .ok_or_else(|| xml_error("maximum vcpus count must be an integer").at(el.place()))?;
            vcpus.current = el.attr_u32("current", Base::Ten)?.unwrap_or(vcpus.max);
            vcpus.placement = el.attr_enum("placement")?.unwrap_or_default();
            if vcpus.placement != Placement::Auto {
                vcpus.cpuset = Bitmap::attr_nonempty(el, "cpuset")?;
            }
        }
        let individual = domain.child("vcpus").into_iter().flat_map(|el| el.children_named("vcpu"));
        if individual.clone().next().is_some() {
            vcpus.individual =
                Some(individual.map(|el| vcpus.parse_one(el)).collect::<Result<BTreeMap<_, _>>>()?);
        } else if vcpus.current > vcpus.max {
            let detail = "maximum vCPU count must not be less than current vCPU count";
            return Err(unsupported(detail).at(domain.place()));
        }
        Ok(vcpus)
    }

    fn parse_one(&self, el: Element<'_>) -> Result<(u32, Vcpu)> {
        let id = el.required("id", el.attr_u32("id", Base::Ten)?)?;
        if id >= self.max || id >= INDIVIDUAL_LIMIT {
            let detail = format!("vcpu id '{id}' is out of range of maximum vcpu count");
            return Err(xml_error(detail).at(el.place()));
        }
        let vcpu = Vcpu {
            online: el.required("enabled", el.attr_yes_no("enabled")?)?,
            hotpluggable: el.attr_yes_no("hotpluggable")?,
            order: el.attr_u32("order", Base::Ten)?.unwrap_or(0),
        };
        Ok((id, vcpu))
    }

    pub(super) fn format(&self, w: &mut Writer) {
        let online = self.online_count();
        let attributes = |w: &mut Writer| {
            w.attr("placement", self.placement);
            w.attr_opt("cpuset", self.cpuset.as_ref());
            w.attr_opt("current", (online < self.max).then_some(online));
        };
        w.text_element_with("vcpu", attributes, self.max);
        let Some(individual) = &self.individual else { return };
        w.element("vcpus", |w| {
            for id in 0..self.max.min(INDIVIDUAL_LIMIT) {
                let vcpu = individual.get(&id).copied().unwrap_or_default();
                w.element("vcpu", |w| {
                    w.attr("id", id);
                    w.attr_yes_no("enabled", Some(vcpu.online));
                    w.attr_yes_no("hotpluggable", vcpu.hotpluggable);
                    w.attr_opt("order", (vcpu.order > 0).then_some(vcpu.order));
                });
            }
        });
    }

    /// How many CPUs the guest starts with.
    #[must_use]
    pub fn online_count(&self) -> u32 {
        match &self.individual {
            None => self.current,
            Some(vcpus) => vcpus.values().filter(|vcpu| vcpu.online).count() as u32,
        }
    }

    /// Whether the CPU of this id is there from the start.
    #[must_use]
    pub fn is_online(&self, id: u32) -> bool {
        match &self.individual {
            None => id < self.current,
            Some(vcpus) => vcpus.get(&id).is_some_and(|vcpu| vcpu.online),
        }
    }

    /// Whether CPUs can be plugged.
    #[must_use]
    pub fn has_offline(&self) -> bool {
        self.online_count() < self.max
    }
}

grammar! {
    pub(super) GRAMMAR = [
        Opt("vcpu", &[Attr("placement", OneOf(Placement::NAMES)), Attr("cpuset", CPUSET), Attr("current", POSITIVE), Text(U32)]),
        Opt("vcpus", &[Many("vcpu", &[
            Must("id", U32), Must("enabled", YesNo), Attr("hotpluggable", YesNo), Attr("order", U32),
        ])]),
    ];
}

#[cfg(test)]
mod tests {
    use virt_types::ErrorCode;
    use virt_xml::Document;

    use super::*;

    #[test]
    fn what_is_read_is_written() {
        for (xml, written) in [
            ("<d/>", "<vcpu placement='static'>1</vcpu>\n"),
            (
                "<d><vcpu cpuset='1-4,^3' current='1'>2</vcpu></d>",
                "<vcpu placement='static' cpuset='1-2,4' current='1'>2</vcpu>\n",
            ),
            ("<d><vcpu placement='auto' cpuset='1'>2</vcpu></d>", "<vcpu placement='auto'>2</vcpu>\n"),
            (
                "<d><vcpu>2</vcpu><vcpus><vcpu id='0' enabled='yes' hotpluggable='no' order='1'/></vcpus></d>",
                "<vcpu placement='static' current='1'>2</vcpu>\n<vcpus>\n  <vcpu id='0' enabled='yes' hotpluggable='no' order='1'/>\n  <vcpu id='1' enabled='no'/>\n</vcpus>\n",
            ),
        ] {
            let document = Document::parse(xml).unwrap();
            let mut w = Writer::new();
            Vcpus::parse(document.root()).unwrap().format(&mut w);
            assert_eq!(w.finish(), written);
        }
    }

    #[test]
    fn wrong_counts_are_refused() {
        for (xml, code) in [
            ("<d><vcpu>many</vcpu></d>", ErrorCode::XmlError),
            ("<d><vcpu current='3'>2</vcpu></d>", ErrorCode::ConfigUnsupported),
            ("<d><vcpu>1</vcpu><vcpus><vcpu id='1' enabled='no'/></vcpus></d>", ErrorCode::XmlError),
            (
                "<d><vcpu>4294967295</vcpu><vcpus><vcpu id='9999999' enabled='no'/></vcpus></d>",
                ErrorCode::XmlError,
            ),
        ] {
            let document = Document::parse(xml).unwrap();
            assert_eq!(Vcpus::parse(document.root()).unwrap_err().code(), code, "{xml}");
        }
    }
}
