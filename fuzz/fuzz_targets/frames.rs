//! Any bytes on a connection: they are cut into the same messages however they arrive.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| virt_rpc::fuzz::cut(data));
