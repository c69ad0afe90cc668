// tidy: table
//! Virtual networks and their ports.

use virt_types::{TypedParams, Uuid};

use crate::remote::{
    NETWORK_DHCP_LEASES_MAX, NETWORK_LIST_MAX, NETWORK_PORT_LIST_MAX, NETWORK_PORT_PARAMETERS_MAX, Network,
    NetworkPort, PROGRAM,
};
use crate::table::procedures;
use crate::xdr::xdr_struct;

xdr_struct! {
    /// An address that a network has given out.
    NetworkDhcpLease {
        iface: String, expirytime: i64, kind: i32, mac: Option<String>, iaid: Option<String>, ipaddr: String,
        prefix: u32, hostname: Option<String>, clientid: Option<String>,
    }
}

procedures! { PROGRAM:
    /// Names of the networks that are defined and not active.
    36 ConnectListDefinedNetworks "virConnectListDefinedNetworks" {
        args ConnectListDefinedNetworksArgs { maxnames: i32 }
        reply ConnectListDefinedNetworksRet { names: Vec<String>[NETWORK_LIST_MAX] }
        priority High
        access [Connect.search_networks]
        filter Network.getattr
        since "<=1.2.7"
    }

    /// Names of the active networks.
    38 ConnectListNetworks "virConnectListNetworks" {
        args ConnectListNetworksArgs { maxnames: i32 }
        reply ConnectListNetworksRet { names: Vec<String>[NETWORK_LIST_MAX] }
        priority High
        access [Connect.search_networks]
        filter Network.getattr
        since "<=1.2.7"
    }

    /// Starts a defined network.
    39 NetworkCreate "virNetworkCreate" {
        args NetworkCreateArgs { net: Network }
        access [Network.start]
        since "<=1.2.7"
    }

    /// Starts a network from a document, without defining it.
    40 NetworkCreateXml "virNetworkCreateXML" {
        args NetworkCreateXmlArgs { xml: String }
        reply NetworkCreateXmlRet { net: Network }
        access [Network.write, Network.start]
        since "<=1.2.7"
    }

    /// Defines a network, or changes its definition.
    41 NetworkDefineXml "virNetworkDefineXML" {
        args NetworkDefineXmlArgs { xml: String }
        reply NetworkDefineXmlRet { net: Network }
        priority High
        access [Network.write, Network.save]
        since "<=1.2.7"
    }

    /// Stops a network.
    42 NetworkDestroy "virNetworkDestroy" {
        args NetworkDestroyArgs { net: Network }
        priority High
        access [Network.stop]
        since "<=1.2.7"
    }

    /// The network's document.
    43 NetworkGetXmlDesc "virNetworkGetXMLDesc" {
        args NetworkGetXmlDescArgs { net: Network, flags: u32 }
        reply NetworkGetXmlDescRet { xml: String }
        priority High
        access [Network.read]
        since "<=1.2.7"
    }

    /// Whether the network is started with the host.
    44 NetworkGetAutostart "virNetworkGetAutostart" {
        args NetworkGetAutostartArgs { net: Network }
        reply NetworkGetAutostartRet { autostart: i32 }
        priority High
        access [Network.read]
        since "<=1.2.7"
    }

    /// Name of the network's bridge.
    45 NetworkGetBridgeName "virNetworkGetBridgeName" {
        args NetworkGetBridgeNameArgs { net: Network }
        reply NetworkGetBridgeNameRet { name: String }
        priority High
        access [Network.read]
        since "<=1.2.7"
    }

    /// Finds a network by its name.
    46 NetworkLookupByName "virNetworkLookupByName" {
        args NetworkLookupByNameArgs { name: String }
        reply NetworkLookupByNameRet { net: Network }
        priority High
        access [Network.getattr]
        since "<=1.2.7"
    }

    /// Finds a network by its UUID.
    47 NetworkLookupByUuid "virNetworkLookupByUUID" {
        args NetworkLookupByUuidArgs { uuid: Uuid }
        reply NetworkLookupByUuidRet { net: Network }
        priority High
        access [Network.getattr]
        since "<=1.2.7"
    }

    /// Sets whether the network is started with the host.
    48 NetworkSetAutostart "virNetworkSetAutostart" {
        args NetworkSetAutostartArgs { net: Network, autostart: i32 }
        priority High
        access [Network.write]
        since "<=1.2.7"
    }

    /// Removes a network's definition.
    49 NetworkUndefine "virNetworkUndefine" {
        args NetworkUndefineArgs { net: Network }
        priority High
        access [Network.delete]
        since "<=1.2.7"
    }

    /// How many networks are defined and not active.
    50 ConnectNumOfDefinedNetworks "virConnectNumOfDefinedNetworks" {
        reply ConnectNumOfDefinedNetworksRet { num: i32 }
        priority High
        access [Connect.search_networks]
        filter Network.getattr
        since "<=1.2.7"
    }

    /// How many networks are active.
    52 ConnectNumOfNetworks "virConnectNumOfNetworks" {
        reply ConnectNumOfNetworksRet { num: i32 }
        priority High
        access [Connect.search_networks]
        filter Network.getattr
        since "<=1.2.7"
    }

    /// Whether the network is active.
    152 NetworkIsActive "virNetworkIsActive" {
        args NetworkIsActiveArgs { net: Network }
        reply NetworkIsActiveRet { active: i32 }
        priority High
        access [Network.read]
        since "<=1.2.7"
    }

    /// Whether the network is defined.
    153 NetworkIsPersistent "virNetworkIsPersistent" {
        args NetworkIsPersistentArgs { net: Network }
        reply NetworkIsPersistentRet { persistent: i32 }
        priority High
        access [Network.read]
        since "<=1.2.7"
    }

    /// The networks that the flags select, or how many there are.
    283 ConnectListAllNetworks "virConnectListAllNetworks" {
        args ConnectListAllNetworksArgs { need_results: i32, flags: u32 }
        reply ConnectListAllNetworksRet { nets: Vec<Network>[NETWORK_LIST_MAX], ret: u32 }
        priority High
        access [Connect.search_networks]
        filter Network.getattr
        since "<=1.2.7"
    }

    /// Changes a part of a network's document, such as a DHCP host.
    291 NetworkUpdate "virNetworkUpdate" {
        args NetworkUpdateArgs {
            net: Network, command: u32, section: u32, parent_index: i32, xml: String, flags: u32,
        }
        priority High
        access [Network.write, Network.save unless NETWORK_CONFIG_OR_LIVE, Network.save if NETWORK_CONFIG]
        since "<=1.2.7"
    }

    /// Addresses that the network has given out.
    341 NetworkGetDhcpLeases "virNetworkGetDHCPLeases" {
        args NetworkGetDhcpLeasesArgs { net: Network, mac: Option<String>, need_results: i32, flags: u32 }
        reply NetworkGetDhcpLeasesRet { leases: Vec<NetworkDhcpLease>[NETWORK_DHCP_LEASES_MAX], ret: u32 }
        access [Network.read]
        since "<=1.2.7"
    }

    /// The network's ports, or how many there are.
    404 NetworkListAllPorts "virNetworkListAllPorts" {
        args NetworkListAllPortsArgs { network: Network, need_results: i32, flags: u32 }
        reply NetworkListAllPortsRet { ports: Vec<NetworkPort>[NETWORK_PORT_LIST_MAX], ret: u32 }
        priority High
        access [Network.search_ports]
        filter NetworkPort.getattr
        since "5.6.0"
    }

    /// Finds a network's port by its UUID.
    405 NetworkPortLookupByUuid "virNetworkPortLookupByUUID" {
        args NetworkPortLookupByUuidArgs { network: Network, uuid: Uuid }
        reply NetworkPortLookupByUuidRet { port: NetworkPort }
        priority High
        access [NetworkPort.getattr]
        since "5.6.0"
    }

    /// Makes a port from a document.
    406 NetworkPortCreateXml "virNetworkPortCreateXML" {
        args NetworkPortCreateXmlArgs { network: Network, xml: String, flags: u32 }
        reply NetworkPortCreateXmlRet { port: NetworkPort }
        access [NetworkPort.create]
        since "5.6.0"
    }

    /// Bandwidths of a port.
    407 NetworkPortGetParameters "virNetworkPortGetParameters" {
        args NetworkPortGetParametersArgs { port: NetworkPort, nparams: i32, flags: u32 }
        reply NetworkPortGetParametersRet { params: TypedParams[NETWORK_PORT_PARAMETERS_MAX], nparams: i32 }
        access [NetworkPort.read]
        since "5.6.0"
    }

    /// Sets bandwidths of a port.
    408 NetworkPortSetParameters "virNetworkPortSetParameters" {
        args NetworkPortSetParametersArgs {
            port: NetworkPort, params: TypedParams[NETWORK_PORT_PARAMETERS_MAX], flags: u32,
        }
        access [NetworkPort.write]
        since "5.6.0"
    }

    /// The port's document.
    409 NetworkPortGetXmlDesc "virNetworkPortGetXMLDesc" {
        args NetworkPortGetXmlDescArgs { port: NetworkPort, flags: u32 }
        reply NetworkPortGetXmlDescRet { xml: String }
        access [NetworkPort.read]
        since "5.6.0"
    }

    /// Removes a port.
    410 NetworkPortDelete "virNetworkPortDelete" {
        args NetworkPortDeleteArgs { port: NetworkPort, flags: u32 }
        access [NetworkPort.delete]
        since "5.6.0"
    }

    /// Defines a network, or changes its definition, and may check the document against the schema.
    432 NetworkDefineXmlFlags "virNetworkDefineXMLFlags" {
        args NetworkDefineXmlFlagsArgs { xml: String, flags: u32 }
        reply NetworkDefineXmlFlagsRet { net: Network }
        priority High
        access [Network.write, Network.save]
        since "9.0.0"
    }

    /// Starts a network from a document, and may check that against the schema.
    437 NetworkCreateXmlFlags "virNetworkCreateXMLFlags" {
        args NetworkCreateXmlFlagsArgs { xml: String, flags: u32 }
        reply NetworkCreateXmlFlagsRet { net: Network }
        priority High
        access [Network.write, Network.start]
        since "9.0.0"
    }

    /// Sets title, description or a foreign element of a network's document.
    444 NetworkSetMetadata "virNetworkSetMetadata" {
        args NetworkSetMetadataArgs {
            network: Network, kind: i32, metadata: Option<String>, key: Option<String>, uri: Option<String>,
            flags: u32,
        }
        access [Network.write, Network.save unless NETWORK_CONFIG_OR_LIVE, Network.save if NETWORK_CONFIG]
        since "11.3.0"
    }

    /// Title, description or a foreign element of a network's document.
    445 NetworkGetMetadata "virNetworkGetMetadata" {
        args NetworkGetMetadataArgs { network: Network, kind: i32, uri: Option<String>, flags: u32 }
        reply NetworkGetMetadataRet { metadata: String }
        access [Network.read]
        since "11.3.0"
    }
}
