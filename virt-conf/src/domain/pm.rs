//! `<pm>`: which sleep states the firmware offers.

/// `<pm>`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pm {
    /// `<suspend-to-mem>` (S3)
    pub suspend_to_mem: Option<bool>,
    /// `<suspend-to-disk>` (S4)
    pub suspend_to_disk: Option<bool>,
}
