//! Sizes with a `unit` attribute, such as `<pcihole64 unit='KiB'>`.

use virt_types::{Error, ErrorCode, ErrorDomain, SizeUnit, scale};
use virt_xml::Element;
use virt_xml::number::{self, Base};

use crate::Result;

/// Reads the size in this element, in bytes; `default_unit` bytes per unit where the element names none.
///
/// # Errors
/// For what is no number, an unknown unit, and more than `limit` bytes.
pub fn parse(el: Element<'_>, default_unit: u64, limit: u64) -> Result<u64> {
    let text = el.text();
    let value = number::parse_u64(&text, Base::Ten).ok_or_else(|| {
        let detail = format!("Invalid value '{text}' for element or attribute './{}'", el.name());
        el.error(ErrorCode::XmlError, ErrorDomain::Xml, detail)
    })?;
    let unit = match el.attr("unit").filter(|unit| !unit.is_empty()) {
        None => SizeUnit { bytes: default_unit },
        Some(name) => SizeUnit::from_name(name).ok_or_else(|| {
            let detail = format!("unknown suffix '{name}'");
            el.attr_error("unit", ErrorCode::InvalidArg, ErrorDomain::None, detail)
                .with_hint("units are b, KB, KiB, MB, MiB and so on")
        })?,
    };
    scale(value, unit, limit).ok_or_else(|| too_large(el, value))
}

fn too_large(el: Element<'_>, value: u64) -> Error {
    let detail = format!("value too large: {value}{}", el.attr("unit").unwrap_or_default());
    el.error(ErrorCode::Overflow, ErrorDomain::None, detail)
}

#[cfg(test)]
mod tests {
    use virt_xml::Document;

    use super::*;

    #[test]
    fn units_scale_and_wrong_ones_are_refused() {
        for (xml, expected) in [
            ("<size>3</size>", Ok(3072)),
            ("<size unit='MiB'>2</size>", Ok(2 << 20)),
            ("<size unit='parsec'>2</size>", Err(ErrorCode::InvalidArg)),
            ("<size unit='EiB'>99</size>", Err(ErrorCode::Overflow)),
            ("<size>much</size>", Err(ErrorCode::XmlError)),
        ] {
            let document = Document::parse(xml).unwrap();
            assert_eq!(parse(document.root(), 1024, u64::MAX).map_err(|e| e.code()), expected, "{xml}");
        }
    }
}
