//! Checkpoints and backups of domains.

use virt_driver::{CheckpointRef, DomainRef};
use virt_proto::remote::*;

use super::macros::binding;

binding! {
    /// Checkpoints and backups of domains.
    checkpoints: Checkpoints;
    both {
        DomainCheckpointCreateXml = create_xml(dom: &'a DomainRef, xml_desc: &'a str, flags: u32) -> CheckpointRef as checkpoint;
        DomainCheckpointGetXmlDesc = xml_desc(checkpoint: &'a CheckpointRef, flags: u32) -> String as xml;
        [list] DomainListAllCheckpoints = list(dom: &'a DomainRef, flags: u32) -> Vec<CheckpointRef> as checkpoints;
        [list] DomainCheckpointListAllChildren = children(checkpoint: &'a CheckpointRef, flags: u32)
            -> Vec<CheckpointRef> as checkpoints;
        DomainCheckpointLookupByName = lookup_by_name(dom: &'a DomainRef, name: &'a str, flags: u32)
            -> CheckpointRef as checkpoint;
        DomainCheckpointGetParent = parent(checkpoint: &'a CheckpointRef, flags: u32) -> CheckpointRef as parent;
        DomainCheckpointDelete = delete(checkpoint: &'a CheckpointRef, flags: u32);
        DomainBackupBegin = begin_backup(
            dom: &'a DomainRef, backup_xml: &'a str, checkpoint_xml: Option<&'a str>, flags: u32,
        );
        DomainBackupGetXmlDesc = backup_xml_desc(dom: &'a DomainRef, flags: u32) -> String as xml;
    }
}
