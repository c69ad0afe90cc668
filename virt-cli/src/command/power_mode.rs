//! The ways in which a guest is asked to shut down or to reboot.

use clap::ValueEnum;

/// How a guest is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum PowerMode {
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

/// The flags of a call for all of these modes.
macro_rules! flags_of {
    ($modes:expr, $flags:ty) => {
        $modes.iter().fold(<$flags>::empty(), |flags, mode| {
            flags
                | match mode {
                    PowerMode::Acpi => <$flags>::ACPI_POWER_BTN,
                    PowerMode::Agent => <$flags>::GUEST_AGENT,
                    PowerMode::Initctl => <$flags>::INITCTL,
                    PowerMode::Signal => <$flags>::SIGNAL,
                    PowerMode::Paravirt => <$flags>::PARAVIRT,
                }
        })
    };
}
pub(super) use flags_of;
