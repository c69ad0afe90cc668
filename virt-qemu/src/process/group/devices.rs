//! Which device nodes a guest's QEMU may open: those that every QEMU needs, and those that its arguments or commands name.

use std::path::Path;

use virt_cgroup::{Access, Controller, DeviceKind, Group};
use virt_conf::domain::Domain;
use virt_conf::domain::device::{Graphics, HostdevSource};
use virt_types::Result;

use crate::config::Config;

/// What every guest may open, where it is there.
const ALWAYS: [&str; 7] =
    ["/dev/null", "/dev/full", "/dev/zero", "/dev/random", "/dev/urandom", "/dev/ptmx", "/dev/kvm"];

/// Major numbers (`Documentation/admin-guide/devices.txt`).
const TERMINALS: u32 = 136;
const SOUND: u32 = 116;
const USB: u32 = 189;
const SCSI_GENERIC: u32 = 21;

/// Lets the group open what it needs and nothing else. Where the kernel keeps the list to itself, everything stays allowed.
///
/// # Errors
/// When the kernel takes the list and then not what is in it.
pub(super) fn restrict(group: &Group, live: &Domain, config: &Config, words: &[String]) -> Result<()> {
    if !group.has(Controller::Devices) {
        return Ok(());
    }
    if let Err(error) = group.deny_all_devices() {
        if error.is_unavailable() {
            log::warn!("the guest '{}' may open every device: {error}", live.name);
            return Ok(());
        }
        return Err(error.into());
    }
    for path in ALWAYS.into_iter().filter(|path| Path::new(path).exists()) {
        group.allow_device_path(path, Access::ReadWrite)?;
    }
    group.allow_device(DeviceKind::Char, TERMINALS, None, Access::ReadWrite)?;
    if !live.devices.sounds.is_empty() && has_host_audio(live, config) {
        group.allow_device(DeviceKind::Char, SOUND, None, Access::ReadWrite)?;
    }
    for hostdev in &live.devices.hostdevs {
        allow_handed_over(group, &hostdev.source)?;
    }
    words.iter().for_each(|word| allow_named(group, word));
    Ok(())
}

/// Whether the first display, or the settings, let a guest use the host's sound.
fn has_host_audio(live: &Domain, config: &Config) -> bool {
    match live.devices.graphics.first() {
        None => config.nogfx_allow_host_audio,
        Some(Graphics::Vnc(_)) => config.vnc.allow_host_audio,
        Some(Graphics::Sdl(_)) => true,
        Some(_) => false,
    }
}

/// Devices that are handed over are named by their place, not by their node.
fn allow_handed_over(group: &Group, source: &HostdevSource) -> Result<()> {
    match source {
        HostdevSource::Usb(_) => group.allow_device(DeviceKind::Char, USB, None, Access::ReadWrite)?,
        HostdevSource::Scsi(_) => {
            group.allow_device(DeviceKind::Char, SCSI_GENERIC, None, Access::ReadWrite)?;
        }
        HostdevSource::Pci(_) | HostdevSource::Mdev(_) => allow_vfio(group),
        HostdevSource::ScsiHost(_) | HostdevSource::Capability(_) => {}
    }
    Ok(())
}

fn allow_vfio(group: &Group) {
    for entry in std::fs::read_dir("/dev/vfio").into_iter().flatten().flatten() {
        allow(group, &entry.path().to_string_lossy());
    }
}

/// Allows every device that a word, or a command in JSON, names by its path.
pub(super) fn allow_named(group: &Group, word: &str) {
    let is_end = |c: char| matches!(c, ',' | '=' | '"');
    word.split(is_end).filter(|part| part.starts_with('/')).for_each(|path| allow(group, path));
    if word.contains("vfio-pci") {
        allow_vfio(group);
    }
}

/// What is no device, or is not there, needs no leave.
fn allow(group: &Group, path: &str) {
    if let Err(error) = group.allow_device_path(path, Access::ReadWrite) {
        log::debug!("{path} is not allowed in {}: {error}", group.path());
    }
}
