//! Any text as a configuration file: what is taken in is written in a form that reads as the same configuration.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use virt_domain::Backend;
use virt_qemu::{config::Config, host::Host, process::QemuBackend};

static BACKEND: LazyLock<QemuBackend> = LazyLock::new(|| QemuBackend::new(Config::system(), Host::default()));

fuzz_target!(|text: &str| {
    let Ok(config) = BACKEND.parse_config(text) else { return };
    let written = BACKEND.format_config(&config);
    match BACKEND.parse_config(&written) {
        Ok(again) => assert_eq!(BACKEND.format_config(&again), written),
        Err(error) => panic!("{error}: written as\n{written}"),
    }
});
