//! `<backingStore>`: the image behind an image.

use virt_types::TextEnum;
use virt_xml::number::{self, Base};
use virt_xml::{Element, Writer};

use super::{
    ImageFormat, SourceParts, StorageSource, StorageType, format_metadata_cache, parse_metadata_cache,
};
use crate::error::xml_error;
use crate::{FormatFlags, ParseFlags, Result};

/// What is known of what is behind an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Backing {
    /// Nothing: the chain ends here.
    End,
    /// Another image.
    Source(Box<StorageSource>),
}

impl Backing {
    /// Reads the `<backingStore>` child of an element, with all that is behind it.
    ///
    /// # Errors
    /// Where format or source are missing, and as [`StorageSource::parse`].
    pub fn parse_child(parent: Element<'_>, flags: ParseFlags) -> Result<Option<Self>> {
        let Some(el) = parent.child("backingStore") else { return Ok(None) };
        let Some(kind) = el.attr("type") else { return Ok(Some(Self::End)) };
        let index = if flags.contains(ParseFlags::INACTIVE) { None } else { el.attr("index") };
        let format = el.child("format");
        let format_text = format
            .and_then(|format| format.attr("type"))
            .filter(|text| !text.is_empty())
            .ok_or_else(|| xml_error("missing disk backing store format").at(el.place()))?;
        let source = el
            .child("source")
            .ok_or_else(|| xml_error("missing disk backing store source").at(el.place()))?;
        let kind = storage_type(el, kind)?;
        let image = image_format(el, format_text)?;
        let index = index.map(|text| backing_source_index(el, text)).transpose()?;
        let metadata_cache = format.map(parse_metadata_cache).transpose()?.flatten();
        Ok(Some(Self::Source(Box::new(StorageSource {
            format: Some(image),
            index,
            metadata_cache,
            readonly: true,
            backing: Self::parse_child(el, flags)?,
            ..StorageSource::parse(source, kind, flags)?
        }))))
    }

    /// Writes the element, with all that is behind it.
    pub fn format(&self, w: &mut Writer, flags: FormatFlags) {
        let source = match self {
            Self::End => return w.element("backingStore", |_| {}),
            Self::Source(source) => source,
        };
        if source.detected && flags.contains(FormatFlags::INACTIVE) {
            return;
        }
        w.element("backingStore", |w| {
            w.attr("type", source.location.storage_type());
            w.attr_opt("index", source.index.filter(|index| *index > 0));
            w.element("format", |w| {
                w.attr_opt("type", source.format);
                format_metadata_cache(w, source.metadata_cache);
            });
            // Readers ask for it; libvirt leaves it out where it is empty and can not read that again.
            source.format(w, "source", SourceParts { even_empty: true, ..SourceParts::default() }, flags);
            if let Some(backing) = &source.backing {
                backing.format(w, flags);
            }
        });
    }
}

/// The storage type with this spelling.
///
/// # Errors
/// `VIR_ERR_XML_ERROR` for an unknown one.
pub(crate) fn storage_type(el: Element<'_>, text: &str) -> Result<StorageType> {
    StorageType::from_text(text)
        .ok_or_else(|| xml_error(format!("unknown storage source type '{text}'")).at(el.place()))
}

/// The image format with this spelling.
///
/// # Errors
/// `VIR_ERR_XML_ERROR` for an unknown one.
pub(crate) fn image_format(el: Element<'_>, text: &str) -> Result<ImageFormat> {
    ImageFormat::from_text(text)
        .ok_or_else(|| xml_error(format!("unknown storage source format '{text}'")).at(el.place()))
}

/// The number of an image in a running domain.
///
/// # Errors
/// `VIR_ERR_XML_ERROR` for what is no number.
pub(crate) fn backing_source_index(el: Element<'_>, text: &str) -> Result<u32> {
    number::parse_u32(text, Base::Ten)
        .ok_or_else(|| xml_error(format!("invalid storage source index '{text}'")).at(el.place()))
}
