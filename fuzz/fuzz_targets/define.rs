//! Any text as a new QEMU domain: completed and checked without a panic, and what is accepted is written in a form that
//! is read.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use virt_conf::{FormatFlags, ParseFlags, domain::Domain};
use virt_qemu::{caps::Capabilities, config::Config, host::Host, planner};

static CAPS: LazyLock<Capabilities> = LazyLock::new(|| {
    serde_json::from_slice(include_bytes!("../../fixtures/host/qemu-system-x86_64.json"))
        .expect("the recording is read")
});

const FLAGS: ParseFlags = ParseFlags::INACTIVE.union(ParseFlags::ABI_UPDATE);

fuzz_target!(|text: &str| {
    let (config, host) = (Config::system(), Host::default());
    let Ok(mut domain) = Domain::parse(text, FLAGS) else { return };
    if planner::complete(&mut domain, &CAPS, &config, &host, FLAGS).is_err() {
        return;
    }
    let written = domain.format(FormatFlags::INACTIVE | FormatFlags::SECURE);
    if let Err(error) = Domain::parse(&written, ParseFlags::INACTIVE) {
        panic!("{error}: written as\n{written}");
    }
});
