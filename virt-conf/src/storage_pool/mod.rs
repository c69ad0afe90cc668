//! `<pool>`: a storage pool.

mod adapter;
mod conflict;
mod kind;
mod namespace;
mod source;
#[cfg(test)]
mod tests;

use virt_types::{ErrorCode, ErrorDomain, TextEnum, Uuid, text_enum};
use virt_xml::{Document, Element, Writer};

pub use adapter::{Adapter, AdapterType, FcHost, ScsiHost};
pub use kind::{DiskFormat, FsFormat, LogicalFormat, NetfsFormat, PoolFormat, PoolType};
pub use namespace::PoolNamespace;
pub use source::{PoolDevice, PoolHost, PoolSource};

use crate::Result;
use crate::common::{Permissions, sanitize_path};
use crate::error::{Refuse, check_name};

pub(crate) const REFUSE: Refuse = Refuse(ErrorDomain::Storage);

text_enum! {
    /// How the allocation of volumes is found out.
    pub enum RefreshAllocation { #[default] Default = "default", Capacity = "capacity" }
}

/// A storage pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoragePool {
    /// `type`
    pub kind: PoolType,
    /// `<name>`; the name of its source where not given.
    pub name: String,
    /// `<uuid>`; absent until the engine gives one.
    pub uuid: Option<Uuid>,
    /// `<capacity>` in bytes. Never read from a document, like the two after it.
    pub capacity: u64,
    /// `<allocation>` in bytes.
    pub allocation: u64,
    /// `<available>` in bytes.
    pub available: u64,
    /// `<features><cow state='…'/>`
    pub cow: Option<bool>,
    /// `<source>`
    pub source: PoolSource,
    /// `<target>`, of the types whose volumes are in the host's own tree of files.
    pub target: Option<PoolTarget>,
    /// `<refresh><volume allocation='…'/>`
    pub refresh: Option<RefreshAllocation>,
    /// Elements of the driver's own namespace.
    pub namespace: PoolNamespace,
}

/// Where the volumes are seen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PoolTarget {
    /// `<path>`
    pub path: String,
    /// `<permissions>`
    pub permissions: Permissions,
}

impl StoragePool {
    /// Reads a document.
    ///
    /// # Errors
    /// For what is no XML, no pool, or wrong in itself; with the place.
    pub fn parse(xml: &str) -> Result<Self> {
        Self::parse_element(Document::parse(xml)?.root_named("pool")?)
    }

    /// Reads a `<pool>` element, of its own document or within another.
    ///
    /// # Errors
    /// As [`StoragePool::parse`].
    pub fn parse_element(el: Element<'_>) -> Result<Self> {
        let kind: PoolType = el.required("type", el.attr_enum("type")?)?;
        let refuse = |detail: String| REFUSE.xml(detail).at(el.place());
        let source = match el.child("source") {
            Some(source) => PoolSource::parse_element(source, kind)?,
            None => PoolSource { format: PoolFormat::default_of(kind), ..PoolSource::default() },
        };
        let name = el.child_text("name").or_else(|| source.name.clone().filter(|_| kind.parts().name));
        let name = name.ok_or_else(|| refuse("missing pool source name element".into()))?;
        if name.contains('/') {
            return Err(refuse(format!("name {name} cannot contain '/'")));
        }
        let uuid = match el.child_text("uuid") {
            None => None,
            Some(text) => Some(text.parse().map_err(|_| refuse("malformed uuid element".into()))?),
        };
        el.pass_over(&["capacity", "allocation", "available"]);
        let mut pool = Self {
            kind,
            name,
            uuid,
            capacity: 0,
            allocation: 0,
            available: 0,
            cow: parse_cow(el, kind)?,
            source,
            target: None,
            refresh: None,
            namespace: PoolNamespace::None,
        };
        pool.check_source(el)?;
        pool.target = pool.parse_target(el)?;
        if kind == PoolType::IscsiDirect && pool.source.initiator.is_none() {
            return Err(REFUSE.unsupported("missing initiator IQN").at(el.place()));
        }
        pool.refresh = parse_refresh(el)?;
        pool.namespace = PoolNamespace::parse(el, kind)?;
        Ok(pool)
    }

    fn check_source(&self, el: Element<'_>) -> Result<()> {
        let (source, parts) = (&self.source, self.kind.parts());
        let at = el.child("source").unwrap_or(el);
        let refuse = |detail: &str| Err(REFUSE.xml(detail).at(at.place()));
        if parts.host && source.hosts.is_empty() {
            return refuse("missing storage pool source host name");
        }
        if parts.dir && source.dir.is_none() && self.kind != PoolType::Gluster {
            return refuse("missing storage pool source path");
        }
        if parts.adapter {
            match &source.adapter {
                None => return refuse("missing storage pool source adapter"),
                Some(adapter) => adapter.check().map_err(|error| error.at(at.place()))?,
            }
        }
        // Where a pool can be named instead, it may have no device.
        if matches!(self.kind, PoolType::Fs | PoolType::Disk) && source.devices.is_empty() {
            return refuse("missing storage pool source device name");
        }
        Ok(())
    }

    fn parse_target(&self, el: Element<'_>) -> Result<Option<PoolTarget>> {
        if self.kind.parts().network {
            return Ok(None);
        }
        let target = el.child("target");
        let path = match self.kind {
            // Their paths follow from their names.
            PoolType::Logical | PoolType::Zfs => {
                if let Some(target) = target {
                    target.pass_over(&["path"]);
                }
                String::new()
            }
            _ => target
                .and_then(|target| target.child_text("path"))
                .map(|path| sanitize_path(&path))
                .ok_or_else(|| REFUSE.xml("missing storage pool target path").at(el.place()))?,
        };
        let permissions = target.map(Permissions::parse_child).transpose()?.unwrap_or_default();
        Ok(Some(PoolTarget { path, permissions }))
    }

    /// Completes a pool as it was read: the names and paths that follow from others. `uuid` is given to one that has none.
    ///
    /// Filling a filled pool changes nothing.
    pub fn fill(&mut self, uuid: Option<Uuid>) {
        self.uuid = self.uuid.or(uuid);
        if self.kind.parts().name {
            self.source.name.get_or_insert_with(|| self.name.clone());
        }
        if self.kind == PoolType::Gluster {
            self.source.dir.get_or_insert_with(|| "/".to_owned());
        }
        let below = match self.kind {
            PoolType::Logical => "/dev",
            PoolType::Zfs => "/dev/zvol",
            _ => return,
        };
        let name = self.source.name.as_deref().unwrap_or_default();
        self.target.get_or_insert_default().path = sanitize_path(&format!("{below}/{name}"));
    }

    /// Checks that a pool can be had from a driver that knows pools of these types.
    ///
    /// # Errors
    /// `VIR_ERR_INTERNAL_ERROR` for another type, `VIR_ERR_XML_DETAIL` for a name that is more than one line.
    pub fn validate(&self, known: &dyn Fn(PoolType) -> bool) -> Result<()> {
        check_name(&self.name, &['\n'])?;
        self.kind.check_known(known)
    }

    /// Writes the document.
    #[must_use]
    pub fn format(&self) -> String {
        let mut w = Writer::new();
        self.format_into(&mut w);
        w.finish()
    }

    /// Writes the `<pool>` element into another document.
    pub fn format_into(&self, w: &mut Writer) {
        w.element("pool", |w| {
            w.attr("type", self.kind);
            self.namespace.format_declaration(w);
            w.text_element("name", &self.name);
            w.text_element_opt("uuid", self.uuid);
            for (name, bytes) in
                [("capacity", self.capacity), ("allocation", self.allocation), ("available", self.available)]
            {
                w.text_element_with(name, |w| w.attr("unit", "bytes"), bytes);
            }
            if let Some(cow) = self.cow {
                w.element("features", |w| w.element("cow", |w| w.attr_yes_no("state", Some(cow))));
            }
            self.source.format(w, self.kind);
            if let Some(target) = &self.target {
                w.element("target", |w| {
                    w.text_element("path", &target.path);
                    target.permissions.format(w);
                });
            }
            if let Some(allocation) = self.refresh {
                w.element("refresh", |w| w.element("volume", |w| w.attr("allocation", allocation)));
            }
            self.namespace.format(w);
        });
    }
}

fn parse_cow(el: Element<'_>, kind: PoolType) -> Result<Option<bool>> {
    let Some(cow) = el.descend(&["features", "cow"]) else { return Ok(None) };
    let state = cow.attr_yes_no("state")?;
    if state.is_some() && !matches!(kind, PoolType::Fs | PoolType::Dir) {
        let detail = "cow feature may only be used for 'fs' and 'dir' pools";
        return Err(cow.error(ErrorCode::NoSupport, ErrorDomain::Storage, detail));
    }
    Ok(state)
}

fn parse_refresh(el: Element<'_>) -> Result<Option<RefreshAllocation>> {
    let Some(volume) = el.descend(&["refresh", "volume"]) else { return Ok(None) };
    let Some(text) = volume.attr_filled("allocation") else { return Ok(None) };
    RefreshAllocation::from_text(text).map(Some).ok_or_else(|| {
        let detail = format!("unknown storage pool volume refresh allocation type {text}");
        REFUSE.unsupported(detail).with_hint(RefreshAllocation::hint(text)).at(volume.place())
    })
}
