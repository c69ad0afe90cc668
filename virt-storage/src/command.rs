//! Programs that do what the kernel has no call for.

use std::time::Duration;

use virt_sys::{Limits, Output, Spawn};
use virt_types::{Error, ErrorCode, ErrorDomain, Result};

/// A copy of a large image takes its time; a program that hangs on a dead device does not come back by itself.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// Far more than any of the programs writes.
const OUTPUT: usize = 16 << 20;

/// A program and its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Command {
    program: String,
    arguments: Vec<String>,
}

impl Command {
    pub(crate) fn new<I: IntoIterator<Item: Into<String>>>(program: &str, arguments: I) -> Self {
        Self { program: program.to_owned(), arguments: arguments.into_iter().map(Into::into).collect() }
    }

    /// The words of the command.
    pub(crate) fn words(&self) -> Vec<String> {
        std::iter::once(&self.program).chain(&self.arguments).cloned().collect()
    }

    /// Runs it and answers with its standard output.
    ///
    /// # Errors
    /// Where there is no such program, and where it does not end with status 0, with what it wrote.
    pub(crate) fn run(&self) -> Result<String> {
        let output = self.run_any()?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(self.failed(&output))
    }

    /// The same whatever its status is.
    pub(crate) fn run_any(&self) -> Result<Output> {
        let refuse = |code, detail: String| Error::new(code, ErrorDomain::None, detail);
        let program = virt_sys::find_program(&self.program).ok_or_else(|| {
            let detail = format!("Cannot find '{}' in path: No such file or directory", self.program);
            refuse(ErrorCode::SystemError, detail)
        })?;
        let mut spawn = Spawn::new(program);
        spawn.args(&self.arguments).env("LC_ALL", "C").inherit_env("PATH");
        virt_sys::run(spawn, &[], Limits::new(LONGEST, OUTPUT)).map_err(|error| {
            refuse(ErrorCode::InternalError, format!("cannot run '{}': {error}", self.program))
                .caused_by(error)
        })
    }

    /// The error of a status that is not expected.
    pub(crate) fn failed(&self, output: &Output) -> Error {
        use std::os::unix::process::ExitStatusExt;
        let how = match (output.status.code(), output.status.signal()) {
            (Some(code), _) => format!("exit status {code}"),
            (None, Some(signal)) => format!("fatal signal {signal}"),
            (None, None) => "end".to_owned(),
        };
        let said = String::from_utf8_lossy(&output.stderr);
        let said = if said.is_empty() { String::new() } else { format!(": {said}") };
        let words = self.words().join(" ");
        let detail = format!("Child process ({words}) unexpected {how}{said}");
        Error::new(ErrorCode::InternalError, ErrorDomain::None, detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_and_failure_are_told() {
        let shell = |script: &str| Command::new("sh", ["-c", script]);
        assert_eq!(shell("echo a").run().unwrap(), "a\n");
        assert_eq!(
            shell("echo b >&2; exit 3").run().unwrap_err().to_string(),
            "internal error: Child process (sh -c echo b >&2; exit 3) unexpected exit status 3: b\n"
        );
        let missing = Command::new("no-such-program", [""; 0]).run().unwrap_err();
        assert_eq!(missing.code(), ErrorCode::SystemError);
    }
}
