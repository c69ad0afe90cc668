//! Lines and messages of both protocols.

use std::collections::VecDeque;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::error::{CommandError, Error, Result};

/// A message longer than this is refused, unless the caller wants otherwise: 16 MiB. QEMU 7.2's
/// longest answer, its schema, has 0.2 MB.
pub const MESSAGE_MAX: usize = 16 << 20;

/// Cuts a stream of bytes into lines, within bounded memory.
///
/// ```
/// let mut lines = virt_qmp::codec::Lines::new(100);
/// lines.feed(b"{\"return\"");
/// assert!(lines.next_line().is_none());
/// lines.feed(b": {}}\r\nmore");
/// assert_eq!(lines.next_line().unwrap().unwrap(), b"{\"return\": {}}");
/// assert!(lines.next_line().is_none());
/// ```
#[derive(Debug)]
pub struct Lines {
    /// Complete lines, without their ends.
    ready: VecDeque<Result<Vec<u8>>>,
    partial: Vec<u8>,
    /// The rest of an overlong line is being dropped.
    dropping: bool,
    limit: usize,
}

impl Lines {
    /// Lines of at most `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self { ready: VecDeque::new(), partial: Vec::new(), dropping: false, limit }
    }

    /// Takes bytes as they come.
    pub fn feed(&mut self, mut bytes: &[u8]) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.append(&bytes[..end]);
            bytes = &bytes[end + 1..];
            let mut line = std::mem::take(&mut self.partial);
            if std::mem::take(&mut self.dropping) {
                continue;
            }
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            if !line.is_empty() {
                self.ready.push_back(Ok(line));
            }
        }
        self.append(bytes);
    }

    fn append(&mut self, bytes: &[u8]) {
        if self.dropping {
            return;
        }
        if self.partial.len() + bytes.len() > self.limit {
            self.partial = Vec::new();
            self.dropping = true;
            self.ready.push_back(Err(Error::TooLong { limit: self.limit }));
            return;
        }
        self.partial.extend_from_slice(bytes);
    }

    /// The next complete line, without its end; empty lines are left out. An overlong line gives one
    /// [`Error::TooLong`], and the lines after it are whole again.
    pub fn next_line(&mut self) -> Option<Result<Vec<u8>>> {
        self.ready.pop_front()
    }
}

/// A message of QEMU's or the guest agent's.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Message {
    /// QEMU's first message.
    Greeting(Greeting),
    /// Success.
    Return {
        /// Of the command that is answered.
        id: Option<String>,
        /// The answer.
        value: Box<RawValue>,
    },
    /// Failure.
    Error {
        /// Of the command that is answered; none if the peer could not even read it.
        id: Option<String>,
        /// The answer.
        error: CommandError,
    },
    /// Something happened.
    Event(RawEvent),
}

/// QEMU's first message: who it is and what this connection may negotiate.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Greeting {
    /// Its version.
    pub version: VersionInfo,
    /// What `qmp_capabilities` may enable: `oob`.
    #[serde(default)]
    pub capabilities: Vec<String>,
}

/// QEMU's version, as in its greeting and from `query-version`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct VersionInfo {
    /// Its number.
    pub qemu: VersionTriple,
    /// The distribution's name for its package; may be empty.
    pub package: String,
}

/// Three parts of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[allow(missing_docs)]
pub struct VersionTriple {
    pub major: u32,
    pub minor: u32,
    pub micro: u32,
}

impl VersionTriple {
    /// libvirt's number for it: `7.2.1` is 7002001.
    ///
    /// ```
    /// use virt_qmp::codec::VersionTriple;
    /// assert_eq!(VersionTriple { major: 7, minor: 2, micro: 1 }.number(), 7_002_001);
    /// ```
    pub fn number(self) -> u64 {
        u64::from(self.major) * 1_000_000 + u64::from(self.minor) * 1000 + u64::from(self.micro)
    }
}

/// When QEMU sent an event, by the host's clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct Timestamp {
    /// Since 1970; -1 if the host's clock failed.
    pub seconds: i64,
    /// 0 to 999999; -1 if the host's clock failed.
    pub microseconds: i64,
}

/// An event by name, its data unread.
#[derive(Debug, Clone)]
pub struct RawEvent {
    /// In capitals, as QEMU spells it.
    pub name: String,
    /// When.
    pub timestamp: Timestamp,
    /// An object, where there is one.
    pub data: Option<Box<RawValue>>,
}

/// All members that a message may have. An untagged enum cannot hold raw values.
#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(rename = "QMP")]
    greeting: Option<Greeting>,
    #[serde(rename = "return", borrow, default, deserialize_with = "present")]
    value: Option<&'a RawValue>,
    error: Option<WireError>,
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    event: Option<String>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    timestamp: Option<Timestamp>,
}

#[derive(Deserialize)]
struct WireError {
    #[serde(rename = "class")]
    class: String,
    desc: String,
}

/// Keeps a member that is there with the value `null` apart from one that is not there.
fn present<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

impl Message {
    /// Reads one line.
    ///
    /// # Errors
    /// [`Error::Garbage`] with the line's beginning.
    pub fn parse(line: &[u8]) -> Result<Self> {
        let wire: Wire<'_> = serde_json::from_slice(line).map_err(|e| Error::garbage(line, e))?;
        let id = wire.id.map(|id| {
            let text = id.get();
            serde_json::from_str(text).unwrap_or_else(|_| text.to_owned())
        });
        match wire {
            Wire { value: Some(value), .. } => Ok(Self::Return { id, value: value.to_owned() }),
            Wire { error: Some(WireError { class, desc }), .. } => {
                Ok(Self::Error { id, error: CommandError { class, desc } })
            }
            Wire { event: Some(name), data, timestamp, .. } => Ok(Self::Event(RawEvent {
                name,
                timestamp: timestamp.unwrap_or_default(),
                data: data.map(ToOwned::to_owned),
            })),
            Wire { greeting: Some(greeting), .. } => Ok(Self::Greeting(greeting)),
            _ => Err(Error::garbage(line, "no greeting, return, error or event")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(limit: usize, chunks: &[&[u8]]) -> Vec<Option<Vec<u8>>> {
        let mut lines = Lines::new(limit);
        for chunk in chunks {
            lines.feed(chunk);
        }
        std::iter::from_fn(|| lines.next_line()).map(Result::ok).collect()
    }

    #[test]
    fn lines_come_out_whole_however_they_come_in() {
        let text = b"one\r\n\n\r\ntwo\nthr\ree\n";
        let expected = [Some(b"one".to_vec()), Some(b"two".to_vec()), Some(b"thr\ree".to_vec())];
        assert_eq!(lines(10, &[text]), expected);
        for cut in 0..text.len() {
            assert_eq!(lines(10, &[&text[..cut], &text[cut..]]), expected, "cut at {cut}");
        }
        let bytes: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(lines(10, &bytes), expected);
    }

    #[test]
    fn an_overlong_line_is_one_error_and_keeps_no_memory() {
        let expected = [Some(b"ok".to_vec()), None, Some(b"next".to_vec())];
        assert_eq!(lines(4, &[b"ok\nabcde\nnext\n"]), expected);
        assert_eq!(lines(4, &[b"ok\nabc", b"de", b"fgh", b"ijk\nnext\n"]), expected);
        let mut endless = Lines::new(1000);
        for _ in 0..1000 {
            endless.feed(&[b'x'; 100]);
        }
        assert!(matches!(endless.next_line(), Some(Err(Error::TooLong { limit: 1000 }))));
        assert!(endless.next_line().is_none());
        assert_eq!(endless.partial.capacity(), 0);
    }

    #[test]
    fn messages() {
        let greeting = br#"{"QMP": {"version": {"qemu": {"micro": 9, "minor": 2, "major": 7}, "package": "x"}, "capabilities": ["oob"]}}"#;
        let Message::Greeting(greeting) = Message::parse(greeting).unwrap() else { panic!() };
        assert_eq!((greeting.version.qemu.number(), greeting.capabilities.len()), (7_002_009, 1));

        let Message::Return { id, value } =
            Message::parse(br#"{"return": {"a": [1, 2]}, "id": "x-1"}"#).unwrap()
        else {
            panic!()
        };
        assert_eq!((id.as_deref(), value.get()), (Some("x-1"), r#"{"a": [1, 2]}"#));

        for (line, expected) in [
            (r#"{"return": null}"#, (None, "null")),
            (r#"{"return": 12, "id": 7}"#, (Some("7"), "12")),
            (r#"{"id": "\u0041", "return": ""}"#, (Some("A"), r#""""#)),
        ] {
            let Message::Return { id, value } = Message::parse(line.as_bytes()).unwrap() else {
                panic!("{line}")
            };
            assert_eq!((id.as_deref(), value.get()), expected, "{line}");
        }

        let line = br#"{"error": {"class": "DeviceNotFound", "desc": "Device 'x' not found"}, "id": "a"}"#;
        let Message::Error { id, error } = Message::parse(line).unwrap() else { panic!() };
        assert!(error.is_not_found() && id.as_deref() == Some("a"));
        assert_eq!(error.to_string(), "Device 'x' not found");

        let line = br#"{"timestamp": {"seconds": 5, "microseconds": 6}, "event": "STOP"}"#;
        let Message::Event(event) = Message::parse(line).unwrap() else { panic!() };
        assert_eq!(
            (event.name.as_str(), event.timestamp.microseconds, event.data.is_none()),
            ("STOP", 6, true)
        );
    }

    #[test]
    fn garbage_is_named() {
        let cases: [&[u8]; 8] = [
            b"HTTP/1.1 200",
            b"{}",
            b"[]",
            b"\xff\xfe",
            b"{\"return\": \"\xff\"}",
            b"{\"event\": 1}",
            b"{",
            b"nul",
        ];
        for line in cases {
            let error = Message::parse(line).unwrap_err();
            let Error::Garbage { excerpt, .. } = &error else { panic!("{error:?}") };
            assert_eq!(*excerpt, line.escape_ascii().to_string());
        }
        let deep = format!("{{\"return\": {}", "[".repeat(1_000_000));
        let Error::Garbage { excerpt, .. } = Message::parse(deep.as_bytes()).unwrap_err() else { panic!() };
        assert!(excerpt.len() < 200 && excerpt.ends_with("..."));
    }
}
