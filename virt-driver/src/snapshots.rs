//! Calls on snapshots of domains.

use crate::DomainRef;
use crate::contract::contract;

/// How a caller names a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SnapshotRef {
    /// The domain.
    pub domain: DomainRef,
    /// The name within the domain.
    pub name: String,
}

contract! {
    /// Snapshots of domains.
    pub trait Snapshots {
        /// Takes a snapshot (`virDomainSnapshotCreateFlags`).
        "virDomainSnapshotCreateXML" fn create_xml(domain: &'a DomainRef, xml: &'a str, flags: u32) -> SnapshotRef;
        /// Its description.
        "virDomainSnapshotGetXMLDesc" fn xml_desc(snapshot: &'a SnapshotRef, flags: u32) -> String;
        /// The snapshots of a domain that match (`virDomainSnapshotListFlags`).
        "virDomainListAllSnapshots" fn list(domain: &'a DomainRef, flags: u32) -> Vec<SnapshotRef>;
        /// The snapshots below a snapshot that match.
        "virDomainSnapshotListAllChildren" fn children(snapshot: &'a SnapshotRef, flags: u32) -> Vec<SnapshotRef>;
        /// The snapshot with this name.
        "virDomainSnapshotLookupByName" fn lookup_by_name(domain: &'a DomainRef, name: &'a str, flags: u32) -> SnapshotRef;
        /// Whether a snapshot is the current one.
        "virDomainHasCurrentSnapshot" fn has_current(domain: &'a DomainRef, flags: u32) -> bool;
        /// The current snapshot.
        "virDomainSnapshotCurrent" fn current(domain: &'a DomainRef, flags: u32) -> SnapshotRef;
        /// The snapshot above it.
        "virDomainSnapshotGetParent" fn parent(snapshot: &'a SnapshotRef, flags: u32) -> SnapshotRef;
        /// Whether it is the current one.
        "virDomainSnapshotIsCurrent" fn is_current(snapshot: &'a SnapshotRef, flags: u32) -> bool;
        /// Whether the engine keeps a description of it.
        "virDomainSnapshotHasMetadata" fn has_metadata(snapshot: &'a SnapshotRef, flags: u32) -> bool;
        /// Brings the domain back to it (`virDomainSnapshotRevertFlags`).
        "virDomainRevertToSnapshot" fn revert(snapshot: &'a SnapshotRef, flags: u32) -> ();
        /// Removes it (`virDomainSnapshotDeleteFlags`).
        "virDomainSnapshotDelete" fn delete(snapshot: &'a SnapshotRef, flags: u32) -> ();
    }
}
