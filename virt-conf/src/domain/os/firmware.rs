//! `<os firmware='…'>` and `<firmware>`: the choice of a firmware image by what it can do.

use virt_types::text_enum;

text_enum! {
    /// Which kind of firmware.
    pub enum Firmware { Bios = "bios", Efi = "efi" }
}

text_enum! {
    /// `<feature name='…'>`
    pub enum FirmwareFeature { EnrolledKeys = "enrolled-keys", SecureBoot = "secure-boot" }
}

/// `<firmware>`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FirmwareFeatures {
    /// `enrolled-keys`: vendor keys are in the variable store.
    pub enrolled_keys: Option<bool>,
    /// `secure-boot`
    pub secure_boot: Option<bool>,
}
