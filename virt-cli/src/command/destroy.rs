//! `virt destroy`.

use clap::Args;
use virt_core::DestroyFlags;

use crate::context::Context;
use crate::failure::Outcome;

/// End a domain at once, as pulling the plug does; it answers when its process is gone
#[derive(Debug, Args)]
pub(crate) struct Destroy {
    /// Name, UUID or number of the domain
    domain: String,

    /// Let QEMU end by itself; fail rather than kill it
    #[arg(long)]
    graceful: bool,

    /// Remove the log of the domain too
    #[arg(long)]
    remove_logs: bool,
}

impl Destroy {
    pub(crate) async fn run(&self, context: &Context) -> Outcome {
        let domain = context.domain(&self.domain).await?;
        let mut flags = DestroyFlags::empty();
        flags.set(DestroyFlags::GRACEFUL, self.graceful);
        flags.set(DestroyFlags::REMOVE_LOGS, self.remove_logs);
        domain.destroy_with(flags).await?;
        Ok(context.done(domain.reference(), "destroyed")?)
    }
}
