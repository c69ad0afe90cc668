//! The grammar beside the readers, and the typed form of documents beside their XML: over `fixtures/domain`, and over what is
//! recorded of stock libvirt beside this repository, in `../shared/conformance`, where that is.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use virt_conf::domain::Domain;
use virt_conf::domain::passes::NullPolicy;
use virt_conf::grammar::{NAMESPACES, Shape, check};
use virt_conf::{FormatFlags, ParseFlags, typed};
use virt_xml::{Document, Element};

/// Every domain document that there is.
fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = Vec::new();
    let mut waiting = vec![root.join("fixtures/domain"), root.join("fixtures/lxc")];
    for family in ["qemu", "qemu-canonical", "newer", "generic", "qemu-hotplug", "qemu-memlock", "lxc"] {
        waiting.push(root.join("../shared/conformance").join(family));
    }
    while let Some(dir) = waiting.pop() {
        for entry in fs::read_dir(dir).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.ends_with("in.xml") || path.ends_with("input.xml") {
                found.push(path);
            }
        }
    }
    assert!(found.len() > 100, "{} documents", found.len());
    found
}

/// The document's domain as every driver would complete it.
fn completed(text: &str) -> Option<Domain> {
    let mut domain = Domain::parse(text, ParseFlags::INACTIVE).ok()?;
    domain.fill(&NullPolicy, ParseFlags::INACTIVE).ok()?;
    Some(domain)
}

/// The names that readers ask for only to refuse them.
const REFUSED: &[(&str, &str)] = &[("outbound", "floor")];

/// What may stand in an element, and its path; nothing for what the grammar does not know.
fn shape_of(el: Element<'_>) -> Option<(Shape, String)> {
    let prefix = el.namespace().and_then(|uri| NAMESPACES.iter().find(|(_, known)| *known == uri));
    let name = match prefix {
        Some((prefix, _)) => format!("{prefix}:{}", el.name()),
        None => el.name().to_owned(),
    };
    match el.parent() {
        None => Some((Shape::of(Domain::GRAMMAR), name)),
        Some(parent) => {
            let (shape, path) = shape_of(parent)?;
            Some((shape.child(&name)?, format!("{path}/{name}")))
        }
    }
}

#[test]
fn the_grammar_knows_what_the_readers_ask_for() {
    let mut missing = BTreeSet::new();
    for file in documents() {
        let text = fs::read_to_string(&file).unwrap();
        let Ok(document) = Document::parse_recording(&text) else { continue };
        let _ = Domain::parse_element(document.root(), ParseFlags::empty());
        for asked in document.asked_names() {
            let Some((shape, path)) = shape_of(asked.element) else { continue };
            if shape.is_foreign() {
                continue;
            }
            let children = shape.children();
            let known = |name: &&&str| !children.iter().any(|child| child.name == **name);
            missing.extend(asked.children.iter().filter(known).map(|name| format!("{path}/{name}")));
            let refused = |name: &str| REFUSED.contains(&(asked.element.name(), name));
            let unknown = |name: &&&str| shape.attribute(name).is_none() && !refused(name);
            missing.extend(asked.attributes.iter().filter(unknown).map(|name| format!("{path}@{name}")));
        }
    }
    assert!(missing.is_empty(), "read, but not in the grammar: {missing:#?}");
}

#[test]
fn typed_documents_say_what_the_xml_says() {
    let mut checked = 0;
    for file in documents() {
        let text = fs::read_to_string(&file).unwrap();
        let Some(domain) = completed(&text) else { continue };
        let flags = FormatFlags::INACTIVE | FormatFlags::SECURE;
        let xml = domain.format(flags);
        let again = |typed: &str| Domain::parse(typed, ParseFlags::INACTIVE).unwrap().format(flags);
        let name = file.display();
        // Read without what fills it, for which the document itself is the measure.
        let plain = again(&xml);
        let json = typed::json_of_xml(&xml, Domain::GRAMMAR).unwrap();
        assert_eq!(
            again(&typed::xml_of_value(&json, Domain::GRAMMAR, "domain").unwrap()),
            plain,
            "{name}: JSON"
        );
        let toml = typed::toml_of_xml(&xml, Domain::GRAMMAR).unwrap();
        let back = typed::xml_of_toml(&toml, Domain::GRAMMAR, "domain").unwrap();
        assert_eq!(again(&back), plain, "{name}: TOML\n{toml}");
        checked += 1;
    }
    assert!(checked > 100, "{checked} documents were read");
}

#[test]
fn what_is_written_is_what_the_grammar_says() {
    let mut wrong = String::new();
    for file in documents() {
        let text = fs::read_to_string(&file).unwrap();
        let Ok(document) = Document::parse(&text) else { continue };
        let valid = check(document.root(), Domain::GRAMMAR).is_ok();
        let Some(domain) = completed(&text) else { continue };
        let xml = domain.format(FormatFlags::INACTIVE | FormatFlags::SECURE);
        let document = Document::parse(&xml).unwrap();
        if let Err(error) = check(document.root(), Domain::GRAMMAR)
            && valid
        {
            wrong += &format!("{}: {error} {:?}\n", file.display(), error.hint());
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
