//! `virt reboot`.

use clap::Args;
use virt_core::RebootFlags;

use super::power_mode::{PowerMode, flags_of};
use crate::context::Context;
use crate::failure::Outcome;

/// Ask the guest of a domain to reboot; the answer does not wait for it
#[derive(Debug, Args)]
pub(crate) struct Reboot {
    /// Name, UUID or number of the domain
    domain: String,

    /// How the guest is asked; without it the engine chooses. Several may be given, separated by commas
    #[arg(long, value_enum, value_delimiter = ',')]
    mode: Vec<PowerMode>,
}

impl Reboot {
    pub(crate) async fn run(&self, context: &Context) -> Outcome {
        let domain = context.domain(&self.domain).await?;
        domain.reboot(flags_of!(self.mode, RebootFlags)).await?;
        Ok(context.done(domain.reference(), "is being rebooted")?)
    }
}
