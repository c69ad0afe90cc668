//! `virt reboot`.

use clap::{Args, ValueEnum};
use virt_core::RebootFlags;

use crate::context::Context;
use crate::failure::Outcome;

/// Ask the guest of a domain to reboot; the answer does not wait for it
#[derive(Debug, Args)]
pub(crate) struct Reboot {
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
    const fn flag(self) -> RebootFlags {
        match self {
            Self::Acpi => RebootFlags::ACPI_POWER_BTN,
            Self::Agent => RebootFlags::GUEST_AGENT,
            Self::Initctl => RebootFlags::INITCTL,
            Self::Signal => RebootFlags::SIGNAL,
            Self::Paravirt => RebootFlags::PARAVIRT,
        }
    }
}

impl Reboot {
    pub(crate) async fn run(&self, context: &Context) -> Outcome {
        let domain = context.domain(&self.domain).await?;
        let flags = self.mode.iter().fold(RebootFlags::empty(), |flags, mode| flags | mode.flag());
        domain.reboot(flags).await?;
        Ok(context.done(domain.reference(), "is being rebooted")?)
    }
}
