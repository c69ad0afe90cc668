// tidy: table
//! Snapshots.

use crate::remote::{DOMAIN_SNAPSHOT_LIST_MAX, Domain, DomainSnapshot, PROGRAM};
use crate::table::procedures;

procedures! { PROGRAM:
    /// Takes a snapshot as a document says.
    185 DomainSnapshotCreateXml "virDomainSnapshotCreateXML" {
        args DomainSnapshotCreateXmlArgs { dom: Domain, xml_desc: String, flags: u32 }
        reply DomainSnapshotCreateXmlRet { snap: DomainSnapshot }
        access [Domain.snapshot, Domain.fs_freeze if SNAPSHOT_QUIESCE]
        since "<=1.2.7"
    }

    /// The snapshot's document.
    186 DomainSnapshotGetXmlDesc "virDomainSnapshotGetXMLDesc" {
        args DomainSnapshotGetXmlDescArgs { snap: DomainSnapshot, flags: u32 }
        reply DomainSnapshotGetXmlDescRet { xml: String }
        priority High
        access [Domain.read, Domain.read_secure if SNAPSHOT_XML_SECURE]
        since "<=1.2.7"
    }

    /// How many snapshots the domain has.
    187 DomainSnapshotNum "virDomainSnapshotNum" {
        args DomainSnapshotNumArgs { dom: Domain, flags: u32 }
        reply DomainSnapshotNumRet { num: i32 }
        priority High
        access [Domain.read]
        since "<=1.2.7"
    }

    /// Names of the domain's snapshots.
    188 DomainSnapshotListNames "virDomainSnapshotListNames" {
        args DomainSnapshotListNamesArgs { dom: Domain, maxnames: i32, flags: u32 }
        reply DomainSnapshotListNamesRet { names: Vec<String>[DOMAIN_SNAPSHOT_LIST_MAX] }
        priority High
        access [Domain.read]
        since "<=1.2.7"
    }

    /// Finds a snapshot by its name.
    189 DomainSnapshotLookupByName "virDomainSnapshotLookupByName" {
        args DomainSnapshotLookupByNameArgs { dom: Domain, name: String, flags: u32 }
        reply DomainSnapshotLookupByNameRet { snap: DomainSnapshot }
        priority High
        access [Domain.read]
        since "<=1.2.7"
    }

    /// Whether the domain has a current snapshot.
    190 DomainHasCurrentSnapshot "virDomainHasCurrentSnapshot" {
        args DomainHasCurrentSnapshotArgs { dom: Domain, flags: u32 }
        reply DomainHasCurrentSnapshotRet { result: i32 }
        access [Domain.read]
        since "<=1.2.7"
    }

    /// The domain's current snapshot.
    191 DomainSnapshotCurrent "virDomainSnapshotCurrent" {
        args DomainSnapshotCurrentArgs { dom: Domain, flags: u32 }
        reply DomainSnapshotCurrentRet { snap: DomainSnapshot }
        access [Domain.read]
        since "<=1.2.7"
    }

    /// Takes the domain back to a snapshot.
    192 DomainRevertToSnapshot "virDomainRevertToSnapshot" {
        args DomainRevertToSnapshotArgs { snap: DomainSnapshot, flags: u32 }
        access [Domain.snapshot]
        since "<=1.2.7"
    }

    /// Removes a snapshot, its children, or both.
    193 DomainSnapshotDelete "virDomainSnapshotDelete" {
        args DomainSnapshotDeleteArgs { snap: DomainSnapshot, flags: u32 }
        access [Domain.snapshot]
        since "<=1.2.7"
    }

    /// The snapshot that a snapshot was taken after.
    244 DomainSnapshotGetParent "virDomainSnapshotGetParent" {
        args DomainSnapshotGetParentArgs { snap: DomainSnapshot, flags: u32 }
        reply DomainSnapshotGetParentRet { snap: DomainSnapshot }
        priority High
        access [Domain.read]
        since "<=1.2.7"
    }

    /// How many snapshots were taken after a snapshot.
    246 DomainSnapshotNumChildren "virDomainSnapshotNumChildren" {
        args DomainSnapshotNumChildrenArgs { snap: DomainSnapshot, flags: u32 }
        reply DomainSnapshotNumChildrenRet { num: i32 }
        priority High
        access [Domain.read]
        since "<=1.2.7"
    }

    /// Names of the snapshots that were taken after a snapshot.
    247 DomainSnapshotListChildrenNames "virDomainSnapshotListChildrenNames" {
        args DomainSnapshotListChildrenNamesArgs { snap: DomainSnapshot, maxnames: i32, flags: u32 }
        reply DomainSnapshotListChildrenNamesRet { names: Vec<String>[DOMAIN_SNAPSHOT_LIST_MAX] }
        priority High
        access [Domain.read]
        since "<=1.2.7"
    }

    /// Whether the snapshot is the current one.
    271 DomainSnapshotIsCurrent "virDomainSnapshotIsCurrent" {
        args DomainSnapshotIsCurrentArgs { snap: DomainSnapshot, flags: u32 }
        reply DomainSnapshotIsCurrentRet { current: i32 }
        access [Domain.read]
        since "<=1.2.7"
    }

    /// Whether the server keeps metadata of the snapshot.
    272 DomainSnapshotHasMetadata "virDomainSnapshotHasMetadata" {
        args DomainSnapshotHasMetadataArgs { snap: DomainSnapshot, flags: u32 }
        reply DomainSnapshotHasMetadataRet { metadata: i32 }
        access [Domain.read]
        since "<=1.2.7"
    }

    /// The domain's snapshots, or how many there are.
    274 DomainListAllSnapshots "virDomainListAllSnapshots" {
        args DomainListAllSnapshotsArgs { dom: Domain, need_results: i32, flags: u32 }
        reply DomainListAllSnapshotsRet { snapshots: Vec<DomainSnapshot>[DOMAIN_SNAPSHOT_LIST_MAX], ret: i32 }
        priority High
        access [Domain.read]
        since "<=1.2.7"
    }

    /// The snapshots that were taken after a snapshot, or how many there are.
    275 DomainSnapshotListAllChildren "virDomainSnapshotListAllChildren" {
        args DomainSnapshotListAllChildrenArgs { snapshot: DomainSnapshot, need_results: i32, flags: u32 }
        reply DomainSnapshotListAllChildrenRet {
            snapshots: Vec<DomainSnapshot>[DOMAIN_SNAPSHOT_LIST_MAX], ret: i32,
        }
        priority High
        access [Domain.read]
        since "<=1.2.7"
    }
}
