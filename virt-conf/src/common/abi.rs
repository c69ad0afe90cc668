//! Refusals of changes that a guest would see as another machine.

use std::fmt::Display;

use crate::Result;
use crate::error::unsupported;

/// Refuses a change of `what`, with both values.
///
/// # Errors
/// `VIR_ERR_CONFIG_UNSUPPORTED` where the values differ.
pub(crate) fn same<T: Copy + PartialEq + Display>(what: &str, source: T, target: T) -> Result<()> {
    if source == target {
        return Ok(());
    }
    Err(unsupported(format!("Target {what} '{target}' does not match source '{source}'")))
}

/// Refuses a change of `what`, whose values say nothing to people.
///
/// # Errors
/// `VIR_ERR_CONFIG_UNSUPPORTED` where the values differ.
pub(crate) fn unchanged<T: PartialEq>(what: &str, source: &T, target: &T) -> Result<()> {
    if source == target {
        return Ok(());
    }
    Err(unsupported(format!("Target {what} doesn't match source")))
}

/// A switch as libvirt's sentences have it.
pub(crate) const fn switch(value: Option<bool>) -> &'static str {
    match value {
        None => "default",
        Some(true) => "on",
        Some(false) => "off",
    }
}
