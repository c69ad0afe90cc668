//! `virt autostart`.

use clap::Args;

use crate::context::Context;
use crate::failure::Outcome;

/// Make a domain start with the engine, or not any more
#[derive(Debug, Args)]
pub(crate) struct Autostart {
    /// Name, UUID or number of the domain
    domain: String,

    /// Not any more
    #[arg(long)]
    disable: bool,
}

impl Autostart {
    pub(crate) async fn run(&self, context: &Context) -> Outcome {
        let domain = context.domain(&self.domain).await?;
        domain.set_autostart(!self.disable).await?;
        let word = if self.disable { "unmarked as autostarted" } else { "marked as autostarted" };
        Ok(context.done(domain.reference(), word)?)
    }
}
