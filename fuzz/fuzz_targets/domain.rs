//! Any text as a domain, completed as every driver would: what is accepted is written in a form that reads as the same
//! domain.
#![no_main]

use libfuzzer_sys::fuzz_target;
use virt_conf::domain::{Domain, passes::NullPolicy};
use virt_conf::{FormatFlags, ParseFlags};

/// Controllers whose numbers were filled in find their place when they are read, as under libvirt.
fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

fuzz_target!(|text: &str| {
    let Ok(mut domain) = Domain::parse(text, ParseFlags::INACTIVE) else { return };
    if domain.fill(&NullPolicy, ParseFlags::INACTIVE).and_then(|()| domain.validate(&NullPolicy)).is_err() {
        return;
    }
    let written = domain.format(FormatFlags::SECURE);
    let again = Domain::parse(&written, ParseFlags::INACTIVE).and_then(|mut again| {
        again.fill(&NullPolicy, ParseFlags::INACTIVE)?;
        Ok(again)
    });
    match again {
        Ok(again) => assert_eq!(sorted(&again.format(FormatFlags::SECURE)), sorted(&written)),
        Err(error) => panic!("{error}: written as\n{written}"),
    }
});
