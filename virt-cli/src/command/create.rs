//! `virt create`.

use std::path::PathBuf;

use clap::Args;
use virt_core::CreateFlags;

use crate::context::Context;
use crate::failure::Outcome;
use crate::{input, lint};

/// Start a transient domain from a file: nothing of it is left when it ends
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// The domain's XML; - for standard input
    file: PathBuf,

    /// Leave its virtual CPUs stopped
    #[arg(long)]
    paused: bool,

    /// Refuse what the schema does not know
    #[arg(long)]
    validate: bool,

    /// Set the variables of its firmware back to the template's
    #[arg(long)]
    reset_nvram: bool,
}

impl Create {
    pub(crate) async fn run(&self, context: &Context) -> Outcome {
        let xml = input::read(&self.file)?;
        lint::warn(&context.output, &xml, &self.file);
        let mut flags = CreateFlags::empty();
        flags.set(CreateFlags::START_PAUSED, self.paused);
        flags.set(CreateFlags::START_VALIDATE, self.validate);
        flags.set(CreateFlags::START_RESET_NVRAM, self.reset_nvram);
        let domain = context.connection().await?.create(&xml, flags).await?;
        Ok(context.done(domain.reference(), &format!("created from {}", self.file.display()))?)
    }
}
