//! `<keywrap>`: which keys of an s390 guest may be wrapped.

/// `<keywrap>`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Keywrap {
    /// `<cipher name='aes'>`
    pub aes: Option<bool>,
    /// `<cipher name='dea'>`
    pub dea: Option<bool>,
}
