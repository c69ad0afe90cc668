//! `<genid>`: the number that a guest sees change when it was rolled back or cloned.

use virt_types::Uuid;
use virt_xml::{Element, Writer};

use crate::Result;
use crate::error::{internal, xml_error};

/// A VM generation id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Genid {
    /// `<genid/>`: the engine is to give one.
    ToGenerate,
    /// The id, whether written or generated.
    Id(Uuid),
}

impl Genid {
    pub(super) fn parse(domain: Element<'_>) -> Result<Option<Self>> {
        let mut elements = domain.children_named("genid");
        let Some(el) = elements.next() else { return Ok(None) };
        if let Some(second) = elements.next() {
            return Err(xml_error("element 'genid' can only appear once").at(second.place()));
        }
        match el.text().as_str() {
            "" => Ok(Some(Self::ToGenerate)),
            text => {
                let id = text.parse().map_err(|_| internal("malformed genid element").at(el.place()))?;
                Ok(Some(Self::Id(id)))
            }
        }
    }

    pub(super) fn format(self, w: &mut Writer) {
        match self {
            Self::ToGenerate => w.element("genid", |_| {}),
            Self::Id(id) => w.text_element("genid", id),
        }
    }
}
