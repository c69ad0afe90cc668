//! Names of vendors and products of PCI, from the list that distributions install (`pci.ids`).

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Where distributions have it.
const PLACES: [&str; 3] = ["usr/share/hwdata/pci.ids", "usr/share/misc/pci.ids", "usr/share/pci.ids"];

/// The most that the list may be, in bytes.
const LIMIT: u64 = 64 << 20;

/// A vendor's and a product's number.
pub(crate) type Id = (u32, u32);

/// Names of vendor and product.
pub(crate) type Named = (Option<String>, Option<String>);

/// The names of these products: the list is read once for all of them, and not kept.
pub(crate) fn look_up(root: &Path, wanted: &BTreeSet<Id>) -> BTreeMap<Id, Named> {
    let list = PLACES.iter().find_map(|place| virt_sys::fs::read_bounded(&root.join(place), LIMIT).ok());
    let list = list.unwrap_or_default();
    find(&String::from_utf8_lossy(&list), wanted)
}

/// A vendor's line begins with its number, its products' lines with a tabulator and theirs; further in are variants.
fn find(list: &str, wanted: &BTreeSet<Id>) -> BTreeMap<Id, Named> {
    let mut found: BTreeMap<Id, Named> = wanted.iter().map(|id| (*id, Named::default())).collect();
    let mut vendor = None;
    for line in list.lines() {
        if line.starts_with("\t\t") {
            continue;
        }
        if let Some(product) = line.strip_prefix('\t') {
            let Some((vendor, (number, name))) = vendor.zip(numbered(product)) else { continue };
            if let Some((_, product)) = found.get_mut(&(vendor, number)) {
                *product = Some(name.to_owned());
            }
            continue;
        }
        let known = numbered(line);
        vendor = known.map(|(number, _)| number);
        let Some((number, name)) = known else { continue };
        for (_, (vendor, _)) in found.range_mut((number, 0)..=(number, u32::MAX)) {
            *vendor = Some(name.to_owned());
        }
    }
    found
}

/// A number of four digits, and the name two blanks behind it.
fn numbered(line: &str) -> Option<(u32, &str)> {
    let (number, name) = line.split_once("  ")?;
    (number.len() == 4).then_some(())?;
    Some((u32::from_str_radix(number, 16).ok()?, name.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_found_below_their_vendors() {
        let list = "# numbers\n\n1111  One Ltd\n\t0001  first card\n\t\t1111 0002  a variant\n2222  Two\n\t0001  other card\n\nC 01  storage\n\t00  disks\n";
        let some = |text: &str| Some(text.to_owned());
        let wanted = BTreeSet::from([(0x1111, 1), (0x1111, 2), (0x2222, 1), (0x3333, 1)]);
        let found = find(list, &wanted);
        for (id, expected) in [
            ((0x1111, 1), (some("One Ltd"), some("first card"))),
            ((0x1111, 2), (some("One Ltd"), None)),
            ((0x2222, 1), (some("Two"), some("other card"))),
            ((0x3333, 1), (None, None)),
        ] {
            assert_eq!(found[&id], expected, "{id:x?}");
        }
    }
}
