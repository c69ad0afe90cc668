//! Secrets on their way to QEMU, which gets them encrypted with the guest's own key.

use std::collections::HashMap;

use virt_types::{Error, Result};

use super::backend::QemuBackend;
use super::guest::Guest;
use crate::plan::{Part, Props};

impl QemuBackend {
    /// The objects of the secrets among parts, by their ids.
    ///
    /// # Errors
    /// `VIR_ERR_NO_SUPPORT` where there are any.
    pub(super) async fn secrets_of(&self, _guest: &Guest, parts: &[Part]) -> Result<HashMap<String, Props>> {
        match parts.iter().any(|part| matches!(part, Part::Secret { .. })) {
            true => Err(Error::no_support("plugging in what needs a secret")),
            false => Ok(HashMap::new()),
        }
    }
}
