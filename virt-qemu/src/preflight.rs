//! What would make a start fail, found out before anything is started.

use virt_conf::common::storage_source::{ImageFormat, Location};
use virt_conf::domain::Domain;
use virt_conf::domain::device::{InterfaceSource, StartupPolicy};
use virt_driver::Services;
use virt_types::{Error, ErrorCode, ErrorDomain, Result};

use crate::host::Host;

/// Refuses what can not work on this host, with what to do about it.
///
/// # Errors
/// For what is missing, with libvirt's code.
pub(crate) fn check(live: &Domain, _host: &Host) -> Result<()> {
    boot_files(live)?;
    disk_files(live)
}

/// Images have to be there. One whose format may have a backing image is opened as well, to look for that.
fn disk_files(live: &Domain) -> Result<()> {
    for disk in live.devices.disks.iter().filter(|disk| disk.startup_policy != Some(StartupPolicy::Optional))
    {
        let (Location::File { path: Some(path), fdgroup: None } | Location::Block { path: Some(path) }) =
            &disk.source.location
        else {
            continue;
        };
        let name = disk.target.dev.as_deref().unwrap_or_default();
        let hint =
            || format!("correct <source> of the disk '{name}', or make the image with qemu-img create");
        if disk.source.format.is_some_and(ImageFormat::has_backing) {
            if let Err(error) = std::fs::File::open(path) {
                return Err(inaccessible(path, error).with_hint(hint()));
            }
        } else if let Err(error) = std::fs::metadata(path) {
            let detail = format!("Cannot access storage file '{path}': {}", words(&error));
            let error = Error::new(ErrorCode::SystemError, ErrorDomain::Storage, detail).caused_by(error);
            return Err(error.with_hint(hint()));
        }
    }
    Ok(())
}

/// What a guest can do without virtual networks.
pub(crate) const INSTEAD: &str =
    "<interface type='user'/> needs nothing of the host, <interface type='bridge'/> a bridge";

/// Interfaces that need a part of the engine that is not there are refused before anything is touched.
///
/// # Errors
/// `VIR_ERR_NO_NETWORK` for a virtual network where there are none at all, `VIR_ERR_NO_SUPPORT` for the rest.
pub(crate) fn interfaces(live: &Domain, services: &Services) -> Result<()> {
    for interface in &live.devices.interfaces {
        match &interface.source {
            InterfaceSource::Network { network, .. } if services.networks.is_none() => {
                let detail = format!("no network with matching name '{network}'");
                return Err(Error::new(ErrorCode::NoNetwork, ErrorDomain::Qemu, detail)
                    .with_hint(format!("this engine has no virtual networks; {INSTEAD}")));
            }
            InterfaceSource::Hostdev(_) | InterfaceSource::Internal { .. } | InterfaceSource::Vdpa { .. } => {
                let kind = interface.source.kind();
                return Err(Error::no_support(&format!(
                    "starting a guest with an interface of type '{kind}'"
                ))
                .with_hint(INSTEAD));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Kernel and initrd have to be readable: QEMU's own words for it do not say why.
fn boot_files(live: &Domain) -> Result<()> {
    for (element, path) in [("kernel", &live.os.kernel), ("initrd", &live.os.initrd), ("dtb", &live.os.dtb)] {
        let Some(path) = path else { continue };
        if let Err(error) = std::fs::File::open(path) {
            return Err(inaccessible(path, error).with_hint(format!("correct <{element}> within <os>")));
        }
    }
    Ok(())
}

/// libvirt's refusal of a file that can not be read, which names the user.
pub(crate) fn inaccessible(path: &str, error: std::io::Error) -> Error {
    let reason = words(&error);
    let (uid, gid) = (virt_sys::user::effective_uid(), virt_sys::user::effective_gid());
    let detail = format!("Cannot access storage file '{path}' (as uid:{uid}, gid:{gid}): {reason}");
    Error::new(ErrorCode::SystemError, ErrorDomain::Storage, detail).caused_by(error)
}

/// What strerror(3) says.
fn words(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}
