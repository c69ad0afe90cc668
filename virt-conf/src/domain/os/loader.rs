//! `<loader>` and `<nvram>`: the firmware image and its variables.

use virt_types::text_enum;

text_enum! {
    /// `<loader type='…'>`: how the machine holds the image.
    pub enum LoaderType { Rom = "rom", Pflash = "pflash" }
}

/// `<nvram>`
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Nvram {
    /// `template`: what a new store is copied from.
    pub template: Option<String>,
    /// `format`; raw where absent.
    pub format: Option<String>,
    /// The store's path, where it is a file.
    pub path: Option<String>,
}

/// `<loader>`
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Loader {
    /// `readonly`
    pub readonly: Option<bool>,
    /// `secure`: only code in system management mode may write variables.
    pub secure: Option<bool>,
    /// `type`
    pub kind: Option<LoaderType>,
    /// `stateless`: no variables are kept.
    pub stateless: Option<bool>,
    /// `format`; raw where absent.
    pub format: Option<String>,
    /// The image's path.
    pub path: Option<String>,
    /// `<nvram>`
    pub nvram: Option<Nvram>,
}
