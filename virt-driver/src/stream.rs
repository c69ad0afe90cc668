//! Byte streams: consoles, channels, screenshots, volume contents.

use std::io;

use virt_types::{Error, ErrorCode, ErrorDomain, Result};

use crate::BoxFuture;

/// What reading a sparse stream gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chunk {
    /// So many bytes are in the buffer; 0 at the end of the stream.
    Data(usize),
    /// So many bytes follow that are all zero and were not moved.
    Hole(u64),
}

/// A bidirectional stream of bytes, such as a guest's console.
///
/// Reading and writing may go on at the same time; two readers, or two writers, at once share the bytes in
/// no particular order. Both calls are safe to drop half way: bytes that were not reported were not moved.
pub trait ByteStream: Send + Sync {
    /// Reads at least one byte into `buffer` and answers how many; 0 at the end of the stream.
    fn read<'a>(&'a self, buffer: &'a mut [u8]) -> BoxFuture<'a, Result<usize>>;

    /// Writes at least one byte of `bytes` and answers how many.
    fn write<'a>(&'a self, bytes: &'a [u8]) -> BoxFuture<'a, Result<usize>>;

    /// Ends the stream; what was written before has arrived at the other end.
    fn finish(&self) -> BoxFuture<'_, Result<()>>;

    /// Ends the stream at once; what is under way may be lost.
    fn abort(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Reads as [`ByteStream::read`] does, but tells holes apart. Bytes in the buffer never cross a hole's edge.
    fn read_sparse<'a>(&'a self, buffer: &'a mut [u8]) -> BoxFuture<'a, Result<Chunk>> {
        Box::pin(async move { Ok(Chunk::Data(self.read(buffer).await?)) })
    }

    /// Writes a hole: moves the place of the next byte by so many bytes. `VIR_ERR_NO_SUPPORT` if the stream has no
    /// places.
    fn write_hole(&self, length: u64) -> BoxFuture<'_, Result<()>> {
        let _ = length;
        Box::pin(std::future::ready(Err(Error::no_support("virStreamSendHole"))))
    }
}

const _: Option<&dyn ByteStream> = None;

/// The error of a stream whose descriptor failed (`VIR_ERR_SYSTEM_ERROR`, domain streams).
#[must_use]
pub fn fd_stream_error(doing: &str, source: io::Error) -> Error {
    Error::new(ErrorCode::SystemError, ErrorDomain::Streams, format!("{doing}: {source}")).caused_by(source)
}
