//! Any bytes from QEMU or from the guest's agent: both connections keep their state straight and their memory bounded.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| virt_qmp::fuzz_stream(data));
