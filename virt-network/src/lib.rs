//! Virtual networks: a bridge, its addresses, DHCP and DNS, the firewall, and the ports of the guests on it.
//!
//! What a network comes to is pure first: [`dnsmasq::configuration`] is the text of dnsmasq's configuration, [`rules::of`] the
//! rules of the firewall. Files have libvirt's places and forms, so that a host can change from libvirt and back.
//!
//! ```
//! use virt_conf::network::Network;
//! use virt_network::rules;
//!
//! let network = Network::parse(
//!     "<network><name>n</name><forward mode='route'/><bridge name='br0'/><ip address='10.0.0.1' prefix='24'/></network>",
//! )?;
//! let commands = virt_firewall::iptables::insert(&rules::of(&network)?);
//! assert!(commands.iter().any(|command| command.to_string().contains("--source 10.0.0.0/24 --in-interface br0")));
//! # Ok::<(), virt_types::Error>(())
//! ```
#![forbid(unsafe_code)]

mod config;
pub mod dnsmasq;
mod driver;
mod engine;
mod error;
mod guest_ports;
mod json;
pub mod lease;
pub mod leases_helper;
mod mac_map;
pub mod names;
mod random;
pub mod rules;

pub use config::Config;
pub use driver::NetworkDriver;
pub use guest_ports::GuestPorts;
pub use mac_map::MacMap;
