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
            | Error::NoModel => ErrorCode::InternalError,
            Error::UnknownVendor(_)
            | Error::OtherVendor { .. }
            | Error::VendorsDiffer
            | Error::Incompatible => ErrorCode::OperationFailed,
            Error::NoCpus | Error::NoModelAt(_) => ErrorCode::InvalidArg,
            Error::NotOfHypervisor(_) => ErrorCode::ConfigUnsupported,
            Error::UnknownArch(_) | Error::CannotOf { .. } => ErrorCode::NoSupport,
            Error::UnknownHost | Error::HostDiffers(_) => ErrorCode::CpuIncompatible,
        };
        Self::new(code, ErrorDomain::Cpu, error.to_string())
    }
}
