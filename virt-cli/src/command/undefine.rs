//! `virt undefine`.

use clap::Args;
use virt_core::UndefineFlags;

use crate::context::Context;
use crate::failure::Outcome;

/// Remove the configuration of a domain; a running one becomes transient
#[derive(Debug, Args)]
pub(crate) struct Undefine {
    /// Name, UUID or number of the domain
    domain: String,

    /// Remove the saved state too
    #[arg(long)]
    managed_save: bool,

    /// Remove what is known of its snapshots too
    #[arg(long)]
    snapshots_metadata: bool,

    /// Remove what is known of its checkpoints too
    #[arg(long)]
    checkpoints_metadata: bool,

    /// Remove the file with the variables of its firmware too
    #[arg(long, conflicts_with = "keep_nvram")]
    nvram: bool,

    /// Keep the file with the variables of its firmware
    #[arg(long)]
    keep_nvram: bool,

    /// Remove the state of its TPM too
    #[arg(long, conflicts_with = "keep_tpm")]
    tpm: bool,

    /// Keep the state of its TPM
    #[arg(long)]
    keep_tpm: bool,
}

impl Undefine {
    pub(crate) async fn run(&self, context: &Context) -> Outcome {
        let domain = context.domain(&self.domain).await?;
        let mut flags = UndefineFlags::empty();
        for (flag, wanted) in [
            (UndefineFlags::MANAGED_SAVE, self.managed_save),
            (UndefineFlags::SNAPSHOTS_METADATA, self.snapshots_metadata),
            (UndefineFlags::CHECKPOINTS_METADATA, self.checkpoints_metadata),
            (UndefineFlags::NVRAM, self.nvram),
            (UndefineFlags::KEEP_NVRAM, self.keep_nvram),
            (UndefineFlags::TPM, self.tpm),
            (UndefineFlags::KEEP_TPM, self.keep_tpm),
        ] {
            flags.set(flag, wanted);
        }
        domain.undefine_with(flags).await?;
        Ok(context.done(domain.reference(), "has been undefined")?)
    }
}
