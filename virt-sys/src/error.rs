use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::spawn::Step;

/// Result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What this crate can fail with.
///
/// The kernel's own reason is kept as the source; [`Error::errno`] digs it out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file system operation failed.
    #[error("cannot {action} '{}'", path.display())]
    File {
        /// What was tried, as it fits after "cannot": "open", "lock".
        action: &'static str,
        /// The file it was tried on.
        path: PathBuf,
        /// The kernel's reason.
        source: io::Error,
    },
    /// A system call that is not about one file failed.
    #[error("cannot {action}")]
    System {
        /// What was tried, as it fits after "cannot".
        action: &'static str,
        /// The kernel's reason.
        source: io::Error,
    },
    /// A program could not be started.
    #[error("cannot start '{}': cannot {step}", program.display())]
    Spawn {
        /// The program's path.
        program: PathBuf,
        /// How far the child had come.
        step: Step,
        /// The kernel's reason.
        source: io::Error,
    },
    /// An argument, an environment entry or a path holds a NUL byte.
    #[error("{what} contains a NUL byte")]
    Nul {
        /// Which input it was.
        what: &'static str,
    },
    /// An input does not make sense.
    #[error("{0}")]
    Invalid(String),
    /// A file is longer than the caller accepts.
    #[error("'{}' is longer than {limit} bytes", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The caller's limit in bytes.
        limit: u64,
    },
    /// A helper program did not finish in time and was killed.
    #[error("'{}' did not finish within {}", program.display(), Seconds(*after))]
    Deadline {
        /// The program's path.
        program: PathBuf,
        /// How long it was given.
        after: Duration,
    },
    /// A helper program wrote more than the caller accepts and was killed.
    #[error("'{}' wrote more than {limit} bytes", program.display())]
    OutputTooLong {
        /// The program's path.
        program: PathBuf,
        /// The caller's limit in bytes.
        limit: usize,
    },
    /// Somebody else holds the lock.
    #[error("'{}' is locked{}", path.display(), ByPid(*holder))]
    Locked {
        /// The locked file.
        path: PathBuf,
        /// The holder, where the kernel tells.
        holder: Option<crate::Pid>,
    },
    /// The kernel or the hardware lacks a feature.
    #[error("{0}")]
    Unsupported(String),
}

impl Error {
    /// The errno at the bottom, where there is one.
    ///
    /// ```
    /// let error = virt_sys::fs::read_bounded("/nonexistent".as_ref(), 10).unwrap_err();
    /// assert_eq!(error.errno(), Some(libc::ENOENT));
    /// ```
    pub fn errno(&self) -> Option<i32> {
        match self {
            Self::File { source, .. } | Self::System { source, .. } | Self::Spawn { source, .. } => {
                source.raw_os_error()
            }
            _ => None,
        }
    }

    /// The kind of the error at the bottom; [`io::ErrorKind::Other`] where there is none.
    pub fn kind(&self) -> io::ErrorKind {
        match self {
            Self::File { source, .. } | Self::System { source, .. } | Self::Spawn { source, .. } => {
                source.kind()
            }
            Self::Deadline { .. } => io::ErrorKind::TimedOut,
            Self::Locked { .. } => io::ErrorKind::WouldBlock,
            Self::Nul { .. } | Self::Invalid(_) => io::ErrorKind::InvalidInput,
            Self::Unsupported(_) => io::ErrorKind::Unsupported,
            _ => io::ErrorKind::Other,
        }
    }

    pub(crate) fn file(action: &'static str, path: impl Into<PathBuf>, source: impl Into<io::Error>) -> Self {
        Self::File { action, path: path.into(), source: source.into() }
    }

    pub(crate) fn system(action: &'static str, source: impl Into<io::Error>) -> Self {
        Self::System { action, source: source.into() }
    }
}

struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} s", self.0.as_secs_f64())
    }
}

struct ByPid(Option<crate::Pid>);

impl fmt::Display for ByPid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(pid) => write!(f, " by process {pid}"),
            None => Ok(()),
        }
    }
}
