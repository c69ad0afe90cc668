//! The firmware's flash chips.

use virt_conf::domain::{Domain, FirmwareFormat, Loader, LoaderType};

use super::{Part, PlanContext, Props};

/// The loader, where it is a pair of flash chips.
fn flash(domain: &Domain) -> Option<&Loader> {
    domain.os.loader.as_ref().filter(|loader| loader.kind == Some(LoaderType::Pflash))
}

/// The images as block devices.
pub(super) fn flash_images(cx: &mut PlanContext<'_>) {
    let Some(loader) = flash(cx.domain) else { return };
    if let Some(path) = &loader.path {
        image(cx, "pflash0", path, loader.format, loader.readonly == Some(true));
    }
    if let Some(nvram) = &loader.nvram
        && let Some(path) = &nvram.path
    {
        image(cx, "pflash1", path, nvram.format, false);
    }
}

fn image(cx: &mut PlanContext<'_>, chip: &str, path: &str, format: Option<FirmwareFormat>, readonly: bool) {
    let storage = format!("libvirt-{chip}-storage");
    cx.part(Part::Blockdev(
        Props::new()
            .str("driver", "file")
            .str("filename", path)
            .str("node-name", storage.as_str())
            .bool("auto-read-only", true)
            .str("discard", "unmap"),
    ));
    cx.part(Part::Blockdev(
        Props::new()
            .str("node-name", format!("libvirt-{chip}-format"))
            .bool("read-only", readonly)
            .str("driver", format.unwrap_or_default().to_string())
            .str("file", storage),
    ));
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
