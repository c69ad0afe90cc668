// tidy: table
//! Registrations for events.

use crate::remote::{Domain, Network, NodeDevice, PROGRAM, Secret, StoragePool};
use crate::table::procedures;

procedures! { PROGRAM:
    /// Registers for life cycle events, from before callback ids.
    105 ConnectDomainEventRegister "virConnectDomainEventRegister" {
        reply ConnectDomainEventRegisterRet { cb_registered: i32 }
        priority High
        access [Connect.search_domains]
        filter Domain.getattr
        since "<=1.2.7"
    }

    /// Ends the registration for life cycle events.
    106 ConnectDomainEventDeregister "virConnectDomainEventDeregister" {
        reply ConnectDomainEventDeregisterRet { cb_registered: i32 }
        priority High
        access [Connect.read]
        since "<=1.2.7"
    }

    /// Registers for a kind of domain events, from before callback ids.
    167 ConnectDomainEventRegisterAny "virConnectDomainEventRegisterAny" {
        args ConnectDomainEventRegisterAnyArgs { event_id: i32 }
        priority High
        access [Connect.search_domains]
        filter Domain.getattr
        since "<=1.2.7"
    }

    /// Ends the registration for a kind of domain events.
    168 ConnectDomainEventDeregisterAny "virConnectDomainEventDeregisterAny" {
        args ConnectDomainEventDeregisterAnyArgs { event_id: i32 }
        priority High
        access [Connect.read]
        since "<=1.2.7"
    }

    /// Registers for a kind of network events, of one network or of all.
    313 ConnectNetworkEventRegisterAny "virConnectNetworkEventRegisterAny" {
        args ConnectNetworkEventRegisterAnyArgs { event_id: i32, net: Option<Network> }
        reply ConnectNetworkEventRegisterAnyRet { callback_id: i32 }
        priority High
        access [Connect.search_networks]
        filter Network.getattr
        since "<=1.2.7"
    }

    /// Ends a registration for network events.
    314 ConnectNetworkEventDeregisterAny "virConnectNetworkEventDeregisterAny" {
        args ConnectNetworkEventDeregisterAnyArgs { callback_id: i32 }
        priority High
        access [Connect.read]
        since "<=1.2.7"
    }

    /// Registers for a kind of domain events, of one domain or of all.
    316 ConnectDomainEventCallbackRegisterAny {
        args ConnectDomainEventCallbackRegisterAnyArgs { event_id: i32, dom: Option<Domain> }
        reply ConnectDomainEventCallbackRegisterAnyRet { callback_id: i32 }
        priority High
        access [Connect.search_domains]
        filter Domain.getattr
        since "<=1.2.7"
    }

    /// Ends a registration for domain events.
    317 ConnectDomainEventCallbackDeregisterAny {
        args ConnectDomainEventCallbackDeregisterAnyArgs { callback_id: i32 }
        priority High
        access [Connect.read]
        since "<=1.2.7"
    }

    /// Asks to be told when a connection of the server to a hypervisor breaks.
    360 ConnectRegisterCloseCallback "virConnectRegisterCloseCallback" {
        priority High
        access [Connect.getattr]
        since "3.6.0"
    }

    /// Asks not to be told any more.
    361 ConnectUnregisterCloseCallback "virConnectUnregisterCloseCallback" {
        priority High
        access [Connect.getattr]
        since "3.6.0"
    }

    /// Registers for a kind of pool events, of one pool or of all.
    368 ConnectStoragePoolEventRegisterAny "virConnectStoragePoolEventRegisterAny" {
        args ConnectStoragePoolEventRegisterAnyArgs { event_id: i32, pool: Option<StoragePool> }
        reply ConnectStoragePoolEventRegisterAnyRet { callback_id: i32 }
        priority High
        access [Connect.search_storage_pools]
        filter StoragePool.getattr
        since "3.6.0"
    }

    /// Ends a registration for pool events.
    369 ConnectStoragePoolEventDeregisterAny "virConnectStoragePoolEventDeregisterAny" {
        args ConnectStoragePoolEventDeregisterAnyArgs { callback_id: i32 }
        priority High
        access [Connect.read]
        since "3.6.0"
    }

    /// Registers for a kind of events of host devices, of one device or of all.
    374 ConnectNodeDeviceEventRegisterAny "virConnectNodeDeviceEventRegisterAny" {
        args ConnectNodeDeviceEventRegisterAnyArgs { event_id: i32, dev: Option<NodeDevice> }
        reply ConnectNodeDeviceEventRegisterAnyRet { callback_id: i32 }
        priority High
        access [Connect.search_node_devices]
        filter NodeDevice.getattr
        since "3.6.0"
    }

    /// Ends a registration for events of host devices.
    375 ConnectNodeDeviceEventDeregisterAny "virConnectNodeDeviceEventDeregisterAny" {
        args ConnectNodeDeviceEventDeregisterAnyArgs { callback_id: i32 }
        priority High
        access [Connect.read]
        since "3.6.0"
    }

    /// Registers for a kind of secret events, of one secret or of all.
    380 ConnectSecretEventRegisterAny "virConnectSecretEventRegisterAny" {
        args ConnectSecretEventRegisterAnyArgs { event_id: i32, secret: Option<Secret> }
        reply ConnectSecretEventRegisterAnyRet { callback_id: i32 }
        priority High
        access [Connect.search_secrets]
        filter Secret.getattr
        since "3.6.0"
    }

    /// Ends a registration for secret events.
    381 ConnectSecretEventDeregisterAny "virConnectSecretEventDeregisterAny" {
        args ConnectSecretEventDeregisterAnyArgs { callback_id: i32 }
        priority High
        access [Connect.read]
        since "3.6.0"
    }
}
