//! Commands as values, and those who run them.

use std::fmt;
use std::time::Duration;

use virt_sys::{Limits, Spawn};

use crate::{Error, Result};

/// How long a program may wait for the lock of the tables and work.
const PATIENCE: Duration = Duration::from_secs(30);

/// The most that a listing may be.
const LISTING: usize = 16 << 20;

/// A command: a program's name and its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The program: `iptables`, `ip6tables`, `ebtables`, `nft` and their kin.
    pub program: &'static str,
    /// Its arguments.
    pub args: Vec<String>,
}

impl Command {
    /// A command from words.
    #[must_use]
    pub fn new(program: &'static str, args: &[&str]) -> Self {
        Self { program, args: args.iter().map(|&arg| arg.to_owned()).collect() }
    }

    /// Appends words.
    pub(crate) fn words(&mut self, words: &[&str]) -> &mut Self {
        self.args.extend(words.iter().map(|&word| word.to_owned()));
        self
    }

    /// Appends a word.
    pub(crate) fn word<T: ToString + ?Sized>(&mut self, word: &T) -> &mut Self {
        self.args.push(word.to_string());
        self
    }
}

impl fmt::Display for Command {
    /// The words with blanks between them, as a person would read them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.program)?;
        self.args.iter().try_for_each(|arg| write!(f, " {arg}"))
    }
}

/// Who runs commands: the system, or a test that writes them down.
pub trait Runner: Send + Sync + fmt::Debug {
    /// Runs a command with this standard input, and returns its standard output.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Run`], and [`Error::Refused`] for an exit status other than 0.
    fn run(&self, command: &Command, input: &str) -> Result<String>;
}

/// The programs of this system. Blocks the calling thread.
#[derive(Debug, Clone, Copy, Default)]
pub struct System;

impl Runner for System {
    fn run(&self, command: &Command, input: &str) -> Result<String> {
        let program = find(command.program).ok_or(Error::Missing(command.program))?;
        let mut spawn = Spawn::new(program);
        // Whoever finds out what was laid must not be overtaken by it.
        spawn.end_with_parent();
        spawn.args(&command.args).env("LC_ALL", "C").env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        let failed = |source| Error::Run { command: command.to_string(), source };
        let output =
            virt_sys::run(spawn, input.as_bytes(), Limits::new(PATIENCE, LISTING)).map_err(failed)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(Error::Refused { command: command.to_string(), said })
    }
}

/// A program of the system administrator, whose directories are not in every user's path.
fn find(program: &str) -> Option<std::path::PathBuf> {
    virt_sys::find_program(program).or_else(|| virt_sys::find_program(&format!("/usr/sbin/{program}")))
}
