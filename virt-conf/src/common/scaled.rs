//! Sizes with units, as attributes and elements have them.

use virt_types::{Error, ErrorCode, ErrorDomain, KIB, SizeUnit};
use virt_xml::Element;
use virt_xml::number::{Base, parse_u64};

use crate::Result;
use crate::error::xml_error;

/// The largest size that memory elements take, in bytes.
const MEMORY_LIMIT: u64 = i64::MAX as u64;
/// KiB that stand for "no limit" (`VIR_DOMAIN_MEMORY_PARAM_UNLIMITED`).
const UNLIMITED_KIB: u64 = 9_007_199_254_740_991;

/// Bytes of a size: `text` in `unit`, which defaults to units of `default` bytes.
///
/// # Errors
/// `VIR_ERR_XML_ERROR` for what is no number, `VIR_ERR_INVALID_ARG` for an unknown unit, `VIR_ERR_OVERFLOW` past
/// `limit` bytes. `what` names the element or attribute in the sentence.
pub fn parse_scaled(what: &str, text: &str, unit: Option<&str>, default: u64, limit: u64) -> Result<u64> {
    let value = parse_u64(text, Base::Ten)
        .ok_or_else(|| xml_error(format!("Invalid value '{text}' for element or attribute '{what}'")))?;
    let unit = match unit {
        None | Some("") => SizeUnit { bytes: default },
        Some(name) => SizeUnit::from_name(name).ok_or_else(|| {
            Error::new(ErrorCode::InvalidArg, ErrorDomain::None, format!("unknown suffix '{name}'"))
                .with_hint("units are bytes, KB, KiB, MB, MiB, GB, GiB, TB, TiB, PB, PiB, EB, EiB")
        })?,
    };
    virt_types::scale(value, unit, limit).ok_or_else(|| {
        let detail = format!("value too large: {text}{}", unit_name(unit));
        Error::new(ErrorCode::Overflow, ErrorDomain::None, detail)
    })
}

/// Bytes of the size in this element, with its `unit` attribute; `default` bytes per unit without one.
///
/// # Errors
/// As [`parse_scaled`].
pub fn parse(el: Element<'_>, default: u64, limit: u64) -> Result<u64> {
    let what = format!("./{}", el.name());
    parse_scaled(&what, &el.text(), el.attr("unit"), default, limit).map_err(|error| error.at(el.place()))
}

fn unit_name(unit: SizeUnit) -> String {
    if unit.bytes == 1 { String::new() } else { format!(" * {}", unit.bytes) }
}

/// Bytes of a child element's text with its `unit` attribute.
///
/// # Errors
/// As [`parse_scaled`].
pub fn child_bytes(el: Element<'_>, name: &'static str, default: u64, limit: u64) -> Result<Option<u64>> {
    let Some(child) = el.child(name) else { return Ok(None) };
    let (text, unit) = (child.text(), child.attr("unit"));
    if text.is_empty() {
        return Ok(None);
    }
    parse_scaled(name, &text, unit, default, limit).map(Some).map_err(|error| error.at(child.place()))
}

/// KiB, rounded up, of a child element's text with its `unit` attribute; KiB without one.
///
/// # Errors
/// As [`parse_scaled`], with the limit of memory sizes.
pub fn child_memory(el: Element<'_>, name: &'static str) -> Result<Option<u64>> {
    match child_bytes(el, name, KIB, MEMORY_LIMIT)? {
        None => Ok(None),
        Some(bytes) => memory(bytes).map(Some).map_err(|error| error.at(el.place())),
    }
}

/// KiB, rounded up, of a limit in a child element's text; `None` where there is no limit.
///
/// # Errors
/// As [`parse_scaled`], with the limit of memory limits.
pub fn child_memory_limit(el: Element<'_>, name: &'static str) -> Result<Option<u64>> {
    let bytes = child_bytes(el, name, KIB, UNLIMITED_KIB * KIB)?;
    Ok(bytes.map(|bytes| bytes.div_ceil(KIB)).filter(|kib| *kib < UNLIMITED_KIB))
}

/// KiB, rounded up, of an attribute with a unit in the attribute `unit`; KiB without one.
///
/// # Errors
/// As [`parse_scaled`]; `VIR_ERR_XML_ERROR` where the attribute is missing.
pub fn attr_memory(el: Element<'_>, name: &'static str, unit: &'static str) -> Result<u64> {
    let text = el.attr(name).filter(|text| !text.is_empty());
    let unit = el.attr(unit);
    let text = text.ok_or_else(|| xml_error(format!("missing element or attribute './@{name}'")));
    text.and_then(|text| parse_scaled(name, text, unit, KIB, MEMORY_LIMIT))
        .and_then(memory)
        .map_err(|error| error.at(el.place()))
}

fn memory(bytes: u64) -> Result<u64> {
    let kib = bytes.div_ceil(KIB);
    if kib >= MEMORY_LIMIT.div_ceil(KIB) {
        return Err(Error::new(ErrorCode::Overflow, ErrorDomain::Domain, "size value too large"));
    }
    Ok(kib)
}

/// A size in the largest unit that holds it exactly, with the unit's name.
#[must_use]
pub fn pretty_bytes(bytes: u64) -> (u64, &'static str) {
    let mut size = bytes;
    for unit in ["B", "KiB", "MiB", "GiB", "TiB"] {
        if size == 0 || !size.is_multiple_of(1024) {
            return (size, unit);
        }
        size /= 1024;
    }
    (size, "PiB")
}

#[cfg(test)]
mod tests {
    use virt_xml::Document;

    use super::*;

    #[test]
    fn sizes_are_rounded_up_to_kib() {
        for (xml, expected) in [
            ("<d><memory>7</memory></d>", Some(7)),
            ("<d><memory unit='b'>1025</memory></d>", Some(2)),
            ("<d><memory unit='GB'>1</memory></d>", Some(976_563)),
            ("<d><memory/></d>", None),
            ("<d/>", None),
        ] {
            let document = Document::parse(xml).unwrap();
            assert_eq!(child_memory(document.root(), "memory").unwrap(), expected, "{xml}");
        }
    }

    #[test]
    fn wrong_sizes_have_libvirts_codes() {
        for (xml, code) in [
            ("<d><memory>x</memory></d>", ErrorCode::XmlError),
            ("<d><memory unit='parsec'>1</memory></d>", ErrorCode::InvalidArg),
            ("<d><memory unit='EiB'>9</memory></d>", ErrorCode::Overflow),
            ("<d><memory>9007199254740992</memory></d>", ErrorCode::Overflow),
        ] {
            let document = Document::parse(xml).unwrap();
            assert_eq!(child_memory(document.root(), "memory").unwrap_err().code(), code, "{xml}");
        }
    }

    #[test]
    fn sizes_are_written_in_the_largest_exact_unit() {
        assert_eq!(pretty_bytes(0), (0, "B"));
        assert_eq!(pretty_bytes(1536), (1536, "B"));
        assert_eq!(pretty_bytes(3 << 20), (3, "MiB"));
        assert_eq!(pretty_bytes(2 << 60), (2048, "PiB"));
    }
}
