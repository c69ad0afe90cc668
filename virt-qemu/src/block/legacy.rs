//! Images for QEMU's old `-drive` option, whose objects are named after the drive.

use serde_json::Value;
use virt_types::Result;

use super::{Image, backend, secret};
use crate::plan::{Part, PlanContext, keyval};

/// The objects that the image needs, named after the drive instead of its nodes.
///
/// # Errors
/// As [`Image::parts`].
pub(crate) fn objects(image: &Image<'_>, alias: &str, cx: &PlanContext<'_>) -> Result<Vec<Part>> {
    let rename =
        |text: &str| text.replacen(&image.storage_node(), alias, 1).replacen(&image.format_node(), alias, 1);
    let parts = secret::objects(image, &image.storage_node(), cx)?;
    Ok(parts
        .into_iter()
        .map(|part| match part {
            Part::Secret { id, source } => Part::Secret { id: rename(&id), source },
            other => other,
        })
        .collect())
}

/// A network image as options `file.…`.
///
/// # Errors
/// As [`Image::parts`].
pub(crate) fn network_options(image: &Image<'_>, cx: &PlanContext<'_>) -> Result<Vec<String>> {
    let mut options = Vec::new();
    flatten("file", &backend::props(image, &image.storage_node(), cx)?.into_json(), &mut options);
    Ok(options)
}

fn flatten(path: &str, value: &Value, options: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                flatten(&format!("{path}.{name}"), value, options);
            }
        }
        Value::Array(items) => {
            for (i, value) in items.iter().enumerate() {
                flatten(&format!("{path}.{i}"), value, options);
            }
        }
        Value::String(text) => options.push(format!("{path}={}", keyval(text))),
        Value::Bool(on) => options.push(format!("{path}={}", if *on { "on" } else { "off" })),
        Value::Number(number) => options.push(format!("{path}={number}")),
        Value::Null => {}
    }
}
