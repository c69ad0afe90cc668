//! `virt domstate`.

use clap::Args;
use serde_json::json;

use crate::command::state;
use crate::context::{Context, reference};
use crate::failure::Outcome;

/// Print the state of a domain
#[derive(Debug, Args)]
pub(crate) struct Domstate {
    /// Name, UUID or number of the domain
    domain: String,

    /// Why it is in that state, too
    #[arg(long)]
    reason: bool,
}

impl Domstate {
    pub(crate) async fn run(&self, context: &Context) -> Outcome {
        let domain = context.domain(&self.domain).await?;
        let status = domain.state().await?;
        let words = state::words(status);
        let human = || if self.reason { format!("{words} ({})\n", status.reason_name()) } else { format!("{words}\n") };
        let json = || json!({
            "connection": context.about_json(),
            "domain": reference(domain.reference()),
            "state": status.state_name(),
            "reason": status.reason_name(),
        });
        Ok(context.output.answer(human, json)?)
    }
}
