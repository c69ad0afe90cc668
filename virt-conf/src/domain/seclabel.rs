//! `<seclabel>`: the security label of a whole guest.

use virt_types::text_enum;

text_enum! {
    /// `type`: who chooses the label.
    pub enum SeclabelType { None = "none", Dynamic = "dynamic", Static = "static" }
}

/// `<seclabel>`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seclabel {
    /// `model`: the security driver; absent for the host's first one.
    pub model: Option<String>,
    /// `type`; absent for the driver's default.
    pub kind: Option<SeclabelType>,
    /// `relabel`: whether the guest's files are relabelled.
    pub relabel: bool,
    /// `<label>`
    pub label: Option<String>,
    /// `<imagelabel>`: in a running guest.
    pub imagelabel: Option<String>,
    /// `<baselabel>`
    pub baselabel: Option<String>,
}
