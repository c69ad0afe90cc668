//! What a domain's screen shows.

use std::sync::{Arc, Mutex, PoisonError};

use virt_driver::{BoxFuture, ByteStream};
use virt_types::{Error, ErrorCode, ErrorDomain, Result};

const SCREEN: &[u8] = include_bytes!("screenshot.png");

/// A stream of the picture of a screen.
pub(super) fn screenshot() -> Arc<dyn ByteStream> {
    Arc::new(Reader(Mutex::new(SCREEN)))
}

/// A stream of bytes that are there already.
#[derive(Debug)]
struct Reader(Mutex<&'static [u8]>);

impl ByteStream for Reader {
    fn read<'a>(&'a self, buffer: &'a mut [u8]) -> BoxFuture<'a, Result<usize>> {
        let mut rest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = rest.len().min(buffer.len());
        let (read, left) = rest.split_at(count);
        buffer[..count].copy_from_slice(read);
        *rest = left;
        Box::pin(std::future::ready(Ok(count)))
    }

    fn write<'a>(&'a self, _bytes: &'a [u8]) -> BoxFuture<'a, Result<usize>> {
        let refusal =
            Error::new(ErrorCode::OperationInvalid, ErrorDomain::Streams, "stream is not open for writing");
        Box::pin(std::future::ready(Err(refusal)))
    }

    fn finish(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(std::future::ready(Ok(())))
    }
}
