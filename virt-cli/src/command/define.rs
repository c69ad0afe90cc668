//! `virt define`.

use std::path::PathBuf;

use clap::Args;
use virt_core::DefineFlags;

use crate::context::Context;
use crate::failure::Outcome;
use crate::{input, lint};

/// Define a persistent domain from a file, or replace its definition
///
/// Elements and attributes that the engine does not know are ignored, and warned of on standard error; `virt lint` checks
/// more.
#[derive(Debug, Args)]
pub(crate) struct Define {
    /// The domain's XML; - for standard input
    file: PathBuf,

    /// Refuse what the schema does not know
    #[arg(long)]
    validate: bool,
}

impl Define {
    pub(crate) async fn run(&self, context: &Context) -> Outcome {
        let xml = input::read(&self.file)?;
        lint::warn(&context.output, &xml, &self.file);
        let flags = if self.validate { DefineFlags::VALIDATE } else { DefineFlags::empty() };
        let domain = context.connection().await?.define_with(&xml, flags).await?;
        Ok(context.done(domain.reference(), &format!("defined from {}", self.file.display()))?)
    }
}
