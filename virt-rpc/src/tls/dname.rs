//! The distinguished name in a certificate, in the form that libvirt's lists of allowed names have.

use tokio_rustls::rustls::pki_types::CertificateDer;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::x509::X509Name;

/// The short names of attributes, by their object identifiers (RFC 4514, and what GnuTLS adds).
const ATTRIBUTES: &[(&str, &str)] = &[
    ("2.5.4.3", "CN"),
    ("2.5.4.4", "sn"),
    ("2.5.4.5", "serialNumber"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.9", "street"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.12", "title"),
    ("2.5.4.42", "givenName"),
    ("2.5.4.43", "initials"),
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("1.2.840.113549.1.9.1", "EMAIL"),
];

/// The subject's name, attributes in the certificate's own order, such as `C=GB,O=Example,CN=host`. None if it
/// cannot be read.
pub(super) fn of(certificate: &CertificateDer<'_>) -> Option<String> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    format(certificate.subject())
}

/// The common names of the subject, for certificates too old to name their hosts properly.
pub(super) fn common_names(certificate: &CertificateDer<'_>) -> Option<Vec<String>> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    if certificate.subject_alternative_name().ok()?.is_some() {
        return None;
    }
    let names = certificate.subject().iter_common_name().filter_map(|name| name.as_str().ok());
    Some(names.map(ToOwned::to_owned).collect())
}

fn format(name: &X509Name<'_>) -> Option<String> {
    let mut text = String::new();
    for (at, set) in name.iter().enumerate() {
        for (within, attribute) in set.iter().enumerate() {
            if within > 0 {
                text.push('+');
            } else if at > 0 {
                text.push(',');
            }
            let identifier = attribute.attr_type().to_id_string();
            let known = ATTRIBUTES.iter().find(|(oid, _)| *oid == identifier);
            text.push_str(known.map_or(identifier.as_str(), |(_, short)| short));
            text.push('=');
            escape(attribute.as_str().ok()?, &mut text);
        }
    }
    Some(text)
}

/// RFC 4514, section 2.4.
fn escape(value: &str, text: &mut String) {
    let last = value.chars().count().saturating_sub(1);
    for (at, c) in value.chars().enumerate() {
        let edge = (c == ' ' && (at == 0 || at == last)) || (c == '#' && at == 0);
        if edge || matches!(c, ',' | '+' | '"' | '\\' | '<' | '>' | ';') {
            text.push('\\');
        }
        text.push(c);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_characters_are_escaped() {
        let rows = [("a,b", "a\\,b"), (" x ", "\\ x\\ "), ("#1", "\\#1"), ("a#", "a#"), ("é", "é")];
        for (value, expected) in rows {
            let mut text = String::new();
            escape(value, &mut text);
            assert_eq!(text, expected);
        }
    }
}
