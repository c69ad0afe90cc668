//! Any text as a document of the kind that its root element names: what is accepted is written in a form that comes to
//! itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use virt_conf::{Kind, Surroundings};
use virt_xml::Document;

fuzz_target!(|text: &str| {
    let Ok(document) = Document::parse(text) else { return };
    let Ok(kind) = Kind::of_document(&document) else { return };
    let Ok(written) = kind.canonical(&document, &Surroundings::default()) else { return };
    let again =
        Document::parse(&written).and_then(|document| kind.canonical(&document, &Surroundings::default()));
    match again {
        Ok(again) => assert_eq!(again, written),
        Err(error) => panic!("{error}: written as\n{written}"),
    }
});
