//! Starting in the background.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;

use virt_sys::Spawn;

/// What the process in the background writes once it can be used. Anything else is what went wrong.
const STARTED: &str = "started\n";

/// Why nothing runs in the background.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackgroundError {
    /// No process could be made.
    #[error("cannot run in the background")]
    Start(#[from] virt_sys::Error),
    /// It could not be asked.
    #[error("cannot run in the background")]
    Ask(#[from] io::Error),
    /// It ended, having said this.
    #[error("{0}")]
    Failed(String),
    /// It ended without a word.
    #[error("the process in the background ended without a word: its log may say why")]
    Silent,
}

/// Starts this program once more with these arguments, in a session of its own, and waits until it can be used.
///
/// # Errors
/// If it can not.
pub fn start(arguments: impl IntoIterator<Item = OsString>) -> Result<(), BackgroundError> {
    let (ours, theirs) = io::pipe()?;
    let mut spawn = Spawn::new(std::env::current_exe()?);
    if let Some(name) = std::env::args_os().next() {
        spawn.arg0(name);
    }
    spawn.args(arguments).arg("--tell-start").cwd("/");
    for (name, value) in std::env::vars_os() {
        spawn.env(name, value);
    }
    spawn.stdout(OwnedFd::from(theirs));
    spawn.start()?;
    drop(spawn);
    let mut told = String::new();
    File::from(OwnedFd::from(ours)).read_to_string(&mut told)?;
    match told.as_str() {
        STARTED => Ok(()),
        "" => Err(BackgroundError::Silent),
        problem => Err(BackgroundError::Failed(problem.trim_end().to_owned())),
    }
}

/// Tells the process that waits in [`start`] how it went, and lets go of it.
pub fn tell(outcome: Result<(), &str>) {
    let text = match outcome {
        Ok(()) => STARTED.to_owned(),
        Err(problem) => format!("{problem}\n"),
    };
    // Who waits may have lost patience.
    let _ = io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush());
    let null = File::options().write(true).open("/dev/null");
    if let Err(error) = null.and_then(|null| Ok(rustix::stdio::dup2_stdout(null)?)) {
        log::warn!("cannot let go of the standard output: {error}");
    }
}
