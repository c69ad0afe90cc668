use std::fmt;
use std::time::Duration;

/// Result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// How much of a bad line an error shows.
const EXCERPT: usize = 120;

/// What can go wrong between us and a QEMU or guest agent.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The peer answered with an error.
    #[error("{command}: {error}")]
    Command {
        /// The command it refused.
        command: String,
        /// Its answer.
        error: CommandError,
    },
    /// The peer's answer does not have the form that the command's documentation promises.
    #[error("unexpected answer to {command}: {reason}")]
    Reply {
        /// The command that was answered.
        command: String,
        /// What does not fit.
        reason: String,
    },
    /// The arguments of a command cannot be written as a JSON object.
    #[error("cannot write the arguments of {command}: {reason}")]
    Arguments {
        /// The command.
        command: String,
        /// The serializer's reason.
        reason: String,
    },
    /// The peer sent something that is not its protocol.
    #[error("cannot understand '{excerpt}': {reason}")]
    Garbage {
        /// The beginning of the line, escaped.
        excerpt: String,
        /// What does not fit.
        reason: String,
    },
    /// A line is longer than this side accepts.
    #[error("a message is longer than {limit} bytes")]
    TooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// The caller's deadline came before the answer.
    #[error("no answer to {command} after {}: {stage}", Seconds(*waited))]
    Deadline {
        /// The command that waits, or what else was waited for.
        command: String,
        /// Since the call.
        waited: Duration,
        /// How far the command had come.
        stage: Stage,
    },
    /// The connection ended before the answer.
    #[error("the connection ended before the answer to {command}: {reason}")]
    Closed {
        /// The command that was waiting, or what else was.
        command: String,
        /// Why it ended.
        reason: CloseReason,
    },
}

impl Error {
    pub(crate) fn garbage(line: &[u8], reason: impl fmt::Display) -> Self {
        let shown = line.get(..EXCERPT).unwrap_or(line);
        let dots = if shown.len() < line.len() { "..." } else { "" };
        Self::Garbage { excerpt: format!("{}{dots}", shown.escape_ascii()), reason: reason.to_string() }
    }

    /// The peer's error, if it was the peer that refused.
    pub fn command_error(&self) -> Option<&CommandError> {
        match self {
            Self::Command { error, .. } => Some(error),
            _ => None,
        }
    }

    /// Whether the connection is at its end, so that no further command can be answered.
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Closed { .. })
    }
}

/// The peer's error answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{desc}")]
pub struct CommandError {
    /// `GenericError`, `CommandNotFound`, `DeviceNotFound`, …; see QEMU's qapi/error.json.
    pub class: String,
    /// For people.
    pub desc: String,
}

impl CommandError {
    /// Whether this peer does not know the command.
    pub fn is_unknown_command(&self) -> bool {
        self.class == "CommandNotFound"
    }

    /// Whether a device or object of that name does not exist.
    pub fn is_not_found(&self) -> bool {
        self.class == "DeviceNotFound"
    }
}

/// How far a command had come when its caller gave up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// The peer has not even greeted, or synchronised.
    Connecting,
    /// It was not sent: the peer does not read, or an earlier command holds it.
    Queued,
    /// It was sent.
    Sent,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connecting => "the peer has not greeted",
            Self::Queued => "it was not sent, as the peer does not take more",
            Self::Sent => "the peer has it, but does not answer",
        })
    }
}

/// Why a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseReason {
    /// The peer closed it.
    EndOfFile,
    /// The socket failed.
    Io {
        /// Its errno, where there is one.
        errno: Option<i32>,
        /// For people.
        reason: String,
    },
    /// The peer broke the protocol.
    Protocol(String),
    /// This side closed it.
    Local,
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EndOfFile => f.write_str("the peer closed it"),
            Self::Io { reason, .. } | Self::Protocol(reason) => f.write_str(reason),
            Self::Local => f.write_str("it was closed here"),
        }
    }
}

struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} s", self.0.as_secs_f64())
    }
}
