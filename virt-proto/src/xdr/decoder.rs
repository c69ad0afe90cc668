//! The bytes of a message, taken from the front.

use super::DecodeError;

/// What becomes of strings that are no UTF-8 or have a NUL in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Text {
    /// They are refused: a server acts on the names that it is given, and on nothing else.
    #[default]
    Strict,
    /// They are read as a C program shows them: up to the NUL, with a replacement character for what is no text. A client
    /// does so, since a file with an odd name must not hide the others in a list.
    Lossy,
}

/// Bytes that are yet to be decoded.
#[derive(Debug, Clone)]
pub struct Decoder<'a> {
    rest: &'a [u8],
    text: Text,
}

impl<'a> Decoder<'a> {
    /// A decoder that refuses strings that are no text.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, text: Text::Strict }
    }

    /// A decoder with another way to read strings.
    #[must_use]
    pub const fn with_text(bytes: &'a [u8], text: Text) -> Self {
        Self { rest: bytes, text }
    }

    /// What has not been taken yet.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Takes `N` bytes.
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        match self.rest.split_first_chunk() {
            Some((bytes, rest)) => {
                self.rest = rest;
                Ok(*bytes)
            }
            None => Err(self.short(N as u64)),
        }
    }

    /// Takes a word.
    pub(crate) fn word(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_be_bytes)
    }

    /// Takes bytes and their padding, whatever that holds.
    pub(crate) fn padded(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        match length.checked_next_multiple_of(4).and_then(|padded| self.rest.split_at_checked(padded)) {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(&taken[..length])
            }
            None => Err(self.short(length as u64)),
        }
    }

    /// Takes a length word that is within the limit, and for whose items, of `min` bytes each at least, there are bytes.
    pub(crate) fn length(&mut self, max: u32, min: usize) -> Result<usize, DecodeError> {
        let length = self.word()?;
        if length > max {
            return Err(DecodeError::TooLong { length, max });
        }
        let needed = u64::from(length) * min as u64;
        if needed > self.rest.len() as u64 {
            return Err(self.short(needed));
        }
        Ok(length as usize)
    }

    /// Bytes as a string.
    pub(crate) fn text(&self, bytes: &[u8]) -> Result<String, DecodeError> {
        match self.text {
            Text::Strict => match std::str::from_utf8(bytes) {
                Ok(text) if !bytes.contains(&0) => Ok(text.to_owned()),
                _ => Err(DecodeError::NotText),
            },
            Text::Lossy => {
                let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
                Ok(String::from_utf8_lossy(&bytes[..end]).into_owned())
            }
        }
    }

    const fn short(&self, needed: u64) -> DecodeError {
        DecodeError::Short { needed, left: self.rest.len() }
    }
}
