//! `<memoryBacking>`: what stands behind the guest's memory on the host.

use virt_types::{Error, ErrorCode, ErrorDomain, TextEnum, text_enum};
use virt_xml::number::Base;
use virt_xml::{Element, Writer};

use crate::Result;
use crate::common::Bitmap;
use crate::common::scaled::attr_memory;
use crate::error::{unsupported, xml_error};

text_enum! {
    /// `<source type='…'/>`
    pub enum MemorySource { File = "file", Anonymous = "anonymous", Memfd = "memfd" }
}

text_enum! {
    /// Whether others may map the memory: `<access mode='…'/>`, `memAccess`.
    pub enum MemoryAccess { Shared = "shared", Private = "private" }
}

text_enum! {
    /// `<allocation mode='…'/>`
    pub enum MemoryAllocation { Immediate = "immediate", Ondemand = "ondemand" }
}

/// `<page size='…' nodeset='…'/>`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HugePage {
    /// `size` in KiB; 0 for the host's default size.
    pub size: u64,
    /// `nodeset`: for which guest NUMA nodes; absent for all.
    pub nodeset: Option<Bitmap>,
}

/// `<memoryBacking>`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MemoryBacking {
    /// `<hugepages>`: empty for none; `<hugepages/>` is one page of size 0.
    pub hugepages: Vec<HugePage>,
    /// `<nosharepages/>`
    pub nosharepages: bool,
    /// `<locked/>`
    pub locked: bool,
    /// `<source type='…'/>`
    pub source: Option<MemorySource>,
    /// `<access mode='…'/>`
    pub access: Option<MemoryAccess>,
    /// `<allocation mode='…'/>`
    pub allocation: Option<MemoryAllocation>,
    /// `<allocation threads='…'/>`; 0 where not given.
    pub allocation_threads: u32,
    /// `<discard/>`
    pub discard: bool,
}

impl MemoryBacking {
    pub(super) fn parse(domain: Element<'_>) -> Result<Self> {
        let Some(el) = domain.child("memoryBacking") else { return Ok(Self::default()) };
        let mut backing = Self {
            source: choice(el, "source", "type")?,
            access: choice(el, "access", "mode")?,
            allocation: choice(el, "allocation", "mode")?,
            nosharepages: el.child("nosharepages").is_some(),
            locked: el.child("locked").is_some(),
            discard: el.child("discard").is_some(),
            ..Self::default()
        };
        if let Some(allocation) = el.child("allocation") {
            let threads = allocation.attr_u32("threads", Base::Ten);
            backing.allocation_threads = threads
                .map_err(|_| xml_error("Failed to parse memory allocation threads").at(allocation.place()))?
                .unwrap_or(0);
        }
        if let Some(hugepages) = el.child("hugepages") {
            backing.hugepages =
                hugepages.children_named("page").map(HugePage::parse).collect::<Result<Vec<_>>>()?;
            if backing.hugepages.is_empty() {
                backing.hugepages.push(HugePage::default());
            }
        }
        Ok(backing)
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.element_if_any("memoryBacking", |w| {
            if !self.hugepages.is_empty() {
                w.element("hugepages", |w| {
                    if !self.has_default_hugepages() {
                        self.hugepages.iter().for_each(|page| page.format(w));
                    }
                });
            }
            if self.nosharepages {
                w.element("nosharepages", |_| {});
            }
            if self.locked {
                w.element("locked", |_| {});
            }
            w.element_if_any("source", |w| w.attr_opt("type", self.source));
            w.element_if_any("access", |w| w.attr_opt("mode", self.access));
            w.element_if_any("allocation", |w| {
                w.attr_opt("mode", self.allocation);
                w.attr_opt("threads", (self.allocation_threads > 0).then_some(self.allocation_threads));
            });
            if self.discard {
                w.element("discard", |_| {});
            }
        });
    }

    pub(super) fn validate(&self, cells: usize) -> Result<()> {
        let refuse = |detail: String| Err(Error::new(ErrorCode::XmlDetail, ErrorDomain::Domain, detail));
        for (i, page) in self.hugepages.iter().enumerate() {
            for earlier in &self.hugepages[..i] {
                let sizes = (page.size, earlier.size);
                match (&page.nodeset, &earlier.nodeset) {
                    (Some(nodes), Some(others)) if nodes.overlaps(others) => {
                        return refuse(format!(
                            "nodeset attribute of hugepages of sizes {} and {} intersect",
                            sizes.0, sizes.1
                        ));
                    }
                    (None, None) => {
                        return refuse(format!("two master hugepages detected: {} and {}", sizes.0, sizes.1));
                    }
                    _ => {}
                }
            }
            let nodes = page.nodeset.iter().flat_map(Bitmap::iter);
            if let Some(node) = nodes.into_iter().find(|node| *node as usize >= cells) {
                return refuse(format!("hugepages: node {node} not found"));
            }
        }
        Ok(())
    }

    /// Whether there are huge pages of the host's default size only.
    #[must_use]
    pub fn has_default_hugepages(&self) -> bool {
        matches!(self.hugepages.as_slice(), [page] if page.size == 0)
    }
}

impl HugePage {
    fn parse(el: Element<'_>) -> Result<Self> {
        let size = attr_memory(el, "size", "unit")?;
        if size == 0 {
            let detail = "hugepage size can't be zero";
            return Err(el.error(ErrorCode::XmlDetail, ErrorDomain::Domain, detail));
        }
        Ok(Self { size, nodeset: Bitmap::attr_nonempty(el, "nodeset")? })
    }

    fn format(&self, w: &mut Writer) {
        w.element("page", |w| {
            w.attr("size", self.size);
            w.attr("unit", "KiB");
            w.attr_opt("nodeset", self.nodeset.as_ref());
        });
    }
}

/// The attribute of a child element, with libvirt's sentence for unknown values.
fn choice<T: TextEnum>(
    backing: Element<'_>,
    child: &'static str,
    attribute: &'static str,
) -> Result<Option<T>> {
    let Some(el) = backing.child(child) else { return Ok(None) };
    match el.attr(attribute).filter(|text| !text.is_empty()) {
        None => Ok(None),
        Some(text) => T::from_text(text).map(Some).ok_or_else(|| {
            unsupported(format!("unknown memoryBacking/{child}/{attribute} '{text}'")).at(el.place())
        }),
    }
}

grammar! {
    pub(super) GRAMMAR = [
        Opt("hugepages", &[Many("page", &[Must("size", U64), Attr("unit", UNIT), Attr("nodeset", CPUSET)])]),
        Opt("nosharepages", FLAG), Opt("locked", FLAG), Opt("source", &[Must("type", OneOf(MemorySource::NAMES))]),
        Opt("access", &[Must("mode", OneOf(MemoryAccess::NAMES))]),
        Opt("allocation", &[Attr("mode", OneOf(MemoryAllocation::NAMES)), Attr("threads", POSITIVE)]), Opt("discard", FLAG),
    ];
}

#[cfg(test)]
mod tests {
    use virt_xml::Document;

    use super::*;

    #[test]
    fn what_is_read_is_written() {
        for (xml, written) in [
            ("<d/>", ""),
            ("<d><memoryBacking/></d>", ""),
            (
                "<d><memoryBacking><hugepages/></memoryBacking></d>",
                "<memoryBacking>\n  <hugepages/>\n</memoryBacking>\n",
            ),
            (
                "<d><memoryBacking><discard/><allocation threads='4'/><hugepages><page size='2' unit='M' nodeset='1,0'/></hugepages></memoryBacking></d>",
                "<memoryBacking>\n  <hugepages>\n    <page size='2048' unit='KiB' nodeset='0-1'/>\n  </hugepages>\n  <allocation threads='4'/>\n  <discard/>\n</memoryBacking>\n",
            ),
        ] {
            let document = Document::parse(xml).unwrap();
            let mut w = Writer::new();
            MemoryBacking::parse(document.root()).unwrap().format(&mut w);
            assert_eq!(w.finish(), written);
        }
    }

    #[test]
    fn unknown_choices_are_refused() {
        for (xml, code) in [
            ("<d><memoryBacking><source type='disk'/></memoryBacking></d>", ErrorCode::ConfigUnsupported),
            (
                "<d><memoryBacking><hugepages><page size='0'/></hugepages></memoryBacking></d>",
                ErrorCode::XmlDetail,
            ),
            ("<d><memoryBacking><hugepages><page/></hugepages></memoryBacking></d>", ErrorCode::XmlError),
        ] {
            let document = Document::parse(xml).unwrap();
            assert_eq!(MemoryBacking::parse(document.root()).unwrap_err().code(), code);
        }
    }
}
