//! Any bytes from a peer: the length word bounds what is waited for, the header comes back, and what no procedure owns
//! (errors, holes, numbers of descriptors) is refused or written again as it was read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use virt_proto::{
    packet::{
        DESCRIPTORS_MAX, ErrorBody, HEADER_SIZE, Header, Kind, LENGTH_SIZE, MESSAGE_MAX, Status, StreamHole,
        bytes_after_length, split_descriptors,
    },
    row,
    xdr::{self, Xdr},
};
use virt_types::Error;

fn again<T: Xdr + PartialEq + std::fmt::Debug>(payload: &[u8]) -> Option<T> {
    let value = xdr::decode::<T>(payload).ok()?;
    let written = xdr::encode(&value).expect("within the limits");
    assert_eq!(xdr::decode::<T>(&written).as_ref(), Ok(&value));
    Some(value)
}

fuzz_target!(|data: &[u8]| {
    let Some((length, data)) = data.split_first_chunk::<LENGTH_SIZE>() else { return };
    let Some(length) = bytes_after_length(*length) else { return };
    assert!((HEADER_SIZE..=MESSAGE_MAX).contains(&length));
    let Some((bytes, payload)) = data.split_first_chunk::<HEADER_SIZE>() else { return };
    let header = Header::from_bytes(*bytes);
    assert_eq!(header.to_bytes(), *bytes);
    let payload = &payload[..payload.len().min(length - HEADER_SIZE)];

    if matches!(header.kind, Kind::CallWithDescriptors | Kind::ReplyWithDescriptors)
        && let Ok((count, _)) = split_descriptors(payload)
    {
        assert!(count <= DESCRIPTORS_MAX);
    }
    if header.kind == Kind::StreamHole {
        again::<StreamHole>(payload);
    }
    if header.status == Status::Error
        && let Some(body) = again::<ErrorBody>(payload)
    {
        let (message, error) = (body.message.clone(), Error::from(body));
        assert!(message.is_none_or(|message| message == error.to_string()));
        assert_eq!(ErrorBody::from(&error).message, Some(error.to_string()));
    }
    if let Some(row) = row(header.program, header.procedure) {
        assert_eq!((row.program.number, row.number), (header.program, header.procedure));
    }
});
