//! Files beside a network's dnsmasq: what is read comes back as it was written, and can be told to dnsmasq.
#![no_main]

use libfuzzer_sys::fuzz_target;
use virt_network::{MacMap, lease};

fuzz_target!(|text: &str| {
    if let Ok(leases) = lease::parse(text) {
        let again = lease::to_text(&leases).expect("leases are JSON");
        assert_eq!(lease::parse(&again).expect("our own text"), leases);
        assert!(
            lease::for_dnsmasq(&leases, None).lines().count()
                >= leases.iter().filter(|l| !l.is_ipv6()).count()
        );
    }
    if let Ok(map) = MacMap::parse(text) {
        let again = map.to_text().expect("maps are JSON");
        assert_eq!(MacMap::parse(&again).expect("our own text"), map);
    }
});
