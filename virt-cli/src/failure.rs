//! Why a command did not do what it was asked for, and how that is told.

use std::error::Error as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

use serde_json::{Value, json};
use virt_core::{Error, ErrorCode, ErrorDomain};

use crate::output::Output;

/// The end of a command that did not succeed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Refused or failed.
    Engine(Error),
    /// The arguments do not go together in a way that only the command itself can tell.
    Usage(String),
    /// Nobody reads the answer any more, which is no failure.
    Unread,
    /// The answer says what is wrong; the status has to say it too.
    Told,
}

/// What a command ends with.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Engine(error)
    }
}

/// Standard output's errors.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::Unread
        } else {
            Self::of_system("write the answer", error)
        }
    }
}

impl Failure {
    /// What the system refused.
    pub(crate) fn of_system(doing: &str, error: io::Error) -> Self {
        let text = error.to_string();
        let reason = text.split(" (os error").next().unwrap_or_default();
        let detail = format!("cannot {doing}: {reason}");
        Self::Engine(
            Error::new(ErrorCode::SystemError, ErrorDomain::None, detail).verbatim().caused_by(error),
        )
    }

    /// Tells it on standard error, and gives the status of the process.
    pub(crate) fn tell(&self, output: &Output) -> ExitCode {
        let (text, status) = match self {
            Self::Unread => return ExitCode::SUCCESS,
            Self::Told => return ExitCode::FAILURE,
            Self::Engine(error) if output.is_json() => (json!({ "error": as_json(error) }).to_string(), 1),
            Self::Engine(error) => (format!("error: {}\ncode: {}", error.report(), error.code().number()), 1),
            Self::Usage(what) if output.is_json() => (json!({ "error": { "message": what } }).to_string(), 2),
            Self::Usage(what) => (format!("error: {what}\n\nFor more information, try '--help'."), 2),
        };
        // Without standard error there is nobody to tell.
        let _ = writeln!(io::stderr(), "{text}");
        ExitCode::from(status)
    }
}

/// An error with all that it knows: `code`, `name`, `domain`, `message` as on the wire, and, where there are any, `place`
/// (`line` and `column` from 1, `path`), `causes` (outermost first) and `hint`.
pub(crate) fn as_json(error: &Error) -> Value {
    let mut object = json!({
        "code": error.code().number(),
        "name": error.code().constant(),
        "domain": error.domain().constant(),
        "message": error.to_string(),
    });
    if let Some(place) = error.place() {
        object["place"] = json!({ "line": place.line, "column": place.column, "path": place.path });
    }
    let mut causes = Vec::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    if !causes.is_empty() {
        object["causes"] = json!(causes);
    }
    if let Some(hint) = error.hint() {
        object["hint"] = json!(hint);
    }
    object
}

/// Tells what the command line's parser says: its help, or what is wrong.
pub(crate) fn wrong_usage(error: &clap::Error) -> ExitCode {
    if error.use_stderr() && std::env::args_os().any(|argument| argument == "--json") {
        let text = error.to_string();
        let message = text.trim_start_matches("error: ").split("\n\n").next().unwrap_or_default().trim();
        return Failure::Usage(message.to_owned()).tell(&Output::new(true, false));
    }
    // Without its standard stream there is nobody to tell.
    let _ = error.print();
    ExitCode::from(if error.use_stderr() { 2 } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use virt_core::types::Place;

    #[test]
    fn json_has_what_the_report_has() {
        let error = Error::new(ErrorCode::XmlError, ErrorDomain::Domain, "bad")
            .with_hint("do it well")
            .at(Place { line: 3, column: 5, path: "/domain/os".into() })
            .caused_by(io::Error::other("the cause"));
        let expected = json!({
            "code": 27, "name": "VIR_ERR_XML_ERROR", "domain": "VIR_FROM_DOMAIN", "message": "XML error: bad",
            "place": { "line": 3, "column": 5, "path": "/domain/os" }, "causes": ["the cause"], "hint": "do it well",
        });
        assert_eq!(as_json(&error), expected);
    }

    #[test]
    fn a_reader_that_leaves_is_no_failure() {
        assert!(matches!(io::Error::from(io::ErrorKind::BrokenPipe).into(), Failure::Unread));
        assert!(matches!(io::Error::from(io::ErrorKind::StorageFull).into(), Failure::Engine(_)));
    }
}
