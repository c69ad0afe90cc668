//! A disk in the slot of a board's SD card reader, which QEMU knows only by its old `-drive` option.

use virt_conf::common::storage_source::{ImageFormat, Location};
use virt_conf::domain::device::{Disk, DiskCache, DiskDevice, DiskName};
use virt_types::{Result, TextEnum};

use crate::block::{Image, ImageOptions, effective_cache, legacy};
use crate::error::internal;
use crate::plan::{Part, PlanContext, keyval};

pub(super) fn parts(disk: &Disk, cx: &PlanContext<'_>) -> Result<Vec<Part>> {
    let alias = disk.info.alias.as_deref().unwrap_or_default();
    let image = Image { source: &disk.source, prefix: alias, options: ImageOptions::of_disk(disk, true) };
    let mut parts = legacy::objects(&image, alias, cx)?;
    parts.push(Part::Option("-drive", drive(disk, &image, alias, cx)?));
    Ok(parts)
}

fn drive(disk: &Disk, image: &Image<'_>, alias: &str, cx: &PlanContext<'_>) -> Result<String> {
    let source = &disk.source;
    let mut options = match source.location.actual() {
        Location::File { path, .. } | Location::Block { path } => {
            vec![format!("file={}", keyval(path.as_deref().unwrap_or_default()))]
        }
        Location::Dir { path } => {
            let floppy = if disk.device == DiskDevice::Floppy { "floppy:" } else { "" };
            vec![format!("file=fat:{floppy}{}", keyval(path.as_deref().unwrap_or_default()))]
        }
        Location::Network(_) => legacy::network_options(image, cx)?,
        Location::Volume(_) | Location::Nvme(_) | Location::VhostUser { .. } | Location::VhostVdpa { .. } => {
            return Err(internal("unsupported storage type for this code path"));
        }
    };
    let secret = source
        .encryption
        .as_ref()
        .filter(|encryption| !encryption.secrets.is_empty())
        .map(|_| crate::block::encryption_secret(alias, 0));
    let mut format = source.format.map(TextEnum::text);
    match (secret, source.format) {
        (Some(secret), Some(ImageFormat::Raw)) => {
            options.push(format!("key-secret={secret}"));
            format = Some("luks");
        }
        (Some(secret), Some(ImageFormat::Qcow2)) => {
            options.push("encrypt.format=luks".to_owned());
            options.push(format!("encrypt.key-secret={secret}"));
        }
        _ => {}
    }
    if let Some(format) = format.filter(|_| !matches!(source.location.actual(), Location::Dir { .. })) {
        options.push(format!("format={format}"));
    }
    let number = DiskName::parse(disk.name()).map_or(0, |name| name.index);
    options.push(format!("if=sd,index={number}"));
    if source.readonly {
        options.push("readonly=on".to_owned());
    }
    if !source.is_empty() {
        options.extend(tuning(disk));
    }
    Ok(options.join(","))
}

fn tuning(disk: &Disk) -> Vec<String> {
    let driver = &disk.driver;
    let cache = match effective_cache(disk) {
        DiskCache::Default => None,
        cache => Some(cache.text()),
    };
    let copy_on_read = driver.copy_on_read.map(|on| if on { "on" } else { "off" });
    [
        ("cache", cache),
        ("copy-on-read", copy_on_read),
        ("discard", driver.discard.map(TextEnum::text)),
        ("detect-zeroes", driver.effective_detect_zeroes().map(TextEnum::text)),
        ("aio", driver.io.map(TextEnum::text)),
    ]
    .into_iter()
    .filter_map(|(name, value)| value.map(|value| format!("{name}={value}")))
    .collect()
}
