//! `virt reset`.

use clap::Args;

use crate::context::Context;
use crate::failure::Outcome;

/// Reset a domain at once, as the reset button does
#[derive(Debug, Args)]
pub(crate) struct Reset {
    /// Name, UUID or number of the domain
    domain: String,
}

impl Reset {
    pub(crate) async fn run(&self, context: &Context) -> Outcome {
        let domain = context.domain(&self.domain).await?;
        domain.reset().await?;
        Ok(context.done(domain.reference(), "was reset")?)
    }
}
