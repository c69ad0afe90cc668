//! Any text as a configuration file: it is taken in or refused, and what was written once is written the same again.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use virt_domain::Backend;
use virt_qemu::{config::Config, host::Host, process::QemuBackend};

static BACKEND: LazyLock<QemuBackend> = LazyLock::new(|| QemuBackend::new(Config::system(), Host::default()));

fuzz_target!(|text: &str| {
    let Ok(config) = BACKEND.parse_config(text) else { return };
    let written = BACKEND.format_config(&config);
    // The engine only writes what was completed; another text may come out as one that is refused.
    let Ok(again) = BACKEND.parse_config(&written) else { return };
    let twice = BACKEND.format_config(&again);
    if let Ok(third) = BACKEND.parse_config(&twice) {
        assert_eq!(BACKEND.format_config(&third), twice);
    }
});
