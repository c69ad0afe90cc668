//! `<sysinfo type='fwcfg'>`: blobs for the guest's firmware.

/// What an entry holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FwCfgData {
    /// The element's text.
    Value(String),
    /// `file`
    File(String),
}

/// `<entry name='…'>`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FwCfg {
    /// `name`, such as `opt/com.example/key`.
    pub name: String,
    /// What it holds.
    pub data: FwCfgData,
}
