//! `virt shutdown`.

use clap::{Args, ValueEnum};
use virt_core::ShutdownFlags;

use crate::context::Context;
use crate::failure::Outcome;

/// Ask the guest of a domain to shut down; the answer does not wait for it
#[derive(Debug, Args)]
pub(crate) struct Shutdown {
    /// Name, UUID or number of the domain
    domain: String,

    /// How the guest is asked; without it the engine chooses. Several may be given, separated by commas
    #[arg(long, value_enum, value_delimiter = ',')]
    mode: Vec<Mode>,
}

/// How a guest is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// The power button
    Acpi,
    /// The guest agent
    Agent,
    /// /dev/initctl of a container
    Initctl,
    /// A signal to the first process of a container
    Signal,
    /// The hypervisor's own channel
    Paravirt,
}

impl Mode {
    const fn flag(self) -> ShutdownFlags {
        match self {
            Self::Acpi => ShutdownFlags::ACPI_POWER_BTN,
            Self::Agent => ShutdownFlags::GUEST_AGENT,
            Self::Initctl => ShutdownFlags::INITCTL,
            Self::Signal => ShutdownFlags::SIGNAL,
            Self::Paravirt => ShutdownFlags::PARAVIRT,
        }
    }
}

impl Shutdown {
    pub(crate) async fn run(&self, context: &Context) -> Outcome {
        let domain = context.domain(&self.domain).await?;
        let flags = self.mode.iter().fold(ShutdownFlags::empty(), |flags, mode| flags | mode.flag());
        domain.shutdown(flags).await?;
        Ok(context.done(domain.reference(), "is being shut down")?)
    }
}
