//! `virt suspend`.

use clap::Args;

use crate::context::Context;
use crate::failure::Outcome;

/// Stop the virtual CPUs of a domain
#[derive(Debug, Args)]
pub(crate) struct Suspend {
    /// Name, UUID or number of the domain
    domain: String,
}

impl Suspend {
    pub(crate) async fn run(&self, context: &Context) -> Outcome {
        let domain = context.domain(&self.domain).await?;
        domain.suspend().await?;
        Ok(context.done(domain.reference(), "suspended")?)
    }
}
