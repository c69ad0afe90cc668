// tidy: table
//! Checkpoints and backups.

use crate::remote::{DOMAIN_CHECKPOINT_LIST_MAX, Domain, DomainCheckpoint, PROGRAM};
use crate::table::procedures;

procedures! { PROGRAM:
    /// Makes a checkpoint as a document says.
    411 DomainCheckpointCreateXml "virDomainCheckpointCreateXML" {
        args DomainCheckpointCreateXmlArgs { dom: Domain, xml_desc: String, flags: u32 }
        reply DomainCheckpointCreateXmlRet { checkpoint: DomainCheckpoint }
        access [Domain.checkpoint, Domain.fs_freeze if CHECKPOINT_QUIESCE]
        since "5.6.0"
    }

    /// The checkpoint's document.
    412 DomainCheckpointGetXmlDesc "virDomainCheckpointGetXMLDesc" {
        args DomainCheckpointGetXmlDescArgs { checkpoint: DomainCheckpoint, flags: u32 }
        reply DomainCheckpointGetXmlDescRet { xml: String }
        access [Domain.read, Domain.read_secure if CHECKPOINT_XML_SECURE]
        since "5.6.0"
    }

    /// The domain's checkpoints, or how many there are.
    413 DomainListAllCheckpoints "virDomainListAllCheckpoints" {
        args DomainListAllCheckpointsArgs { dom: Domain, need_results: i32, flags: u32 }
        reply DomainListAllCheckpointsRet {
            checkpoints: Vec<DomainCheckpoint>[DOMAIN_CHECKPOINT_LIST_MAX], ret: i32,
        }
        priority High
        access [Domain.read]
        since "5.6.0"
    }

    /// The checkpoints that were made after a checkpoint, or how many there are.
    414 DomainCheckpointListAllChildren "virDomainCheckpointListAllChildren" {
        args DomainCheckpointListAllChildrenArgs { checkpoint: DomainCheckpoint, need_results: i32, flags: u32 }
        reply DomainCheckpointListAllChildrenRet {
            checkpoints: Vec<DomainCheckpoint>[DOMAIN_CHECKPOINT_LIST_MAX], ret: i32,
        }
        priority High
        access [Domain.read]
        since "5.6.0"
    }

    /// Finds a checkpoint by its name.
    415 DomainCheckpointLookupByName "virDomainCheckpointLookupByName" {
        args DomainCheckpointLookupByNameArgs { dom: Domain, name: String, flags: u32 }
        reply DomainCheckpointLookupByNameRet { checkpoint: DomainCheckpoint }
        priority High
        access [Domain.read]
        since "5.6.0"
    }

    /// The checkpoint that a checkpoint was made after.
    416 DomainCheckpointGetParent "virDomainCheckpointGetParent" {
        args DomainCheckpointGetParentArgs { checkpoint: DomainCheckpoint, flags: u32 }
        reply DomainCheckpointGetParentRet { parent: DomainCheckpoint }
        priority High
        access [Domain.read]
        since "5.6.0"
    }

    /// Removes a checkpoint, its children, or both.
    417 DomainCheckpointDelete "virDomainCheckpointDelete" {
        args DomainCheckpointDeleteArgs { checkpoint: DomainCheckpoint, flags: u32 }
        access [Domain.checkpoint]
        since "5.6.0"
    }

    /// Begins a backup as a document says.
    421 DomainBackupBegin "virDomainBackupBegin" {
        args DomainBackupBeginArgs {
            dom: Domain, backup_xml: String, checkpoint_xml: Option<String>, flags: u32,
        }
        access [Domain.checkpoint, Domain.block_write]
        since "6.6.0"
    }

    /// The document of the backup that is under way.
    422 DomainBackupGetXmlDesc "virDomainBackupGetXMLDesc" {
        args DomainBackupGetXmlDescArgs { dom: Domain, flags: u32 }
        reply DomainBackupGetXmlDescRet { xml: String }
        priority High
        access [Domain.read]
        since "6.6.0"
    }
}
