//! Malformed messages that a stock libvirtd was sent, and what it answered: the engine answers the same.
//!
//! The recordings may lie beside the repository in `../shared/protocol/traces`. What a driver answers is taken from them;
//! everything before and after that is the engine's.
#![allow(clippy::print_stderr)] // what is skipped

use std::collections::{HashMap, VecDeque};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use virt_proto::Direction;
use virt_proto::packet::{ErrorBody, Header, Kind, Status};
use virt_proto::xdr::Decoder;
use virt_rpc::Auth;
use virt_rpc::server::{
    Answer, Call, Client, Limits, ListenerSettings, LookUp, Priority, Reply, Server, Service, Session,
};

/// One connection of a recording: what was sent, each with what came back before the next.
struct Case {
    name: String,
    outcome: String,
    turns: Vec<(Vec<u8>, Vec<Vec<u8>>)>,
}

/// Answers that a driver gave, by procedure and serial.
type Answers = HashMap<(i32, u32), VecDeque<(Header, Vec<u8>)>>;

struct Recorded(Arc<Mutex<Answers>>);

impl Service for Recorded {
    fn open(&self, _: &Client) -> Arc<dyn Session> {
        Arc::new(Self(Arc::clone(&self.0)))
    }
}

impl Session for Recorded {
    fn look_up(&self, program: u32, version: u32, procedure: i32) -> LookUp {
        match virt_proto::program(program) {
            Some(found) if found.version == version && found.name == "remote" => match found.row(procedure) {
                Some(row) if row.direction == Direction::Call => LookUp::Procedure(Priority::Low),
                _ => LookUp::NoProcedure,
            },
            _ => LookUp::NoProgram,
        }
    }

    fn call(&self, call: Call<'_>) -> Answer {
        let row = virt_proto::row(call.program, call.procedure).unwrap();
        if let Err(error) = row.args.decode(&mut Decoder::new(call.payload)) {
            return Answer::Now(Err(error.into()));
        }
        let mut answers = self.0.lock().unwrap();
        let recorded = answers.get_mut(&(call.procedure, call.serial)).and_then(VecDeque::pop_front);
        let (header, payload) = recorded.unwrap_or_else(|| panic!("{call:?} was not recorded"));
        Answer::Now(if header.status == Status::Ok {
            Ok(Reply { then_close: call.procedure == 2, ..Reply::new(payload) })
        } else {
            Err(virt_proto::xdr::decode::<ErrorBody>(&payload).unwrap().into())
        })
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.chars().map(|c| c.to_digit(16).unwrap() as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn message(value: &Value) -> Option<Vec<u8>> {
    let length = value["len"].as_u64()? as u32;
    if value.get("payload_omitted").is_some() {
        return None;
    }
    let parts = [
        length.to_be_bytes().to_vec(),
        bytes(value["header_hex"].as_str()?),
        bytes(value["payload_hex"].as_str()?),
    ];
    Some(parts.concat())
}

/// The recording's connections; those with a message too large to be kept are left out.
fn cases(recording: &Value) -> Vec<Case> {
    let lines = recording["stdout"].as_str().unwrap().lines().filter(|line| !line.is_empty());
    let messages = recording["messages"].as_array().unwrap();
    lines
        .enumerate()
        .filter_map(|(number, line)| {
            let (name, outcome) = line.split_once("->").unwrap();
            let mut turns: Vec<(Vec<u8>, Vec<Vec<u8>>)> = Vec::new();
            for value in messages.iter().filter(|value| value["conn"] == number) {
                let message = message(value)?;
                match turns.last_mut() {
                    _ if value["dir"] == "c2s" => turns.push((message, Vec::new())),
                    Some((_, answers)) => answers.push(message),
                    None => unreachable!("the client begins"),
                }
            }
            Some(Case { name: name.trim().to_owned(), outcome: outcome.trim().to_owned(), turns })
        })
        .collect()
}

fn header(message: &[u8]) -> Header {
    Header::from_bytes(message[4..28].try_into().unwrap())
}

fn receive(socket: &mut UnixStream) -> Vec<u8> {
    let mut message = vec![0; 4];
    socket.read_exact(&mut message).unwrap();
    let length = u32::from_be_bytes(message[..].try_into().unwrap());
    message.resize(length as usize, 0);
    socket.read_exact(&mut message[4..]).unwrap();
    message
}

/// Answers may come in another order than they were recorded.
fn sorted(mut messages: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    messages.sort();
    messages
}

fn replay(case: &Case, server: &Server) {
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    ours.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    server.adopt(theirs, ListenerSettings { read_only: false, auth: Auth::None }).unwrap();
    let name = &case.name;
    for (sent, expected) in &case.turns {
        if ours.write_all(sent).is_err() {
            // The connection was closed before, as it was for libvirtd.
            assert_eq!((case.outcome.ends_with("'closed')"), expected.len()), (true, 0), "{name}");
        }
        let received = expected.iter().map(|_| receive(&mut ours)).collect();
        assert_eq!(sorted(received), sorted(expected.clone()), "{name}");
    }
    if case.outcome == "silence" {
        let pong = Header {
            program: 0x6b65_6570,
            version: 1,
            procedure: 2,
            kind: Kind::Message,
            serial: 0,
            status: Status::Ok,
        };
        let ping = Header { procedure: 1, ..pong };
        ours.write_all(&ping.message(&()).unwrap()).unwrap();
        assert_eq!(receive(&mut ours), pong.message(&()).unwrap(), "{name}: not silent");
    }
    if case.outcome.contains("closed") {
        let bad_length = match name.as_str() {
            "length 3" => Some(3u32),
            "length 28 - 1" => Some(27),
            "length 32 MiB + 5" => Some((32 << 20) + 5),
            _ => None,
        };
        if let Some(length) = bad_length {
            ours.write_all(&length.to_be_bytes()).unwrap();
        }
        // It is also reset, if something came that nobody read.
        let mut rest = Vec::new();
        if let Err(error) = ours.read_to_end(&mut rest) {
            assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{name}");
        }
        assert!(rest.is_empty(), "{name}: {rest:?}");
    }
}

#[test]
fn the_engine_answers_to_nonsense_what_libvirtd_answers() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/protocol/traces/raw-oddities.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: there is no ../shared/protocol/traces/raw-oddities.json");
        return;
    };
    let cases = cases(&serde_json::from_str(&text).unwrap());
    assert!(cases.len() > 50, "{}", cases.len());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let _guard = runtime.enter();
    for case in &cases {
        let mut answers = Answers::new();
        for message in case.turns.iter().flat_map(|(_, answers)| answers) {
            let header = header(message);
            answers
                .entry((header.procedure, header.serial))
                .or_default()
                .push_back((header, message[28..].to_vec()));
        }
        let service = Recorded(Arc::new(Mutex::new(answers)));
        let server = Server::new("replay", Arc::new(service), Limits::default(), None);
        replay(case, &server);
    }
}
