//! Devices and character devices.

use super::{Empty, Object};

object_commands! {
    /// Plugs a device: `driver`, `id`, `bus`, and its properties.
    "device_add" DeviceAdd;
}

commands! {
    /// Asks the guest to let a device go; `DEVICE_DELETED` says when it did.
    "device_del" DeviceDel {
        /// Its id, or path in QEMU's object tree.
        id: String,
    } -> Empty;
    /// Adds a character device.
    "chardev-add" ChardevAdd {
        /// Its name.
        id: String,
        /// `type` and `data`.
        backend: Object,
    } -> ChardevReturn;
    /// Removes a character device.
    "chardev-remove" ChardevRemove {
        /// Its name.
        id: String,
    } -> Empty;
    /// Replaces a character device.
    "chardev-change" ChardevChange {
        /// Its name.
        id: String,
        /// `type` and `data`.
        backend: Object,
    } -> ChardevReturn;
    /// The character devices.
    "query-chardev" QueryChardev {} -> Vec<ChardevInfo>;
    /// The kinds of character devices.
    "query-chardev-backends" QueryChardevBackends {} -> Vec<super::NameInfo>;
    /// Presses and releases keys together.
    "send-key" SendKey {
        /// `{"type": "qcode", "data": "ret"}` or `{"type": "number", "data": 28}`.
        keys: Vec<KeyValue>;
        /// Milliseconds between press and release.
        #[serde(rename = "hold-time")]
        hold_time: u64,
    } -> Empty;
    /// Models of trusted platform modules.
    "query-tpm-models" QueryTpmModels {} -> Vec<String>;
    /// Kinds of back ends for them.
    "query-tpm-types" QueryTpmTypes {} -> Vec<String>;
    /// The PCI buses and what is on them.
    "query-pci" QueryPci {} -> Vec<Object>;
    /// The kinds of interrupt controllers (Arm).
    "query-gic-capabilities" QueryGicCapabilities {} -> Vec<GicCapability>;
    /// Capabilities for encrypted guests (AMD SEV).
    "query-sev-capabilities" QuerySevCapabilities {} -> Object;
}

/// A key.
#[derive(Debug, Clone, serde::Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
#[serde(tag = "type", content = "data", rename_all = "lowercase")]
pub enum KeyValue {
    /// A scan code of a PC keyboard.
    Number(u32),
    /// QEMU's name of the key: `ctrl`, `ret`, `f1`.
    Qcode(String),
}

replies! {
    /// Answer to [`ChardevAdd`].
    ChardevReturn {;
        /// The terminal that was made for a `pty`.
        pty: String,
    }
    /// Answer to [`QueryChardev`].
    ChardevInfo {
        /// Its name.
        label: String,
        /// What is behind it: `pty:/dev/pts/3`, `unix:/run/x,server=on`, `disconnected:…`.
        filename: String,
        /// Whether the guest has the device open.
        frontend_open: bool,
    }
    /// Answer to [`QueryGicCapabilities`].
    GicCapability {
        /// 2 or 3.
        version: u32,
        /// Whether it can be emulated.
        emulated: bool,
        /// Whether KVM can do it.
        kernel: bool,
    }
}
