//! `<encryption>` of an image.

use virt_types::{TextEnum, text_enum};
use virt_xml::number::Base;
use virt_xml::{Element, Writer};

use super::secret::SecretLookup;
use crate::Result;
use crate::error::{unsupported, xml_error};

text_enum! {
    /// How an image is encrypted.
    pub enum EncryptionFormat {
        #[default] Default = "default", Qcow = "qcow", Luks = "luks", Luks2 = "luks2", LuksAny = "luks-any",
    }
}

text_enum! {
    /// Who decrypts it.
    pub enum EncryptionEngine { Qemu = "qemu", Librbd = "librbd" }
}

/// The encryption of an image.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Encryption {
    /// `format`.
    pub format: EncryptionFormat,
    /// `engine`; absent until the driver chooses.
    pub engine: Option<EncryptionEngine>,
    /// `<secret>`: the passphrases, one per layer.
    pub secrets: Vec<SecretLookup>,
    /// `<cipher>`, for LUKS volumes that are to be made.
    pub cipher: Option<Cipher>,
}

/// How a LUKS volume is made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cipher {
    /// `name`, such as `aes`.
    pub name: String,
    /// `size` of the key, bits.
    pub size: u32,
    /// `mode`.
    pub mode: Option<String>,
    /// `hash`.
    pub hash: Option<String>,
    /// `<ivgen>`.
    pub ivgen: Option<IvGenerator>,
}

/// Where initialization vectors come from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IvGenerator {
    /// `name`.
    pub name: String,
    /// `hash`.
    pub hash: Option<String>,
}

impl Encryption {
    /// Reads an `<encryption>` element.
    ///
    /// # Errors
    /// For unknown formats and incomplete secrets or ciphers.
    pub fn parse(el: Element<'_>) -> Result<Self> {
        let text = el
            .attr("format")
            .filter(|text| !text.is_empty())
            .ok_or_else(|| xml_error("unknown volume encryption format").at(el.place()))?;
        let format = EncryptionFormat::from_text(text).ok_or_else(|| {
            unsupported(format!("unknown volume encryption format type {text}")).at(el.place())
        })?;
        let engine = el.attr_enum("engine")?;
        let secrets = el.children_named("secret").map(parse_secret).collect::<Result<_>>()?;
        let cipher = match format {
            EncryptionFormat::Luks => Cipher::parse(el)?,
            _ => None,
        };
        Ok(Self { format, engine, secrets, cipher })
    }

    /// Writes the element.
    pub fn format(&self, w: &mut Writer) {
        // libvirt never shortens an empty one.
        let empty = self.secrets.is_empty() && self.cipher.is_none();
        if empty {
            let engine = self.engine.map_or_else(String::new, |engine| format!(" engine='{engine}'"));
            w.lines(&format!("<encryption format='{}'{engine}>\n</encryption>", self.format));
            return;
        }
        w.element("encryption", |w| {
            w.attr("format", self.format);
            w.attr_opt("engine", self.engine);
            for secret in &self.secrets {
                secret.format(w, Some("passphrase"));
            }
            if let Some(cipher) = &self.cipher {
                cipher.format(w);
            }
        });
    }
}

fn parse_secret(el: Element<'_>) -> Result<SecretLookup> {
    match el.attr("type").filter(|text| !text.is_empty()) {
        None => Err(xml_error("unknown volume encryption secret type").at(el.place())),
        Some("passphrase") => SecretLookup::parse(el),
        Some(other) => {
            Err(unsupported(format!("unknown volume encryption secret type {other}")).at(el.place()))
        }
    }
}

impl Cipher {
    fn parse(encryption: Element<'_>) -> Result<Option<Self>> {
        let ivgen = encryption.child("ivgen");
        let Some(el) = encryption.child("cipher") else {
            return match ivgen {
                Some(ivgen) => Err(xml_error("ivgen element found, but cipher is missing").at(ivgen.place())),
                None => Ok(None),
            };
        };
        let name = el
            .attr("name")
            .ok_or_else(|| xml_error("cipher info missing 'name' attribute").at(el.place()))?
            .to_owned();
        let size = el.required("size", el.attr_u32("size", Base::Ten)?)?;
        let text = |name| el.attr(name).map(str::to_owned);
        let ivgen = ivgen.map(IvGenerator::parse).transpose()?;
        Ok(Some(Self { name, size, mode: text("mode"), hash: text("hash"), ivgen }))
    }

    fn format(&self, w: &mut Writer) {
        w.element("cipher", |w| {
            w.attr("name", &self.name);
            w.attr("size", self.size);
            w.attr_opt("mode", self.mode.as_ref());
            w.attr_opt("hash", self.hash.as_ref());
        });
        if let Some(ivgen) = &self.ivgen {
            w.element("ivgen", |w| {
                w.attr("name", &ivgen.name);
                w.attr_opt("hash", ivgen.hash.as_ref());
            });
        }
    }
}

impl IvGenerator {
    fn parse(el: Element<'_>) -> Result<Self> {
        let name =
            el.attr("name").ok_or_else(|| xml_error("missing ivgen info name string").at(el.place()))?;
        Ok(Self { name: name.to_owned(), hash: el.attr("hash").map(str::to_owned) })
    }
}

grammar! {
    /// `<encryption>`
    pub ENCRYPTION = [
        Must("format", OneOf(EncryptionFormat::NAMES)), Attr("engine", OneOf(EncryptionEngine::NAMES)),
        Many("secret", &[Must("type", OneOf(&["passphrase"])), Attr("uuid", UUID), Attr("usage", Str)]),
        When("format", &["luks", "luks2", "luks-any"], &[
            Opt("cipher", &[Must("name", Str), Must("size", U32), Attr("mode", Str), Attr("hash", Str)]),
            Opt("ivgen", &[Must("name", Str), Attr("hash", Str)]), Together(&["cipher", "ivgen"]),
        ]),
    ];
}

#[cfg(test)]
mod tests {
    use virt_xml::Document;

    use super::*;

    fn check(xml: &str, expected: &str) {
        let document = Document::parse(xml).unwrap();
        let written = match Encryption::parse(document.root()) {
            Ok(encryption) => {
                let mut w = Writer::new();
                encryption.format(&mut w);
                w.finish()
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(written.trim_end(), expected);
    }

    #[test]
    fn what_is_read_is_written() {
        for (xml, expected) in [
            (
                "<encryption format='luks'><cipher name='aes' size='256' mode='cbc'/><ivgen name='plain64'/><secret type='passphrase' usage='a'/></encryption>",
                "<encryption format='luks'>\n  <secret type='passphrase' usage='a'/>\n  <cipher name='aes' size='256' mode='cbc'/>\n  <ivgen name='plain64'/>\n</encryption>",
            ),
            ("<encryption format='qcow'/>", "<encryption format='qcow'>\n</encryption>"),
            ("<encryption/>", "XML error: unknown volume encryption format"),
            (
                "<encryption format='rot13'/>",
                "unsupported configuration: unknown volume encryption format type rot13",
            ),
            (
                "<encryption format='luks'><secret type='passphrase'/></encryption>",
                "XML error: missing secret uuid or usage attribute",
            ),
            (
                "<encryption format='luks'><ivgen name='plain64'/></encryption>",
                "XML error: ivgen element found, but cipher is missing",
            ),
        ] {
            check(xml, expected);
        }
    }
}
