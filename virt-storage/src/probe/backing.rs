//! The image behind a volume, as the volume names it.

use serde_json::Value;
use virt_conf::common::storage_source::ImageFormat;
use virt_conf::storage_volume::{VolumeFormat, VolumeTarget};
use virt_types::TextEnum;

use super::header::BackingName;
use super::place;

/// Where the image behind the one at `image` is, and its format, for which one has to look if it is not said.
pub(super) fn target(image: &str, named: BackingName) -> VolumeTarget {
    let BackingName { name, format } = named;
    let (path, format) = match local(image, &name) {
        Some((path, said)) => {
            let format = said.or(format).unwrap_or_else(|| look(&path));
            (path, format)
        }
        // What is not on this host is shown as the image names it.
        None => (name, ImageFormat::Raw),
    };
    VolumeTarget { path: Some(path), format: Some(VolumeFormat::Image(format)), ..VolumeTarget::default() }
}

fn look(path: &str) -> ImageFormat {
    place::format_at(path).unwrap_or_else(|error| {
        log::warn!("cannot probe backing volume format: {path}: {error}");
        ImageFormat::Raw
    })
}

/// The path on this host, if it is on this host; and the format, if the name says it.
fn local(image: &str, name: &str) -> Option<(String, Option<ImageFormat>)> {
    if let Some(json) = name.strip_prefix("json:") {
        return from_json(&serde_json::from_str(json).ok()?);
    }
    let name = match name.split_once(':') {
        Some(("file", path)) => path.strip_prefix("//").unwrap_or(path),
        // A protocol's name has no slash before it.
        Some((protocol, _)) if !protocol.contains('/') && !name.starts_with('/') => return None,
        _ => name,
    };
    if name.starts_with('/') {
        return Some((name.to_owned(), None));
    }
    let directory = image.rsplit_once('/').map_or(".", |(directory, _)| directory);
    Some((format!("{directory}/{name}"), None))
}

/// QEMU's description of a block device, nested or with dots in its names.
fn from_json(value: &Value) -> Option<(String, Option<ImageFormat>)> {
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    let driver = text("driver");
    if let Some(path) = text("filename")
        && matches!(driver, None | Some("file" | "host_device" | "host_cdrom"))
    {
        return Some((path.to_owned(), Some(ImageFormat::Raw)));
    }
    let format = driver.and_then(ImageFormat::from_text);
    if let Some(file) = value.get("file").filter(|file| file.is_object()) {
        let (path, _) = from_json(file)?;
        return Some((path, format));
    }
    let protocol = text("file.driver").unwrap_or("file");
    let path = text("file.filename").filter(|_| protocol == "file")?;
    Some((path.to_owned(), format))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_paths() {
        let raw = Some(ImageFormat::Raw);
        for (name, expected) in [
            ("/abs/b", Some(("/abs/b", None))),
            ("b", Some(("/pool/b", None))),
            ("sub/b", Some(("/pool/sub/b", None))),
            ("./a:b", Some(("/pool/./a:b", None))),
            ("file:/abs/b", Some(("/abs/b", None))),
            ("nbd://host/export", None),
            ("rbd:pool/image", None),
            (r#"json:{"driver":"raw","file":{"driver":"file","filename":"/j"}}"#, Some(("/j", raw))),
            (r#"json:{"driver":"file","filename":"/j"}"#, Some(("/j", raw))),
            (r#"json:{"driver":"qcow2","file.filename":"/j"}"#, Some(("/j", Some(ImageFormat::Qcow2)))),
            (r#"json:{"driver":"nbd","host":"h"}"#, None),
            ("json:{", None),
        ] {
            let expected = expected.map(|(path, format): (&str, _)| (path.to_owned(), format));
            assert_eq!(local("/pool/image", name), expected, "{name}");
        }
    }
}
