//! Outputs: where messages go.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::{Malformed, Priority};

/// Where messages go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// The standard error stream.
    Stderr,
    /// The end of a file, made if it is not there.
    File(PathBuf),
    /// systemd's journal.
    Journald,
    /// The system log, under this name.
    Syslog(String),
}

/// An output, written `PRIORITY:stderr`, `PRIORITY:file:PATH`, `PRIORITY:journald` or `PRIORITY:syslog:NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// From this priority on messages go there.
    pub priority: Priority,
    /// Where they go.
    pub destination: Destination,
}

impl FromStr for Output {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let mut parts = text.split(':');
        let (Some(number), Some(kind)) = (parts.next(), parts.next()) else {
            return Err(Malformed(format!("Malformed format for log output '{text}'")));
        };
        let priority = Priority::of_text(number)
            .ok_or_else(|| Malformed(format!("Invalid log priority '{number}' for log output '{text}'")))?;
        let destination = match (kind, parts.next(), parts.next()) {
            ("stderr", None, None) => Destination::Stderr,
            ("journald", None, None) => Destination::Journald,
            ("file", Some(path), None) => {
                let path = std::path::absolute(path)
                    .map_err(|error| Malformed(format!("Invalid path '{path}' of a log output: {error}")))?;
                Destination::File(path)
            }
            ("syslog", Some(name), None) => Destination::Syslog(name.to_owned()),
            ("stderr" | "journald" | "file" | "syslog", ..) => {
                return Err(Malformed(format!(
                    "Log output '{text}' does not meet the format requirements for destination type '{kind}'"
                )));
            }
            _ => {
                return Err(Malformed(format!("Invalid log destination '{kind}' for log output '{text}'")));
            }
        };
        Ok(Self { priority, destination })
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let priority = self.priority;
        match &self.destination {
            Destination::Stderr => write!(f, "{priority}:stderr"),
            Destination::Journald => write!(f, "{priority}:journald"),
            Destination::File(path) => write!(f, "{priority}:file:{}", path.display()),
            Destination::Syslog(name) => write!(f, "{priority}:syslog:{name}"),
        }
    }
}

/// Outputs, each destination once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outputs(Vec<Output>);

impl Outputs {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Output> {
        self.0.iter()
    }
}

impl FromIterator<Output> for Outputs {
    /// Of several for one destination the last counts.
    fn from_iter<I: IntoIterator<Item = Output>>(outputs: I) -> Self {
        let mut kept: Vec<Output> = Vec::new();
        for output in outputs {
            kept.retain(|other| other.destination != output.destination);
            kept.push(output);
        }
        Self(kept)
    }
}

impl FromStr for Outputs {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        text.split(' ').filter(|word| !word.is_empty()).map(str::parse).collect()
    }
}

impl fmt::Display for Outputs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, output) in self.0.iter().enumerate() {
            write!(f, "{}{output}", if at == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_read_and_written() {
        for (text, written) in [
            ("1:file:/a.log 3:journald 4:stderr", "1:file:/a.log 3:journald 4:stderr"),
            ("2:syslog:virtd", "2:syslog:virtd"),
            ("1:stderr 2:file:/a  3:stderr", "2:file:/a 3:stderr"),
            ("", ""),
        ] {
            assert_eq!(text.parse::<Outputs>().unwrap().to_string(), written, "{text}");
        }
        for (text, expected) in [
            ("stderr", "Malformed format for log output 'stderr'"),
            ("0:stderr", "Invalid log priority '0' for log output '0:stderr'"),
            ("1:stdout", "Invalid log destination 'stdout' for log output '1:stdout'"),
            (
                "1:file",
                "Log output '1:file' does not meet the format requirements for destination type 'file'",
            ),
            (
                "1:stderr:x",
                "Log output '1:stderr:x' does not meet the format requirements for destination type 'stderr'",
            ),
        ] {
            assert_eq!(text.parse::<Outputs>().unwrap_err().to_string(), expected);
        }
    }
}
