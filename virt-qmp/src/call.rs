//! What goes in and out of a connection's state machine.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::command::{Command, Object};
use crate::error::{Error, Result};
use crate::event::Event;

/// Names a command between its queueing and its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommandId(pub(crate) u64);

/// A command, ready to be written.
#[derive(Debug, Clone)]
pub struct Call {
    pub(crate) name: Cow<'static, str>,
    pub(crate) arguments: Option<Box<RawValue>>,
    /// The whole command, where it was written by somebody else.
    pub(crate) members: Option<Object>,
    pub(crate) oob: bool,
    pub(crate) fds: bool,
}

impl Call {
    /// A typed command.
    ///
    /// # Errors
    /// [`Error::Arguments`] if its arguments are no JSON object.
    pub fn new<C: Command>(command: &C) -> Result<Self> {
        let fail = |reason: String| Error::Arguments { command: C::NAME.to_owned(), reason };
        let arguments = serde_json::value::to_raw_value(command).map_err(|e| fail(e.to_string()))?;
        let arguments = match arguments.get() {
            "{}" | "null" => None,
            text if text.starts_with('{') => Some(arguments),
            _ => return Err(fail("not an object".to_owned())),
        };
        Ok(Self { name: C::NAME.into(), arguments, members: None, oob: false, fds: false })
    }

    /// A command by name, its arguments written by somebody else.
    pub fn raw(name: impl Into<String>, arguments: Option<Box<RawValue>>) -> Self {
        Self { name: name.into().into(), arguments, members: None, oob: false, fds: false }
    }

    /// A command whose members, `execute` and what else there is, were written by somebody else; QEMU says what it
    /// thinks of them. Only for a connection to QEMU: an `id` is added, or replaced.
    pub fn members(members: Object) -> Self {
        let name = ["execute", "exec-oob"].iter().find_map(|key| members.get(*key)?.as_str());
        Self {
            name: name.unwrap_or("a command").to_owned().into(),
            arguments: None,
            members: Some(members),
            oob: false,
            fds: false,
        }
    }

    /// Executes the command ahead of others that QEMU is busy with, if that was negotiated; only
    /// few commands may (`migrate-pause`, `migrate-recover`, `yank`).
    #[must_use]
    pub fn out_of_band(mut self) -> Self {
        self.oob = true;
        self
    }

    /// Notes that descriptors will be sent along.
    #[must_use]
    pub fn with_descriptors(mut self) -> Self {
        self.fds = true;
        self
    }

    /// The command's name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// The bytes of one command.
#[derive(Debug, Clone)]
pub struct Frame {
    /// The command; `None` for one of the connection's own.
    pub id: Option<CommandId>,
    /// A line, with its end.
    pub bytes: Vec<u8>,
}

/// What a connection has to tell.
#[derive(Debug)]
#[non_exhaustive]
pub enum Notice {
    /// Capabilities are negotiated: commands can be sent.
    Ready,
    /// A command was answered.
    Reply {
        /// Which one.
        id: CommandId,
        /// The answer, or the peer's error.
        result: Result<Box<RawValue>>,
    },
    /// Something happened.
    Event(Event),
}

/// Reads the answer to a command.
///
/// # Errors
/// [`Error::Reply`] if it does not have the documented form.
///
/// ```
/// use virt_qmp::{call::read_reply, command::QueryName};
///
/// let value = serde_json::value::RawValue::from_string("{\"name\": \"web\"}".to_owned())?;
/// assert_eq!(read_reply::<QueryName>(&value)?.name.as_deref(), Some("web"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_reply<C: Command>(value: &RawValue) -> Result<C::Reply> {
    serde_json::from_str(value.get())
        .map_err(|e| Error::Reply { command: C::NAME.to_owned(), reason: e.to_string() })
}
