//! Documents and stock libvirt's answers that are recorded beside this repository, in `../shared/conformance`: what of them
//! `cargo xtask conformance` does not compare. Without the recordings these tests say so and pass.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use virt_conf::storage_pool::PoolType;
use virt_conf::storage_volume::{Capacity, Volume};

#[test]
fn volumes_are_written_as_recorded() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance/storage-vol");
    let Ok(cases) = fs::read_dir(&dir) else {
        let _ = writeln!(std::io::stderr(), "skipped: no recordings in {}", dir.display());
        return;
    };
    for case in cases.map(|case| case.unwrap().path()) {
        let read = |file: &str| fs::read_to_string(case.join(file));
        // The test driver keeps volumes as its reader leaves them, without files behind them.
        let volume = Volume::parse(&read("input.xml").unwrap(), PoolType::Dir, Capacity::Required);
        let got = volume.map(|mut volume| {
            volume.fill(Some("/default-pool"));
            volume.format()
        });
        match (got, read("testdriver.xml"), read("testdriver.error.txt")) {
            (Ok(got), Ok(expected), _) => {
                assert_eq!(got.trim_end(), expected.trim_end(), "{}", case.display())
            }
            (Err(error), _, Ok(expected)) => {
                let code = format!("code: {} ", error.code().number());
                assert!(
                    expected.starts_with(&code) && expected.contains(&error.to_string()),
                    "{error}\n{expected}"
                );
            }
            (got, ..) => panic!("{}: {got:?}", case.display()),
        }
    }
}
