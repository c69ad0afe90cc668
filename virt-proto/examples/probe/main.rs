//! Asks a server which procedures it answers: `probe SOCKET URI`. Nothing on the server changes.
//!
//! Each call gets a connection of its own and arguments that lead nowhere. A line of the output has the subject, the
//! procedure, and what came of it, with tabs between:
//!
//! - `answered`: it succeeded, or failed as only its implementation can make it fail;
//! - `refused`: a check that comes before the driver refused it, so that nothing is known;
//! - `no support`: the driver does not implement it;
//! - `unknown`: the server does not have the procedure, or its program;
//! - `broken`: the connection ended without an answer.
#![allow(clippy::print_stdout)] // its purpose

mod arguments;

use std::error::Error;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::time::Duration;

use virt_proto::{
    Direction, Procedure as _, Row,
    packet::{ErrorBody, HEADER_SIZE, Header, Kind, Status, bytes_after_length},
    remote::{AuthList, AuthListRet, AuthType, ConnectClose, ConnectOpen, ConnectOpenArgs},
    xdr,
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Guests' agents and monitors may be waited for, never longer than this.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args().skip(1).collect();
    let [socket, uri] = words.as_slice() else {
        println!("probe SOCKET URI: which procedures a server answers");
        return ExitCode::from(2);
    };
    for row in virt_proto::rows().filter(|row| row.direction == Direction::Call) {
        // The administration has a socket of its own.
        if row.program.name == "admin" {
            continue;
        }
        let verdict = probe(row, socket, uri).unwrap_or_else(|error| Verdict::broken(&*error));
        println!(
            "{}\t{}\t{}\t{}",
            row.subject(),
            row.name,
            verdict.word,
            verdict.note.replace(['\n', '\t'], " ")
        );
    }
    ExitCode::SUCCESS
}

/// What came of a call.
struct Verdict {
    word: &'static str,
    note: String,
}

impl Verdict {
    fn broken(error: &dyn Error) -> Self {
        Self { word: "broken", note: error.to_string() }
    }

    fn of(answer: Answer) -> Self {
        let body = match answer {
            Answer::Ok(_) => return Self { word: "answered", note: String::new() },
            Answer::Error(body) => *body,
        };
        let (code, message) = (body.code, body.message.unwrap_or_default());
        let word = match code {
            3 => "no support",
            39 if message.starts_with("unknown procedure") || message.starts_with("Cannot find program") => {
                "unknown"
            }
            29 | 45 | 88 => "refused",
            8 if refused_before_the_driver(&message) => "refused",
            _ => "answered",
        };
        Self { word, note: format!("{code}: {message}") }
    }
}

/// Checks of libvirt's own functions name them: `domain in virDomainCreate must not be NULL`.
fn refused_before_the_driver(message: &str) -> bool {
    let function = message.split_once(" in vir").map(|(_, rest)| rest);
    function.is_some_and(|rest| rest.contains(" must ") || rest.contains(" cannot "))
}

fn probe(row: &Row, socket: &str, uri: &str) -> Result<Verdict> {
    let mut connection = Connection::open(socket)?;
    let types: AuthListRet = connection.call(AuthList::ROW, &[])?.ok()?;
    if types.types.iter().all(|kind| *kind != AuthType::None) {
        return Err("the server wants to know who asks".into());
    }
    if row != ConnectOpen::ROW {
        let args = ConnectOpenArgs { name: Some(uri.to_owned()), flags: 0 };
        connection.call(ConnectOpen::ROW, &xdr::encode(&args)?)?.ok::<()>()?;
    }
    let args = match row {
        row if row == ConnectOpen::ROW => {
            xdr::encode(&ConnectOpenArgs { name: Some(uri.to_owned()), flags: 0 })?
        }
        row => arguments::harmless(row),
    };
    let verdict = Verdict::of(connection.call(row, &args)?);
    if row != ConnectClose::ROW {
        connection.call(ConnectClose::ROW, &[])?;
    }
    Ok(verdict)
}

enum Answer {
    Ok(Vec<u8>),
    Error(Box<ErrorBody>),
}

impl Answer {
    fn ok<T: xdr::Xdr>(self) -> Result<T> {
        match self {
            Self::Ok(payload) => Ok(xdr::decode(&payload)?),
            Self::Error(body) => Err(body.message.unwrap_or_default().into()),
        }
    }
}

struct Connection {
    socket: UnixStream,
    serial: u32,
}

impl Connection {
    fn open(path: &str) -> Result<Self> {
        let socket = UnixStream::connect(path)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { socket, serial: 0 })
    }

    fn call(&mut self, row: &Row, args: &[u8]) -> Result<Answer> {
        self.serial += 1;
        let header = Header::call(row, self.serial);
        let length = (4 + HEADER_SIZE + args.len()) as u32;
        self.socket.write_all(&[&length.to_be_bytes(), header.to_bytes().as_slice(), args].concat())?;
        loop {
            let mut length = [0; 4];
            self.socket.read_exact(&mut length)?;
            let mut message = vec![0; bytes_after_length(length).ok_or("a length that no message has")?];
            self.socket.read_exact(&mut message)?;
            let (bytes, payload) = message.split_first_chunk().ok_or("no header")?;
            let answer = Header::from_bytes(*bytes);
            // Descriptors are not wanted: each is behind the message, with a byte of its own.
            if answer.kind == Kind::ReplyWithDescriptors {
                let (count, _) = virt_proto::packet::split_descriptors(payload)?;
                self.socket.read_exact(&mut vec![0; count as usize])?;
            }
            // Events, and data of a stream that was opened after all.
            let is_reply = matches!(answer.kind, Kind::Reply | Kind::ReplyWithDescriptors);
            if !is_reply || answer.serial != self.serial {
                continue;
            }
            return Ok(match answer.status {
                Status::Error => Answer::Error(Box::new(xdr::decode(payload)?)),
                _ => Answer::Ok(payload.to_vec()),
            });
        }
    }
}
