//! What can be wrong with a value or with its bytes.

use virt_types::{Error, ErrorCode, ErrorDomain};

/// Why bytes are no value of the type. A server answers all of them alike: see the conversion to [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes end before the value does.
    #[error("{needed} bytes were expected where {left} are left")]
    Short {
        /// Bytes that the next part takes.
        needed: u64,
        /// Bytes that are left.
        left: usize,
    },
    /// A string, an array or opaque data says that it is longer than the protocol allows.
    #[error("a length of {length} is over the limit of {max}")]
    TooLong {
        /// The length word.
        length: u32,
        /// The limit.
        max: u32,
    },
    /// A string is no UTF-8 or has a NUL in it.
    #[error("a string is not text")]
    NotText,
    /// A union has no such case.
    #[error("a union has no case {case}")]
    UnknownCase {
        /// The discriminant.
        case: i32,
    },
}

/// Why a value has no bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// A part is longer than the protocol allows; the peer could not decode it.
    #[error("too many {what} '{length}' for limit '{max}'")]
    TooLong {
        /// The field, or `bytes` of a string.
        what: &'static str,
        /// Its length.
        length: usize,
        /// The limit.
        max: u32,
    },
}

impl From<DecodeError> for Error {
    /// What libvirtd answers to arguments that it cannot decode; the reason is the cause.
    fn from(error: DecodeError) -> Self {
        Self::new(ErrorCode::Rpc, ErrorDomain::Rpc, "Unable to decode message payload").caused_by(error)
    }
}

impl From<EncodeError> for Error {
    fn from(error: EncodeError) -> Self {
        Self::new(ErrorCode::Rpc, ErrorDomain::Rpc, error.to_string())
    }
}
