//! Calls on the long job that a domain is in.

use virt_types::TypedParams;

use crate::DomainRef;
use crate::contract::contract;

/// How far a job has come (`virDomainJobInfo`): times in milliseconds, sizes in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "total, done and left of data, memory and files")]
pub struct JobInfo {
    /// 0 none, 1 bounded, 2 unbounded, 3 completed, 4 failed, 5 cancelled (`virDomainJobType`).
    pub kind: i32,
    /// Time since it began.
    pub time_elapsed: u64,
    /// Time to the end of a bounded job.
    pub time_remaining: u64,
    pub data_total: u64,
    pub data_processed: u64,
    pub data_remaining: u64,
    pub memory_total: u64,
    pub memory_processed: u64,
    pub memory_remaining: u64,
    pub file_total: u64,
    pub file_processed: u64,
    pub file_remaining: u64,
}

contract! {
    /// Long jobs: migration, save, dump, snapshot, backup.
    pub trait DomainJobs {
        /// How far the job has come.
        "virDomainGetJobInfo" fn info(domain: &'a DomainRef) -> JobInfo;
        /// The kind of the job (`virDomainJobType`) and all that is known of it.
        "virDomainGetJobStats" fn stats(domain: &'a DomainRef, flags: u32) -> (i32, TypedParams);
        /// Ends the job.
        "virDomainAbortJobFlags" fn abort(domain: &'a DomainRef, flags: u32) -> ();
    }
}
