//! The firmware's flash chips.

use virt_conf::common::StorageSource;
use virt_conf::common::storage_source::{ImageFormat, Location};
use virt_conf::domain::{Domain, FirmwareFormat, Loader, LoaderType};
use virt_types::Result;

use super::{HostNeed, PlanContext};
use crate::block::{BackingNode, Image, ImageOptions};

/// The loader, where it is a pair of flash chips.
fn flash(domain: &Domain) -> Option<&Loader> {
    domain.os.loader.as_ref().filter(|loader| loader.kind == Some(LoaderType::Pflash))
}

/// The images as block devices.
pub(super) fn flash_images(cx: &mut PlanContext<'_>) -> Result<()> {
    let Some(loader) = flash(cx.domain) else { return Ok(()) };
    if let Some(path) = &loader.path {
        let code = StorageSource { readonly: loader.readonly == Some(true), ..file(path, loader.format) };
        image(cx, "libvirt-pflash0", &code)?;
    }
    let Some(nvram) = &loader.nvram else { return Ok(()) };
    let variables = match (&nvram.source, &nvram.path) {
        (Some(source), _) => {
            let format = nvram.format.map(image_format);
            StorageSource { format: format.or(source.format), ..(**source).clone() }
        }
        (None, Some(path)) => {
            if let Some(template) = &nvram.template {
                cx.plan.needs.push(HostNeed::CopyOf { template: template.into(), path: path.into() });
            }
            file(path, nvram.format)
        }
        (None, None) => return Ok(()),
    };
    image(cx, "libvirt-pflash1", &variables)
}

fn file(path: &str, format: Option<FirmwareFormat>) -> StorageSource {
    let location = Location::File { path: Some(path.to_owned()), fdgroup: None };
    StorageSource { location, format: format.map(image_format), ..StorageSource::default() }
}

const fn image_format(format: FirmwareFormat) -> ImageFormat {
    match format {
        FirmwareFormat::Raw => ImageFormat::Raw,
        FirmwareFormat::Qcow2 => ImageFormat::Qcow2,
    }
}

fn image(cx: &mut PlanContext<'_>, prefix: &str, source: &StorageSource) -> Result<()> {
    let image = Image { source, prefix, options: ImageOptions::default() };
    for part in image.parts(BackingNode::Unknown, cx)? {
        cx.part(part);
    }
    Ok(())
}

/// The machine's references to the images.
pub(super) fn machine_options(domain: &Domain) -> Vec<String> {
    let Some(loader) = flash(domain) else { return Vec::new() };
    let mut options = Vec::new();
    if loader.path.is_some() {
        options.push("pflash0=libvirt-pflash0-format".to_owned());
    }
    if loader.nvram.is_some() {
        options.push("pflash1=libvirt-pflash1-format".to_owned());
    }
    options
}

/// A firmware in ROM, or what protects the flash.
pub(super) fn loader(cx: &mut PlanContext<'_>) {
    let Some(loader) = &cx.domain.os.loader else { return };
    match loader.kind {
        Some(LoaderType::Rom) => {
            if let Some(path) = &loader.path {
                cx.option("-bios", path.clone());
            }
        }
        Some(LoaderType::Pflash) if loader.secure == Some(true) => {
            cx.option("-global", "driver=cfi.pflash01,property=secure,value=on");
        }
        Some(LoaderType::Pflash) | None => {}
    }
}
