//! What goes wrong in the engine itself, beneath the sentences that clients see.

use std::path::PathBuf;

use virt_types::{ErrorCode, ErrorDomain};

/// A failure of the engine's own files and locks.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or lock operation failed.
    #[error(transparent)]
    Sys(#[from] virt_sys::Error),
    /// A link or directory operation failed.
    #[error("cannot {action} '{}'", path.display())]
    File {
        /// What was tried, as it fits after "cannot".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The kernel's reason.
        source: std::io::Error,
    },
    /// A file does not hold what its place says.
    #[error("'{}': {reason}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: virt_types::Error,
    },
}

impl Error {
    pub(crate) fn file(action: &'static str, path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        Self::File { action, path: path.into(), source }
    }
}

impl From<Error> for virt_types::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Content { path, reason } => {
                let detail = format!("'{}': {}", path.display(), reason.detail());
                let mut told = Self::new(reason.code(), reason.domain(), detail);
                if let Some(place) = reason.place() {
                    told = told.at(place.clone());
                }
                told.caused_by(reason)
            }
            other => {
                let mut text = other.to_string();
                let mut cause = std::error::Error::source(&other);
                while let Some(error) = cause {
                    text = format!("{text}: {error}");
                    cause = error.source();
                }
                Self::new(ErrorCode::SystemError, ErrorDomain::Domain, text).verbatim().caused_by(other)
            }
        }
    }
}

/// A file that could not be taken in when the engine was opened. It stays as it is.
#[derive(Debug)]
pub struct LoadProblem {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub error: virt_types::Error,
}
