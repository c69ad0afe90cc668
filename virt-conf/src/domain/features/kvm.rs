//! `<kvm>`: what KVM tells its guests.

use virt_xml::number::Base;
use virt_xml::{Element, Writer};

use super::{known_children, switch};
use crate::Result;
use crate::error::xml_error;

/// `<dirty-ring>`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DirtyRing {
    /// `state`
    pub state: bool,
    /// `size`: entries per vCPU; 0 where not given.
    pub size: u32,
}

/// `<kvm>`; each member is the state of the element of that name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kvm {
    /// `<hidden>`
    pub hidden: Option<bool>,
    /// `<hint-dedicated>`
    pub hint_dedicated: Option<bool>,
    /// `<poll-control>`
    pub poll_control: Option<bool>,
    /// `<pv-ipi>`
    pub pv_ipi: Option<bool>,
    /// `<dirty-ring>`
    pub dirty_ring: Option<DirtyRing>,
}

const NAMES: &[&str] = &["hidden", "hint-dedicated", "poll-control", "pv-ipi", "dirty-ring"];

impl Kvm {
    pub(super) fn parse(el: Element<'_>) -> Result<Self> {
        let mut kvm = Self::default();
        for child in known_children(el, NAMES, "unsupported KVM feature:")? {
            let state = child.required("state", child.attr_on_off("state")?)?;
            match child.name() {
                "hidden" => kvm.hidden = Some(state),
                "hint-dedicated" => kvm.hint_dedicated = Some(state),
                "poll-control" => kvm.poll_control = Some(state),
                "pv-ipi" => kvm.pv_ipi = Some(state),
                _ => kvm.dirty_ring = Some(DirtyRing::parse(child, state)?),
            }
        }
        Ok(kvm)
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.open_element("kvm", |w| {
            switch(w, "hidden", self.hidden);
            switch(w, "hint-dedicated", self.hint_dedicated);
            switch(w, "poll-control", self.poll_control);
            switch(w, "pv-ipi", self.pv_ipi);
            if let Some(ring) = self.dirty_ring {
                w.element("dirty-ring", |w| {
                    w.attr_on_off("state", Some(ring.state));
                    w.attr_opt("size", (ring.size > 0).then_some(ring.size));
                });
            }
        });
    }
}

impl DirtyRing {
    fn parse(el: Element<'_>, state: bool) -> Result<Self> {
        if !state {
            return Ok(Self { state, size: 0 });
        }
        let size = el.required("size", el.attr_u32("size", Base::Any)?)?;
        if !size.is_power_of_two() || !(1024..=65536).contains(&size) {
            let detail = "dirty ring must be power of 2 and ranges [1024, 65536]";
            return Err(xml_error(detail).at(el.place()));
        }
        Ok(Self { state, size })
    }
}

grammar! {
    pub(super) GRAMMAR = [
        Opt("hidden", STATE), Opt("hint-dedicated", STATE), Opt("poll-control", STATE), Opt("pv-ipi", STATE),
        Opt("dirty-ring", &[Attr("state", OnOff), Attr("size", U32)]),
    ];
}
