//! `<qemu:commandline>`, `<qemu:capabilities>`, `<qemu:override>`, `<qemu:deprecation>`.

use virt_types::text_enum;
use virt_xml::number::{Base, parse_i64, parse_u64};
use virt_xml::{Element, Writer};

use super::children;
use crate::Result;
use crate::error::{internal, xml_error};

pub(super) const PREFIX: &str = "qemu";
pub(super) const URI: &str = "http://libvirt.org/schemas/domain/qemu/1.0";

text_enum! {
    /// `<qemu:property type='…'/>`
    pub enum QemuOverrideKind {
        String = "string", Signed = "signed", Unsigned = "unsigned", Bool = "bool", Remove = "remove",
    }
}

/// `<qemu:env>`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QemuEnv {
    /// `name`
    pub name: String,
    /// `value`
    pub value: Option<String>,
}

/// `<qemu:property>`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QemuProperty {
    /// `name`
    pub name: String,
    /// `type`
    pub kind: QemuOverrideKind,
    /// `value`
    pub value: Option<String>,
}

/// `<qemu:device>`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QemuDeviceOverride {
    /// `alias`
    pub alias: String,
    /// `<qemu:frontend>`
    pub frontend: Vec<QemuProperty>,
}

/// The elements of QEMU's namespace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QemuNamespace {
    /// `<qemu:arg>`
    pub args: Vec<String>,
    /// `<qemu:env>`
    pub env: Vec<QemuEnv>,
    /// `<qemu:add>`: capabilities that the binary is taken to have.
    pub add_capabilities: Vec<String>,
    /// `<qemu:del>`: capabilities that the binary is taken not to have.
    pub del_capabilities: Vec<String>,
    /// `<qemu:device>` of `<qemu:override>`
    pub overrides: Vec<QemuDeviceOverride>,
    /// `<qemu:deprecation behavior='…'/>`: what QEMU does with deprecated interfaces; the driver knows the words.
    pub deprecation: Option<String>,
}

impl QemuNamespace {
    pub(super) fn parse(domain: Element<'_>) -> Result<Self> {
        let within = move |parent: &'static str, name: &'static str| {
            children(domain, URI, parent).flat_map(move |el| children(el, URI, name))
        };
        let named = |el: Element<'_>, attribute: &'static str, missing: &str| {
            el.attr(attribute).map(str::to_owned).ok_or_else(|| internal(missing).at(el.place()))
        };
        let args = within("commandline", "arg")
            .map(|el| named(el, "value", "No qemu command-line argument specified"))
            .collect::<Result<_>>()?;
        let env = within("commandline", "env").map(QemuEnv::parse).collect::<Result<_>>()?;
        let overrides = within("override", "device").map(QemuDeviceOverride::parse).collect::<Result<_>>()?;
        let capabilities = |name| {
            within("capabilities", name)
                .map(|el| named(el, "capability", "missing capability name"))
                .collect::<Result<_>>()
        };
        let deprecation = children(domain, URI, "deprecation").next().and_then(|el| el.attr("behavior"));
        Ok(Self {
            args,
            env,
            overrides,
            add_capabilities: capabilities("add")?,
            del_capabilities: capabilities("del")?,
            deprecation: deprecation.filter(|text| !text.is_empty()).map(str::to_owned),
        })
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.element_if_any("qemu:commandline", |w| {
            for arg in &self.args {
                w.element("qemu:arg", |w| w.attr("value", arg));
            }
            for env in &self.env {
                w.element("qemu:env", |w| {
                    w.attr("name", &env.name);
                    w.attr_opt("value", env.value.as_ref());
                });
            }
        });
        w.element_if_any("qemu:capabilities", |w| {
            for name in &self.add_capabilities {
                w.element("qemu:add", |w| w.attr("capability", name));
            }
            for name in &self.del_capabilities {
                w.element("qemu:del", |w| w.attr("capability", name));
            }
        });
        w.element_if_any("qemu:override", |w| self.overrides.iter().for_each(|device| device.format(w)));
        w.element_if_any("qemu:deprecation", |w| w.attr_opt("behavior", self.deprecation.as_ref()));
    }
}

impl QemuEnv {
    fn parse(el: Element<'_>) -> Result<Self> {
        let refuse = |detail: &str| internal(detail).at(el.place());
        let name = el.attr("name").ok_or_else(|| refuse("No qemu environment name specified"))?;
        if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            return Err(refuse("Invalid environment name, it must begin with a letter or underscore"));
        }
        if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            let detail = "Invalid environment name, it must contain only alphanumerics and underscore";
            return Err(refuse(detail));
        }
        Ok(Self { name: name.to_owned(), value: el.attr("value").map(str::to_owned) })
    }
}

impl QemuDeviceOverride {
    fn parse(el: Element<'_>) -> Result<Self> {
        let alias = el
            .attr("alias")
            .ok_or_else(|| xml_error("missing 'alias' attribute for qemu:device").at(el.place()))?;
        let properties = children(el, URI, "frontend").flat_map(|el| children(el, URI, "property"));
        let frontend = properties.map(QemuProperty::parse).collect::<Result<_>>()?;
        Ok(Self { alias: alias.to_owned(), frontend })
    }

    fn format(&self, w: &mut Writer) {
        w.element("qemu:device", |w| {
            w.attr("alias", &self.alias);
            w.element_if_any("qemu:frontend", |w| {
                for property in &self.frontend {
                    w.element("qemu:property", |w| {
                        w.attr("name", &property.name);
                        w.attr("type", property.kind);
                        w.attr_opt("value", property.value.as_ref());
                    });
                }
            });
        });
    }
}

impl QemuProperty {
    fn parse(el: Element<'_>) -> Result<Self> {
        let refuse = |detail: String| xml_error(detail).at(el.place());
        let name =
            el.attr("name").ok_or_else(|| refuse("missing 'name' attribute for qemu:property".to_owned()))?;
        if name == "id" {
            return Err(refuse("property with name 'id' can't be overridden".to_owned()));
        }
        let kind: QemuOverrideKind = el.required("type", el.attr_enum("type")?)?;
        let value = el.attr("value");
        if kind != QemuOverrideKind::Remove && value.is_none() {
            return Err(refuse("missing 'value' attribute for 'qemu:property'".to_owned()));
        }
        let text = value.unwrap_or_default();
        let fits = match kind {
            QemuOverrideKind::String => true,
            QemuOverrideKind::Signed => parse_i64(text, Base::Ten).is_some(),
            QemuOverrideKind::Unsigned => parse_u64(text, Base::Ten).is_some(),
            QemuOverrideKind::Bool => matches!(text, "true" | "false"),
            QemuOverrideKind::Remove if value.is_some() => {
                let detail =
                    "setting 'value' attribute of 'qemu:property' doesn't make sense with 'remove' type";
                return Err(refuse(detail.to_owned()));
            }
            QemuOverrideKind::Remove => true,
        };
        if !fits {
            let detail = format!("invalid value '{text}' of 'value' attribute of 'qemu:property'");
            return Err(refuse(detail));
        }
        Ok(Self { name: name.to_owned(), kind, value: value.map(str::to_owned) })
    }
}

grammar! {
    pub(super) GRAMMAR = [
        Opt("qemu:commandline", &[
            Many("qemu:arg", &[Must("value", Str)]), Many("qemu:env", &[Must("name", Str), Attr("value", Str)]),
        ]),
        Opt("qemu:capabilities", &[
            Many("qemu:add", &[Must("capability", Str)]), Many("qemu:del", &[Must("capability", Str)]),
        ]),
        Opt("qemu:deprecation", &[Must("behavior", Str)]),
        Opt("qemu:override", &[Many("qemu:device", &[
            Must("alias", Str),
            One("qemu:frontend", &[Many("qemu:property", &[
                Must("name", Str), Must("type", OneOf(QemuOverrideKind::NAMES)), Attr("value", Str),
            ])]),
        ])]),
    ];
}

#[cfg(test)]
mod tests {
    use virt_types::ErrorCode;
    use virt_xml::Document;

    use super::*;

    fn round(content: &str) -> Result<String> {
        let xml = format!("<d xmlns:q='{URI}'>{content}</d>");
        let document = Document::parse(&xml)?;
        let mut w = Writer::new();
        QemuNamespace::parse(document.root())?.format(&mut w);
        Ok(w.finish().replace('\n', "").replace("  ", ""))
    }

    #[test]
    fn what_is_read_is_written() {
        for (content, written) in [
            ("<commandline/>", ""),
            (
                "<q:commandline><q:env name='A' value='b'/><q:env name='B'/><q:arg value='-c'/></q:commandline>",
                "<qemu:commandline><qemu:arg value='-c'/><qemu:env name='A' value='b'/><qemu:env name='B'/></qemu:commandline>",
            ),
            (
                "<q:deprecation behavior='omit'/><q:override><q:device alias='d'><q:frontend><q:property name='n' type='bool' value='true'/></q:frontend></q:device></q:override><q:capabilities><q:del capability='x'/></q:capabilities>",
                "<qemu:capabilities><qemu:del capability='x'/></qemu:capabilities><qemu:override><qemu:device alias='d'><qemu:frontend><qemu:property name='n' type='bool' value='true'/></qemu:frontend></qemu:device></qemu:override><qemu:deprecation behavior='omit'/>",
            ),
        ] {
            assert_eq!(round(content).unwrap(), written);
        }
    }

    #[test]
    fn wrong_elements_are_refused() {
        for (content, code) in [
            ("<q:commandline><q:arg/></q:commandline>", ErrorCode::InternalError),
            ("<q:commandline><q:env name='1A'/></q:commandline>", ErrorCode::InternalError),
            ("<q:override><q:device/></q:override>", ErrorCode::XmlError),
            (
                "<q:override><q:device alias='d'><q:frontend><q:property name='id' type='remove'/></q:frontend></q:device></q:override>",
                ErrorCode::XmlError,
            ),
            (
                "<q:override><q:device alias='d'><q:frontend><q:property name='n' type='signed' value='x'/></q:frontend></q:device></q:override>",
                ErrorCode::XmlError,
            ),
        ] {
            assert_eq!(round(content).unwrap_err().code(), code, "{content}");
        }
    }
}
