//! A network's document becomes dnsmasq's files or a refusal, and what people call hosts adds no line to them.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use virt_conf::network::Network;
use virt_network::dnsmasq::{Capabilities, Files, configuration, names_file, static_hosts};

fuzz_target!(|text: &str| {
    let Ok(network) = Network::parse(text) else { return };
    let files = Files::new("n", Path::new("/d"), Path::new("/p"));
    let _ = configuration(&network, &files, true, Capabilities::CURRENT);
    let hosts: usize = network.ips.iter().map(|ip| ip.hosts.len()).sum();
    assert!(static_hosts(&network).lines().count() <= hosts, "{}", static_hosts(&network));
    let _ = names_file(&network);
});
