//! Says to a server what a recorded client said, and compares the answers: `replay SOCKET RECORDING...`.
//!
//! Recordings are those of `fixtures/protocol`. Answers agree if they have the same kind, procedure and status in the same
//! order, errors also number, domain and sentence. What hosts and drivers tell of themselves is not compared. Recordings of
//! messages that are wrong on purpose (`raw-*.json`) are what this is for; ordinary ones need the same objects on
//! the server.
#![allow(clippy::print_stdout)] // its purpose

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::time::Duration;

use serde_json::Value;
use virt_proto::{
    packet::{ErrorBody, HEADER_SIZE, Header, Kind, Status, bytes_after_length},
    row,
    xdr::{self, DecodeError},
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args().skip(1).collect();
    let Some((socket, recordings)) = words.split_first().filter(|(_, recordings)| !recordings.is_empty())
    else {
        println!("replay SOCKET RECORDING...: whether a server answers as the recorded one did");
        return ExitCode::from(2);
    };
    let mut differences = 0;
    for recording in recordings {
        match replay(socket, recording) {
            Ok(found) => {
                found.lines.iter().for_each(|line| println!("{recording}: {line}"));
                println!("{recording}: {} answers compared, {} differ", found.compared, found.lines.len());
                differences += found.lines.len();
            }
            Err(error) => {
                println!("{recording}: {error}");
                differences += 1;
            }
        }
    }
    if differences == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What differs.
#[derive(Default)]
struct Found {
    lines: Vec<String>,
    compared: usize,
}

/// A message of a recording.
struct Message {
    from_client: bool,
    header: Header,
    payload: Vec<u8>,
    length: u32,
}

impl Message {
    fn read(value: &Value) -> Result<Self> {
        let header = bytes(value["header_hex"].as_str().ok_or("no header")?)?;
        Ok(Self {
            from_client: value["dir"] == "c2s",
            header: Header::from_bytes(header.as_slice().try_into()?),
            payload: bytes(value["payload_hex"].as_str().ok_or("no payload")?)?,
            length: value["len"].as_u64().ok_or("no length")? as u32,
        })
    }

    /// A client whose strings are no text is refused at once here, while stock servers look for what a C program sees.
    fn is_no_text(&self) -> bool {
        let row = row(self.header.program, self.header.procedure);
        row.is_some_and(|row| matches!(row.args.recode(&self.payload), Err(DecodeError::NotText)))
    }

    /// What an answer is compared by.
    fn shown(&self) -> String {
        let Header { procedure, kind, serial, status, .. } = self.header;
        let start = format!("{kind:?} {procedure} serial {serial} {status:?}");
        match xdr::decode::<ErrorBody>(&self.payload) {
            Ok(body) if status == Status::Error && kind != Kind::Call => {
                format!("{start}: {} {} {}", body.code, body.domain, body.message.unwrap_or_default())
            }
            _ => start,
        }
    }
}

fn bytes(hex: &str) -> Result<Vec<u8>> {
    let digit = |c: &u8| char::from(*c).to_digit(16).ok_or("no hexadecimal digit");
    let pair = |pair: &[u8]| Ok((digit(&pair[0])? << 4 | digit(&pair[pair.len() - 1])?) as u8);
    hex.as_bytes().chunks(2).map(pair).collect()
}

fn replay(socket: &str, recording: &str) -> Result<Found> {
    let recording: Value = serde_json::from_str(&fs::read_to_string(recording)?)?;
    let mut connections: BTreeMap<u64, Vec<Message>> = BTreeMap::new();
    let messages = recording["messages"].as_array().ok_or("no messages")?;
    let call = |message: &Value| (message["conn"].as_u64(), message["serial"].as_u64());
    // Bytes that were too many to be kept, and so their answers.
    let omitted: Vec<_> =
        messages.iter().filter(|message| message.get("payload_omitted").is_some()).map(call).collect();
    for message in messages {
        if omitted.contains(&call(message)) {
            continue;
        }
        connections.entry(message["conn"].as_u64().unwrap_or(0)).or_default().push(Message::read(message)?);
    }
    let mut found = Found::default();
    for (number, messages) in &connections {
        converse(
            socket,
            messages,
            &mut |line| found.lines.push(format!("connection {number}: {line}")),
            &mut found.compared,
        )?;
    }
    Ok(found)
}

/// One connection: what the client said goes out until the server's turn, whose answers are then read.
fn converse(
    socket: &str,
    messages: &[Message],
    differs: &mut impl FnMut(String),
    compared: &mut usize,
) -> Result<()> {
    let mut server = UnixStream::connect(socket)?;
    server.set_read_timeout(Some(PATIENCE))?;
    let mut rest = messages;
    while !rest.is_empty() {
        let turn = rest.iter().position(|message| !message.from_client).unwrap_or(rest.len());
        let (said, later) = rest.split_at(turn);
        let answers = later.iter().position(|message| message.from_client).unwrap_or(later.len());
        let (expected, later) = later.split_at(answers);
        rest = later;
        let no_text = said.iter().any(Message::is_no_text);
        for message in said {
            let out = [&message.length.to_be_bytes(), message.header.to_bytes().as_slice(), &message.payload]
                .concat();
            // It may have closed the connection upon what came before.
            if server.write_all(&out).is_err() {
                break;
            }
        }
        let mut got = Vec::new();
        for _ in expected {
            match receive(&mut server)? {
                Some(message) => got.push(message.shown()),
                None => break,
            }
        }
        let mut wanted: Vec<_> = expected.iter().map(Message::shown).collect();
        // Two calls that were sent together may be answered in any order.
        wanted.sort();
        got.sort();
        *compared += expected.len();
        if wanted != got && !no_text {
            differs(format!(
                "{} was answered {got:?}, not {wanted:?}",
                said.last().map_or_else(String::new, Message::shown)
            ));
        }
    }
    Ok(())
}

/// The next message; `None` if the server closed the connection or keeps silent.
fn receive(server: &mut UnixStream) -> Result<Option<Message>> {
    let mut length = [0; 4];
    match server.read_exact(&mut length) {
        Ok(()) => {}
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::WouldBlock
            ) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    }
    let mut message = vec![0; bytes_after_length(length).ok_or("a length that no message has")?];
    server.read_exact(&mut message)?;
    let (header, payload) = message.split_first_chunk::<HEADER_SIZE>().ok_or("no header")?;
    Ok(Some(Message {
        from_client: false,
        header: Header::from_bytes(*header),
        payload: payload.to_vec(),
        length: u32::from_be_bytes(length),
    }))
}
