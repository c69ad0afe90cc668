//! Arrays and opaque data, with their limits.

use std::fmt;

use virt_types::{TypedParam, TypedParams};

use super::{DecodeError, Decoder, EncodeError, Shape, Xdr};

/// The most bytes of a string, in every program.
pub const STRING_MAX: u32 = 4 << 20;

/// A type that can stand in an array. Bytes cannot: a list of them is opaque data.
pub trait Item: Xdr {}

/// A list of at most `MAX` items; the field that holds it names the limit.
pub trait Limited<const MAX: u32>: Sized {
    /// The form.
    const SHAPE: Shape;

    /// Appends the list to `out`; `what` names it in the error.
    ///
    /// # Errors
    ///
    /// It has more than `MAX` items, or an item cannot be encoded.
    fn encode(&self, what: &'static str, out: &mut Vec<u8>) -> Result<(), EncodeError>;

    /// Takes a list from the front of what the decoder holds.
    ///
    /// # Errors
    ///
    /// See [`Xdr::decode`].
    fn decode(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError>;
}

impl<T: Item, const MAX: u32> Limited<MAX> for Vec<T> {
    const SHAPE: Shape = Shape::Array { item: &T::SHAPE, max: MAX };

    fn encode(&self, what: &'static str, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        encode_length(self.len(), MAX, what, out)?;
        self.iter().try_for_each(|item| item.encode(out))
    }

    fn decode(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let length = decoder.length(MAX, T::MIN)?;
        let mut items = Self::with_capacity(length);
        for _ in 0..length {
            items.push(T::decode(decoder)?);
        }
        Ok(items)
    }
}

/// Opaque data.
impl<const MAX: u32> Limited<MAX> for Vec<u8> {
    const SHAPE: Shape = Shape::Opaque { max: MAX };

    fn encode(&self, what: &'static str, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        encode_bytes(self, MAX, what, out)
    }

    fn decode(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let length = decoder.length(MAX, 1)?;
        decoder.padded(length).map(<[u8]>::to_vec)
    }
}

impl<const MAX: u32> Limited<MAX> for TypedParams {
    const SHAPE: Shape = <Vec<TypedParam> as Limited<MAX>>::SHAPE;

    fn encode(&self, what: &'static str, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        Limited::<MAX>::encode(&self.0, what, out)
    }

    fn decode(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Limited::<MAX>::decode(decoder).map(Self)
    }
}

/// Bytes that the protocol declares as `char`: each takes a word, with its sign extended.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Chars(pub Vec<u8>);

impl<const MAX: u32> Limited<MAX> for Chars {
    const SHAPE: Shape = Shape::Array { item: &Shape::Char, max: MAX };

    fn encode(&self, what: &'static str, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        encode_length(self.0.len(), MAX, what, out)?;
        encode_chars(&self.0, out);
        Ok(())
    }

    fn decode(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let length = decoder.length(MAX, 4)?;
        let words = decoder.padded(length * 4)?;
        Ok(Self(words.chunks_exact(4).map(|word| word[3]).collect()))
    }
}

impl fmt::Debug for Chars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

/// `N` bytes that the protocol declares as `char`, such as a name with zeros behind it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FixedChars<const N: usize>(pub [u8; N]);

impl<const N: usize> FixedChars<N> {
    /// The text, cut to leave room for a zero at the end.
    ///
    /// ```
    /// let name = virt_proto::xdr::FixedChars::<4>::cut("x86_64");
    /// assert_eq!(name.until_zero(), b"x86");
    /// ```
    #[must_use]
    pub fn cut(text: &str) -> Self {
        let mut bytes = [0; N];
        let room = N.saturating_sub(1);
        for (to, from) in bytes[..room].iter_mut().zip(text.bytes()) {
            *to = from;
        }
        Self(bytes)
    }

    /// The bytes before the first zero.
    #[must_use]
    pub fn until_zero(&self) -> &[u8] {
        self.0.split(|byte| *byte == 0).next().unwrap_or_default()
    }
}

impl<const N: usize> Xdr for FixedChars<N> {
    const SHAPE: Shape = Shape::FixedArray { item: &Shape::Char, length: N as u32 };
    const MIN: usize = N * 4;

    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        encode_chars(&self.0, out);
        Ok(())
    }

    fn decode(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let mut bytes = [0; N];
        for byte in &mut bytes {
            *byte = decoder.word()? as u8;
        }
        Ok(Self(bytes))
    }
}

impl<const N: usize> fmt::Debug for FixedChars<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

fn encode_chars(bytes: &[u8], out: &mut Vec<u8>) {
    for byte in bytes {
        out.extend_from_slice(&i32::from(*byte as i8).to_be_bytes());
    }
}

fn encode_length(length: usize, max: u32, what: &'static str, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    match u32::try_from(length) {
        Ok(word) if word <= max => {
            out.extend_from_slice(&word.to_be_bytes());
            Ok(())
        }
        _ => Err(EncodeError::TooLong { what, length, max }),
    }
}

pub(super) fn encode_bytes(
    bytes: &[u8],
    max: u32,
    what: &'static str,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    encode_length(bytes.len(), max, what, out)?;
    out.extend_from_slice(bytes);
    out.extend_from_slice(&[0; 3][..bytes.len().wrapping_neg() % 4]);
    Ok(())
}
