//! The image of a disk: QEMU's defaults and refusals.

use virt_conf::common::encryption::{EncryptionEngine, EncryptionFormat};
use virt_conf::common::storage_source::{ImageFormat, Location, NetworkSource, Protocol, Transport};
use virt_conf::common::{Encryption, StorageSource};
use virt_conf::domain::device::{Disk, DiskBus, DiskDevice, DiskName};
use virt_types::Result;

use super::frontend::check_shared_memory;
use crate::caps::{Cap, Capabilities};
use crate::device::QemuContext;
use crate::error::{internal, unsupported};
use crate::machine;
use crate::plan::PlanContext;

pub(super) fn complete(disk: &mut Disk, _cx: &QemuContext<'_>) {
    disk.driver.name.get_or_insert_with(|| "qemu".to_owned());
    // What a volume holds is known only when the pool is asked.
    if !matches!(disk.source.location, Location::Volume(_)) {
        disk.source.format.get_or_insert(ImageFormat::Raw);
    }
    if let Some(mirror) = &mut disk.mirror {
        mirror.source.format.get_or_insert(ImageFormat::Raw);
    }
    let mut source = Some(&mut disk.source);
    while let Some(image) = source {
        if let Some(encryption) = &mut image.encryption {
            encryption.engine.get_or_insert(EncryptionEngine::Qemu);
        }
        source = image.backing_source_mut();
    }
}

pub(super) fn check(disk: &Disk, cx: &QemuContext<'_>) -> Result<()> {
    check_transient(disk)?;
    let (name, source) = (disk.name(), &disk.source);
    if source.shared && !source.readonly && source.format != Some(ImageFormat::Raw) {
        return Err(unsupported(format!(
            "shared access for disk '{name}' requires use of supported storage format"
        ))
        .with_hint("only raw images can be written by several guests at once"));
    }
    if let Some(driver) = disk.driver.name.as_ref().filter(|driver| *driver != "qemu") {
        return Err(unsupported(format!("unsupported driver name '{driver}' for disk '{name}'")));
    }
    match DiskName::parse(name) {
        None => return Err(unsupported(format!("invalid disk target '{name}'"))),
        Some(parsed) if parsed.partition > 0 => {
            return Err(unsupported(format!(
                "invalid disk target '{name}', partitions can't appear in disk targets"
            )));
        }
        Some(_) => {}
    }
    if disk.driver.discard_no_unref.is_some() && !cx.caps.has(Cap::Qcow2DiscardNoUnref) {
        return Err(unsupported("'discard_no_unref' is not supported by this QEMU binary"));
    }
    for source in source.chain() {
        check_source(source, cx.caps)?;
    }
    if disk.bus() == DiskBus::Sd && source.encryption.as_ref().is_some_and(|e| e.secrets.len() > 1) {
        return Err(unsupported(format!("sd card '{name}' does not support multiple encryption secrets")));
    }
    check_shared_memory(disk, cx)
}

/// Refuses what libvirt lets pass in a definition, but not at the start.
pub(super) fn check_at_start(disk: &Disk, cx: &PlanContext<'_>) -> Result<()> {
    if disk.device == DiskDevice::Floppy && machine::is_pseries(cx.domain) {
        return Err(unsupported("PowerPC pseries machines do not support floppy device"));
    }
    match disk.source.location.actual() {
        Location::Network(network) if network.protocol == Protocol::Vxhs && !cx.caps.has(Cap::Vxhs) => {
            Err(unsupported("VxHS protocol is not supported with this QEMU binary"))
        }
        _ => Ok(()),
    }
}

fn check_transient(disk: &Disk) -> Result<()> {
    let Some(transient) = disk.transient else { return Ok(()) };
    let name = disk.name();
    if disk.source.is_empty() {
        return Err(unsupported(format!("transient disk '{name}' must not be empty")));
    }
    if disk.source.readonly {
        return Err(unsupported(format!("transient disk '{name}' must not be read-only")));
    }
    if !matches!(disk.source.location.actual(), Location::File { .. }) {
        return Err(unsupported(format!("transient disk supported only with 'file' type ({name})")));
    }
    if disk.device != DiskDevice::Disk {
        return Err(unsupported(format!("transient disk supported only with 'disk' device ({name})")));
    }
    let pluggable = matches!(disk.bus(), DiskBus::Usb | DiskBus::Virtio | DiskBus::Scsi);
    if transient.share_backing == Some(true) && !pluggable {
        return Err(unsupported(format!(
            "disk bus '{}' doesn't support transiend disk backing image sharing",
            disk.bus()
        )));
    }
    Ok(())
}

/// Refuses an image that QEMU can not read.
///
/// # Errors
/// `VIR_ERR_CONFIG_UNSUPPORTED` that says what.
pub(crate) fn check_source(source: &StorageSource, caps: &Capabilities) -> Result<()> {
    let place = source.location.actual();
    match source.format {
        Some(ImageFormat::Cow) => return Err(unsupported("'cow' storage format is not supported")),
        Some(ImageFormat::Dir) => {
            return Err(unsupported(
                "'directory' storage format is not directly supported by QEMU, use 'dir' disk type instead",
            ));
        }
        Some(ImageFormat::Iso) => {
            return Err(unsupported(
                "storage format 'iso' is not directly supported by QEMU, use 'raw' instead",
            ));
        }
        Some(ImageFormat::Fat) if !matches!(place, Location::Volume(_) | Location::Dir { .. }) => {
            return Err(unsupported("storage format 'fat' is supported only with 'dir' storage type"));
        }
        _ => {}
    }
    if let Location::Dir { .. } = place {
        if !matches!(source.format, None | Some(ImageFormat::Fat)) {
            return Err(unsupported("storage type 'dir' requires use of storage format 'fat'"));
        }
        if !source.readonly {
            return Err(unsupported("virtual FAT storage can't be accessed in read-write mode")
                .with_hint("add <readonly/>"));
        }
    }
    if source.reservations.is_some() && !caps.has(Cap::PrManagerHelper) {
        return Err(unsupported("reservations not supported with this QEMU binary"));
    }
    if let Location::Network(network) = place {
        check_network(network, caps)?;
    }
    if source.metadata_cache.is_some() && source.format != Some(ImageFormat::Qcow2) {
        return Err(unsupported("metadata cache max size control is supported only with qcow2 images"));
    }
    source.encryption.as_ref().map_or(Ok(()), |encryption| check_encryption(encryption, source, caps))
}

fn check_network(network: &NetworkSource, caps: &Capabilities) -> Result<()> {
    if network.protocol == Protocol::Tftp {
        return Err(unsupported("'tftp' protocol is not supported with this QEMU binary"));
    }
    if network.protocol == Protocol::Nfs {
        let [host] = network.hosts.as_slice() else {
            return Err(unsupported("'nfs' protocol requires the usage of exactly one host"));
        };
        if host.transport != Transport::Tcp {
            return Err(unsupported("'nfs' host must use TCP protocol"));
        }
        if host.port != 0 {
            return Err(unsupported("port cannot be specified in 'nfs' protocol host"));
        }
    }
    if network.tls_hostname.is_some() {
        if network.protocol != Protocol::Nbd {
            return Err(unsupported("'tlsHostname' field is supported only with NBD disks"));
        }
        if !caps.has(Cap::BlockdevNbdTlsHostname) {
            return Err(unsupported("'tlsHostname' field is not supported by this QEMU"));
        }
    }
    Ok(())
}

fn check_encryption(encryption: &Encryption, source: &StorageSource, caps: &Capabilities) -> Result<()> {
    if matches!(encryption.format, EncryptionFormat::Default | EncryptionFormat::Qcow) {
        return Err(unsupported("old qcow/qcow2 encryption is not supported")
            .with_hint("convert the image to LUKS with qemu-img"));
    }
    match encryption.engine {
        None => Err(internal("Unexpected enum value 0 for virStorageEncryptionEngine")),
        Some(EncryptionEngine::Qemu) => {
            if encryption.format != EncryptionFormat::Luks {
                return Err(unsupported(format!(
                    "'{}' is currently not supported by the qemu encryption engine",
                    encryption.format
                )));
            }
            if !matches!(source.format, Some(ImageFormat::Qcow2 | ImageFormat::Raw)) {
                return Err(unsupported("encryption is supported only with 'raw' and 'qcow2' image format"));
            }
            if encryption.secrets.len() > 1 {
                return Err(unsupported("qemu encryption engine expects only a single secret"));
            }
            Ok(())
        }
        Some(EncryptionEngine::Librbd) => {
            if !caps.has(Cap::RbdEncryption) {
                return Err(unsupported("librbd encryption is not supported by this QEMU binary"));
            }
            if !matches!(source.location.actual(), Location::Network(_)) {
                return Err(unsupported("librbd encryption is supported only with RBD backed disks"));
            }
            if encryption.secrets.len() > 1 && !caps.has(Cap::RbdEncryptionLayering) {
                return Err(unsupported("librbd encryption layering is not supported by this QEMU binary"));
            }
            if encryption.format == EncryptionFormat::LuksAny && !caps.has(Cap::RbdEncryptionLuksAny) {
                return Err(unsupported("luks-any encryption is not supported by this QEMU binary"));
            }
            Ok(())
        }
    }
}
