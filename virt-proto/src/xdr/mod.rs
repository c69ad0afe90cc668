//! XDR as libvirt's protocols use it (RFC 4506, with the habits of the C decoders that peers were built with).
//!
//! Everything is big endian in units of four bytes. Decoding is as lenient as stock peers are: any non-zero word means
//! true or present, padding may hold anything, and what follows a complete value is ignored. It is bounded by what has
//! arrived: a length word allocates nothing before the bytes that it promises are there, and as no type of the protocol
//! contains itself, nesting ends with the type.

mod decoder;
mod error;
mod primitive;
mod sequence;
mod shape;
pub(crate) mod structure;
#[cfg(test)]
mod tests;

pub use decoder::{Decoder, Text};
pub use error::{DecodeError, EncodeError};
pub use sequence::{Chars, FixedChars, Item, Limited, STRING_MAX};
pub use shape::{EnumShape, FieldShape, Shape, StructShape, UnionShape};

pub(crate) use structure::{xdr_enum, xdr_struct};

/// A type that has a form on the wire.
pub trait Xdr: Sized {
    /// The form, for documents, tests and tools.
    const SHAPE: Shape;

    /// The fewest bytes that a value takes on the wire.
    const MIN: usize;

    /// Appends the value to `out`.
    ///
    /// # Errors
    ///
    /// A part is longer than the protocol allows. `out` then holds a part of the value.
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError>;

    /// Takes a value from the front of what the decoder holds.
    ///
    /// # Errors
    ///
    /// The bytes end early, a part is over its limit, a string is no text, or a union's case is unknown.
    fn decode(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError>;
}

/// A value that can be written and shown without knowing its type: what [`Payload::decode`] gives.
///
/// [`Payload::decode`]: crate::Payload::decode
pub trait Message: std::fmt::Debug + Send {
    /// Appends the value to `out`.
    ///
    /// # Errors
    ///
    /// A part is longer than the protocol allows.
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError>;
}

impl<T: Xdr + std::fmt::Debug + Send> Message for T {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        Xdr::encode(self, out)
    }
}

/// The bytes of a value.
///
/// ```
/// assert_eq!(virt_proto::xdr::encode(&Some(7i32))?, [0, 0, 0, 1, 0, 0, 0, 7]);
/// # Ok::<(), virt_proto::xdr::EncodeError>(())
/// ```
///
/// # Errors
///
/// A part is longer than the protocol allows.
pub fn encode<T: Xdr>(value: &T) -> Result<Vec<u8>, EncodeError> {
    let mut out = Vec::with_capacity(T::MIN);
    value.encode(&mut out)?;
    Ok(out)
}

/// The value at the front of `bytes`; what follows it is ignored, as stock peers do.
///
/// ```
/// assert_eq!(virt_proto::xdr::decode::<String>(b"\0\0\0\x02ok\0\0surplus")?, "ok");
/// # Ok::<(), virt_proto::xdr::DecodeError>(())
/// ```
///
/// # Errors
///
/// See [`Xdr::decode`].
pub fn decode<T: Xdr>(bytes: &[u8]) -> Result<T, DecodeError> {
    T::decode(&mut Decoder::new(bytes))
}

/// As [`decode`], for a client: strings that are no text are read as a C program shows them, [`Text::Lossy`].
///
/// ```
/// use virt_proto::xdr;
/// assert!(xdr::decode::<String>(b"\0\0\0\x03h\xe9n\0").is_err());
/// assert_eq!(xdr::decode_lossy::<String>(b"\0\0\0\x03h\xe9n\0")?, "h\u{fffd}n");
/// # Ok::<(), xdr::DecodeError>(())
/// ```
///
/// # Errors
///
/// See [`Xdr::decode`]; never for a string that is no text.
pub fn decode_lossy<T: Xdr>(bytes: &[u8]) -> Result<T, DecodeError> {
    T::decode(&mut Decoder::with_text(bytes, Text::Lossy))
}
