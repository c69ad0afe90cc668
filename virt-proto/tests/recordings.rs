//! Recorded conversations: every typed message is decoded and written again, byte for byte.
//!
//! Our own recordings are in `fixtures/protocol` and always run. More of them, in the same form, may lie beside the
//! repository in `../shared/protocol/traces`.
#![allow(clippy::print_stderr)] // figures, and what is skipped

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use virt_proto::{
    packet::{ErrorBody, Header, Kind, Status, StreamHole, bytes_after_length, split_descriptors},
    row, xdr,
};
use virt_types::{Error, ErrorCode};

/// What came of the messages of one recording.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    typed: usize,
    stream_data: usize,
    /// Payloads that the decoder refuses, as the server did.
    refused: usize,
    /// Payloads that the decoder refuses alone, since a string is no text.
    not_text: usize,
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.chars().map(|c| c.to_digit(16).expect("hex") as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn recordings(dir: &Path) -> Vec<(String, Value)> {
    let mut files: Vec<PathBuf> = fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("a recording");
        (path.file_stem().unwrap().to_string_lossy().into_owned(), serde_json::from_str(&text).expect("JSON"))
    };
    files.into_iter().map(read).collect()
}

/// Writes the payload again. `Ok(None)` is data of a stream, which has no type; an error is a refusal of the decoder.
fn again(header: Header, payload: &[u8]) -> Result<Option<Vec<u8>>, xdr::DecodeError> {
    let find = || row(header.program, header.procedure);
    let recoded = match (header.kind, header.status) {
        (Kind::Stream, Status::Error) if payload.is_empty() => return Ok(Some(Vec::new())),
        (Kind::Reply | Kind::Stream, Status::Error) => {
            let body = xdr::decode::<ErrorBody>(payload)?;
            survives(&body);
            xdr::encode(&body).map(Some)
        }
        (Kind::Stream, _) => return Ok(None),
        (Kind::StreamHole, _) => xdr::encode(&xdr::decode::<StreamHole>(payload)?).map(Some),
        (Kind::Call, _) => find().expect("a row").args.recode(payload)?.map(Some),
        (Kind::Message, _) => find().expect("a row").args.recode(payload)?.map(Some),
        (Kind::Reply, _) => find().expect("a row").reply.recode(payload)?.map(Some),
        (Kind::CallWithDescriptors, _) => {
            find().expect("a row").args.recode(split_descriptors(payload)?.1)?.map(Some)
        }
        (Kind::ReplyWithDescriptors, _) => {
            find().expect("a row").reply.recode(split_descriptors(payload)?.1)?.map(Some)
        }
        (Kind::Other(_), _) => unreachable!("a kind that only malformed messages have"),
    };
    Ok(recoded.expect("what was decoded is within the limits"))
}

/// An error of stock libvirtd that became one of ours and goes over the wire again has lost nothing.
fn survives(body: &ErrorBody) {
    let error = Error::from(body.clone());
    assert_eq!(Some(error.to_string()), body.message);
    let mut again = ErrorBody::from(&error);
    if error.code() == ErrorCode::NoSupport && body.code == ErrorCode::Rpc.number() {
        // This client, too, takes an unknown procedure for what it means.
        again = ErrorBody { code: body.code, int1: -1, int2: -1, ..again };
    }
    if again.str1.as_deref() == Some("%s") && body.str1.as_deref() != Some("%s") {
        // A check of an argument, whose strings name the function and the argument; or nothing was said at all.
        assert!((body.int1, body.int2) == (0, 0), "{body:?}");
        again = ErrorBody { str1: body.str1.clone(), str2: body.str2.clone(), int1: 0, int2: 0, ..again };
    }
    assert_eq!(again, *body);
}

fn header_of(message: &Value) -> Header {
    let raw = bytes(message["header_hex"].as_str().expect("a header"));
    let header = Header::from_bytes(raw.as_slice().try_into().expect("24 bytes"));
    assert_eq!(header.to_bytes().as_slice(), raw.as_slice());
    header
}

/// Checks a recording of well-formed messages.
fn check(name: &str, recording: &Value) -> Tally {
    let mut tally = Tally::default();
    for (at, message) in recording["messages"].as_array().expect("messages").iter().enumerate() {
        let place = format!("{name}, message {at}: {}", message["procedure"]);
        let header = header_of(message);
        let payload = bytes(message["payload_hex"].as_str().expect("a payload"));
        let length = message["len"].as_u64().expect("a length") as u32;
        assert_eq!(bytes_after_length(length.to_be_bytes()), Some(payload.len() + 24), "{place}");
        if let (Some(row), Some(procedure)) =
            (row(header.program, header.procedure), message["procedure"].as_str())
        {
            assert_eq!(row.constant(), procedure, "{place}");
        }
        let typed = match header.kind {
            Kind::CallWithDescriptors | Kind::ReplyWithDescriptors => &payload[4..],
            _ => &payload,
        };
        match again(header, &payload).unwrap_or_else(|error| panic!("{place}: {error}")) {
            Some(written) => {
                assert_eq!(written, typed, "{place}");
                tally.typed += 1;
            }
            None => tally.stream_data += 1,
        }
    }
    tally
}

/// Checks a recording of hand-made messages, some of which are wrong: the decoder refuses exactly those whose payload
/// stock libvirtd could not decode, and what is asked of no row is what it does not know.
fn check_odd(name: &str, recording: &Value) -> Tally {
    let mut tally = Tally::default();
    let messages = recording["messages"].as_array().expect("messages");
    for (at, message) in messages.iter().enumerate() {
        let place = format!("{name}, message {at}");
        let header = header_of(message);
        let payload = bytes(message["payload_hex"].as_str().expect("a payload"));
        if message["dir"] == "s2c" {
            // What the server says is in order.
            let written = again(header, &payload).expect("a message of the server").expect("no stream data");
            assert_eq!(written, payload, "{place}");
            tally.typed += 1;
            continue;
        }
        if message.get("payload_omitted").is_some() {
            continue;
        }
        let answer = messages[at..].iter().find(|answer| {
            answer["dir"] == "s2c"
                && answer["conn"] == message["conn"]
                && answer["serial"] == message["serial"]
        });
        let Some(answer) = answer else { continue };
        let error = (answer["status"] == "error").then(|| {
            let body = bytes(answer["payload_hex"].as_str().expect("a payload"));
            xdr::decode::<ErrorBody>(&body).expect("an error").message.unwrap_or_default()
        });
        let says = |text: &str| error.as_deref().is_some_and(|error| error.starts_with(text));
        let known =
            virt_proto::program(header.program).is_some_and(|program| program.version == header.version);
        // On this socket a ping is a program of its own.
        if says("Cannot find program") {
            assert!(!known || header.program == virt_proto::keepalive::PROGRAM.number, "{place}");
            continue;
        }
        if !matches!(header.kind, Kind::Call | Kind::CallWithDescriptors) {
            continue;
        }
        let callable =
            row(header.program, header.procedure).filter(|row| row.direction == virt_proto::Direction::Call);
        assert_eq!(says("unknown procedure"), known && callable.is_none(), "{place}: {error:?}");
        if callable.is_none() {
            continue;
        }
        let decoded = again(header, &payload);
        // Stock libvirtd looks for what a C program makes of the name; see `Text`.
        if decoded == Err(xdr::DecodeError::NotText) {
            tally.not_text += 1;
            continue;
        }
        assert_eq!(says("Unable to decode message payload"), decoded.is_err(), "{place}: {error:?}");
        if decoded.is_err() {
            tally.refused += 1;
        } else {
            tally.typed += 1;
        }
    }
    tally
}

fn check_all(dir: &Path) -> Tally {
    let mut sum = Tally::default();
    for (name, recording) in recordings(dir) {
        let tally =
            if name.starts_with("raw-") { check_odd(&name, &recording) } else { check(&name, &recording) };
        assert_ne!(tally, Tally::default(), "{name} has nothing to check");
        sum.typed += tally.typed;
        sum.stream_data += tally.stream_data;
        sum.refused += tally.refused;
        sum.not_text += tally.not_text;
    }
    sum
}

#[test]
fn our_recordings_are_written_again() {
    let sum = check_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/protocol"));
    eprintln!("{sum:?}");
    assert!(sum.typed > 700 && sum.stream_data > 5 && sum.refused > 9 && sum.not_text == 3, "{sum:?}");
}

#[test]
fn recordings_beside_the_repository_are_written_again() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/protocol/traces");
    if !dir.exists() {
        eprintln!("skipped: no recordings in ../shared/protocol/traces");
        return;
    }
    let sum = check_all(&dir);
    eprintln!("{sum:?}");
    assert!(sum.typed > 4000 && sum.refused > 0, "{sum:?}");
}
