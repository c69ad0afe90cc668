//! The firewall rules of virtual networks: values first, then commands for iptables or nftables, then the kernel.
//!
//! A [`RuleSet`] says what the guests behind a bridge may do. [`iptables`] lays it out in the private chains that libvirt
//! 9.0.0 has (`LIBVIRT_INP` and the others), [`nftables`] in the table `libvirt_network` of later releases; both are pure.
//! A [`Firewall`] carries it out: one transaction each, with what was begun taken back where it fails, and removal that
//! does not mind what is gone already. [`foreign`] finds the rules of others that the guests' traffic will not survive.
//!
//! ```
//! use virt_firewall::{Layer, Rule, RuleSet, Subnet, iptables, nftables};
//!
//! let mut rules = RuleSet::new("virbr0");
//! rules.push(Layer::Ipv4, Rule::AllowOut { source: Subnet::new("192.168.122.1".parse()?, 24), device: None });
//!
//! let command = iptables::insert(&rules).remove(0);
//! assert_eq!(
//!     command.to_string(),
//!     "iptables --table filter --insert LIBVIRT_FWO --source 192.168.122.0/24 --in-interface virbr0 --jump ACCEPT"
//! );
//! let command = nftables::insert(&rules).remove(0);
//! assert_eq!(
//!     command.to_string(),
//!     "nft -ae insert rule ip libvirt_network guest_output ip saddr 192.168.122.0/24 iif virbr0 counter accept"
//! );
//! # Ok::<(), std::net::AddrParseError>(())
//! ```
#![forbid(unsafe_code)]

mod apply;
mod command;
mod error;
pub mod foreign;
pub mod iptables;
pub mod nftables;
mod rule;

pub use apply::{Backend, Firewall};
pub use command::{Command, Runner, System};
pub use error::{Error, Result};
pub use rule::{Layer, Protocol, Rule, RuleSet, Subnet};
