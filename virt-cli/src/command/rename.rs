//! `virt rename`.

use clap::Args;

use crate::context::Context;
use crate::failure::Outcome;

/// Give a domain that does not run another name
#[derive(Debug, Args)]
pub(crate) struct Rename {
    /// Name, UUID or number of the domain
    domain: String,

    /// The new name
    name: String,
}

impl Rename {
    pub(crate) async fn run(&self, context: &Context) -> Outcome {
        let domain = context.domain(&self.domain).await?;
        domain.rename(&self.name).await?;
        Ok(context.done(domain.reference(), &format!("renamed to '{}'", self.name))?)
    }
}
