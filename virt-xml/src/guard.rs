//! Cheap checks before a tree is built, so that hostile input costs one pass over its bytes at most.

use virt_types::{Error, ErrorCode, ErrorDomain, Place};

/// The largest input, in bytes; libxml2 and libvirt's own string limit on the wire (4 MiB) stay below it.
pub const MAX_INPUT: usize = 10 * 1024 * 1024;

/// The deepest nesting of elements, that of libxml2.
pub const MAX_DEPTH: usize = 256;

/// Refuses what is too large, too deep, or has a document type definition.
pub(crate) fn check(text: &str) -> Result<(), Error> {
    if text.len() > MAX_INPUT {
        return Err(refuse(format!("document of {} bytes is larger than {MAX_INPUT} bytes", text.len())));
    }
    let bytes = text.as_bytes();
    let (mut depth, mut at) = (0usize, 0usize);
    while let Some(open) = find(bytes, at, b"<") {
        let rest = &bytes[open..];
        at = if rest.starts_with(b"<!--") {
            find(bytes, open + 4, b"-->").map_or(bytes.len(), |end| end + 3)
        } else if rest.starts_with(b"<![CDATA[") {
            find(bytes, open + 9, b"]]>").map_or(bytes.len(), |end| end + 3)
        } else if rest.starts_with(b"<?") {
            find(bytes, open + 2, b"?>").map_or(bytes.len(), |end| end + 2)
        } else if rest.starts_with(b"<!") {
            return Err(refuse("document type definitions are not accepted")
                .at(place_of(text, open))
                .with_hint(
                    "remove the <!DOCTYPE …> declaration; entities other than the five of XML are not needed",
                ));
        } else {
            let end = tag_end(bytes, open + 1);
            if rest.starts_with(b"</") {
                depth = depth.saturating_sub(1);
            } else if end >= 2 && bytes.get(end - 2) != Some(&b'/') {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(refuse(format!("elements are nested deeper than {MAX_DEPTH}"))
                        .at(place_of(text, open)));
                }
            }
            end
        };
    }
    Ok(())
}

fn refuse(detail: impl Into<String>) -> Error {
    Error::new(ErrorCode::XmlDetail, ErrorDomain::Xml, detail)
}

fn place_of(text: &str, offset: usize) -> Place {
    let before = &text[..offset];
    let line = before.matches('\n').count() as u32 + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() as u32 + 1;
    Place { line, column, path: "/".into() }
}

fn find(bytes: &[u8], from: usize, what: &[u8]) -> Option<usize> {
    let tail = bytes.get(from..)?;
    tail.windows(what.len()).position(|window| window == what).map(|i| from + i)
}

/// The offset after the `>` that ends a tag; a `>` within quotes does not end it.
fn tag_end(bytes: &[u8], from: usize) -> usize {
    let mut quote = None;
    for (i, &byte) in bytes.iter().enumerate().skip(from) {
        match (quote, byte) {
            (None, b'>') => return i + 1,
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(q), _) if q == byte => quote = None,
            _ => {}
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_inputs_are_refused() {
        let deep = "<a>".repeat(100_000);
        let large = format!("<a>{}</a>", "x".repeat(64 << 20));
        let bomb = "<!DOCTYPE l [<!ENTITY a \"x\"><!ENTITY b \"&a;&a;\">]><l>&b;</l>";
        for (text, expected) in [
            (deep.as_str(), "nested deeper than 256"),
            (&large, "larger than"),
            (bomb, "document type definitions"),
        ] {
            let error = check(text).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
        }
    }

    #[test]
    fn depth_counts_open_elements_only() {
        let wide = format!("<a>{}</a>", "<b c='>'/><d>x</d><!-- <e> --><![CDATA[<f>]]>".repeat(1000));
        check(&wide).unwrap();
        let nested = format!("{}{}", "<a>".repeat(MAX_DEPTH), "</a>".repeat(MAX_DEPTH));
        check(&nested).unwrap();
    }
}
