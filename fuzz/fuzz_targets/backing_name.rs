//! Names by which images name those behind them come from files that guests write.
#![no_main]

use libfuzzer_sys::fuzz_target;
use virt_conf::common::storage_source::BackingName;

fuzz_target!(|name: &str| {
    let _ = BackingName::parse(name);
});
