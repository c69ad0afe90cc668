//! Any bytes as arguments, replies and events of every procedure of every program: refused, or read as a value that is
//! written within the limits and is read as the same again.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use virt_proto::{
    Row,
    xdr::{Decoder, Text},
};

static ROWS: LazyLock<Vec<&Row>> = LazyLock::new(|| virt_proto::rows().collect());

// Two bytes choose the procedure, one what of it is read and how.
fuzz_target!(|data: &[u8]| {
    let [high, low, choice, payload @ ..] = data else { return };
    let row = ROWS[usize::from(u16::from_be_bytes([*high, *low])) % ROWS.len()];
    let form = if choice & 1 == 0 { &row.args } else { &row.reply };
    let text = if choice & 2 == 0 { Text::Strict } else { Text::Lossy };
    let Ok(value) = form.decode(&mut Decoder::with_text(payload, text)) else { return };
    let mut written = Vec::new();
    // A replacement character is longer than what it replaces.
    match (value.encode(&mut written), text) {
        (Ok(()), Text::Lossy) => {}
        (Ok(()), Text::Strict) => assert!(written.len() <= payload.len(), "{row:?}"),
        (Err(_), Text::Lossy) => return,
        (Err(error), Text::Strict) => panic!("{row:?}: {error}"),
    }
    assert_eq!(form.recode(&written), Ok(Ok(written)), "{row:?}");
});
