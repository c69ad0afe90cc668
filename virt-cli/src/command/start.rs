//! `virt start`.

use clap::Args;
use virt_core::CreateFlags;
use virt_core::driver::OpenConsoleFlags;

use crate::command::console::attach;
use crate::context::Context;
use crate::failure::Outcome;

/// Start a defined domain
#[derive(Debug, Args)]
pub(crate) struct Start {
    /// Name, UUID or number of the domain
    domain: String,

    /// Leave its virtual CPUs stopped
    #[arg(long)]
    paused: bool,

    /// End it when this command ends; only sensible with --console
    #[arg(long, requires = "console")]
    autodestroy: bool,

    /// Attach to its console
    #[arg(long)]
    console: bool,

    /// Set the variables of its firmware back to the template's
    #[arg(long)]
    reset_nvram: bool,

    /// Boot, even if there is a saved state
    #[arg(long)]
    force_boot: bool,

    /// Read a saved state past the cache of the file system
    #[arg(long)]
    bypass_cache: bool,
}

impl Start {
    pub(crate) async fn run(&self, context: &Context) -> Outcome {
        let domain = context.domain(&self.domain).await?;
        let mut flags = CreateFlags::empty();
        for (flag, wanted) in [
            // The console has to be open before the guest says its first word.
            (CreateFlags::START_PAUSED, self.paused || self.console),
            (CreateFlags::START_AUTODESTROY, self.autodestroy),
            (CreateFlags::START_RESET_NVRAM, self.reset_nvram),
            (CreateFlags::START_FORCE_BOOT, self.force_boot),
            (CreateFlags::START_BYPASS_CACHE, self.bypass_cache),
        ] {
            flags.set(flag, wanted);
        }
        let domain = domain.start_with(flags).await?;
        if !self.console {
            return Ok(context.done(domain.reference(), "started")?);
        }
        let console = domain.console(None, OpenConsoleFlags::empty()).await?;
        if !self.paused {
            domain.resume().await?;
        }
        attach(context, &*console, domain.name()).await?;
        Ok(())
    }
}
