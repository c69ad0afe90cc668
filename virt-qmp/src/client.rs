//! A QMP connection without its socket: bytes in, bytes and notices out.

use std::collections::{HashMap, VecDeque};

use serde::Serialize;
use serde_json::value::RawValue;

use crate::call::{Call, CommandId, Frame, Notice};
use crate::codec::{Greeting, Lines, MESSAGE_MAX, Message};
use crate::command::QmpCapabilities;
use crate::error::{CommandError, Error, Result};
use crate::event::Event;

/// What a client expects of its peer.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Longest message that is accepted, in bytes.
    pub message_max: usize,
    /// Whether to enable out-of-band execution, where QEMU offers it.
    pub oob: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { message_max: MESSAGE_MAX, oob: false }
    }
}

/// The state of one QMP connection.
///
/// Commands are queued and written as [`Frame`]s once QEMU has greeted and capabilities are
/// negotiated; answers are matched by id in whatever order they come. Time belongs to the caller.
///
/// ```
/// use virt_qmp::call::{Call, Notice};
/// use virt_qmp::client::{Client, Options};
/// use virt_qmp::command::QueryStatus;
///
/// let mut client = Client::new(Options::default());
/// let id = client.enqueue(Call::new(&QueryStatus {})?);
/// assert!(client.transmit().is_none());
///
/// client.feed(b"{\"QMP\": {\"version\": {\"qemu\": {\"major\": 7, \"minor\": 2, \"micro\": 0},\
///     \"package\": \"\"}, \"capabilities\": []}}\n")?;
/// assert_eq!(client.transmit().unwrap().bytes, b"{\"execute\":\"qmp_capabilities\",\"id\":\"virt-1\"}\n");
/// client.feed(b"{\"return\": {}, \"id\": \"virt-1\"}\n")?;
/// assert!(matches!(client.poll(), Some(Notice::Ready)));
///
/// assert_eq!(client.transmit().unwrap().bytes, b"{\"execute\":\"query-status\",\"id\":\"virt-2\"}\n");
/// client.feed(b"{\"return\": {\"status\": \"running\", \"running\": true}, \"id\": \"virt-2\"}\n")?;
/// assert!(matches!(client.poll(), Some(Notice::Reply { id: answered, .. }) if answered == id));
/// # Ok::<(), virt_qmp::Error>(())
/// ```
#[derive(Debug)]
pub struct Client {
    lines: Lines,
    options: Options,
    state: State,
    greeting: Option<Greeting>,
    oob: bool,
    next_id: u64,
    next_serial: u64,
    queue: VecDeque<Queued>,
    /// By the number in the id on the wire.
    sent: HashMap<u64, Sent>,
    notices: VecDeque<Notice>,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    Greeting,
    /// `qmp_capabilities` is to be sent, or was sent under this serial.
    Negotiating(Option<u64>),
    Ready,
}

#[derive(Debug)]
struct Queued {
    id: CommandId,
    call: Call,
}

#[derive(Debug)]
struct Sent {
    /// `None` if nobody waits any more.
    id: Option<CommandId>,
    name: String,
    fds: bool,
}

#[derive(Serialize)]
struct Wire<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    execute: Option<&'a str>,
    #[serde(rename = "exec-oob", skip_serializing_if = "Option::is_none")]
    exec_oob: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arguments: Option<&'a RawValue>,
    id: String,
}

const ID_PREFIX: &str = "virt-";

impl Client {
    /// A connection on which nothing has been read.
    pub fn new(options: Options) -> Self {
        Self {
            lines: Lines::new(options.message_max),
            options,
            state: State::Greeting,
            greeting: None,
            oob: false,
            next_id: 1,
            next_serial: 1,
            queue: VecDeque::new(),
            sent: HashMap::new(),
            notices: VecDeque::new(),
        }
    }

    /// QEMU's greeting, once it has come.
    pub fn greeting(&self) -> Option<&Greeting> {
        self.greeting.as_ref()
    }

    /// Whether commands can be sent.
    pub fn is_ready(&self) -> bool {
        self.state == State::Ready
    }

    /// Whether out-of-band execution is enabled.
    pub fn oob_enabled(&self) -> bool {
        self.oob
    }

    /// Queues a command. Its answer will be a [`Notice::Reply`].
    pub fn enqueue(&mut self, call: Call) -> CommandId {
        let id = CommandId(self.next_id);
        self.next_id += 1;
        // An out-of-band command overtakes the others: this is its purpose.
        let at =
            if call.oob { self.queue.iter().take_while(|q| q.call.oob).count() } else { self.queue.len() };
        self.queue.insert(at, Queued { id, call });
        id
    }

    /// Forgets a command: it is not sent if it was not yet, and its answer is dropped. True if it
    /// was not sent.
    pub fn cancel(&mut self, id: CommandId) -> bool {
        for sent in self.sent.values_mut().filter(|sent| sent.id == Some(id)) {
            sent.id = None;
        }
        let before = self.queue.len();
        self.queue.retain(|queued| queued.id != id);
        self.queue.len() < before
    }

    /// The ids of commands that are not sent yet.
    pub fn queued(&self) -> impl Iterator<Item = CommandId> + '_ {
        self.queue.iter().map(|queued| queued.id)
    }

    /// The next command to write, from which on it counts as sent.
    ///
    /// QEMU keeps one set of received descriptors per connection: a command with descriptors waits
    /// until the previous such one is answered.
    pub fn transmit(&mut self) -> Option<Frame> {
        match self.state {
            State::Greeting | State::Negotiating(Some(_)) => None,
            State::Negotiating(None) => {
                let enable = if self.oob { vec!["oob".to_owned()] } else { Vec::new() };
                let call =
                    Call::new(&QmpCapabilities { enable: (!enable.is_empty()).then_some(enable) }).ok()?;
                let (serial, frame) = self.frame(None, call);
                self.state = State::Negotiating(Some(serial));
                Some(frame)
            }
            State::Ready => {
                let held = self.sent.values().any(|sent| sent.fds);
                let next = self.queue.iter().position(|queued| !(held && queued.call.fds))?;
                // Only out-of-band commands may overtake one that is held.
                if next > 0 && !self.queue.get(next)?.call.oob {
                    return None;
                }
                let Queued { id, call } = self.queue.remove(next)?;
                Some(self.frame(Some(id), call).1)
            }
        }
    }

    fn frame(&mut self, id: Option<CommandId>, call: Call) -> (u64, Frame) {
        let serial = self.next_serial;
        self.next_serial += 1;
        let mut bytes = self.line(serial, &call);
        bytes.push(b'\n');
        self.sent.insert(serial, Sent { id, name: call.name.into_owned(), fds: call.fds });
        (serial, Frame { id, bytes })
    }

    /// A command as JSON.
    fn line(&self, serial: u64, call: &Call) -> Vec<u8> {
        let id = format!("{ID_PREFIX}{serial}");
        if let Some(members) = &call.members {
            let mut members = members.clone();
            members.insert("id".to_owned(), id.into());
            return serde_json::to_vec(&members).unwrap_or_default();
        }
        let oob = call.oob && self.oob;
        let name = call.name.as_ref();
        let wire = Wire {
            execute: (!oob).then_some(name),
            exec_oob: oob.then_some(name),
            arguments: call.arguments.as_deref(),
            id,
        };
        // Strings and JSON that is known to be valid always serialize.
        serde_json::to_vec(&wire).unwrap_or_default()
    }

    /// Takes bytes from QEMU.
    ///
    /// # Errors
    /// When the peer does not speak QMP, or refuses to negotiate: the connection is of no use then.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<()> {
        self.lines.feed(bytes);
        while let Some(line) = self.lines.next_line() {
            let line = line?;
            match Message::parse(&line)? {
                Message::Greeting(greeting) => self.greet(greeting, &line)?,
                Message::Return { id, value } => self.answer(id, Ok(value), &line)?,
                Message::Error { id, error } => self.answer(id, Err(error), &line)?,
                Message::Event(event) => self.notices.push_back(Notice::Event(Event::from_raw(event))),
            }
        }
        Ok(())
    }

    /// The next thing that has happened.
    pub fn poll(&mut self) -> Option<Notice> {
        self.notices.pop_front()
    }

    fn greet(&mut self, greeting: Greeting, line: &[u8]) -> Result<()> {
        if self.state != State::Greeting {
            return Err(Error::garbage(line, "a second greeting"));
        }
        self.oob = self.options.oob && greeting.capabilities.iter().any(|name| name == "oob");
        self.greeting = Some(greeting);
        self.state = State::Negotiating(None);
        Ok(())
    }

    fn answer(
        &mut self,
        id: Option<String>,
        result: Result<Box<RawValue>, CommandError>,
        line: &[u8],
    ) -> Result<()> {
        let serial = match id {
            Some(id) => id.strip_prefix(ID_PREFIX).and_then(|number| number.parse().ok()),
            // QEMU could not read the command, which can only be the oldest.
            None => self.sent.keys().min().copied(),
        };
        let Some((serial, sent)) = serial.and_then(|serial| self.sent.remove_entry(&serial)) else {
            return Err(Error::garbage(line, "an answer to a command that was not sent"));
        };
        if self.state == State::Negotiating(Some(serial)) {
            result.map_err(|error| Error::Command { command: sent.name, error })?;
            self.state = State::Ready;
            self.notices.push_back(Notice::Ready);
            return Ok(());
        }
        if let Some(id) = sent.id {
            let result = result.map_err(|error| Error::Command { command: sent.name, error });
            self.notices.push_back(Notice::Reply { id, result });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
