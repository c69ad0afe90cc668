//! What guests of a recorded QEMU binary can have. The documents are older than libvirt 9.0.0, whose own tell more: what they
//! tell must be told here too. Binaries that 9.0.0 refuses have to be refused.

use std::path::Path;

use virt_conf::domain::VirtType;
use virt_qemu::caps::domain_capabilities::Question;
use virt_qemu::firmware;
use virt_qemu::host::Host;
use virt_testkit::corpus::{Case, Verdict};
use virt_types::{Arch, TextEnum};
use virt_xml::{Document, Element};

use super::qemucapabilities::{OLDEST, capabilities, refused};

pub(crate) fn run(case: &Case) -> Verdict {
    if case.text("driver") != "qemu" {
        return Err(format!("the driver {} is not answered", case.text("driver")));
    }
    let replies = case.text("caps").replace(".expected.xml", ".input.replies");
    let replies = std::fs::read_to_string(case.dir().join(replies)).map_err(|error| error.to_string())?;
    let caps = capabilities(&replies)?;
    if caps.version < OLDEST {
        return refused(&caps);
    }
    let arch = Arch::from_text(case.text("arch")).ok_or("no architecture")?;
    let virt_type = VirtType::from_text(case.text("virttype")).ok_or("no type")?;
    let machine = match case.text("machine") {
        "" => caps.default_machine(virt_type),
        name => caps.machine(virt_type, name),
    };
    let machine = machine.map(|machine| machine.name.clone());
    let host = Host { arch, firmware: firmware::debian_12(), vfio: true, ..Host::default() };
    let question = Question {
        caps: &caps,
        host: &host,
        arch,
        virt_type,
        machine: machine.as_deref(),
        kvm_max_vcpus: u32::MAX,
    };
    let ours = question.answer(&|_: &Path| true).format();
    let theirs = case.read("/expected").ok_or("the case has no /expected")?;
    let (ours, theirs) = (Document::parse(&ours), Document::parse(&theirs));
    let (ours, theirs) = (ours.map_err(|e| e.to_string())?, theirs.map_err(|e| e.to_string())?);
    tells(ours.root(), theirs.root(), theirs.root().name())
}

/// What depends on the machine that the documents were made on, not on the binary.
const OF_HOST: &[&str] = &["path", "loader", "os"];

/// Whether one element tells all that another does: attributes, text, and children, each in some child of that name.
fn tells(ours: Element<'_>, theirs: Element<'_>, place: &str) -> Verdict {
    let attributes = |el: Element<'_>| {
        let raw = el.raw();
        raw.attributes().map(|a| (a.name().to_owned(), a.value().to_owned())).collect::<Vec<_>>()
    };
    for (name, value) in attributes(theirs) {
        if !attributes(ours).contains(&(name.clone(), value.clone())) {
            return Err(format!("{place}: {name}='{value}' is not told"));
        }
    }
    if theirs.children().next().is_none() && theirs.text().trim() != ours.text().trim() {
        return Err(format!("{place}: '{}', expected '{}'", ours.text().trim(), theirs.text().trim()));
    }
    for child in theirs.children().filter(|child| !OF_HOST.contains(&child.name())) {
        let place = format!("{place}/{}", child.name());
        let mut why = Err(format!("{place} is not told"));
        let found = ours.children().filter(|ours| ours.name() == child.name()).any(|ours| {
            let verdict = tells(ours, child, &place);
            let told = verdict.is_ok();
            let same_name = child.raw().attribute("name") == ours.raw().attribute("name");
            if same_name && child.raw().has_children() {
                why = verdict;
            }
            told
        });
        if !found {
            let text = child.text();
            return why.map_err(|why| format!("{why} ({})", text.trim()));
        }
    }
    Ok(())
}
