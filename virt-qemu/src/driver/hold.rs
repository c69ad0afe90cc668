//! From a job to the guest that it is about.

use std::sync::Arc;

use virt_domain::{DomainHandle, JobContext, JobKind, JobSpec};
use virt_qmp::command::Command;
use virt_types::Result;

use crate::process::Guest;

/// The guest of a job. If another process has it, it is asked to give it up.
pub(super) async fn guest(context: &JobContext) -> Result<Arc<Guest>> {
    Guest::of(context).await
}

/// Asks the guest's monitor, as a job.
pub(super) async fn ask<C: Command + Send + Sync + 'static>(
    domain: &DomainHandle,
    api: &'static str,
    kind: JobKind,
    command: C,
) -> Result<C::Reply>
where
    C::Reply: Send,
{
    domain
        .job(JobSpec::active(api, kind), move |context| async move {
            let answer = guest(&context).await?.execute(&command).await;
            context.settle();
            answer
        })
        .await
}
