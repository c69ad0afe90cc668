//! Forms, limits and refusals.
#![expect(unreachable_pub, reason = "the declarations make public types")]

use std::fmt::Debug;

use virt_types::{TypedParam, TypedParams, TypedValue, Uuid};

use super::{
    Chars, DecodeError, Decoder, EncodeError, FixedChars, Text, Xdr, decode, encode, xdr_enum, xdr_struct,
};

const THREE: u32 = 3;

xdr_struct! {
    /// Every kind of field.
    All {
        narrow: i8,
        small: u8,
        middle: u16,
        signed: i32,
        unsigned: u32,
        long: i64,
        unsigned_long: u64,
        real: f64,
        text: String,
        absent: Option<String>,
        present: Option<u32>,
        uuid: Uuid,
        data: Vec<u8>[THREE],
        words: Vec<String>[THREE],
        chars: Chars[THREE],
        model: FixedChars<2>,
        params: TypedParams[THREE],
        color: Color,
    }

    /// A list alone.
    Words { words: Vec<String>[THREE] }

    /// Opaque data alone.
    Data { data: Vec<u8>[THREE] }

    /// Bytes of a word each alone.
    Letters { chars: Chars[THREE] }
}

xdr_enum! {
    /// Two colours.
    Color {
        /// The first.
        Red = 1,
        /// The other.
        Blue = 5,
    }
}

/// The bytes are written for the value, and read as the value.
fn check<T: Xdr + PartialEq + Debug>(value: &T, bytes: &[u8]) {
    assert_eq!(encode(value).unwrap(), bytes, "{value:?}");
    assert_eq!(decode::<T>(bytes).as_ref(), Ok(value));
    assert!(bytes.len() >= T::MIN);
    for end in 0..bytes.len() {
        assert!(
            matches!(decode::<T>(&bytes[..end]), Err(DecodeError::Short { .. })),
            "{value:?} cut to {end}"
        );
    }
}

#[test]
fn values_have_these_bytes() {
    check(&-1i8, b"\xff\xff\xff\xff");
    check(&200u8, b"\0\0\0\xc8");
    check(&0x1234u16, b"\0\0\x12\x34");
    check(&-2i32, b"\xff\xff\xff\xfe");
    check(&0x0102_0304_0506_0708u64, b"\x01\x02\x03\x04\x05\x06\x07\x08");
    check(&-2i64, b"\xff\xff\xff\xff\xff\xff\xff\xfe");
    check(&1.5f64, b"\x3f\xf8\0\0\0\0\0\0");
    check(&String::new(), b"\0\0\0\0");
    check(&"abcde".to_owned(), b"\0\0\0\x05abcde\0\0\0");
    check(&Some("a".to_owned()), b"\0\0\0\x01\0\0\0\x01a\0\0\0");
    check(&None::<String>, b"\0\0\0\0");
    check(&Words { words: vec!["a".into(), String::new()] }, b"\0\0\0\x02\0\0\0\x01a\0\0\0\0\0\0\0");
    check(&Data { data: vec![1, 2, 3] }, b"\0\0\0\x03\x01\x02\x03\0");
    check(&Letters { chars: Chars(vec![1, 0x80]) }, b"\0\0\0\x02\0\0\0\x01\xff\xff\xff\x80");
    check(&FixedChars(*b"a\0"), b"\0\0\0a\0\0\0\0");
    check(&Color::Blue, b"\0\0\0\x05");
    check(&Color::Other(7), b"\0\0\0\x07");
    check(
        &TypedParam { field: "n".into(), value: TypedValue::Boolean(true) },
        b"\0\0\0\x01n\0\0\0\0\0\0\x06\0\0\0\x01",
    );
}

#[test]
fn every_kind_of_field_comes_back() {
    let mut params = TypedParams::new();
    params.push("a", 1i32);
    params.push("b", "text".to_owned());
    params.push("c", 0.25f64);
    let all = All {
        narrow: -3,
        small: 255,
        middle: 65535,
        signed: i32::MIN,
        unsigned: u32::MAX,
        long: i64::MIN,
        unsigned_long: u64::MAX,
        real: -0.5,
        text: "grün".into(),
        absent: None,
        present: Some(9),
        uuid: Uuid::from_bytes([7; 16]),
        data: vec![1],
        words: vec!["x".into(); 3],
        chars: Chars(vec![255, 0, 1]),
        model: FixedChars::cut("q"),
        params,
        color: Color::Red,
    };
    let bytes = encode(&all).unwrap();
    check(&all, &bytes);
}

#[test]
fn peers_are_read_leniently() {
    // Any non-zero word is true, padding may hold anything, surplus is ignored.
    assert_eq!(decode(b"\x01\0\0\0\0\0\0\x01aXYZsurplus"), Ok(Some("a".to_owned())));
    assert_eq!(decode(b"\0\0\0\x06\0\0\0\x07"), Ok(TypedValue::Boolean(true)));
    assert_eq!(decode(b"\xff\xff\xff\x85"), Ok(0x85u8));
    assert_eq!(decode(b"\0\x01\x12\x34"), Ok(0x1234u16));
}

#[test]
fn length_words_are_held_against_the_limit_and_the_bytes() {
    let huge = b"\xff\xff\xff\xff";
    assert_eq!(
        decode::<String>(huge),
        Err(DecodeError::TooLong { length: u32::MAX, max: super::STRING_MAX })
    );
    assert_eq!(decode::<Words>(huge), Err(DecodeError::TooLong { length: u32::MAX, max: 3 }));
    assert_eq!(decode::<Data>(b"\0\0\0\x04abcd"), Err(DecodeError::TooLong { length: 4, max: 3 }));
    // Three strings take twelve bytes at least.
    assert_eq!(
        decode::<Words>(b"\0\0\0\x03\0\0\0\0\0\0\0\0"),
        Err(DecodeError::Short { needed: 12, left: 8 })
    );
    assert_eq!(decode::<String>(b"\0\x40\0\0"), Err(DecodeError::Short { needed: 4 << 20, left: 0 }));
    assert_eq!(decode::<TypedValue>(b"\0\0\0\x08\0\0\0\0"), Err(DecodeError::UnknownCase { case: 8 }));
}

#[test]
fn lists_over_their_limit_are_not_written() {
    let too_long = |what| Err(EncodeError::TooLong { what, length: 4, max: 3 });
    assert_eq!(encode(&Words { words: vec![String::new(); 4] }), too_long("words"));
    assert_eq!(encode(&Data { data: vec![0; 4] }), too_long("data"));
    assert_eq!(encode(&Letters { chars: Chars(vec![0; 4]) }), too_long("chars"));
    let text = "a".repeat(super::STRING_MAX as usize + 1);
    assert!(encode(&text).is_err());
    let error = EncodeError::TooLong { what: "words", length: 4, max: 3 };
    assert_eq!(error.to_string(), "too many words '4' for limit '3'");
}

#[test]
fn strings_that_are_no_text_are_refused_or_shown_as_a_c_program_would() {
    let forms = [(&b"\0\0\0\x03h\xe9n\0"[..], "h\u{fffd}n"), (b"\0\0\0\x03h\0n\0", "h")];
    for (bytes, shown) in forms {
        assert_eq!(decode::<String>(bytes), Err(DecodeError::NotText));
        let mut decoder = Decoder::with_text(bytes, Text::Lossy);
        assert_eq!(String::decode(&mut decoder).as_deref(), Ok(shown));
        assert!(decoder.rest().is_empty());
    }
}
