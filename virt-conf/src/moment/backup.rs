//! `<domainbackup>`: which disks are copied, and how.

use virt_types::{Error, ErrorCode, ErrorDomain, TextEnum, text_enum};
use virt_xml::{Document, Element, Writer};

use crate::common::StorageSource;
use crate::common::storage_source::{
    Location, NetworkHost, SourceParts, StorageType, Transport, backing_source_index, image_format,
    storage_type,
};
use crate::domain::Domain;
use crate::error::Refuse;
use crate::{FormatFlags, ParseFlags, Result};

const REFUSE: Refuse = Refuse(ErrorDomain::Domain);

text_enum! {
    /// Who copies.
    pub enum BackupMode { #[default] Push = "push", Pull = "pull" }
}

text_enum! {
    /// How far the copy of a disk is.
    pub enum BackupState {
        Running = "running", Complete = "complete", Failed = "failed", Cancelling = "cancelling",
        Cancelled = "cancelled",
    }
}

text_enum! {
    /// What is copied of a disk.
    pub enum DiskBackupMode { Full = "full", Incremental = "incremental" }
}

/// Which disks are copied, and how.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Backup {
    /// `mode`: whether the engine writes the copies, or others read them from a server.
    pub mode: BackupMode,
    /// `<incremental>`: the checkpoint since which changes are copied.
    pub incremental: Option<String>,
    /// `<server>`
    pub server: Option<BackupServer>,
    /// `<disks>`
    pub disks: Vec<BackupDisk>,
    /// `<privateData>` of the engine's own document: the aliases of the TLS key's secret and of the TLS credentials.
    pub tls_aliases: (Option<String>, Option<String>),
}

/// The server that copies are read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupServer {
    /// Where it listens.
    pub host: NetworkHost,
    /// `tls`
    pub tls: Option<bool>,
}

/// What is done with a disk.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BackupDisk {
    /// `name`: the disk's target.
    pub name: String,
    /// `backup`: whether it is copied; nothing else is kept where it is not.
    pub backup: bool,
    /// `state` of the engine's own document.
    pub state: Option<BackupState>,
    /// `backupmode`; absent until the engine decides.
    pub mode: Option<DiskBackupMode>,
    /// `incremental`: the checkpoint since which changes of this disk are copied.
    pub incremental: Option<String>,
    /// `exportname` on the server.
    pub export_name: Option<String>,
    /// `exportbitmap` on the server.
    pub export_bitmap: Option<String>,
    /// `type`, `<driver>`, and `<target>` for a copy that is pushed, `<scratch>` for one that is pulled.
    pub store: StorageSource,
}

impl Backup {
    /// Reads a document; `internal` where it is the engine's own.
    ///
    /// # Errors
    /// For what is no XML, no backup, or wrong in itself; with the place.
    pub fn parse(xml: &str, internal: bool) -> Result<Self> {
        Self::parse_element(Document::parse(xml)?.root_named("domainbackup")?, internal)
    }

    /// Reads a `<domainbackup>` element, of its own document or within another.
    ///
    /// # Errors
    /// As [`Backup::parse`].
    pub fn parse_element(el: Element<'_>, internal: bool) -> Result<Self> {
        let mode = match el.attr("mode") {
            None => BackupMode::Push,
            Some(text) => BackupMode::from_text(text).ok_or_else(|| {
                let detail = format!("unknown backup mode '{text}'");
                REFUSE.unsupported(detail).with_hint(BackupMode::hint(text)).at(el.place())
            })?,
        };
        let server = match el.child("server") {
            None => None,
            Some(server) if mode != BackupMode::Pull => {
                let detail = "use of <server> requires pull mode backup";
                return Err(REFUSE.unsupported(detail).at(server.place()));
            }
            Some(server) => Some(BackupServer::parse(server)?),
        };
        let disks = el.children_named("disks").flat_map(|disks| disks.children_named("disk"));
        let disks = disks.map(|disk| BackupDisk::parse(disk, mode, internal)).collect::<Result<_>>()?;
        let mut tls_aliases = (None, None);
        if let Some(objects) = el.descend(&["privateData", "objects"]).filter(|_| internal) {
            let alias = |el: Element<'_>| el.attr_filled("alias").map(str::to_owned);
            let mut secrets = objects.children_named("secret");
            let key = secrets.find(|secret| secret.attr("type") == Some("tlskey"));
            tls_aliases = (key.and_then(alias), objects.child("TLSx509").and_then(alias));
        }
        Ok(Self { mode, incremental: el.child_text("incremental"), server, disks, tls_aliases })
    }

    /// Completes the list of disks: those that are not named come last, and are copied where none is named. Copies that
    /// have no place go beside the disk, under its name and this suffix.
    ///
    /// # Errors
    /// For disks that the domain has not, that are named twice, and for which no file name can be made up.
    pub fn align_disks(&mut self, domain: &Domain, suffix: &str) -> Result<()> {
        let disks = &domain.devices.disks;
        let refuse = |detail: String| Err(REFUSE.unsupported(detail));
        if disks.is_empty() {
            return refuse("domain must have at least one disk to perform backup".to_owned());
        }
        let all = self.disks.is_empty();
        for i in 0..self.disks.len() {
            let (earlier, rest) = self.disks.split_at_mut(i);
            let request = &mut rest[0];
            let name = &request.name;
            let Some(disk) = disks.iter().find(|disk| disk.name() == name) else {
                return refuse(format!("no disk named '{name}'"));
            };
            if earlier.iter().any(|other| other.name == *name) {
                return refuse(format!("disk '{name}' specified twice"));
            }
            let since = self.incremental.is_some() || request.incremental.is_some();
            if request.mode == Some(DiskBackupMode::Incremental) && !since {
                return refuse(format!(
                    "'incremental' backup mode of disk '{name}' requires setting 'incremental' field for disk or backup"
                ));
            }
            if request.backup {
                if disk.source.is_empty() {
                    return refuse(format!("disk '{name}' has no media"));
                }
                request.place(&disk.source, suffix)?;
            }
        }
        for disk in disks {
            if self.disks.iter().any(|request| request.name == disk.name()) {
                continue;
            }
            let backup = all && !disk.source.is_empty() && !disk.source.readonly;
            let mut request = BackupDisk { name: disk.name().to_owned(), backup, ..BackupDisk::default() };
            if backup {
                request.place(&disk.source, suffix)?;
            }
            self.disks.push(request);
        }
        for request in &mut self.disks {
            let since = self.incremental.is_some() || request.incremental.is_some();
            let implied = if since { DiskBackupMode::Incremental } else { DiskBackupMode::Full };
            if *request.mode.get_or_insert(implied) == DiskBackupMode::Incremental
                && request.incremental.is_none()
            {
                request.incremental.clone_from(&self.incremental);
            }
        }
        Ok(())
    }

    /// Writes the document; `internal` where it is the engine's own.
    #[must_use]
    pub fn format(&self, internal: bool) -> String {
        let mut w = Writer::new();
        w.element("domainbackup", |w| {
            w.attr("mode", self.mode);
            w.text_element_opt("incremental", self.incremental.as_ref());
            if let Some(server) = &self.server {
                server.format(w);
            }
            w.element_if_any("disks", |w| {
                self.disks.iter().for_each(|disk| disk.format(w, self.mode, internal));
            });
            if internal {
                w.element_if_any("privateData", |w| w.element_if_any("objects", |w| self.format_aliases(w)));
            }
        });
        w.finish()
    }

    fn format_aliases(&self, w: &mut Writer) {
        let (secret, credentials) = &self.tls_aliases;
        if let Some(alias) = secret {
            w.element("secret", |w| {
                w.attr("type", "tlskey");
                w.attr("alias", alias);
            });
        }
        if let Some(alias) = credentials {
            w.element("TLSx509", |w| w.attr("alias", alias));
        }
    }
}

impl BackupServer {
    fn parse(el: Element<'_>) -> Result<Self> {
        let host = NetworkHost::parse(el)?;
        if host.transport == Transport::Rdma {
            let detail = "transport rdma is not supported for <server>";
            return Err(REFUSE.unsupported(detail).at(el.place()));
        }
        if let Some(socket) = host.socket.as_ref().filter(|socket| !socket.starts_with('/')) {
            let detail = format!("backup socket path '{socket}' must be absolute");
            return Err(REFUSE.xml(detail).at(el.place()));
        }
        Ok(Self { host, tls: el.attr_yes_no("tls")? })
    }

    fn format(&self, w: &mut Writer) {
        w.element("server", |w| {
            w.attr("transport", self.host.transport);
            w.attr_yes_no("tls", self.tls);
            w.attr_opt("name", self.host.name.as_ref());
            w.attr_opt("port", Some(self.host.port).filter(|port| *port > 0));
            w.attr_opt("socket", self.host.socket.as_ref());
        });
    }
}

/// The element that says where a copy goes.
const fn store_element(mode: BackupMode) -> &'static str {
    match mode {
        BackupMode::Push => "target",
        BackupMode::Pull => "scratch",
    }
}

impl BackupDisk {
    fn parse(el: Element<'_>, mode: BackupMode, internal: bool) -> Result<Self> {
        let name = el
            .attr("name")
            .ok_or_else(|| REFUSE.xml("missing name from disk backup element").at(el.place()))?;
        let backup = el.attr_yes_no("backup")?.unwrap_or(true);
        let mut disk = Self { name: name.to_owned(), backup, ..Self::default() };
        if !backup {
            return Ok(disk);
        }
        let text = |name| el.attr(name).map(str::to_owned);
        if mode == BackupMode::Pull {
            disk.export_name = text("exportname");
            disk.export_bitmap = text("exportbitmap");
        }
        disk.mode = el.attr_enum("backupmode")?;
        disk.incremental = text("incremental");
        if internal {
            let state = el.required("state", el.attr("state"))?;
            // A disk that nothing was done with yet has an empty one.
            disk.state = if state.is_empty() { None } else { el.attr_enum("state")? };
        }
        let kind = match el.attr("type") {
            None => StorageType::File,
            Some(text) => storage_type(el, text)?,
        };
        if !matches!(kind, StorageType::File | StorageType::Block) {
            return Err(REFUSE.xml(format!("unsupported disk backup type '{kind}'")).at(el.place()));
        }
        let flags = if internal { ParseFlags::STATUS } else { ParseFlags::empty() };
        disk.store = match el.child(store_element(mode)) {
            Some(store) => StorageSource::parse(store, kind, flags)?,
            None if kind == StorageType::Block => {
                StorageSource { location: Location::Block { path: None }, ..StorageSource::default() }
            }
            None => StorageSource::default(),
        };
        if let Some(format) = el.child("driver").and_then(|driver| driver.attr_filled("type")) {
            disk.store.format = Some(image_format(el, format)?);
        }
        if let Some(index) = el.attr("index").filter(|_| internal) {
            disk.store.index = Some(backing_source_index(el, index)?);
        }
        Ok(disk)
    }

    /// Makes up a place for a copy that has none.
    fn place(&mut self, original: &StorageSource, suffix: &str) -> Result<()> {
        if !self.store.is_empty() {
            return Ok(());
        }
        let refuse = || {
            let detail = format!("refusing to generate file name for disk '{}'", self.name);
            Error::new(ErrorCode::ConfigUnsupported, ErrorDomain::Domain, detail)
        };
        let Location::File { path: Some(path), .. } = original.location.actual() else {
            return Err(refuse());
        };
        self.store.location = Location::File { path: Some(format!("{path}.{suffix}")), fdgroup: None };
        Ok(())
    }

    fn format(&self, w: &mut Writer, mode: BackupMode, internal: bool) {
        w.element("disk", |w| {
            w.attr("name", &self.name);
            w.attr_yes_no("backup", Some(self.backup));
            w.attr_opt("state", self.state.filter(|_| internal));
            if !self.backup {
                return;
            }
            w.attr("type", self.store.location.storage_type());
            w.attr_opt("backupmode", self.mode);
            w.attr_opt("incremental", self.incremental.as_ref());
            w.attr_opt("exportname", self.export_name.as_ref());
            w.attr_opt("exportbitmap", self.export_bitmap.as_ref());
            w.attr_opt("index", self.store.index.filter(|index| *index > 0));
            if let Some(format) = self.store.format {
                w.element("driver", |w| w.attr("type", format));
            }
            let flags = if internal { FormatFlags::STATUS } else { FormatFlags::empty() };
            self.store.format(w, store_element(mode), SourceParts::default(), flags);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aligned(inner: &str) -> Result<Vec<String>> {
        let disks = "<disk type='file'><source file='/i/a'/><target dev='vda'/></disk>\
            <disk type='block'><source dev='/dev/b'/><target dev='vdb'/></disk>\
            <disk type='file' device='cdrom'><target dev='hdc'/><readonly/></disk>";
        let xml = format!(
            "<domain type='test'><name>d</name><os><type>hvm</type></os><devices>{disks}</devices></domain>"
        );
        let domain = Domain::parse(&xml, ParseFlags::INACTIVE).unwrap();
        let mut backup = Backup::parse(&format!("<domainbackup>{inner}</domainbackup>"), false)?;
        backup.align_disks(&domain, "now")?;
        let line = |disk: &BackupDisk| {
            let place = disk.store.location.local_path().unwrap_or("-");
            let since = disk.incremental.as_deref().unwrap_or("-");
            format!("{} {} {place} {} {since}", disk.name, disk.backup, disk.mode.map_or("-", TextEnum::text))
        };
        Ok(backup.disks.iter().map(line).collect())
    }

    #[test]
    fn copies_get_a_place_and_a_mode() {
        for (inner, expected) in [
            (
                "<disks><disk name='vda'/></disks>",
                Ok(vec!["vda true /i/a.now full -", "vdb false - full -", "hdc false - full -"]),
            ),
            (
                "<incremental>c1</incremental><disks><disk name='vdb' type='block'><target dev='/dev/t'/></disk></disks>",
                Ok(vec![
                    "vdb true /dev/t incremental c1",
                    "vda false - incremental c1",
                    "hdc false - incremental c1",
                ]),
            ),
            ("", Err("refusing to generate file name for disk 'vdb'")),
            ("<disks><disk name='vdx'/></disks>", Err("no disk named 'vdx'")),
            ("<disks><disk name='vda'/><disk name='vda'/></disks>", Err("disk 'vda' specified twice")),
            ("<disks><disk name='hdc'/></disks>", Err("disk 'hdc' has no media")),
            (
                "<disks><disk name='vda' backupmode='incremental'/></disks>",
                Err(
                    "'incremental' backup mode of disk 'vda' requires setting 'incremental' field for disk or backup",
                ),
            ),
            ("<server name='h'/>", Err("use of <server> requires pull mode backup")),
            ("<disks><disk/></disks>", Err("missing name from disk backup element")),
            ("<disks><disk name='a' type='nvme'/></disks>", Err("unsupported disk backup type 'nvme'")),
        ] {
            let lines = aligned(inner).map_err(|error| error.detail().to_owned());
            let expected = expected.map(|lines| lines.iter().map(ToString::to_string).collect());
            assert_eq!(lines, expected.map_err(str::to_owned), "{inner}");
        }
    }
}
