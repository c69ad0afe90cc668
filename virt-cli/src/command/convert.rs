//! `virt convert`.

use std::path::PathBuf;

use clap::Args;

use crate::context::Context;
use crate::failure::Outcome;
use crate::input::{self, Form};

/// Turn a domain's document into another form: XML, or typed JSON or TOML
///
/// The names are those of the XML; `virt schema domain` describes the typed form. Nothing is completed or checked against a host.
#[derive(Debug, Args)]
pub(crate) struct Convert {
    /// Into which form
    #[arg(long, value_enum, value_name = "FORM")]
    to: Form,

    /// The document; - for standard input
    file: PathBuf,
}

impl Convert {
    #[allow(clippy::unused_async)]
    pub(crate) async fn run(&self, context: &Context) -> Outcome {
        let text = input::convert(&self.file, self.to)?;
        Ok(context.output.raw(text.as_bytes())?)
    }
}
