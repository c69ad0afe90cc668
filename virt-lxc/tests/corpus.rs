//! Families of the external corpus that this crate answers: containers, and configurations of the lxc tools.

use virt_conf::{FormatFlags, ParseFlags};
use virt_lxc::LxcPolicy;
use virt_testkit::corpus::{self, Case, Verdict, same};
use virt_types::{Arch, Result};

fn driver() -> LxcPolicy {
    let emulator = "/usr/libexec/libvirt_lxc".to_owned();
    LxcPolicy { arch: Arch::X86_64, emulator, ..LxcPolicy::default() }
}

fn verdict(case: &Case, ours: Result<String>) -> Verdict {
    match (ours, case.text("expect_failure")) {
        (Ok(ours), "") => same(&ours, &case.read("/expected").ok_or("nothing is expected")?),
        (Ok(_), _) => Err("accepted".to_owned()),
        (Err(error), "") => Err(error.to_string()),
        (Err(_), _) => Ok(()),
    }
}

#[test]
fn lxcxml2xml() {
    corpus::check("lxcxml2xml", |case| {
        let xml = case.read("/input").ok_or("no input")?;
        let domain = driver().define(&xml, ParseFlags::empty());
        // There, the driver has not even the security driver `none`.
        let written = domain.map(|domain| domain.format(FormatFlags::SECURE).replace(" model='none'", ""));
        verdict(case, written)
    });
}

/// The identifier is made up anew each time; those of the corpus are all alike.
#[test]
fn lxcconf2xml() {
    corpus::check("lxcconf2xml", |case| {
        let config = case.read("/input").ok_or("no input")?;
        let domain = driver().from_native(&config).map(|mut domain| {
            domain.uuid = "c7a5fdbd-edaf-9455-926a-d65c16db1809".parse().ok();
            domain.format(FormatFlags::INACTIVE | FormatFlags::SECURE)
        });
        verdict(case, domain)
    });
}
