//! Families of the external corpus that this crate answers, a test of its name for each.

mod cputest;

use virt_testkit::corpus;

#[test]
fn cputest() {
    corpus::check("cputest", cputest::run);
}
