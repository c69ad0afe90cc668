//! Families of the external corpus that this crate answers, a test of its name for each.

mod cputest;
mod domaincaps;
mod qemucapabilities;

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
