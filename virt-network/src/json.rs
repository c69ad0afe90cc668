//! Lists in libvirt's own files.

use serde::Serialize;
use virt_types::{Error, ErrorCode, ErrorDomain, Result};

/// A list as libvirt writes it.
///
/// # Errors
/// Never for what this crate keeps.
pub(crate) fn list<T: Serialize>(items: &[T]) -> Result<String> {
    if items.is_empty() {
        return Ok("[\n\n]\n".to_owned());
    }
    let text = serde_json::to_string_pretty(items).map_err(|error| {
        Error::new(ErrorCode::InternalError, ErrorDomain::Network, "failed to create json").caused_by(error)
    })?;
    Ok(text + "\n")
}
