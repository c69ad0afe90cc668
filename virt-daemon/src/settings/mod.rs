//! Settings files in libvirt's syntax.
//!
//! A line is `key = value`; a value is a number, a string between `'`, `"` or `"""`, or a list of values between brackets,
//! which may go over several lines. `#` begins a comment.
//!
//! ```
//! use virt_daemon::settings::{Key, Kind, Settings};
//!
//! const KEYS: &[Key] = &[Key::used("max_clients", Kind::Count), Key::used("auth_unix_rw", Kind::OneOf(&["none", "sasl"]))];
//! let settings = Settings::parse("virtd.conf", "max_clients = 20 # many\nauth_unix_rw = \"none\"\n")?;
//! settings.check(KEYS)?;
//! assert_eq!(settings.number("max_clients"), Some(20));
//!
//! let wrong = Settings::parse("virtd.conf", "\nauth_unix_rw = \"sas\"\n")?.check(KEYS).unwrap_err();
//! assert_eq!(
//!     wrong.to_string(),
//!     "virtd.conf:2: auth_unix_rw is 'sas', but has to be one of 'none', 'sasl'; did you mean 'sasl'?"
//! );
//! # Ok::<(), virt_daemon::settings::Problem>(())
//! ```

mod key;
mod parse;

use std::fmt;
use std::path::{Path, PathBuf};

pub use key::{Key, Kind, Meaning, Remarks};

/// The longest file that is read, in bytes.
const LONGEST: u64 = 10 << 20;

/// A value as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A number.
    Number(i64),
    /// A string.
    Text(String),
    /// A list.
    List(Vec<Self>),
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The key.
    pub key: String,
    /// The value.
    pub value: Value,
    /// The line where the key stands, from 1.
    pub line: u32,
}

/// What is wrong with a file, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}:{line}: {what}", file.display())]
pub struct Problem {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: u32,
    /// What is wrong, and what would be right.
    pub what: String,
}

/// Why a file could not be taken in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// It could not be read.
    #[error(transparent)]
    File(#[from] virt_sys::Error),
    /// It holds bytes that are no text.
    #[error("{}: the file is not UTF-8 text", .0.display())]
    NotText(PathBuf),
    /// It does not follow the syntax.
    #[error(transparent)]
    Problem(#[from] Problem),
}

/// The settings of a file, in its order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    file: PathBuf,
    settings: Vec<Setting>,
}

impl Settings {
    /// Parses a text; `file` is what problems name.
    ///
    /// # Errors
    /// For text that does not follow the syntax.
    pub fn parse(file: impl Into<PathBuf>, text: &str) -> Result<Self, Problem> {
        let file = file.into();
        match parse::settings(text) {
            Ok(settings) => Ok(Self { file, settings }),
            Err((line, what)) => Err(Problem { file, line, what }),
        }
    }

    /// Reads a file. One that is not there has no settings.
    ///
    /// # Errors
    /// For a file that can not be read, and as [`Settings::parse`].
    pub fn read_if_there(file: &Path) -> Result<Self, ReadError> {
        match Self::read(file) {
            Err(ReadError::File(error)) if error.kind() == std::io::ErrorKind::NotFound => {
                Ok(Self { file: file.to_owned(), settings: Vec::new() })
            }
            other => other,
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// For a file that can not be read, and as [`Settings::parse`].
    pub fn read(file: &Path) -> Result<Self, ReadError> {
        let bytes = virt_sys::fs::read_bounded(file, LONGEST)?;
        let text = String::from_utf8(bytes).map_err(|_| ReadError::NotText(file.to_owned()))?;
        Ok(Self::parse(file, &text)?)
    }

    /// The file's name.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Setting> {
        self.settings.iter()
    }

    /// The setting of a key. Of several the first counts, as in libvirt.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Setting> {
        self.settings.iter().find(|setting| setting.key == key)
    }

    /// A problem with a setting.
    #[must_use]
    pub fn problem(&self, line: u32, what: impl Into<String>) -> Problem {
        Problem { file: self.file.clone(), line, what: what.into() }
    }

    /// The number that a key has; `None` if it is absent or something else, which [`Settings::check`] refuses.
    #[must_use]
    pub fn number<N: TryFrom<i64>>(&self, key: &str) -> Option<N> {
        match self.get(key)?.value {
            Value::Number(number) => N::try_from(number).ok(),
            _ => None,
        }
    }

    /// Whether a key has 1 (and not 0).
    #[must_use]
    pub fn flag(&self, key: &str) -> Option<bool> {
        self.number::<u8>(key).map(|number| number == 1)
    }

    /// The string that a key has.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        match &self.get(key)?.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The strings of a list; a string alone is a list of one.
    #[must_use]
    pub fn texts(&self, key: &str) -> Option<Vec<String>> {
        match &self.get(key)?.value {
            Value::Text(text) => Some(vec![text.clone()]),
            Value::List(values) => Some(
                values
                    .iter()
                    .filter_map(|value| match value {
                        Value::Text(text) => Some(text.clone()),
                        _ => None,
                    })
                    .collect(),
            ),
            Value::Number(_) => None,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "'{text}'"),
            Self::List(values) => {
                f.write_str("[")?;
                for (at, value) in values.iter().enumerate() {
                    write!(f, "{}{value}", if at == 0 { "" } else { ", " })?;
                }
                f.write_str("]")
            }
        }
    }
}
