//! `virt resume`.

use clap::Args;

use crate::context::Context;
use crate::failure::Outcome;

/// Let the virtual CPUs of a suspended domain go on
#[derive(Debug, Args)]
pub(crate) struct Resume {
    /// Name, UUID or number of the domain
    domain: String,
}

impl Resume {
    pub(crate) async fn run(&self, context: &Context) -> Outcome {
        let domain = context.domain(&self.domain).await?;
        domain.resume().await?;
        Ok(context.done(domain.reference(), "resumed")?)
    }
}
