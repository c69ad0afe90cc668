//! Snapshots of domains.

use virt_driver::{DomainRef, SnapshotRef};
use virt_proto::remote::*;

use super::listing::{count, names};
use super::macros::binding;

binding! {
    /// Snapshots of domains.
    snapshots: Snapshots;
    both {
        DomainSnapshotCreateXml = create_xml(dom: &'a DomainRef, xml_desc: &'a str, flags: u32) -> SnapshotRef as snap;
        DomainSnapshotGetXmlDesc = xml_desc(snap: &'a SnapshotRef, flags: u32) -> String as xml;
        [list] DomainListAllSnapshots = list(dom: &'a DomainRef, flags: u32) -> Vec<SnapshotRef> as snapshots;
        [list] DomainSnapshotListAllChildren = children(snapshot: &'a SnapshotRef, flags: u32) -> Vec<SnapshotRef> as snapshots;
        DomainSnapshotLookupByName = lookup_by_name(dom: &'a DomainRef, name: &'a str, flags: u32) -> SnapshotRef as snap;
        DomainHasCurrentSnapshot = has_current(dom: &'a DomainRef, flags: u32) -> bool as result;
        DomainSnapshotCurrent = current(dom: &'a DomainRef, flags: u32) -> SnapshotRef as snap;
        DomainSnapshotGetParent = parent(snap: &'a SnapshotRef, flags: u32) -> SnapshotRef as snap;
        DomainSnapshotIsCurrent = is_current(snap: &'a SnapshotRef, flags: u32) -> bool as current;
        DomainSnapshotHasMetadata = has_metadata(snap: &'a SnapshotRef, flags: u32) -> bool as metadata;
        DomainRevertToSnapshot = revert(snap: &'a SnapshotRef, flags: u32);
        DomainSnapshotDelete = delete(snap: &'a SnapshotRef, flags: u32);
    }
    served {
        DomainSnapshotNum(dom: DomainRef, flags: u32) = list(&dom, flags) => |found| Reply { num: count(&found) };
        DomainSnapshotListNames(dom: DomainRef, maxnames: i32, flags: u32) = list(&dom, flags)
            => |found| Reply { names: names(found, maxnames, |snapshot| snapshot.name) };
        DomainSnapshotNumChildren(snap: SnapshotRef, flags: u32) = children(&snap, flags)
            => |found| Reply { num: count(&found) };
        DomainSnapshotListChildrenNames(snap: SnapshotRef, maxnames: i32, flags: u32) = children(&snap, flags)
            => |found| Reply { names: names(found, maxnames, |snapshot| snapshot.name) };
    }
}
