//! Families of the external corpus that this crate answers, a test of its name for each.

mod cputest;
mod domaincaps;
mod qemublock;
mod qemublock_create;
mod qemublock_names;
mod qemublock_nodes;
mod qemucapabilities;
mod qemucommandutil;
mod qemufirmware;
mod qemumemlock;

use virt_testkit::corpus;

#[test]
fn cputest() {
    corpus::check("cputest", cputest::run);
}

#[test]
fn domaincaps() {
    corpus::check("domaincaps", domaincaps::run);
}

#[test]
fn qemucapabilities() {
    corpus::check("qemucapabilities", qemucapabilities::run);
}

#[test]
fn qemumemlock() {
    corpus::check("qemumemlock", qemumemlock::run);
}

#[test]
fn qemublock() {
    corpus::check("qemublock", qemublock::run);
}

#[test]
fn qemucommandutil() {
    corpus::check("qemucommandutil", qemucommandutil::run);
}

#[test]
fn qemufirmware() {
    corpus::check("qemufirmware", qemufirmware::run);
}
