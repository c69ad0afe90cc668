//! Network back ends.

use super::Empty;

object_commands! {
    /// Adds a back end: `type`, `id`, and what the type needs.
    "netdev_add" NetdevAdd;
}

commands! {
    /// Removes a back end.
    "netdev_del" NetdevDel {
        /// Its name.
        id: String,
    } -> Empty;
    /// Sets the link up or down.
    "set_link" SetLink {
        /// The device, or back end.
        name: String,
        /// Up.
        up: bool,
    } -> Empty;
    /// What guests want to receive.
    "query-rx-filter" QueryRxFilter {;
        /// The device; all without it.
        name: String,
    } -> Vec<RxFilter>;
}

replies! {
    /// Answer to [`QueryRxFilter`].
    RxFilter {
        /// The device.
        name: String,
        /// Receives everything.
        promiscuous: bool,
        /// `normal`, `none`, `all`.
        multicast: String,
        /// The same.
        unicast: String,
        /// The same.
        vlan: String,
        /// Whether broadcasts are received.
        broadcast_allowed: bool,
        /// Whether the multicast table was too short.
        multicast_overflow: bool,
        /// Whether the unicast table was too short.
        unicast_overflow: bool,
        /// The guest's own address.
        main_mac: String,
        /// VLANs.
        vlan_table: Vec<u32>,
        /// Addresses.
        unicast_table: Vec<String>,
        /// Addresses.
        multicast_table: Vec<String>,
    }
}
