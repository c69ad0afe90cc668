//! What a guest sends: any frame is looked at for addresses, and none that could not be one is found.
#![no_main]

use libfuzzer_sys::fuzz_target;
use virt_nwfilter::{Seen, look};
use virt_types::MacAddr;

fuzz_target!(|frame: &[u8]| {
    // Frames of this address are those that tell most.
    let mac = frame.get(6..12).and_then(|bytes| bytes.try_into().ok()).map_or(MacAddr([2; 6]), MacAddr);
    for mac in [mac, MacAddr([0xff; 6])] {
        let address = match look(frame, mac) {
            None => continue,
            Some(Seen::Used(address) | Seen::Returned(address) | Seen::Given { address, .. }) => address,
        };
        assert!(!address.is_unspecified() && address.octets()[0] < 224, "{address}");
    }
});
