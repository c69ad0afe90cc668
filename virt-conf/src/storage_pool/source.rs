//! `<source>`: where a pool's volumes come from.

use virt_types::ErrorCode;
use virt_xml::number::Base;
use virt_xml::{Document, Element, Writer};

use super::REFUSE;
use super::adapter::Adapter;
use super::kind::{PoolFormat, PoolType};
use crate::Result;
use crate::common::auth::AuthType;
use crate::common::{Auth, sanitize_path};

/// Where a pool's volumes come from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PoolSource {
    /// `<host>`
    pub hosts: Vec<PoolHost>,
    /// `<device>`
    pub devices: Vec<PoolDevice>,
    /// `<dir path='…'/>`
    pub dir: Option<String>,
    /// `<adapter>`
    pub adapter: Option<Adapter>,
    /// `<name>`: of the volume group, file system, …
    pub name: Option<String>,
    /// `<initiator><iqn name='…'/>`
    pub initiator: Option<String>,
    /// `<format type='…'/>`; always there for the types of pools that have formats.
    pub format: Option<PoolFormat>,
    /// `<auth>`
    pub auth: Option<Auth>,
    /// `<protocol ver='…'/>`: the version of NFS.
    pub protocol_version: Option<String>,
    /// `<vendor name='…'/>`
    pub vendor: Option<String>,
    /// `<product name='…'/>`
    pub product: Option<String>,
}

/// A server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PoolHost {
    /// `name`
    pub name: String,
    /// `port`; 0 where not given.
    pub port: i32,
}

/// A device that a pool is made of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PoolDevice {
    /// `path`
    pub path: String,
    /// `part_separator`: whether partitions' names have a `p` before the number.
    pub part_separator: Option<bool>,
    /// `<freeExtent>`: first and last byte of what no partition has, of a pool that runs. Never read from a document.
    pub free_extents: Vec<(u64, u64)>,
}

impl PoolSource {
    /// Reads a document that is a `<source>` alone, as `virConnectFindStoragePoolSources` takes it.
    ///
    /// # Errors
    /// For what is wrong in itself.
    pub fn parse(xml: &str, kind: PoolType) -> Result<Self> {
        let document =
            Document::parse(xml).map_err(|error| match error.detail().strip_prefix("(document)") {
                Some(rest) if error.code() == ErrorCode::XmlDetail => {
                    REFUSE.detail(format!("(storage_source_specification){rest}"))
                }
                _ => error,
            })?;
        Self::parse_element(document.root_named("source")?, kind)
    }

    pub(super) fn parse_element(el: Element<'_>, kind: PoolType) -> Result<Self> {
        let named = |child: &'static str, name: &'static str| {
            el.child(child).and_then(|child| child.attr_filled(name)).map(str::to_owned)
        };
        let name = el.child_text("name");
        if kind == PoolType::Rbd && name.is_none() {
            return Err(REFUSE.xml("element 'name' is mandatory for RBD pool").at(el.place()));
        }
        let format = parse_format(el, kind)?;
        let hosts = el.children_named("host").map(PoolHost::parse).collect::<Result<_>>()?;
        let initiator =
            el.descend(&["initiator", "iqn"]).and_then(|iqn| iqn.attr_filled("name")).map(str::to_owned);
        let devices = el.children_named("device").map(PoolDevice::parse).collect::<Result<_>>()?;
        let adapter = match el.child("adapter") {
            Some(adapter) => Adapter::parse(adapter)?,
            None => None,
        };
        let auth = el.child("auth").map(Auth::parse).transpose()?;
        if auth.as_ref().is_some_and(|auth| auth.auth_type == AuthType::None) {
            return Err(REFUSE.unsupported("storage pool missing auth type").at(el.place()));
        }
        let protocol_version = named("protocol", "ver");
        if let Some(version) = &protocol_version {
            check_version(version, format).map_err(|error| error.at(el.place()))?;
        }
        Ok(Self {
            hosts,
            devices,
            dir: named("dir", "path").map(|path| sanitize_path(&path)),
            adapter,
            name,
            initiator,
            format,
            auth,
            protocol_version,
            vendor: named("vendor", "name"),
            product: named("product", "name"),
        })
    }

    /// Writes the element, with the parts that this type of pool has.
    pub fn format(&self, w: &mut Writer, kind: PoolType) {
        let parts = kind.parts();
        w.open_element("source", |w| {
            if parts.host {
                for host in &self.hosts {
                    w.element("host", |w| {
                        w.attr("name", &host.name);
                        w.attr_opt("port", (host.port != 0).then_some(host.port));
                    });
                }
            }
            if parts.device {
                self.devices.iter().for_each(|device| device.format(w));
            }
            let named = |w: &mut Writer, element: &str, attribute: &str, value: Option<&String>| {
                if let Some(value) = value {
                    w.element(element, |w| w.attr(attribute, value));
                }
            };
            named(w, "dir", "path", self.dir.as_ref().filter(|_| parts.dir));
            if let Some(adapter) = self.adapter.as_ref().filter(|_| parts.adapter) {
                adapter.format(w);
            }
            w.text_element_opt("name", self.name.as_ref().filter(|_| parts.name));
            if let Some(iqn) = self.initiator.as_ref().filter(|_| parts.initiator) {
                w.element("initiator", |w| w.element("iqn", |w| w.attr("name", iqn)));
            }
            if let Some(format) = self.format {
                w.element("format", |w| w.attr("type", format.text()));
            }
            if let Some(auth) = &self.auth {
                auth.format(w);
            }
            named(w, "protocol", "ver", self.protocol_version.as_ref());
            named(w, "vendor", "name", self.vendor.as_ref());
            named(w, "product", "name", self.product.as_ref());
        });
    }

    /// Writes sources that were found on a host, as `virConnectFindStoragePoolSources` gives them.
    #[must_use]
    pub fn format_list(sources: &[Self], kind: PoolType) -> String {
        let mut w = Writer::new();
        w.open_element("sources", |w| sources.iter().for_each(|source| source.format(w, kind)));
        w.finish()
    }
}

fn parse_format(el: Element<'_>, kind: PoolType) -> Result<Option<PoolFormat>> {
    let Some(default) = PoolFormat::default_of(kind) else { return Ok(None) };
    let Some(format) = el.child("format") else { return Ok(Some(default)) };
    let Some(text) = format.attr_filled("type") else { return Ok(Some(default)) };
    default.named(text).map(Some).ok_or_else(|| {
        let detail = format!("unknown pool format type {text}");
        REFUSE.unsupported(detail).with_hint(default.hint(text)).at(format.place())
    })
}

fn check_version(version: &str, format: Option<PoolFormat>) -> Result<()> {
    if let Some(format) = format.filter(|format| !format.takes_version()) {
        let detail = format!("storage pool protocol ver unsupported for pool type '{}'", format.text());
        return Err(REFUSE.unsupported(detail));
    }
    if version.contains(',') {
        return Err(REFUSE.detail(format!("storage pool protocol ver '{version}' must not contain ','")));
    }
    Ok(())
}

impl PoolHost {
    fn parse(el: Element<'_>) -> Result<Self> {
        let name =
            el.attr("name").ok_or_else(|| REFUSE.xml("missing storage pool host name").at(el.place()))?;
        Ok(Self { name: name.to_owned(), port: el.attr_i32("port", Base::Ten)?.unwrap_or(0) })
    }
}

impl PoolDevice {
    fn parse(el: Element<'_>) -> Result<Self> {
        let path = el
            .attr("path")
            .ok_or_else(|| REFUSE.xml("missing storage pool source device path").at(el.place()))?;
        el.pass_over(&["freeExtent"]);
        let part_separator = el.attr_yes_no("part_separator")?;
        Ok(Self { path: path.to_owned(), part_separator, free_extents: Vec::new() })
    }

    fn format(&self, w: &mut Writer) {
        w.element("device", |w| {
            w.attr("path", &self.path);
            w.attr_yes_no("part_separator", self.part_separator);
            for (start, end) in &self.free_extents {
                w.element("freeExtent", |w| {
                    w.attr("start", start);
                    w.attr("end", end);
                });
            }
        });
    }
}
