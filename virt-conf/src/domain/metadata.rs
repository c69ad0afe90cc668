//! `<metadata>`: what applications keep with a guest, untouched.

/// `<metadata>`: the whole element as it is written out, from column 0.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metadata {
    /// The element.
    pub xml: String,
}
