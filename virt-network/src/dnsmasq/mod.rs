//! dnsmasq: the program that gives a network's guests addresses and names.

mod capabilities;
mod configuration;
mod hosts;

pub use capabilities::Capabilities;
pub use configuration::{Files, configuration, is_needed};
pub use hosts::{names_file, static_hosts};
