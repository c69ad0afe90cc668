//! Calls on jobs that move the content of a domain's disks.

use virt_types::TypedParams;

use crate::DomainRef;
use crate::contract::contract;

/// How far a job on a disk has come (`virDomainBlockJobInfo`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockJobInfo {
    /// 1 pull, 2 copy, 3 commit, 4 active commit, 5 backup (`virDomainBlockJobType`).
    pub kind: i32,
    /// The limit in MiB per second or, with bit 1 of the flags, bytes per second; 0 for none.
    pub bandwidth: u64,
    /// What is done, of `end`.
    pub current: u64,
    /// What there is to do.
    pub end: u64,
}

contract! {
    /// Jobs on the disks of domains. A disk is named by its target, such as `vda`, or its path.
    pub trait BlockJobs {
        /// Ends a job, or switches over to its target (`virDomainBlockJobAbortFlags`).
        "virDomainBlockJobAbort" fn abort(domain: &'a DomainRef, disk: &'a str, flags: u32) -> ();
        /// How far a disk's job has come; none if it has no job.
        "virDomainGetBlockJobInfo" fn info(domain: &'a DomainRef, disk: &'a str, flags: u32) -> Option<BlockJobInfo>;
        /// Limits a job.
        "virDomainBlockJobSetSpeed" fn set_speed(domain: &'a DomainRef, disk: &'a str, bandwidth: u64, flags: u32) -> ();
        /// Takes over what is below the top image.
        "virDomainBlockPull" fn pull(domain: &'a DomainRef, disk: &'a str, bandwidth: u64, flags: u32) -> ();
        /// Takes over what is between the top image and `base`, or, with bit 8 of `flags`, copies to `base`.
        "virDomainBlockRebase" fn rebase(
            domain: &'a DomainRef, disk: &'a str, base: Option<&'a str>, bandwidth: u64, flags: u32,
        ) -> ();
        /// Copies a disk to the one that the document describes.
        "virDomainBlockCopy" fn copy(
            domain: &'a DomainRef, disk: &'a str, target_xml: &'a str, params: &'a TypedParams, flags: u32,
        ) -> ();
        /// Writes what `top` holds into `base`.
        "virDomainBlockCommit" fn commit(
            domain: &'a DomainRef, disk: &'a str, base: Option<&'a str>, top: Option<&'a str>, bandwidth: u64, flags: u32,
        ) -> ();
        /// Changes the size of a disk, in KiB or, with bit 1 of `flags`, bytes.
        "virDomainBlockResize" fn resize(domain: &'a DomainRef, disk: &'a str, size: u64, flags: u32) -> ();
        /// Asks for an event when a disk is written up to so many bytes.
        "virDomainSetBlockThreshold" fn set_threshold(domain: &'a DomainRef, disk: &'a str, threshold: u64, flags: u32) -> ();
    }
}
