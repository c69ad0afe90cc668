//! Documents that commands are given: XML, or a domain's typed form in JSON or TOML.

use std::io::Read as _;
use std::path::Path;

use clap::ValueEnum;
use virt_core::conf::domain::Domain;
use virt_core::conf::domain::passes::NullPolicy;
use virt_core::conf::{FormatFlags, ParseFlags, typed};
use virt_core::xml::MAX_INPUT;
use virt_core::{Error, ErrorCode, ErrorDomain, Result};

/// The XML of a document. A file that is called `*.json` or `*.toml`, and any text that begins as JSON does, is a domain's typed
/// form; `-` is standard input.
pub(crate) fn read(file: &Path) -> Result<String> {
    let text = read_text(file)?;
    match form_of(file, &text) {
        Form::Xml => Ok(text),
        Form::Json => typed::xml_of_json(&text, Domain::GRAMMAR, "domain"),
        Form::Toml => typed::xml_of_toml(&text, Domain::GRAMMAR, "domain"),
    }
}

/// A domain's document in another form: XML as every driver would complete it, or the typed form of just what is written.
pub(crate) fn convert(file: &Path, to: Form) -> Result<String> {
    let xml = read(file)?;
    let mut domain = Domain::parse(&xml, ParseFlags::INACTIVE)?;
    if to != Form::Xml {
        return to.of_domain(xml);
    }
    domain.fill(&NullPolicy, ParseFlags::INACTIVE)?;
    Ok(domain.format(FormatFlags::INACTIVE | FormatFlags::SECURE))
}

/// A form of documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// As libvirt has it
    Xml,
    /// Typed, in JSON
    Json,
    /// Typed, in TOML
    Toml,
}

impl Form {
    /// A domain's XML in this form.
    pub(crate) fn of_domain(self, xml: String) -> Result<String> {
        match self {
            Self::Xml => Ok(xml),
            Self::Json => {
                let json = typed::json_of_xml(&xml, Domain::GRAMMAR)?;
                Ok(format!("{json:#}\n"))
            }
            Self::Toml => typed::toml_of_xml(&xml, Domain::GRAMMAR),
        }
    }
}

fn form_of(file: &Path, text: &str) -> Form {
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("toml") => Form::Toml,
        Some("json") => Form::Json,
        _ if text.trim_start().starts_with('{') => Form::Json,
        _ => Form::Xml,
    }
}

/// The text of a file, or of standard input where the file is `-`.
fn read_text(file: &Path) -> Result<String> {
    let failed = |error: std::io::Error| {
        let text = error.to_string();
        let reason = text.split(" (os error").next().unwrap_or_default();
        let detail = format!("Failed to open file '{}': {reason}", file.display());
        Error::new(ErrorCode::SystemError, ErrorDomain::None, detail).verbatim().caused_by(error)
    };
    let mut text = String::new();
    // One byte more than is taken, so that the parser sees that it is too much.
    let limit = MAX_INPUT as u64 + 1;
    if file == Path::new("-") {
        std::io::stdin().lock().take(limit).read_to_string(&mut text).map_err(failed)?;
    } else {
        std::fs::File::open(file).map_err(failed)?.take(limit).read_to_string(&mut text).map_err(failed)?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_documents_form_is_told_by_its_name_or_its_beginning() {
        for (file, text, form) in [
            ("a.xml", "<domain/>", Form::Xml),
            ("-", " {}", Form::Json),
            ("a.json", "", Form::Json),
            ("a.toml", "name = 'a'", Form::Toml),
        ] {
            assert_eq!(form_of(Path::new(file), text), form, "{file}");
        }
        let xml = "<domain type='qemu'><name>a</name></domain>".to_owned();
        assert_eq!(Form::Toml.of_domain(xml).unwrap(), "type = \"qemu\"\nname = \"a\"\n");
    }
}
