//! Elements of the drivers' own namespaces.

use virt_xml::{Element, Writer};

use super::REFUSE;
use super::kind::PoolType;
use crate::Result;

const FS: (&str, &str) = ("fs", "http://libvirt.org/schemas/storagepool/fs/1.0");
const RBD: (&str, &str) = ("rbd", "http://libvirt.org/schemas/storagepool/rbd/1.0");

/// What a pool hands to its driver as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum PoolNamespace {
    /// Nothing.
    #[default]
    None,
    /// `<fs:mount_opts>` of file systems.
    Fs(Vec<String>),
    /// `<rbd:config_opts>`: names and values.
    Rbd(Vec<(String, String)>),
}

impl PoolNamespace {
    pub(super) fn parse(el: Element<'_>, kind: PoolType) -> Result<Self> {
        match kind {
            PoolType::Fs | PoolType::Netfs => {
                let names = options(el, FS.1, "mount_opts").map(|option| {
                    let missing = || REFUSE.xml("no fs mount option name specified").at(option.place());
                    option.attr("name").map(str::to_owned).ok_or_else(missing)
                });
                let names: Vec<_> = names.collect::<Result<_>>()?;
                Ok(if names.is_empty() { Self::None } else { Self::Fs(names) })
            }
            PoolType::Rbd => {
                let pairs: Vec<_> =
                    options(el, RBD.1, "config_opts").map(rbd_option).collect::<Result<_>>()?;
                Ok(if pairs.is_empty() { Self::None } else { Self::Rbd(pairs) })
            }
            _ => Ok(Self::None),
        }
    }

    /// The declaration that the root element carries.
    pub(super) fn format_declaration(&self, w: &mut Writer) {
        match self {
            Self::None => {}
            Self::Fs(_) => w.attr("xmlns:fs", FS.1),
            Self::Rbd(_) => w.attr("xmlns:rbd", RBD.1),
        }
    }

    pub(super) fn format(&self, w: &mut Writer) {
        match self {
            Self::None => {}
            Self::Fs(names) => w.element("fs:mount_opts", |w| {
                for name in names {
                    w.element("fs:option", |w| w.attr("name", name));
                }
            }),
            Self::Rbd(pairs) => w.element("rbd:config_opts", |w| {
                for (name, value) in pairs {
                    w.element("rbd:option", |w| {
                        w.attr("name", name);
                        w.attr("value", value);
                    });
                }
            }),
        }
    }
}

fn options<'a>(
    pool: Element<'a>,
    uri: &'static str,
    group: &'static str,
) -> impl Iterator<Item = Element<'a>> {
    let groups = pool.children_in_namespace(uri).filter(move |el| el.name() == group);
    groups.flat_map(move |el| el.children_in_namespace(uri)).filter(|el| el.name() == "option")
}

fn rbd_option(el: Element<'_>) -> Result<(String, String)> {
    let refuse = |detail: String| REFUSE.xml(detail).at(el.place());
    let name = el.attr("name").ok_or_else(|| refuse("no rbd option name specified".into()))?;
    if name.is_empty() {
        return Err(refuse("empty rbd option name specified".into()));
    }
    let value =
        el.attr("value").ok_or_else(|| refuse(format!("no rbd option value specified for name '{name}'")))?;
    if value.is_empty() {
        return Err(refuse(format!("empty rbd option value specified for name '{name}'")));
    }
    Ok((name.to_owned(), value.to_owned()))
}
