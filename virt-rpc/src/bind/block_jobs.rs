//! Jobs on the disks of domains.

use virt_driver::{BlockJobInfo, DomainRef};
use virt_proto::remote::*;
use virt_types::TypedParams;

use super::macros::binding;

binding! {
    /// Jobs on the disks of domains.
    block_jobs: BlockJobs;
    both {
        DomainBlockJobAbort = abort(dom: &'a DomainRef, path: &'a str, flags: u32);
        DomainGetBlockJobInfo = info(dom: &'a DomainRef, path: &'a str, flags: u32) -> Option<BlockJobInfo>;
        DomainBlockJobSetSpeed = set_speed(dom: &'a DomainRef, path: &'a str, bandwidth: u64, flags: u32);
        DomainBlockPull = pull(dom: &'a DomainRef, path: &'a str, bandwidth: u64, flags: u32);
        DomainBlockRebase = rebase(dom: &'a DomainRef, path: &'a str, base: Option<&'a str>, bandwidth: u64, flags: u32);
        DomainBlockCopy = copy(dom: &'a DomainRef, path: &'a str, destxml: &'a str, params: &'a TypedParams, flags: u32);
        DomainBlockCommit = commit(
            dom: &'a DomainRef, disk: &'a str, base: Option<&'a str>, top: Option<&'a str>, bandwidth: u64, flags: u32,
        );
        DomainBlockResize = resize(dom: &'a DomainRef, disk: &'a str, size: u64, flags: u32);
        DomainSetBlockThreshold = set_threshold(dom: &'a DomainRef, dev: &'a str, threshold: u64, flags: u32);
    }
}
