//! What can go wrong.

use std::io;
use std::path::PathBuf;

use virt_types::{ErrorCode, ErrorDomain};

use crate::Controller;

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a control group could not be made, asked or told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The host has none, or none that guests are limited by.
    #[error("no cgroup backend available")]
    None,
    /// No group could be made below any controller.
    #[error("cannot create the control group '{path}'{}", because(.source))]
    Create {
        /// The group below its controllers.
        path: String,
        /// Why the first of them refused.
        source: io::Error,
    },
    /// A partition that is not there, and that is not the engine's to make.
    #[error("Failed to create {version} controller {controller} for group: No such file or directory")]
    NoPartition {
        /// `v1` or `v2`.
        version: &'static str,
        /// The controller without it.
        controller: Controller,
    },
    /// A partition's name is no absolute path.
    #[error("Resource partition '{0}' must start with '/'")]
    Partition(String),
    /// A group is not under this controller.
    #[error("v1 controller '{0}' is not mounted")]
    NoController(Controller),
    /// A file of the kernel's can not be read.
    #[error("Unable to read from '{}'{}", path.display(), because(.source))]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file of the kernel's can not be written.
    #[error("Unable to write to '{}'{}", path.display(), because(.source))]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The kernel takes no such value.
    #[error("Invalid value '{value}' for '{key}'{}", because(.source))]
    Invalid {
        /// What was written.
        value: String,
        /// To which file.
        key: String,
        /// Why.
        source: io::Error,
    },
    /// A group can not be removed.
    #[error("Unable to remove '{}'{}", path.display(), because(.source))]
    Remove {
        /// Its directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file of the kernel's says something else than it should.
    #[error("Unable to parse '{text}' as an integer")]
    Parse {
        /// What it says.
        text: String,
    },
    /// A value that the kernel, or libvirt, never takes.
    #[error("{what} '{value}' must be in range {range}")]
    Range {
        /// Which value.
        what: &'static str,
        /// The value.
        value: i128,
        /// The limits, in libvirt's brackets.
        range: String,
    },
    /// More memory than can be said.
    #[error("Memory '{kib}' must be less than {}", crate::UNLIMITED)]
    Memory {
        /// In KiB.
        kib: u64,
    },
    /// The I/O scheduler knows no weights.
    #[error("blkio {0} is valid only for {1} scheduler")]
    NoWeight(&'static str, &'static str),
    /// A path is not there, or not for us.
    #[error("Path '{path}' is not accessible{}", because(.source))]
    Path {
        /// The path.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// A path is something else than a block device.
    #[error("Path '{0}' must be a block device: Invalid argument")]
    NotBlock(String),
    /// Nothing is known of what a block device did.
    #[error("Cannot find byte stats for block device '{0}'")]
    NoStatistics(String),
}

/// What strerror(3) says.
fn because(error: &io::Error) -> String {
    let text = error.to_string();
    format!(": {}", text.split(" (os error").next().unwrap_or(&text))
}

impl Error {
    /// The errno at the bottom, where there is one.
    #[must_use]
    pub fn errno(&self) -> Option<i32> {
        match self {
            Self::Create { source, .. }
            | Self::Read { source, .. }
            | Self::Write { source, .. }
            | Self::Invalid { source, .. }
            | Self::Remove { source, .. }
            | Self::Path { source, .. } => source.raw_os_error(),
            _ => None,
        }
    }

    /// Whether it is the kind of error that says that control groups are not there for this process at all, rather than
    /// that one of them is wrong: libvirt runs its guests without any then.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        const UNAVAILABLE: [i32; 4] = [1, 13, 30, 6]; // EPERM, EACCES, EROFS, ENXIO
        // A mount that another one hides.
        let hidden = matches!(self, Self::Create { source, .. } if source.kind() == io::ErrorKind::NotFound);
        matches!(self, Self::None) || hidden || self.errno().is_some_and(|errno| UNAVAILABLE.contains(&errno))
    }
}

impl From<Error> for virt_types::Error {
    fn from(error: Error) -> Self {
        use ErrorCode as Code;
        let code = match &error {
            Error::None | Error::NoController(_) | Error::Parse { .. } | Error::NoStatistics(_) => {
                Code::InternalError
            }
            Error::Range { .. } | Error::Memory { .. } => Code::InvalidArg,
            Error::NoWeight(..) => Code::OperationInvalid,
            Error::Partition(_) => Code::ConfigUnsupported,
            _ => Code::SystemError,
        };
        let hint = match &error {
            Error::Range { what, .. } => Some(format!("choose another value of {what}")),
            Error::NoPartition { .. } => Some("make the partition's group, or use /machine".to_owned()),
            Error::NoWeight(..) => {
                Some("give the disks the I/O scheduler bfq, or drop the weight".to_owned())
            }
            _ => None,
        };
        let wire = Self::new(code, ErrorDomain::Cgroup, error.to_string());
        let wire = if let Some(hint) = hint { wire.with_hint(hint) } else { wire };
        wire.caused_by(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_libvirts_words_and_codes() {
        let denied = || io::Error::from_raw_os_error(13);
        let error = Error::Write { path: "/sys/fs/cgroup/cpu/x/cpu.shares".into(), source: denied() };
        assert!(error.is_unavailable());
        let wire = virt_types::Error::from(error);
        assert_eq!((wire.code(), wire.domain()), (ErrorCode::SystemError, ErrorDomain::Cgroup));
        assert_eq!(wire.detail(), "Unable to write to '/sys/fs/cgroup/cpu/x/cpu.shares': Permission denied");
        let invalid = Error::Invalid {
            value: "7".into(),
            key: "cpu.shares".into(),
            source: io::Error::from_raw_os_error(22),
        };
        assert_eq!(invalid.to_string(), "Invalid value '7' for 'cpu.shares': Invalid argument");
        assert!(!invalid.is_unavailable());
    }
}
