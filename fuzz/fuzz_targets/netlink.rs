//! Any bytes as what the kernel announces, and as what it tells of a link.
#![no_main]

use libfuzzer_sys::fuzz_target;
use virt_netlink::generic;
use virt_netlink::link::Link;
use virt_netlink::uevent::Uevent;

fuzz_target!(|bytes: &[u8]| {
    let _ = Uevent::parse(bytes);
    for (_, value) in generic::attributes(bytes) {
        let _ = (generic::read_number(value), generic::read_text(value));
    }
    let _ = Link::parse(bytes);
});
