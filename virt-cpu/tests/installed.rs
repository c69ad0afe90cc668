//! The tables beside an installed libvirt's map, where there is one. A newer map has more models and features, and other ones
//! of the same name; then what both know of features is compared, and nothing of models.
#![allow(clippy::print_stderr, reason = "a test says what it skips")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use virt_conf::domain::{Cpu, FeaturePolicy};
use virt_cpu::x86::{CpuData, Leaf, is_migratable, signatures_of_model};
use virt_types::Arch;
use virt_xml::{Document, Element};

const DIR: &str = "/usr/share/libvirt/cpu_map";

/// The texts of the files for an architecture, in the order of the index; `None` where no libvirt is installed.
fn files(arch: &str) -> Option<Vec<String>> {
    let read = |name: &str| std::fs::read_to_string(Path::new(DIR).join(name));
    let Ok(index) = read("index.xml") else {
        eprintln!("skipped: no map of CPUs in {DIR}");
        return None;
    };
    let document = Document::parse(&index).unwrap();
    let of_arch = document.root().children_named("arch").find(|el| el.attr("name") == Some(arch))?;
    Some(includes(of_arch).into_iter().map(|name| read(&name).unwrap()).collect())
}

/// Newer maps put the files of some models into groups.
fn includes(element: Element<'_>) -> Vec<String> {
    let mut names = Vec::new();
    for child in element.children() {
        match child.attr("filename") {
            Some(name) => names.push(name.to_owned()),
            None => names.extend(includes(child)),
        }
    }
    names
}

fn number(element: Element<'_>, name: &'static str) -> u32 {
    let text = element.attr(name).unwrap_or("0");
    match text.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).unwrap(),
        None => text.parse().unwrap(),
    }
}

/// The bits that show a feature.
fn bits(feature: Element<'_>) -> CpuData {
    let mut data = CpuData::default();
    for leaf in feature.children() {
        let registers = |names: [&'static str; 4]| names.map(|name| number(leaf, name));
        match leaf.name() {
            "cpuid" => data.set(
                Leaf::Cpuid(number(leaf, "eax_in"), number(leaf, "ecx_in")),
                registers(["eax", "ebx", "ecx", "edx"]),
            ),
            "msr" => {
                data.set(Leaf::Msr(number(leaf, "index")), [number(leaf, "eax"), 0, 0, number(leaf, "edx")])
            }
            _ => {}
        }
    }
    data
}

/// The steppings of a list such as `0-3,7`, as a mask; all where none is said.
fn steppings(list: Option<&str>) -> u16 {
    let Some(list) = list else { return u16::MAX };
    list.split(',').fold(0, |mask, range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (u32, u32) = (first.trim().parse().unwrap(), last.trim().parse().unwrap());
        (first..=last).fold(mask, |mask, bit| mask | 1 << bit)
    })
}

#[test]
fn the_tables_are_those_of_an_installed_libvirt() {
    let Some(files) = files("x86") else { return };
    let documents: Vec<Document<'_>> = files.iter().map(|text| Document::parse(text).unwrap()).collect();
    let elements = |name: &'static str| documents.iter().flat_map(move |d| d.root().children_named(name));

    let mut unknown = Vec::new();
    for feature in elements("feature") {
        let name = feature.attr("name").unwrap();
        let mut ours = CpuData::default();
        if !ours.add_feature(name) {
            unknown.push(name);
            continue;
        }
        assert_eq!(ours, bits(feature), "{name}");
        assert_eq!(is_migratable(name), feature.attr("migratable") != Some("no"), "{name}");
    }

    let names: Vec<&str> = elements("model").filter_map(|model| model.attr("name")).collect();
    if !unknown.is_empty() || names != virt_cpu::models(Arch::X86_64).unwrap() {
        eprintln!("skipped: the models of another libvirt in {DIR}");
        return;
    }
    // By name, with what the model that it builds on has.
    let mut features_of: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (model, name) in elements("model").zip(names) {
        let base = model.child("model").and_then(|base| base.attr("name"));
        let mut features = base.map(|base| features_of[base].clone()).unwrap_or_default();
        let (gone, kept): (Vec<_>, Vec<_>) =
            model.children_named("feature").partition(|feature| feature.attr("removed") == Some("yes"));
        features.extend(kept.iter().filter_map(|feature| feature.attr("name")));
        let removed: BTreeSet<&str> = gone.iter().filter_map(|feature| feature.attr("name")).collect();

        let mut ours = Cpu { model: Some(name.to_owned()), ..Cpu::default() };
        virt_cpu::expand(Arch::X86_64, &mut ours).unwrap();
        let said = |policy| {
            let some = ours.features.iter().filter(move |feature| feature.policy == policy);
            some.map(|feature| feature.name.as_str()).collect::<BTreeSet<_>>()
        };
        assert_eq!(said(FeaturePolicy::Require), features, "{name}");
        assert_eq!(said(FeaturePolicy::Disable), removed, "{name}");
        let vendor = model.child("vendor").and_then(|vendor| vendor.attr("name"));
        assert_eq!(virt_cpu::vendor_of_model(Arch::X86_64, name), vendor, "{name}");
        let signature =
            |s: Element<'_>| (number(s, "family"), number(s, "model"), steppings(s.attr("stepping")));
        let signatures: BTreeSet<_> = model.children_named("signature").map(signature).collect();
        assert_eq!(signatures_of_model(name).iter().copied().collect::<BTreeSet<_>>(), signatures, "{name}");
        features_of.insert(name, features);
    }
}
