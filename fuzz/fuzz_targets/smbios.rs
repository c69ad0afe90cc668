//! Any tables of firmware: what is read of them is a document.
#![no_main]

use libfuzzer_sys::fuzz_target;
use virt_xml::Document;

fuzz_target!(|input: ((u8, u8), &[u8])| {
    let (version, tables) = input;
    let written = virt_host::sysinfo::parse(tables, version).format();
    if let Err(error) = Document::parse(&written) {
        panic!("{error}: written as\n{written}");
    }
});
