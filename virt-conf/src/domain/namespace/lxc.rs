//! `<lxc:namespace>`: kernel namespaces that a container shares with another.

use virt_types::{TextEnum, text_enum};
use virt_xml::{Element, Writer};

use super::children;
use crate::Result;
use crate::error::unsupported;

pub(super) const PREFIX: &str = "lxc";
pub(super) const URI: &str = "http://libvirt.org/schemas/domain/lxc/1.0";

text_enum! {
    /// `type`: with whom a namespace is shared.
    pub enum LxcShareType { None = "none", Name = "name", Pid = "pid", Netns = "netns" }
}

/// One shared namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LxcShare {
    /// `type`
    pub kind: LxcShareType,
    /// `value`: the container's name, the process or the network namespace's name.
    pub value: String,
}

/// `<lxc:namespace>`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LxcNamespace {
    /// `<lxc:sharenet>`
    pub net: Option<LxcShare>,
    /// `<lxc:shareipc>`
    pub ipc: Option<LxcShare>,
    /// `<lxc:shareuts>`
    pub uts: Option<LxcShare>,
}

impl LxcNamespace {
    pub(super) fn parse(domain: Element<'_>) -> Result<Self> {
        let mut namespace = Self::default();
        for el in children(domain, URI, "namespace").flat_map(|el| el.children_in_namespace(URI)) {
            let slot = match el.name() {
                "sharenet" => &mut namespace.net,
                "shareipc" => &mut namespace.ipc,
                "shareuts" => &mut namespace.uts,
                other => {
                    return Err(unsupported(format!("unsupported Namespace feature: {other}")).at(el.place()));
                }
            };
            *slot = Some(LxcShare::parse(el)?);
        }
        Ok(namespace)
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.element("lxc:namespace", |w| {
            for (name, share) in
                [("lxc:sharenet", &self.net), ("lxc:shareipc", &self.ipc), ("lxc:shareuts", &self.uts)]
            {
                if let Some(share) = share {
                    w.element(name, |w| {
                        w.attr("type", share.kind);
                        w.attr("value", &share.value);
                    });
                }
            }
        });
    }
}

impl LxcShare {
    fn parse(el: Element<'_>) -> Result<Self> {
        let text = el.attr("type").unwrap_or_default();
        let kind = LxcShareType::from_text(text)
            .ok_or_else(|| unsupported("Unknown LXC namespace source").at(el.place()))?;
        let value = el.attr("value").ok_or_else(|| {
            unsupported(format!("No LXC environment type specified: {text}")).at(el.place())
        })?;
        Ok(Self { kind, value: value.to_owned() })
    }
}

grammar! {
    pub(super) GRAMMAR = [Opt("lxc:namespace", &[
        Opt("lxc:sharenet", SHARE), Opt("lxc:shareipc", SHARE), Opt("lxc:shareuts", SHARE),
    ])];
    SHARE = [Must("type", OneOf(&["name", "pid", "netns"])), Must("value", Str)];
}
