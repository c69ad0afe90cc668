//! Any text as a domain: what is accepted is written in a form that reads as the same domain.
#![no_main]

use libfuzzer_sys::fuzz_target;
use virt_conf::{FormatFlags, ParseFlags, domain::Domain};

fuzz_target!(|text: &str| {
    let Ok(domain) = Domain::parse(text, ParseFlags::INACTIVE) else { return };
    let written = domain.format(FormatFlags::SECURE);
    match Domain::parse(&written, ParseFlags::INACTIVE) {
        Ok(again) => assert_eq!(again.format(FormatFlags::SECURE), written),
        Err(error) => panic!("{error}: written as\n{written}"),
    }
});
