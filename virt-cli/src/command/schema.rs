//! `virt schema`.

use clap::{Args, ValueEnum};
use virt_core::conf::domain::Domain;
use virt_core::conf::typed;

use crate::context::Context;
use crate::failure::Outcome;

/// Print the JSON Schema of typed documents
///
/// Editors complete and check a document that begins with a reference to it.
#[derive(Debug, Args)]
pub(crate) struct Schema {
    /// Of which kind of document
    #[arg(value_enum)]
    kind: Kind,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    /// A domain, in JSON or TOML
    Domain,
}

impl Schema {
    #[allow(clippy::unused_async)]
    pub(crate) async fn run(&self, context: &Context) -> Outcome {
        let Kind::Domain = self.kind;
        let schema = typed::schema(Domain::GRAMMAR, "domain");
        Ok(context.output.raw(format!("{schema:#}\n").as_bytes())?)
    }
}
