//! Any calls of a client that has no password: it never comes in.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| virt_rpc::fuzz::sasl(data));
