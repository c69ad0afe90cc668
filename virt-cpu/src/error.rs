//! What can go wrong.

use virt_types::{ErrorCode, ErrorDomain};

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a CPU could not be described or compared.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The document is wrong.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// There is no such model.
    #[error("Unknown CPU model {0}")]
    UnknownModel(String),
    /// There is no such model, whose features are asked for.
    #[error("unknown CPU model {0}")]
    UnknownModelToExpand(String),
    /// There is no such feature.
    #[error("Unknown CPU feature {0}")]
    UnknownFeature(String),
    /// There is no such maker.
    #[error("Unknown CPU vendor {0}")]
    UnknownVendor(String),
    /// A description names a maker that does not make its model.
    #[error("CPU vendor {of_model} of model {model} differs from vendor {vendor}")]
    OtherVendor {
        /// Name of the model.
        model: &'static str,
        /// Who makes it.
        of_model: &'static str,
        /// Who is named.
        vendor: String,
    },
    /// The CPUs are of several makers.
    #[error("CPU vendors do not match")]
    VendorsDiffer,
    /// The CPUs have no feature in common.
    #[error("CPUs are incompatible")]
    Incompatible,
    /// No CPU was given.
    #[error("No CPUs given")]
    NoCpus,
    /// A CPU in the list has no model.
    #[error("no CPU model specified at index {0}")]
    NoModelAt(usize),
    /// No model fits.
    #[error("Cannot find suitable CPU model for given data")]
    NoModel,
    /// The hypervisor lacks the only model that may be taken.
    #[error("CPU model {0} is not supported by hypervisor")]
    NotOfHypervisor(String),
    /// Nothing is known of CPUs of this architecture.
    #[error("'{0}' architecture is not supported by CPU driver")]
    UnknownArch(virt_types::Arch),
    /// This can not be asked of CPUs of this architecture.
    #[error("cannot {what} CPUs of {arch} architecture")]
    CannotOf {
        /// What was asked.
        what: &'static str,
        /// The architecture.
        arch: virt_types::Arch,
    },
    /// A CPU has no model where one is needed.
    #[error("no CPU model specified")]
    NoModelSaid,
    /// No POWER processor has this version register.
    #[error("Cannot find CPU model with PVR {0:#010x}")]
    UnknownVersion(u32),
    /// No ARM processor has this part number.
    #[error("Cannot find CPU model with PVR {0:#05x}")]
    UnknownPart(u16),
    /// No maker of ARM processors has this number.
    #[error("Cannot find CPU vendor with vendor id {0:#04x}")]
    UnknownVendorId(u8),
    /// The host cannot be an older generation.
    #[error("Host CPU does not support compatibility modes")]
    NoCompatibility,
    /// There is no such older generation.
    #[error("Unknown compatibility mode {0}")]
    UnknownCompatibility(String),
    /// A guest's CPU is left to the host's, which is not known.
    #[error("unknown host CPU model")]
    NoHostModel,
    /// What the guest was given is not what it must have; the text begins with a colon where it tells more.
    #[error("guest CPU doesn't match specification{0}")]
    NotAsSpecified(String),
    /// The hypervisor lacks the model, and nothing is known of similar ones.
    #[error("cannot translate CPU model {0} to a supported model")]
    CannotTranslate(String),
    /// A guest's document names a feature that is not known.
    #[error("unknown CPU feature: {0}")]
    UnknownGuestFeature(String),
    /// The host has a feature that the guest's host must not have.
    #[error("Host CPU provides forbidden feature '{0}'")]
    Forbidden(String),
    /// Guests of this architecture have or have not a feature; none is optional.
    #[error("only cpu feature policies 'require' and 'disable' are supported for {0}")]
    OnlyOnOrOff(String),
    /// The architecture has no optional features.
    #[error("optional CPU features are not supported")]
    NoOptional,
    /// The architecture has no such way to match.
    #[error("match mode {0} not supported")]
    NoMatch(virt_conf::domain::CpuMatch),
    /// The host's CPU is not known.
    #[error("unknown host CPU")]
    UnknownHost,
    /// The host's CPU can not be what is asked for.
    #[error("{0}")]
    HostDiffers(String),
}

/// A document that is no CPU.
#[derive(Debug, Clone, thiserror::Error)]
#[error(transparent)]
pub struct DocumentError(#[from] pub virt_types::Error);

impl PartialEq for DocumentError {
    fn eq(&self, other: &Self) -> bool {
        (self.0.code(), self.0.detail()) == (other.0.code(), other.0.detail())
    }
}

impl From<virt_types::Error> for Error {
    fn from(error: virt_types::Error) -> Self {
        Self::Document(DocumentError(error))
    }
}

impl From<Error> for virt_types::Error {
    fn from(error: Error) -> Self {
        let code = match error {
            Error::Document(DocumentError(error)) => return error,
            Error::UnknownModel(_)
            | Error::UnknownModelToExpand(_)
            | Error::UnknownFeature(_)
            | Error::NoModel
            | Error::NoCompatibility
            | Error::UnknownCompatibility(_) => ErrorCode::InternalError,
            Error::UnknownVendor(_)
            | Error::OtherVendor { .. }
            | Error::VendorsDiffer
            | Error::Incompatible
            | Error::UnknownVersion(_)
            | Error::UnknownPart(_)
            | Error::UnknownVendorId(_)
            | Error::NotAsSpecified(_) => ErrorCode::OperationFailed,
            Error::NoCpus | Error::NoModelAt(_) | Error::NoModelSaid => ErrorCode::InvalidArg,
            Error::NotOfHypervisor(_)
            | Error::NoHostModel
            | Error::UnknownGuestFeature(_)
            | Error::OnlyOnOrOff(_)
            | Error::NoOptional
            | Error::NoMatch(_) => ErrorCode::ConfigUnsupported,
            Error::UnknownArch(_) | Error::CannotOf { .. } | Error::CannotTranslate(_) => {
                ErrorCode::NoSupport
            }
            Error::UnknownHost | Error::HostDiffers(_) | Error::Forbidden(_) => ErrorCode::CpuIncompatible,
        };
        Self::new(code, ErrorDomain::Cpu, error.to_string())
    }
}
