//! Why the daemon does not run.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::logging::{Malformed, OutputError};
use crate::pid_file::PidFileError;
use crate::settings::{Problem, ReadError};
use crate::sockets::SocketError;

/// Why the daemon does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// A configuration file is wrong.
    #[error(transparent)]
    Config(#[from] Problem),
    /// A configuration file can not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The configuration's log settings make no sense.
    #[error("{}: {key}: {source}", file.display())]
    Log {
        /// The file, or the variable of the environment.
        file: PathBuf,
        /// The key.
        key: &'static str,
        /// What is wrong.
        source: Malformed,
    },
    /// The log can not be written.
    #[error("cannot log")]
    Output(#[from] OutputError),
    /// Another daemon runs.
    #[error(transparent)]
    PidFile(#[from] PidFileError),
    /// The daemon can not listen.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// A directory can not be made, or the like.
    #[error(transparent)]
    System(#[from] virt_sys::Error),
    /// The kernel refuses.
    #[error("cannot {action}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The reason.
        source: std::io::Error,
    },
    /// What the configuration asks for can not be served.
    #[error("{0}")]
    Unserved(String),
    /// Certificates, or the like.
    #[error(transparent)]
    Rpc(#[from] virt_rpc::Error),
}

impl Failure {
    pub(crate) const fn io(action: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { action, source }
    }

    /// The sentence with each of its causes.
    #[must_use]
    pub fn report(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            // A transparent error is its own cause.
            let sentence = error.to_string();
            if !text.ends_with(&sentence) {
                text.push_str(&format!(": {sentence}"));
            }
            cause = error.source();
        }
        text
    }

    /// libvirtd's status for this kind of failure.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Config(_) | Self::Read(_) | Self::Log { .. } | Self::Output(_) | Self::PidFile(_) => 1,
            Self::System(_) => 2,
            Self::Io { .. } => 3,
            Self::Socket(_) | Self::Unserved(_) | Self::Rpc(_) => 6,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_told_once() {
        let failure = Failure::Io { action: "make a runtime", source: std::io::Error::other("no memory") };
        assert_eq!(failure.report(), "cannot make a runtime: no memory");
        let problem = Problem { file: "/etc/virt/virtd.conf".into(), line: 3, what: "nonsense".into() };
        assert_eq!(Failure::from(problem).report(), "/etc/virt/virtd.conf:3: nonsense");
    }
}
