//! Running other programs, and the one error type of this program: a sentence.

use std::{
    ffi::OsStr,
    fmt,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
};

pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

/// Why a verb ended, in words for the person who typed it.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Adds what was being done to an error that does not know.
pub(crate) trait During<T> {
    fn during(self, what: impl fmt::Display) -> Result<T>;
}

impl<T, E: fmt::Display> During<T> for std::result::Result<T, E> {
    fn during(self, what: impl fmt::Display) -> Result<T> {
        self.map_err(|error| Failure::new(format!("{what}: {error}")))
    }
}

/// The command as a shell would take it.
pub(crate) fn shown(command: &Command) -> String {
    let mut text = quoted(command.get_program());
    for arg in command.get_args() {
        text.push(' ');
        text.push_str(&quoted(arg));
    }
    text
}

fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=/.,:+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Runs to the end with our own output, whatever the outcome.
pub(crate) fn status(command: &mut Command) -> Result<ExitStatus> {
    command.status().during(shown(command))
}

/// Runs to the end with our own output and insists on success.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = status(command)?;
    if status.success() { Ok(()) } else { Err(ended(command, status)) }
}

/// Runs to the end, insists on success and returns standard output; standard error is kept for the failure.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let bytes = output_bytes(command)?;
    String::from_utf8(bytes).during(shown(command))
}

/// As [`output`], for output that is not text.
pub(crate) fn output_bytes(command: &mut Command) -> Result<Vec<u8>> {
    let out = command.stdin(Stdio::null()).output().during(shown(command))?;
    if out.status.success() {
        return Ok(out.stdout);
    }
    let said = String::from_utf8_lossy(&out.stderr);
    Err(Failure::new(format!("{}\n{}", ended(command, out.status), said.trim_end())))
}

fn ended(command: &Command, status: ExitStatus) -> Failure {
    let how = match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    };
    Failure::new(format!("{} {how}", shown(command)))
}

/// Where a program is on the search path; also in the administrator's directories, which plain users often lack.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(usual).map(|dir| dir.join(name)).find(|file| is_program(file))
}

fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// True for the superuser, who may install packages.
pub(crate) fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    Path::new("/proc/self").metadata().is_ok_and(|meta| meta.uid() == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_shown_as_a_shell_takes_them() {
        let mut command = Command::new("echo");
        command.args(["plain=1", "two words", "it's", ""]);
        assert_eq!(shown(&command), r"echo plain=1 'two words' 'it'\''s' ''");
    }

    #[test]
    fn a_failure_carries_the_command_the_status_and_what_was_said() {
        let failure = output(Command::new("sh").args(["-c", "echo nope >&2; exit 3"])).unwrap_err();
        assert_eq!(failure.to_string(), "sh -c 'echo nope >&2; exit 3' ended with 3\nnope");
        let failure = output(Command::new("sh").args(["-c", "kill -9 $$"])).unwrap_err();
        assert!(failure.to_string().contains("was ended by signal 9"), "{failure}");
    }

    #[test]
    fn programs_are_found_by_name() {
        assert!(find_program("sh").is_some());
        assert!(find_program("no such program").is_none());
    }
}
