//! Any text: what the parser accepts can be walked, and written again into another document.
#![no_main]

use libfuzzer_sys::fuzz_target;
use virt_xml::{Document, Element, Writer};

fuzz_target!(|text: &str| {
    let Ok(document) = Document::parse_recording(text) else { return };
    let root = document.root();
    visit(root);
    for unread in document.unread() {
        let _ = format!("{unread:?}");
    }
    let mut writer = Writer::new();
    writer.element("outer", |w| w.foreign(root.source()));
    let written = writer.finish();
    if let Err(error) = Document::parse(&written) {
        panic!("{error}: written as\n{written}");
    }
});

fn visit(element: Element<'_>) {
    let _ = (element.place(), element.namespace(), element.attr("type"), element.attr_yes_no("enabled"));
    let _ = element.text();
    for child in element.children() {
        visit(child);
    }
}
