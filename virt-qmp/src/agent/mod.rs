//! The guest agent's protocol without its socket, and its commands.
//!
//! The agent runs in the guest: it may be missing, stuck, or restarted at any time, and what it
//! sends is not to be trusted. Answers carry no ids, so one command is under way at a time, and each
//! begins with `guest-sync-delimited`: all that comes before its answer belongs to the past.
//! See QEMU's docs/interop/qemu-ga-ref.

pub mod command;

use std::collections::VecDeque;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::call::{Call, CommandId, Frame, Notice};
use crate::codec::{Lines, Message};
use crate::error::Error;

/// Sent before a synchronisation, it resets the agent's parser; the agent answers with it too.
const SENTINEL: u8 = 0xff;

/// The longest message of an agent that is accepted, unless the caller wants otherwise: 10 MiB.
pub const MESSAGE_MAX: usize = 10 << 20;

/// The state of one connection to a guest agent.
///
/// ```
/// use virt_qmp::agent::{AgentClient, MESSAGE_MAX, command::GuestPing};
/// use virt_qmp::call::{Call, Notice};
///
/// let mut agent = AgentClient::new(7, MESSAGE_MAX);
/// agent.enqueue(Call::new(&GuestPing {})?);
/// let sync = agent.transmit().unwrap();
/// assert_eq!(sync.bytes, b"\xff{\"execute\":\"guest-sync-delimited\",\"arguments\":{\"id\":7}}\n");
/// assert!(agent.transmit().is_none());
/// agent.feed(b"some garbage of yesterday\n\xff{\"return\": 7}\n");
/// assert_eq!(agent.transmit().unwrap().bytes, b"{\"execute\":\"guest-ping\"}\n");
/// agent.feed(b"{\"return\": {}}\n");
/// assert!(matches!(agent.poll(), Some(Notice::Reply { result: Ok(_), .. })));
/// # Ok::<(), virt_qmp::Error>(())
/// ```
#[derive(Debug)]
pub struct AgentClient {
    lines: Lines,
    state: State,
    next_id: u64,
    next_sync: u64,
    queue: VecDeque<(CommandId, Call)>,
    notices: VecDeque<Notice>,
}

#[derive(Debug)]
enum State {
    Idle,
    /// Waiting for the answer with this number.
    Syncing {
        number: u64,
        id: CommandId,
        call: Call,
    },
    /// Synchronised for this command, which is to be sent.
    Synced {
        id: CommandId,
        call: Call,
    },
    /// Waiting for the answer to this command.
    Running {
        id: CommandId,
        name: String,
    },
}

#[derive(Serialize)]
struct Wire<'a> {
    execute: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    arguments: Option<&'a RawValue>,
}

impl AgentClient {
    /// A connection. `seed` is the first number for synchronisation, which no earlier connection to
    /// the same agent has used: take the time. Messages may have `message_max` bytes.
    pub fn new(seed: u64, message_max: usize) -> Self {
        Self {
            lines: Lines::new(message_max),
            state: State::Idle,
            next_id: 1,
            // The agent reads a signed number.
            next_sync: seed & (i64::MAX as u64 >> 1),
            queue: VecDeque::new(),
            notices: VecDeque::new(),
        }
    }

    /// Queues a command. Its answer will be a [`Notice::Reply`]; a few commands have none if they
    /// succeed.
    pub fn enqueue(&mut self, call: Call) -> CommandId {
        let id = CommandId(self.next_id);
        self.next_id += 1;
        self.queue.push_back((id, call));
        id
    }

    /// Forgets a command: it is not sent if it was not yet, and its answer is dropped. True if it
    /// was not sent.
    pub fn cancel(&mut self, id: CommandId) -> bool {
        let current = match &self.state {
            State::Idle => None,
            State::Syncing { id, .. } | State::Synced { id, .. } => Some((*id, true)),
            State::Running { id, .. } => Some((*id, false)),
        };
        if let Some((_, unsent)) = current.filter(|(current, _)| *current == id) {
            self.state = State::Idle;
            return unsent;
        }
        let before = self.queue.len();
        self.queue.retain(|(queued, _)| *queued != id);
        self.queue.len() < before
    }

    /// The ids of commands that are not sent yet.
    pub fn queued(&self) -> impl Iterator<Item = CommandId> + '_ {
        self.queue.iter().map(|(id, _)| *id)
    }

    /// The next bytes to write.
    pub fn transmit(&mut self) -> Option<Frame> {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Idle => {
                let (id, call) = self.queue.pop_front()?;
                let number = self.next_sync;
                self.next_sync += 1;
                let text =
                    format!("{{\"execute\":\"guest-sync-delimited\",\"arguments\":{{\"id\":{number}}}}}\n");
                let mut bytes = vec![SENTINEL];
                bytes.extend_from_slice(text.as_bytes());
                self.state = State::Syncing { number, id, call };
                Some(Frame { id: None, bytes })
            }
            State::Synced { id, call } => {
                let wire = Wire { execute: &call.name, arguments: call.arguments.as_deref() };
                // Strings and JSON that is known to be valid always serialize.
                let mut bytes = serde_json::to_vec(&wire).unwrap_or_default();
                bytes.push(b'\n');
                self.state = State::Running { id, name: call.name.into_owned() };
                Some(Frame { id: Some(id), bytes })
            }
            other => {
                self.state = other;
                None
            }
        }
    }

    /// Takes bytes from the agent. What cannot be understood fails the command under way; the
    /// connection goes on.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.lines.feed(bytes);
        while let Some(line) = self.lines.next_line() {
            match std::mem::replace(&mut self.state, State::Idle) {
                State::Syncing { number, id, call } => {
                    let synced = line.is_ok_and(|line| is_sync_answer(&line, number));
                    self.state =
                        if synced { State::Synced { id, call } } else { State::Syncing { number, id, call } };
                }
                State::Running { id, name } => {
                    let result = line.and_then(|line| read_answer(&line, name));
                    self.notices.push_back(Notice::Reply { id, result });
                }
                // Nobody waits for it.
                other => self.state = other,
            }
        }
    }

    /// The next thing that has happened.
    pub fn poll(&mut self) -> Option<Notice> {
        self.notices.pop_front()
    }
}

fn is_sync_answer(line: &[u8], number: u64) -> bool {
    let Some(last) = line.iter().rposition(|byte| *byte == SENTINEL) else { return false };
    match Message::parse(&line[last + 1..]) {
        Ok(Message::Return { value, .. }) => value.get().parse() == Ok(number),
        _ => false,
    }
}

fn read_answer(line: &[u8], command: String) -> Result<Box<RawValue>, Error> {
    match Message::parse(line)? {
        Message::Return { value, .. } => Ok(value),
        Message::Error { error, .. } => Err(Error::Command { command, error }),
        Message::Greeting(_) | Message::Event(_) => Err(Error::garbage(line, "neither return nor error")),
    }
}

#[cfg(test)]
mod tests;
