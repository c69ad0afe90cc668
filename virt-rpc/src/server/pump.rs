//! Carries a driver's stream over a client's.

use std::sync::Arc;

use virt_driver::{ByteStream, Chunk};
use virt_proto::packet::STREAM_DATA_MAX;
use virt_types::Result;

use super::stream::{Input, Stream};

/// Bytes read at first; a stream that fills them gets the largest message from then on.
const FIRST_READ: usize = 16 << 10;

/// Which way bytes go, and in what form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carry {
    /// Whether the driver's stream is read; a console is, an upload is not.
    pub reads: bool,
    /// Whether holes go as such.
    pub sparse: bool,
}

impl Stream {
    /// Carries the bytes of a driver's stream both ways until one side ends it, and ends the other: see the protocol's
    /// rules of streams. Slow readers hold up writers in both directions.
    pub async fn carry(self, bytes: Arc<dyn ByteStream>, how: Carry) {
        let ended = tokio::select! {
            // What the client says comes first: after it gave up, nothing is read for it.
            biased;
            ended = self.take_input(&*bytes, how) => ended,
            Err(error) = self.send_output(&*bytes, how) => Ended::Failed(error),
        };
        let outcome = match ended {
            Ended::Finished => bytes.finish().await,
            Ended::Aborted => bytes.abort().await,
            Ended::Failed(error) => {
                let _ = bytes.abort().await;
                Err(error)
            }
            Ended::Gone => {
                let _ = bytes.abort().await;
                return;
            }
        };
        match outcome {
            Ok(()) => self.finish(),
            Err(error) => self.fail(&error),
        }
    }

    /// Brings the client's bytes to the driver until it says that there are no more.
    async fn take_input(&self, bytes: &dyn ByteStream, how: Carry) -> Ended {
        loop {
            let outcome = match self.receive().await {
                Input::Data(data) => write_all(bytes, &data).await,
                Input::Hole(length) => match u64::try_from(length) {
                    Ok(length) if how.sparse => bytes.write_hole(length).await,
                    _ => {
                        self.client().close();
                        return Ended::Gone;
                    }
                },
                Input::Finish => return Ended::Finished,
                Input::Abort => return Ended::Aborted,
                Input::Gone => return Ended::Gone,
            };
            if let Err(error) = outcome {
                return Ended::Failed(error);
            }
        }
    }

    /// Brings the driver's bytes to the client, and their end; then there is nothing left to do but to wait for what the
    /// client says to that. Comes back with an error only.
    async fn send_output(&self, bytes: &dyn ByteStream, how: Carry) -> Result<()> {
        if how.reads {
            let mut buffer = vec![0; FIRST_READ];
            loop {
                let chunk = if how.sparse {
                    bytes.read_sparse(&mut buffer).await?
                } else {
                    Chunk::Data(bytes.read(&mut buffer).await?)
                };
                match chunk {
                    Chunk::Data(length) => {
                        self.send(&buffer[..length]).await;
                        if length == 0 {
                            break;
                        }
                        if length == buffer.len() && length < STREAM_DATA_MAX {
                            buffer.resize(STREAM_DATA_MAX, 0);
                        }
                    }
                    Chunk::Hole(length) => {
                        self.send_hole(i64::try_from(length).unwrap_or(i64::MAX)).await;
                    }
                }
            }
        }
        std::future::pending().await
    }
}

/// How the client's side of a stream came to its end.
enum Ended {
    Finished,
    Aborted,
    Failed(virt_types::Error),
    Gone,
}

async fn write_all(bytes: &dyn ByteStream, mut data: &[u8]) -> Result<()> {
    while !data.is_empty() {
        let length = bytes.write(data).await?;
        data = &data[length.min(data.len())..];
    }
    Ok(())
}
