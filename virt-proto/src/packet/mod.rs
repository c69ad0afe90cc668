//! The header of a message and the payloads that belong to no procedure.
//!
//! A message is a length word, which counts itself, then the [`Header`], then the payload. Messages that bring
//! descriptors have their number in front of the payload and are followed by one byte for each.

mod error_body;

use crate::Row;
use crate::xdr::{DecodeError, Decoder, EncodeError, Xdr, xdr_enum, xdr_struct};

pub use error_body::{ErrorBody, Level};

/// Bytes of the length word.
pub const LENGTH_SIZE: usize = 4;

/// Bytes of the header, without the length word.
pub const HEADER_SIZE: usize = 24;

/// The most bytes of a message, without the length word.
pub const MESSAGE_MAX: usize = 32 << 20;

/// The most bytes of a payload.
pub const PAYLOAD_MAX: usize = MESSAGE_MAX - HEADER_SIZE;

/// The most bytes of stream data that every client takes in one message.
pub const STREAM_DATA_MAX: usize = 262_120;

/// The most descriptors of a message.
pub const DESCRIPTORS_MAX: u32 = 32;

xdr_enum! {
    /// What a message is.
    Kind {
        /// Arguments, from client to server.
        Call = 0,
        /// A result or an error, from server to client.
        Reply = 1,
        /// An event, or a keepalive message.
        Message = 2,
        /// Data of a stream, its end, or an error.
        Stream = 3,
        /// A call with descriptors.
        CallWithDescriptors = 4,
        /// A reply with descriptors.
        ReplyWithDescriptors = 5,
        /// A hole in a sparse stream.
        StreamHole = 6,
    }
}

xdr_enum! {
    /// How a reply or a stream stands.
    Status {
        /// The payload is arguments or a result; in a stream, the end of the conversation.
        Ok = 0,
        /// The payload is an [`ErrorBody`]; from the client, a stream that is given up.
        Error = 1,
        /// More of a stream follows; empty at the end of the data.
        Continue = 2,
    }
}

/// What precedes the payload of every message.
///
/// ```
/// use virt_proto::packet::{Header, Kind, Status};
/// let header = Header { program: 0x2000_8086, version: 1, procedure: 1, kind: Kind::Call, serial: 0, status: Status::Ok };
/// assert_eq!(Header::from_bytes(header.to_bytes()), header);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The program's number.
    pub program: u32,
    /// The program's version.
    pub version: u32,
    /// The procedure's number.
    pub procedure: i32,
    /// What the message is.
    pub kind: Kind,
    /// Chosen by the caller; replies and streams carry that of their call.
    pub serial: u32,
    /// How it stands.
    pub status: Status,
}

impl Header {
    /// The header's bytes.
    #[must_use]
    pub fn to_bytes(self) -> [u8; HEADER_SIZE] {
        let words = [
            self.program,
            self.version,
            self.procedure as u32,
            self.kind.number() as u32,
            self.serial,
            self.status.number() as u32,
        ];
        let mut bytes = [0; HEADER_SIZE];
        for (to, word) in bytes.chunks_exact_mut(4).zip(words) {
            to.copy_from_slice(&word.to_be_bytes());
        }
        bytes
    }

    /// The header in these bytes: any bytes are one.
    #[must_use]
    pub fn from_bytes(bytes: [u8; HEADER_SIZE]) -> Self {
        let word = |at: usize| {
            u32::from_be_bytes([bytes[at * 4], bytes[at * 4 + 1], bytes[at * 4 + 2], bytes[at * 4 + 3]])
        };
        Self {
            program: word(0),
            version: word(1),
            procedure: word(2) as i32,
            kind: Kind::from_number(word(3) as i32),
            serial: word(4),
            status: Status::from_number(word(5) as i32),
        }
    }

    /// The header of a call.
    #[must_use]
    pub const fn call(row: &Row, serial: u32) -> Self {
        Self { kind: Kind::Call, ..Self::event(row, serial) }
    }

    /// The header of an event. Stock servers give all of them the serial 1.
    #[must_use]
    pub const fn event(row: &Row, serial: u32) -> Self {
        Self {
            program: row.program.number,
            version: row.program.version,
            procedure: row.number,
            kind: Kind::Message,
            serial,
            status: Status::Ok,
        }
    }

    /// The header of what answers this message.
    #[must_use]
    pub const fn answer(self, kind: Kind, status: Status) -> Self {
        Self { kind, status, ..self }
    }

    /// A whole message without descriptors: length word, header, payload.
    ///
    /// # Errors
    ///
    /// A part of the payload, or the payload, is longer than the protocol allows.
    pub fn message<T: Xdr>(self, payload: &T) -> Result<Vec<u8>, EncodeError> {
        let mut out = Vec::with_capacity(LENGTH_SIZE + HEADER_SIZE + T::MIN);
        out.extend_from_slice(&[0; LENGTH_SIZE]);
        out.extend_from_slice(&self.to_bytes());
        payload.encode(&mut out)?;
        let length = out.len();
        if length > LENGTH_SIZE + MESSAGE_MAX {
            return Err(EncodeError::TooLong {
                what: "bytes",
                length: length - LENGTH_SIZE - HEADER_SIZE,
                max: PAYLOAD_MAX as u32,
            });
        }
        out[..LENGTH_SIZE].copy_from_slice(&(length as u32).to_be_bytes());
        Ok(out)
    }
}

/// How many bytes follow a length word; `None` if no message has that length, upon which a peer closes the connection.
///
/// ```
/// use virt_proto::packet::{MESSAGE_MAX, bytes_after_length};
/// assert_eq!(bytes_after_length([0, 0, 0, 28]), Some(24));
/// assert_eq!(bytes_after_length([0, 0, 0, 27]), None);
/// assert_eq!(bytes_after_length((MESSAGE_MAX as u32 + 5).to_be_bytes()), None);
/// ```
#[must_use]
pub const fn bytes_after_length(word: [u8; LENGTH_SIZE]) -> Option<usize> {
    let length = u32::from_be_bytes(word) as usize;
    if length < LENGTH_SIZE + HEADER_SIZE || length > LENGTH_SIZE + MESSAGE_MAX {
        return None;
    }
    Some(length - LENGTH_SIZE)
}

/// Splits the number of descriptors from the payload of a message that brings some.
///
/// # Errors
///
/// There is no such word, or it is over [`DESCRIPTORS_MAX`].
pub fn split_descriptors(payload: &[u8]) -> Result<(u32, &[u8]), DecodeError> {
    let mut decoder = Decoder::new(payload);
    let length = u32::decode(&mut decoder)?;
    if length > DESCRIPTORS_MAX {
        return Err(DecodeError::TooLong { length, max: DESCRIPTORS_MAX });
    }
    Ok((length, decoder.rest()))
}

xdr_struct! {
    /// The payload of a hole in a sparse stream.
    StreamHole {
        /// Bytes that are skipped.
        length: i64,
        /// None is defined.
        flags: u32,
    }
}
