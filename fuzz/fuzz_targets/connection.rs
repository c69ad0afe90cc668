//! Any bytes from a client: the server's connection comes to an end with its client.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| virt_rpc::fuzz::serve(data));
