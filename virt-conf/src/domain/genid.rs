//! `<genid>`: the number that a guest sees change when it was rolled back or cloned.

use virt_types::Uuid;

/// A VM generation id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Genid {
    /// `<genid/>`: the engine is to give one.
    ToGenerate,
    /// The id, whether written or generated.
    Id(Uuid),
}
