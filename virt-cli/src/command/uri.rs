//! `virt uri`.

use clap::Args;
use serde_json::json;

use crate::context::Context;
use crate::failure::Outcome;

/// Print the canonical URI of the connection
#[derive(Debug, Args)]
pub(crate) struct Uri {}

impl Uri {
    pub(crate) async fn run(&self, context: &Context) -> Outcome {
        let uri = context.connection().await?.hypervisor()?.uri().await?;
        Ok(context.output.answer(|| format!("{uri}\n"), || json!({ "connection": context.about_json(), "uri": &uri }))?)
    }
}
