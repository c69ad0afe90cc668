//! The long jobs of domains.

use virt_driver::{DomainRef, JobInfo};
use virt_proto::remote::*;
use virt_types::TypedParams;

use super::macros::binding;

binding! {
    /// The long jobs of domains.
    jobs: DomainJobs;
    both {
        DomainGetJobInfo = info(dom: &'a DomainRef) -> JobInfo;
        DomainGetJobStats = stats(dom: &'a DomainRef, flags: u32) -> (i32, TypedParams);
        DomainAbortJobFlags = abort(dom: &'a DomainRef, flags: u32);
    }
    served {
        DomainAbortJob(dom: DomainRef) = abort(&dom, 0) => |()| ();
    }
}
