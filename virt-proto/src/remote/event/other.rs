// tidy: table
//! Events of connections, networks, storage pools, host devices and secrets.

use crate::remote::{Network, NodeDevice, PROGRAM, Secret, StoragePool};
use crate::table::procedures;

procedures! { PROGRAM:
    /// A network was defined, started, stopped or undefined.
    315 NetworkEventLifecycle {
        event NetworkEventLifecycleMsg { callback_id: i32, net: Network, event: i32, detail: i32 }
        since "<=1.2.7"
    }

    /// A connection of the server to a hypervisor has broken.
    362 ConnectEventConnectionClosed {
        event ConnectEventConnectionClosedMsg { reason: i32 }
        since "3.6.0"
    }

    /// A pool was defined, started, stopped, undefined, made or removed.
    370 StoragePoolEventLifecycle {
        event StoragePoolEventLifecycleMsg { callback_id: i32, pool: StoragePool, event: i32, detail: i32 }
        since "3.6.0"
    }

    /// A pool was looked at again.
    373 StoragePoolEventRefresh {
        event StoragePoolEventRefreshMsg { callback_id: i32, pool: StoragePool }
        since "3.6.0"
    }

    /// A host device has appeared, gone, or was defined or undefined.
    376 NodeDeviceEventLifecycle {
        event NodeDeviceEventLifecycleMsg { callback_id: i32, dev: NodeDevice, event: i32, detail: i32 }
        since "3.6.0"
    }

    /// Properties of a host device have changed.
    377 NodeDeviceEventUpdate {
        event NodeDeviceEventUpdateMsg { callback_id: i32, dev: NodeDevice }
        since "3.6.0"
    }

    /// A secret was defined or undefined.
    382 SecretEventLifecycle {
        event SecretEventLifecycleMsg { callback_id: i32, secret: Secret, event: i32, detail: i32 }
        since "3.6.0"
    }

    /// The value of a secret has changed.
    383 SecretEventValueChanged {
        event SecretEventValueChangedMsg { callback_id: i32, secret: Secret }
        since "3.6.0"
    }

    /// Title, description or a foreign element of a network's document has changed.
    446 NetworkEventCallbackMetadataChange {
        event NetworkEventCallbackMetadataChangeMsg {
            callback_id: i32, net: Network, kind: i32, nsuri: Option<String>,
        }
        since "11.3.0"
    }
}
