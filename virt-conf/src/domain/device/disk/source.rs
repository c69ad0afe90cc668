//! The image of a disk: what is read from several elements, and what does not go together.

use virt_xml::Element;
use virt_xml::number::{self, Base};

use super::{Disk, DiskDevice, Sgio, StartupPolicy};
use crate::common::encryption::EncryptionFormat;
use crate::common::storage_source::{
    Backing, ImageFormat, Location, NetworkSource, Protocol, StorageSource, StorageType,
};
use crate::common::{Auth, Encryption};
use crate::error::{unsupported, xml_error};
use crate::{ParseFlags, Result};

/// Reads what a `<disk>` element says of its image, but for `<driver>`.
pub(super) fn parse(el: Element<'_>, flags: ParseFlags) -> Result<StorageSource> {
    let kind = el.attr_enum("type")?.unwrap_or(StorageType::File);
    let mut source = match el.child("source") {
        Some(child) => {
            let mut source = StorageSource::parse(child, kind, flags)?;
            if let Some(text) = child.attr("index").filter(|_| !flags.contains(ParseFlags::INACTIVE)) {
                let index = number::parse_u32(text, Base::Ten);
                source.index =
                    Some(index.ok_or_else(|| {
                        xml_error(format!("invalid disk index '{text}'")).at(child.place())
                    })?);
            }
            source
        }
        None => StorageSource::default(),
    };
    source.readonly = el.child("readonly").is_some();
    source.shared = el.child("shareable").is_some();
    let twice = |what: &str, el: Element<'_>| {
        Err(unsupported(format!("an <{what}> definition already found for disk source")).at(el.place()))
    };
    if let Some(auth) = el.child("auth") {
        if source.auth.is_some() {
            return twice("auth", auth);
        }
        source.auth = Some(Auth::parse(auth)?);
    }
    if let Some(encryption) = el.child("encryption") {
        if source.encryption.is_some() {
            return twice("encryption", encryption);
        }
        source.encryption = Some(Encryption::parse(encryption)?);
    }
    source.backing = Backing::parse_child(el, flags)?;
    Ok(source)
}

/// Refuses images that no driver can make a disk of.
pub(super) fn validate(disk: &Disk) -> Result<()> {
    for source in disk.source.chain() {
        validate_one(source)?;
    }
    if disk.sgio == Some(Sgio::Unfiltered) {
        return Err(unsupported("unfiltered sgio is no longer supported"));
    }
    if disk.device == DiskDevice::Lun {
        return validate_lun(&disk.source);
    }
    for (given, sentence) in [
        (disk.source.reservations.is_some(), "<reservations/> allowed only for lun devices"),
        (disk.rawio.is_some(), "rawio can be used only with device='lun'"),
        (disk.sgio.is_some(), "sgio can be used only with device='lun'"),
    ] {
        if given {
            return Err(unsupported(sentence));
        }
    }
    if let Location::Nvme(nvme) = &disk.source.location
        && nvme.namespace == 0
    {
        return Err(unsupported("NVMe namespace can't be zero"));
    }
    Ok(())
}

fn validate_one(source: &StorageSource) -> Result<()> {
    if let (Location::Network(network), Some(auth)) = (&source.location, &source.auth) {
        validate_auth(network, auth)?;
    }
    if source.encryption.as_ref().is_some_and(|encryption| encryption.cipher.is_some()) {
        return Err(unsupported("supplying <cipher> for domain disk definition is unnecessary"));
    }
    Ok(())
}

fn validate_auth(network: &NetworkSource, auth: &Auth) -> Result<()> {
    match network.protocol {
        Protocol::Nbd
        | Protocol::Sheepdog
        | Protocol::Gluster
        | Protocol::Tftp
        | Protocol::Vxhs
        | Protocol::Nfs => {
            return Err(unsupported(format!(
                "authentication is not supported for protocol '{}'",
                network.protocol
            )));
        }
        Protocol::Iscsi
        | Protocol::Http
        | Protocol::Https
        | Protocol::Ftp
        | Protocol::Ftps
        | Protocol::Ssh
        | Protocol::Rbd => {}
    }
    let kind = auth.secret_type.as_deref();
    if !kind.is_some_and(|kind| ["none", "volume", "ceph", "iscsi", "tls", "vtpm"].contains(&kind)) {
        return Err(unsupported(format!("unknown secret type '{}'", kind.unwrap_or("<null>"))));
    }
    let expected = match network.protocol {
        Protocol::Iscsi => "iscsi",
        Protocol::Rbd => "ceph",
        _ => return Ok(()),
    };
    match kind {
        Some(kind) if kind != expected => Err(unsupported(format!("invalid secret type '{kind}'"))),
        _ => Ok(()),
    }
}

/// What a guest may have as a SCSI unit of its own.
fn validate_lun(source: &StorageSource) -> Result<()> {
    match source.location.actual() {
        Location::Network(network) if network.protocol == Protocol::Iscsi => {}
        Location::Network(network) => {
            return Err(unsupported(format!(
                "disk device='lun' is not supported for protocol='{}'",
                network.protocol
            )));
        }
        Location::Block { .. } | Location::Volume(_) => {}
        _ if matches!(source.location, Location::Volume(_)) => {}
        _ => return Err(unsupported("disk device='lun' is only valid for block type disk source")),
    }
    if !matches!(source.format, None | Some(ImageFormat::Raw)) {
        return Err(unsupported("disk device 'lun' must use 'raw' format"));
    }
    if source.slice.is_some() {
        return Err(unsupported("disk device 'lun' doesn't support storage slice"));
    }
    let encrypted = |encryption: &Encryption| encryption.format != EncryptionFormat::Default;
    if source.encryption.as_ref().is_some_and(encrypted) {
        return Err(unsupported("disk device 'lun' doesn't support encryption"));
    }
    Ok(())
}

pub(super) fn validate_startup_policy(disk: &Disk) -> Result<()> {
    let Some(policy) = disk.startup_policy else { return Ok(()) };
    let local = matches!(
        disk.source.location.actual(),
        Location::File { .. } | Location::Block { .. } | Location::Dir { .. } | Location::Volume(_)
    );
    if !local {
        return Err(xml_error(format!(
            "disk startupPolicy '{policy}' is not allowed for disk of '{}' type",
            disk.source.location.storage_type()
        )));
    }
    if policy == StartupPolicy::Requisite && !disk.is_removable() {
        return Err(xml_error("disk startupPolicy 'requisite' is allowed only for cdrom or floppy"));
    }
    Ok(())
}

pub(super) fn validate_discard_no_unref(disk: &Disk) -> Result<()> {
    if disk.driver.discard_no_unref != Some(true) {
        return Ok(());
    }
    if disk.source.format != Some(ImageFormat::Qcow2) {
        return Err(unsupported("'discard_no_unref' only works with qcow2 disk format"));
    }
    if disk.source.readonly {
        return Err(unsupported("'discard_no_unref' is not compatible with read-only disk"));
    }
    Ok(())
}

impl NetworkSource {
    /// An iSCSI target that names no unit means the first.
    pub(in crate::domain::device) fn fill(&mut self) {
        if self.protocol == Protocol::Iscsi
            && let Some(name) = &mut self.name
            && !name.contains('/')
        {
            name.push_str("/0");
        }
    }
}
