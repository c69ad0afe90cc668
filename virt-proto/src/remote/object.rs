//! How objects are named on the wire.

use virt_types::Uuid;

use crate::xdr::xdr_struct;

xdr_struct! {
    /// A domain. Servers look it up by its UUID; name and number may be outdated.
    Domain {
        name: String,
        uuid: Uuid,
        /// The number of a running domain, else -1.
        id: i32,
    }

    /// A network. Servers look it up by its UUID.
    Network { name: String, uuid: Uuid }

    /// A port of a network.
    NetworkPort { net: Network, uuid: Uuid }

    /// A network filter. Servers look it up by its UUID.
    Nwfilter { name: String, uuid: Uuid }

    /// A network filter's use by an interface.
    NwfilterBinding { portdev: String, filtername: String }

    /// A host interface.
    Interface { name: String, mac: String }

    /// A storage pool. Servers look it up by its UUID.
    StoragePool { name: String, uuid: Uuid }

    /// A storage volume.
    StorageVol { pool: String, name: String, key: String }

    /// A device of the host.
    NodeDevice { name: String }

    /// A secret. Servers look it up by its UUID.
    Secret {
        uuid: Uuid,
        usage_type: i32,
        usage_id: String,
    }

    /// A checkpoint of a domain.
    DomainCheckpoint { name: String, dom: Domain }

    /// A snapshot of a domain.
    DomainSnapshot { name: String, dom: Domain }
}
