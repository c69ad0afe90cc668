//! The node that makes sense of an image's bytes.

use virt_conf::common::encryption::{EncryptionEngine, EncryptionFormat};
use virt_conf::common::storage_source::ImageFormat;
use virt_types::{Result, TextEnum};

use super::secret::encryption_secret;
use super::{BackingNode, Image, check_backing, effective_format};
use crate::error::internal;
use crate::plan::Props;

/// The format node's properties.
pub(super) fn props(image: &Image<'_>, backing: BackingNode<'_>) -> Result<Props> {
    check_backing(image.source, backing)?;
    let node = image.format_node();
    let format = effective_format(image.source);
    let props = image.common(&node, true)?.extend(driver(image, format)?);
    let props = props.str("file", image.slice_node().unwrap_or_else(|| image.storage_node()));
    Ok(match backing {
        BackingNode::Node(node) => props.str("backing", node),
        BackingNode::End if format.has_backing() => props.value("backing", serde_json::Value::Null),
        BackingNode::End | BackingNode::Unknown => props,
    })
}

fn driver(image: &Image<'_>, format: ImageFormat) -> Result<Props> {
    let simple = |driver: &str| Ok(Props::new().str("driver", driver));
    let source = image.source;
    match format {
        // A directory is made a FAT file system by its storage node already.
        ImageFormat::Fat | ImageFormat::Raw => match encryption(image)? {
            Some((EncryptionFormat::Luks, secret)) => {
                Ok(Props::new().str("driver", "luks").str("key-secret", secret))
            }
            _ => {
                let props = Props::new().str("driver", "raw");
                Ok(match source.slice.filter(|_| image.slice_node().is_none()) {
                    Some(slice) => props.u64("offset", slice.offset).u64("size", slice.size),
                    None => props,
                })
            }
        },
        ImageFormat::Qcow2 => Ok(with_encryption(image, "qcow2")?
            .opt_u64("cache-size", source.metadata_cache)
            .opt_bool("discard-no-unref", image.options.discard_no_unref)),
        ImageFormat::Qcow => with_encryption(image, "qcow"),
        ImageFormat::Ploop => simple("parallels"),
        ImageFormat::Vhd => simple("vhdx"),
        ImageFormat::Bochs
        | ImageFormat::Cloop
        | ImageFormat::Dmg
        | ImageFormat::Vdi
        | ImageFormat::Vpc
        | ImageFormat::Qed
        | ImageFormat::Vmdk => simple(format.text()),
        ImageFormat::Cow | ImageFormat::Iso | ImageFormat::Dir => {
            Err(internal(format!("mishandled storage format '{format}'")))
        }
    }
}

fn with_encryption(image: &Image<'_>, driver: &str) -> Result<Props> {
    let props = Props::new().str("driver", driver);
    Ok(match encryption(image)? {
        None => props,
        Some((format, secret)) => {
            let name = if format == EncryptionFormat::Qcow { "aes" } else { "luks" };
            props.object("encrypt", Props::new().str("format", name).str("key-secret", secret))
        }
    })
}

/// How QEMU itself decrypts the image, with the secret's id.
fn encryption(image: &Image<'_>) -> Result<Option<(EncryptionFormat, String)>> {
    let Some(encryption) = &image.source.encryption else { return Ok(None) };
    if encryption.engine == Some(EncryptionEngine::Librbd) {
        return Ok(None);
    }
    if encryption.secrets.is_empty() {
        return match encryption.format {
            EncryptionFormat::Luks => Err(internal("missing secret info for 'luks' driver")),
            _ => Ok(None),
        };
    }
    Ok(Some((encryption.format, encryption_secret(&image.format_node(), 0))))
}
