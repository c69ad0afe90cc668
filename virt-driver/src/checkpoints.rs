//! Calls on checkpoints, which say what changed since, and on the backups that use them.

use crate::DomainRef;
use crate::contract::contract;

/// How a caller names a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CheckpointRef {
    /// The domain.
    pub domain: DomainRef,
    /// The name within the domain.
    pub name: String,
}

contract! {
    /// Checkpoints and backups of domains.
    pub trait Checkpoints {
        /// Makes a checkpoint (`virDomainCheckpointCreateFlags`).
        "virDomainCheckpointCreateXML" fn create_xml(domain: &'a DomainRef, xml: &'a str, flags: u32) -> CheckpointRef;
        /// Its description.
        "virDomainCheckpointGetXMLDesc" fn xml_desc(checkpoint: &'a CheckpointRef, flags: u32) -> String;
        /// The checkpoints of a domain that match (`virDomainCheckpointListFlags`).
        "virDomainListAllCheckpoints" fn list(domain: &'a DomainRef, flags: u32) -> Vec<CheckpointRef>;
        /// The checkpoints below a checkpoint that match.
        "virDomainCheckpointListAllChildren" fn children(checkpoint: &'a CheckpointRef, flags: u32) -> Vec<CheckpointRef>;
        /// The checkpoint with this name.
        "virDomainCheckpointLookupByName" fn lookup_by_name(domain: &'a DomainRef, name: &'a str, flags: u32) -> CheckpointRef;
        /// The checkpoint above it.
        "virDomainCheckpointGetParent" fn parent(checkpoint: &'a CheckpointRef, flags: u32) -> CheckpointRef;
        /// Removes it (`virDomainCheckpointDeleteFlags`).
        "virDomainCheckpointDelete" fn delete(checkpoint: &'a CheckpointRef, flags: u32) -> ();

        /// Begins a backup job, with a checkpoint of the moment if one is described.
        "virDomainBackupBegin" fn begin_backup(
            domain: &'a DomainRef, backup_xml: &'a str, checkpoint_xml: Option<&'a str>, flags: u32,
        ) -> ();
        /// The backup job under way.
        "virDomainBackupGetXMLDesc" fn backup_xml_desc(domain: &'a DomainRef, flags: u32) -> String;
    }
}
