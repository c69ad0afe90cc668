//! Families of the external corpus that this crate answers: documents, read and written again.

use virt_conf::interface::HostInterface;
use virt_conf::network::NetworkPort;
use virt_conf::nodedev::{NodeDevice, Origin};
use virt_conf::nwfilter::{Filter, FilterBinding};
use virt_testkit::corpus::{self, same};
use virt_types::Result;

/// Each case is a document, and what becomes of it.
fn check(family: &str, again: impl Fn(&str, &str) -> Result<String>) {
    corpus::check(family, |case| {
        let input = case.read("/input").ok_or("no input")?;
        let written = again(case.id(), &input).map_err(|error| error.to_string())?;
        same(&written, &case.read("/expected").ok_or("nothing is expected")?)
    });
}

/// The corpus drops values out of their range. libvirt 9.0.0 refuses them, which is recorded beside it and counts.
#[test]
fn nwfilterxml2xml() {
    corpus::check("nwfilterxml2xml", |case| {
        let refusal =
            case.dir().join("../../conformance/nwfilter").join(case.id()).join("canonical.error.txt");
        let refusal = std::fs::read_to_string(refusal).ok();
        match (Filter::parse(&case.read("/input").ok_or("no input")?), refusal) {
            (Ok(filter), None) => {
                same(&filter.format(), &case.read("/expected").ok_or("nothing is expected")?)
            }
            (Err(error), Some(refusal)) if refusal.contains(error.detail()) => Ok(()),
            (Err(error), refusal) => Err(format!("{error}, expected {refusal:?}")),
            (Ok(_), Some(refusal)) => Err(format!("accepted, expected {refusal}")),
        }
    });
}

#[test]
fn networkport_nwfilterbinding() {
    check("networkport-nwfilterbinding", |id, xml| {
        if id.starts_with("binding:") {
            return Ok(FilterBinding::parse(xml)?.format());
        }
        Ok(NetworkPort::parse(xml)?.format())
    });
}

#[test]
fn interfacexml2xml() {
    check("interfacexml2xml", |_, xml| Ok(HostInterface::parse(xml)?.format()));
}

#[test]
fn nodedevxml2xml() {
    check("nodedevxml2xml", |_, xml| Ok(NodeDevice::parse(xml, Origin::Existing)?.format()));
}
