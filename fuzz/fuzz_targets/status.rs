//! Any text as a status file: it is taken in or refused, whatever stands in it.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use virt_domain::check_status;
use virt_qemu::{config::Config, host::Host, process::QemuBackend};

static BACKEND: LazyLock<QemuBackend> = LazyLock::new(|| QemuBackend::new(Config::system(), Host::default()));

fuzz_target!(|text: &str| {
    let _ = check_status(text, &*BACKEND);
});
