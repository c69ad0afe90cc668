//! A message, as lines of a file have it.

use std::fmt;
use std::time::SystemTime;

use super::Priority;

pub(super) struct Message<'a> {
    pub(super) priority: Priority,
    pub(super) source: &'a str,
    /// The module and the line.
    pub(super) place: Option<(&'a str, u32)>,
    pub(super) file: Option<&'a str>,
    pub(super) text: &'a str,
}

/// The line, with its end, that a file or a terminal gets.
pub(super) fn line(message: &Message<'_>) -> String {
    let time = virt_sys::clock::timestamp(SystemTime::now());
    let thread = rustix::thread::gettid().as_raw_nonzero();
    let place = Place(message.place);
    format!("{time}: {thread}: {} : {place}{}\n", message.priority.word(), message.text)
}

struct Place<'a>(Option<(&'a str, u32)>);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some((module, line)) => write!(f, "{}:{line} : ", super::source(module)),
            None => Ok(()),
        }
    }
}
