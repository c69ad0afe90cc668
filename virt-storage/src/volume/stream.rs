//! The bytes of a volume as a stream.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, FileTypeExt, OpenOptionsExt};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::{FallocateFlags, SeekFrom};
use rustix::io::Errno;
use virt_driver::{BoxFuture, ByteStream, Chunk};
use virt_types::{Error, ErrorCode, ErrorDomain, Result};

use super::copy;
use crate::work::Workers;

/// Bytes that are moved at once at most.
const PIECE: u64 = 256 << 10;
const NOCTTY: i32 = rustix::fs::OFlags::NOCTTY.bits() as i32;

/// Which way the bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// Out of the volume.
    Download,
    /// Into the volume.
    Upload,
}

/// A part of a volume, from one place to another.
pub(crate) struct VolumeStream {
    file: Arc<File>,
    direction: Direction,
    workers: Arc<Workers>,
    progress: Mutex<Progress>,
    /// What is to be done when it has ended, once.
    ended: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

#[derive(Debug, Clone, Copy)]
struct Progress {
    /// The place of the next byte.
    at: u64,
    /// The place after the last one, if there is a last one.
    end: Option<u64>,
    /// Whether the stream is over.
    over: bool,
}

impl std::fmt::Debug for VolumeStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VolumeStream")
            .field("direction", &self.direction)
            .field("progress", &self.progress)
            .finish_non_exhaustive()
    }
}

fn failed(doing: &str, error: std::io::Error) -> Error {
    Error::system(ErrorDomain::Streams, doing, error)
}

fn refused(detail: &str) -> Error {
    Error::new(ErrorCode::OperationInvalid, ErrorDomain::Streams, detail)
}

impl VolumeStream {
    /// Opens the file at a path, which has to be there. `length` 0 stands for all that follows.
    pub(crate) fn open(
        path: &str,
        direction: Direction,
        offset: u64,
        length: u64,
        workers: Arc<Workers>,
        ended: Option<Box<dyn FnOnce() + Send>>,
    ) -> Result<Self> {
        let wrong = |error| failed(&format!("Unable to open stream for '{path}'"), error);
        let upload = direction == Direction::Upload;
        let file =
            OpenOptions::new().read(!upload).write(upload).custom_flags(NOCTTY).open(path).map_err(wrong)?;
        let kind = file.metadata().map_err(wrong)?.file_type();
        if !kind.is_file() && !kind.is_block_device() {
            let detail = format!("'{path}' is neither a file nor a block device");
            return Err(Error::new(ErrorCode::InternalError, ErrorDomain::Streams, detail));
        }
        let end = (length > 0).then(|| offset.saturating_add(length));
        let progress = Mutex::new(Progress { at: offset, end, over: false });
        Ok(Self { file: Arc::new(file), direction, workers, progress, ended: Mutex::new(ended) })
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, direction: Direction) -> Result<Progress> {
        let progress = *self.progress();
        if progress.over {
            return Err(refused("stream is not open"));
        }
        if self.direction != direction {
            return Err(refused("the stream goes the other way"));
        }
        Ok(progress)
    }

    fn end(&self) {
        self.progress().over = true;
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(ended) = ended {
            ended();
        }
    }

    async fn work<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&File) -> std::io::Result<T> + Send + 'static,
    ) -> Result<T> {
        let file = Arc::clone(&self.file);
        self.workers.run(move || work(&file).map_err(|error| failed(doing, error))).await
    }

    async fn pull(&self, buffer: &mut [u8]) -> Result<usize> {
        let Progress { at, end, .. } = self.begin(Direction::Download)?;
        let left = end.map_or(u64::MAX, |end| end.saturating_sub(at));
        let wanted = usize::try_from(left.min(PIECE)).unwrap_or(usize::MAX).min(buffer.len());
        if wanted == 0 {
            return Ok(0);
        }
        let bytes = self.work("cannot read from stream", move |file| {
            let mut bytes = vec![0; wanted];
            let count = file.read_at(&mut bytes, at)?;
            bytes.truncate(count);
            Ok(bytes)
        });
        let bytes = bytes.await?;
        buffer[..bytes.len()].copy_from_slice(&bytes);
        self.progress().at = at + bytes.len() as u64;
        Ok(bytes.len())
    }

    async fn push(&self, bytes: &[u8]) -> Result<usize> {
        let Progress { at, end, .. } = self.begin(Direction::Upload)?;
        let left = end.map_or(u64::MAX, |end| end.saturating_sub(at));
        let count = usize::try_from(left.min(PIECE)).unwrap_or(usize::MAX).min(bytes.len());
        if count == 0 && !bytes.is_empty() {
            return Err(failed("cannot write to stream", Errno::NOSPC.into()));
        }
        let piece = bytes[..count].to_vec();
        self.work("cannot write to stream", move |file| file.write_all_at(&piece, at)).await?;
        self.progress().at = at + count as u64;
        Ok(count)
    }

    /// What is at the place of the next byte: so many bytes of data, or of a hole; nothing at the end.
    async fn section(&self) -> Result<Option<Chunk>> {
        let Progress { at, end, .. } = self.begin(Direction::Download)?;
        let found = self.work("unable to seek to data", move |file| section(file, at)).await?;
        let left = end.map_or(u64::MAX, |end| end.saturating_sub(at));
        Ok(match found {
            _ if left == 0 => None,
            None => None,
            Some(Chunk::Data(length)) => {
                Some(Chunk::Data(usize::try_from(left).unwrap_or(usize::MAX).min(length)))
            }
            Some(Chunk::Hole(length)) => Some(Chunk::Hole(length.min(left))),
        })
    }
}

/// The data or hole at a place of a file. A device has no holes that one could ask for.
fn section(file: &File, at: u64) -> std::io::Result<Option<Chunk>> {
    let data = |length: u64| Some(Chunk::Data(usize::try_from(length).unwrap_or(usize::MAX)));
    let found = file.metadata()?;
    if !found.is_file() {
        return Ok(data(u64::MAX));
    }
    let size = found.len();
    if at >= size {
        return Ok(None);
    }
    match rustix::fs::seek(file, SeekFrom::Data(at)) {
        Ok(start) if start > at => Ok(Some(Chunk::Hole(start - at))),
        Ok(_) => match rustix::fs::seek(file, SeekFrom::Hole(at)) {
            Ok(end) => Ok(data(end.saturating_sub(at))),
            Err(_) => Ok(data(size - at)),
        },
        Err(Errno::NXIO) => Ok(Some(Chunk::Hole(size - at))),
        Err(error) => Err(error.into()),
    }
}

/// Makes a part of a file read as zeros, without writing them where the file system can do that.
fn dig(file: &File, at: u64, length: u64) -> std::io::Result<()> {
    let found = file.metadata()?;
    let end = at.saturating_add(length);
    if found.is_file() {
        if found.len() < end {
            file.set_len(end)?;
        }
        let inside = found.len().min(end).saturating_sub(at);
        if inside == 0 {
            return Ok(());
        }
        let how = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        return match rustix::fs::fallocate(file, how, at, inside) {
            Ok(()) => Ok(()),
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => copy::zero(file, at, inside),
            Err(error) => Err(error.into()),
        };
    }
    copy::zero(file, at, length)
}

impl ByteStream for VolumeStream {
    fn read<'a>(&'a self, buffer: &'a mut [u8]) -> BoxFuture<'a, Result<usize>> {
        Box::pin(self.pull(buffer))
    }

    fn write<'a>(&'a self, bytes: &'a [u8]) -> BoxFuture<'a, Result<usize>> {
        Box::pin(self.push(bytes))
    }

    fn finish(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async {
            if self.direction == Direction::Upload {
                self.work("cannot sync stream", File::sync_data).await?;
            }
            self.end();
            Ok(())
        })
    }

    fn abort(&self) -> BoxFuture<'_, Result<()>> {
        self.end();
        Box::pin(std::future::ready(Ok(())))
    }

    fn read_sparse<'a>(&'a self, buffer: &'a mut [u8]) -> BoxFuture<'a, Result<Chunk>> {
        Box::pin(async {
            match self.section().await? {
                None => Ok(Chunk::Data(0)),
                Some(Chunk::Hole(length)) => {
                    self.progress().at += length;
                    Ok(Chunk::Hole(length))
                }
                Some(Chunk::Data(length)) => {
                    let length = length.min(buffer.len());
                    Ok(Chunk::Data(self.pull(&mut buffer[..length]).await?))
                }
            }
        })
    }

    fn write_hole(&self, length: u64) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let Progress { at, end, .. } = self.begin(Direction::Upload)?;
            if end.is_some_and(|end| end.saturating_sub(at) < length) {
                return Err(failed("cannot write to stream", Errno::NOSPC.into()));
            }
            self.work("unable to make a hole", move |file| dig(file, at, length)).await?;
            self.progress().at = at + length;
            Ok(())
        })
    }
}

impl Drop for VolumeStream {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(name: &str) -> std::path::PathBuf {
        std::env::temp_dir().join(format!("virt-storage-stream-{name}-{}", std::process::id()))
    }

    fn open(path: &std::path::Path, direction: Direction, offset: u64, length: u64) -> VolumeStream {
        let workers = Arc::new(Workers::default());
        VolumeStream::open(path.to_str().unwrap(), direction, offset, length, workers, None).unwrap()
    }

    #[tokio::test]
    async fn a_part_goes_out_and_in() {
        let path = path("part");
        std::fs::write(&path, b"0123456789").unwrap();
        let out = open(&path, Direction::Download, 3, 4);
        let mut buffer = [0; 16];
        assert_eq!(out.read(&mut buffer).await.unwrap(), 4);
        assert_eq!(&buffer[..4], b"3456");
        assert_eq!(out.read(&mut buffer).await.unwrap(), 0);
        assert!(out.write(b"x").await.is_err());
        let into = open(&path, Direction::Upload, 2, 3);
        assert_eq!(into.write(b"abcd").await.unwrap(), 3);
        assert_eq!(into.write(b"d").await.unwrap_err().code(), ErrorCode::SystemError);
        into.finish().await.unwrap();
        assert!(into.write(b"d").await.is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"01abc56789");
        std::fs::remove_file(&path).unwrap();
    }

    #[tokio::test]
    async fn holes_read_as_zeros_whatever_was_there() {
        let path = path("hole");
        std::fs::write(&path, vec![b'x'; 300 << 10]).unwrap();
        let into = open(&path, Direction::Upload, 0, 0);
        into.write_hole(200 << 10).await.unwrap();
        into.write(b"data").await.unwrap();
        into.write_hole(200 << 10).await.unwrap();
        into.finish().await.unwrap();
        let found = std::fs::read(&path).unwrap();
        assert_eq!(found.len(), (400 << 10) + 4);
        assert!(
            found
                .iter()
                .enumerate()
                .all(|(at, byte)| { *byte == 0 || (200 << 10..(200 << 10) + 4).contains(&at) })
        );
        let out = open(&path, Direction::Download, 0, 0);
        let (mut total, mut buffer) = (0, vec![0; 1 << 20]);
        loop {
            match out.read_sparse(&mut buffer).await.unwrap() {
                Chunk::Data(0) => break,
                Chunk::Data(count) => total += count as u64,
                Chunk::Hole(length) => total += length,
            }
        }
        assert_eq!(total, (400 << 10) + 4);
        std::fs::remove_file(&path).unwrap();
    }
}
