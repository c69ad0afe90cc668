//! `<numatune>`: from which host nodes the guest's memory comes.

use virt_types::{TextEnum, text_enum};
use virt_xml::number::Base;
use virt_xml::{Element, Writer};

use crate::Result;
use crate::common::Bitmap;
use crate::domain::vcpu::Placement;
use crate::error::{unsupported, xml_error};

text_enum! {
    /// How strictly the nodes are kept to.
    pub enum NumaMemMode {
        #[default] Strict = "strict", Preferred = "preferred", Interleave = "interleave", Restrictive = "restrictive",
    }
}

text_enum! {
    /// Who chooses the nodes.
    pub enum NumaPlacement { #[default] Static = "static", Auto = "auto" }
}

/// `<memory>`: the nodes of the whole guest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NumaMemory {
    /// `mode`
    pub mode: NumaMemMode,
    /// `placement`
    pub placement: NumaPlacement,
    /// `nodeset`
    pub nodeset: Option<Bitmap>,
}

/// `<memnode>`: the nodes of one guest NUMA node.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MemNode {
    /// `cellid`: the guest's node.
    pub cell: u32,
    /// `mode`
    pub mode: NumaMemMode,
    /// `nodeset`
    pub nodeset: Bitmap,
}

/// `<numatune>`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Numatune {
    /// `<memory>`
    pub memory: Option<NumaMemory>,
    /// `<memnode>`, by cell.
    pub nodes: Vec<MemNode>,
}

impl Numatune {
    /// `placement`, `has_pins`: the vCPUs' placement decides what is meant where `<memory>` is silent.
    pub(in crate::domain) fn parse(domain: Element<'_>, cells: usize, placement: Placement) -> Result<Self> {
        let mut elements = domain.children_named("numatune");
        let first = elements.next();
        if let Some(second) = elements.next() {
            return Err(xml_error("only one numatune is supported").at(second.place()));
        }
        let memory = NumaMemory::parse(domain, first.and_then(|el| el.child("memory")), placement)?;
        let mut numatune = Self { memory, nodes: Vec::new() };
        for el in first.into_iter().flat_map(|el| el.children_named("memnode")) {
            if numatune.is_placed_automatically() {
                let detail = "Per-node binding is not compatible with automatic NUMA placement.";
                return Err(unsupported(detail).at(el.place()));
            }
            let node = MemNode::parse(el, cells)?;
            if numatune.node(node.cell).is_some() {
                let detail = format!("Multiple memnode elements with cellid {}", node.cell);
                return Err(xml_error(detail).at(el.place()));
            }
            numatune.nodes.push(node);
        }
        numatune.nodes.sort_by_key(|node| node.cell);
        Ok(numatune)
    }

    pub(in crate::domain) fn format(&self, w: &mut Writer) {
        w.element_if_any("numatune", |w| {
            if let Some(memory) = &self.memory {
                w.element("memory", |w| {
                    w.attr("mode", memory.mode);
                    match memory.placement {
                        NumaPlacement::Static => w.attr_opt("nodeset", memory.nodeset.as_ref()),
                        NumaPlacement::Auto => w.attr("placement", memory.placement),
                    }
                });
            }
            for node in &self.nodes {
                w.element("memnode", |w| {
                    w.attr("cellid", node.cell);
                    w.attr("mode", node.mode);
                    w.attr("nodeset", &node.nodeset);
                });
            }
        });
    }

    /// What is said of one guest node.
    #[must_use]
    pub fn node(&self, cell: u32) -> Option<&MemNode> {
        self.nodes.iter().find(|node| node.cell == cell)
    }

    /// Whether the host's nodes are chosen when the guest starts.
    #[must_use]
    pub fn is_placed_automatically(&self) -> bool {
        self.memory.as_ref().is_some_and(|memory| memory.placement == NumaPlacement::Auto)
    }

    /// How strictly the nodes of one guest node, or of the guest, are kept to.
    #[must_use]
    pub fn mode(&self, cell: Option<u32>) -> Option<NumaMemMode> {
        match cell.and_then(|cell| self.node(cell)) {
            Some(node) => Some(node.mode),
            None => self.memory.as_ref().map(|memory| memory.mode),
        }
    }

    /// The host's nodes of one guest node, or of the guest; nothing where they are chosen at start.
    #[must_use]
    pub fn nodeset(&self, cell: Option<u32>) -> Option<&Bitmap> {
        if self.is_placed_automatically() {
            return None;
        }
        match cell.and_then(|cell| self.node(cell)) {
            Some(node) => Some(&node.nodeset),
            None => self.memory.as_ref().and_then(|memory| memory.nodeset.as_ref()),
        }
    }
}

impl NumaMemory {
    fn parse(domain: Element<'_>, el: Option<Element<'_>>, vcpus: Placement) -> Result<Option<Self>> {
        let Some(el) = el else {
            // vCPUs that are placed at start take their memory along.
            return Ok((vcpus == Placement::Auto)
                .then(|| Self { placement: NumaPlacement::Auto, ..Self::default() }));
        };
        let mode = spelled(el, "mode", "tuning")?;
        let written = match el.attr("placement") {
            Some("default") => None,
            _ => spelled::<NumaPlacement>(el, "placement", "placement")?,
        };
        let nodeset = Bitmap::attr_nonempty(el, "nodeset")?;
        if mode.is_none() && el.attr("placement").is_none() && nodeset.is_none() {
            return Ok(None);
        }
        let placement = match written {
            Some(placement) => placement,
            None if nodeset.is_some() || vcpus == Placement::Static => NumaPlacement::Static,
            None => NumaPlacement::Auto,
        };
        if placement == NumaPlacement::Static && nodeset.is_none() {
            let detail = "nodeset for NUMA memory tuning must be set if 'placement' is 'static'";
            return Err(unsupported(detail).at(domain.place()));
        }
        let nodeset = nodeset.filter(|_| placement == NumaPlacement::Static);
        Ok(Some(Self { mode: mode.unwrap_or_default(), placement, nodeset }))
    }
}

impl MemNode {
    fn parse(el: Element<'_>, cells: usize) -> Result<Self> {
        if cells == 0 {
            let detail = "Element 'memnode' is invalid without any guest NUMA cells";
            return Err(xml_error(detail).at(el.place()));
        }
        let cell = el.required("cellid", el.attr_u32("cellid", Base::Ten)?)?;
        if cell as usize >= cells {
            let detail = "Argument 'cellid' in memnode element must correspond to existing guest's NUMA cell";
            return Err(xml_error(detail).at(el.place()));
        }
        let mode = el.attr_enum("mode")?.unwrap_or_default();
        let nodeset = Bitmap::attr_nonempty(el, "nodeset")?.ok_or_else(|| {
            xml_error("Missing required nodeset attribute in memnode element").at(el.place())
        })?;
        Ok(Self { cell, mode, nodeset })
    }
}

fn spelled<T: TextEnum>(el: Element<'_>, name: &'static str, what: &str) -> Result<Option<T>> {
    match el.attr(name) {
        None => Ok(None),
        Some(text) => T::from_text(text).map(Some).ok_or_else(|| {
            unsupported(format!("Unsupported NUMA memory {what} mode '{text}'")).at(el.place())
        }),
    }
}

grammar! {
    pub(in crate::domain) NUMATUNE = [
        Opt("memory", &[
            Attr("mode", OneOf(NumaMemMode::NAMES)), Attr("placement", OneOf(NumaPlacement::NAMES)),
            When("placement", &["", "static"], &[Attr("nodeset", CPUSET)]),
        ]),
        Many("memnode", &[Must("cellid", U32), Must("mode", OneOf(NumaMemMode::NAMES)), Must("nodeset", CPUSET)]),
    ];
}

#[cfg(test)]
mod tests {
    use virt_types::ErrorCode;
    use virt_xml::Document;

    use super::*;

    #[test]
    fn placement_follows_what_is_said() {
        for (xml, vcpus, written) in [
            ("<d/>", Placement::Static, ""),
            (
                "<d/>",
                Placement::Auto,
                "<numatune>\n  <memory mode='strict' placement='auto'/>\n</numatune>\n",
            ),
            (
                "<d><numatune><memory nodeset='1,0'/></numatune></d>",
                Placement::Auto,
                "<numatune>\n  <memory mode='strict' nodeset='0-1'/>\n</numatune>\n",
            ),
            (
                "<d><numatune><memory mode='interleave' placement='auto' nodeset='1'/></numatune></d>",
                Placement::Static,
                "<numatune>\n  <memory mode='interleave' placement='auto'/>\n</numatune>\n",
            ),
            (
                "<d><numatune><memnode cellid='1' nodeset='3'/><memnode cellid='0' mode='preferred' nodeset='2'/></numatune></d>",
                Placement::Static,
                "<numatune>\n  <memnode cellid='0' mode='preferred' nodeset='2'/>\n  <memnode cellid='1' mode='strict' nodeset='3'/>\n</numatune>\n",
            ),
        ] {
            let document = Document::parse(xml).unwrap();
            let mut w = Writer::new();
            Numatune::parse(document.root(), 2, vcpus).unwrap().format(&mut w);
            assert_eq!(w.finish(), written);
        }
    }

    #[test]
    fn contradictions_are_refused() {
        for (xml, code) in [
            ("<d><numatune/><numatune/></d>", ErrorCode::XmlError),
            ("<d><numatune><memory mode='strict'/></numatune></d>", ErrorCode::ConfigUnsupported),
            ("<d><numatune><memory mode='lax'/></numatune></d>", ErrorCode::ConfigUnsupported),
            ("<d><numatune><memnode cellid='2' nodeset='0'/></numatune></d>", ErrorCode::XmlError),
            (
                "<d><numatune><memory placement='auto'/><memnode cellid='0' nodeset='0'/></numatune></d>",
                ErrorCode::ConfigUnsupported,
            ),
        ] {
            let document = Document::parse(xml).unwrap();
            let error = Numatune::parse(document.root(), 2, Placement::Static).unwrap_err();
            assert_eq!(error.code(), code, "{xml}");
        }
    }
}
