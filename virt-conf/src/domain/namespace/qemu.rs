//! `<qemu:commandline>`, `<qemu:capabilities>`, `<qemu:override>`, `<qemu:deprecation>`.

use virt_types::text_enum;

text_enum! {
    /// `<qemu:deprecation behavior='…'/>`: what QEMU does with deprecated interfaces.
    pub enum QemuDeprecation { None = "none", Omit = "omit", Reject = "reject", Crash = "crash" }
}

text_enum! {
    /// `<qemu:property type='…'/>`
    pub enum QemuOverrideKind { String = "string", Signed = "signed", Unsigned = "unsigned", Bool = "bool", Remove = "remove" }
}

/// `<qemu:env>`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QemuEnv {
    /// `name`
    pub name: String,
    /// `value`
    pub value: Option<String>,
}

/// `<qemu:property>`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QemuProperty {
    /// `name`
    pub name: String,
    /// `type`
    pub kind: QemuOverrideKind,
    /// `value`
    pub value: Option<String>,
}

/// `<qemu:device>`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QemuDeviceOverride {
    /// `alias`
    pub alias: String,
    /// `<qemu:frontend>`
    pub frontend: Vec<QemuProperty>,
}

/// The elements of QEMU's namespace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QemuNamespace {
    /// `<qemu:arg>`
    pub args: Vec<String>,
    /// `<qemu:env>`
    pub env: Vec<QemuEnv>,
    /// `<qemu:add>`: capabilities that the binary is taken to have.
    pub add_capabilities: Vec<String>,
    /// `<qemu:del>`: capabilities that the binary is taken not to have.
    pub del_capabilities: Vec<String>,
    /// `<qemu:override>`
    pub overrides: Vec<QemuDeviceOverride>,
    /// `<qemu:deprecation>`
    pub deprecation: Option<QemuDeprecation>,
}
