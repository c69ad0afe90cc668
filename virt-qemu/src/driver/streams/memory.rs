//! A stream of bytes that are all there.

use std::sync::atomic::{AtomicUsize, Ordering};

use virt_driver::{BoxFuture, ByteStream};
use virt_types::{Error, ErrorCode, ErrorDomain, Result};

/// Bytes that are read once from the first to the last.
#[derive(Debug)]
pub(in crate::driver) struct MemoryStream {
    bytes: Vec<u8>,
    at: AtomicUsize,
}

impl MemoryStream {
    pub(in crate::driver) const fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, at: AtomicUsize::new(0) }
    }
}

impl ByteStream for MemoryStream {
    fn read<'a>(&'a self, buffer: &'a mut [u8]) -> BoxFuture<'a, Result<usize>> {
        Box::pin(async {
            let wanted = buffer.len();
            let step = |at: usize| Some(at.saturating_add(wanted).min(self.bytes.len()));
            let from = self.at.fetch_update(Ordering::AcqRel, Ordering::Acquire, step).unwrap_or_default();
            let rest = self.bytes.get(from..).unwrap_or_default();
            let count = rest.len().min(wanted);
            buffer[..count].copy_from_slice(&rest[..count]);
            Ok(count)
        })
    }

    fn write<'a>(&'a self, _: &'a [u8]) -> BoxFuture<'a, Result<usize>> {
        let error = Error::new(ErrorCode::OperationInvalid, ErrorDomain::Streams, "the stream is read only");
        Box::pin(async { Err(error) })
    }

    fn finish(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async { Ok(()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_byte_comes_once() {
        let stream = MemoryStream::new(b"abcde".to_vec());
        let mut buffer = [0; 3];
        assert_eq!((stream.read(&mut buffer).await.unwrap(), &buffer), (3, b"abc"));
        assert_eq!((stream.read(&mut buffer).await.unwrap(), &buffer[..2]), (2, &b"de"[..]));
        assert_eq!(stream.read(&mut buffer).await.unwrap(), 0);
        assert!(stream.write(b"x").await.is_err());
    }
}
