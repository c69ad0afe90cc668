//! Programs that play a device for QEMU over a vhost-user socket, as their descriptions in `qemu/vhost-user/*.json` name them
//! (QEMU's docs/interop/vhost-user.json).

use serde::{Deserialize, Serialize};

/// A description of a program.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct VhostUser {
    /// What people call it.
    pub description: String,
    /// What it plays, such as `gpu` or `fs`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its path.
    pub binary: String,
    /// How it was built; for people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}
