use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;
use virt_driver::{
    BoxFuture, ByteStream, Chunk, Connection, DomainRef, Domains, OpenConsoleFlags, StoragePools, VolumeRef,
};
use virt_types::{CreateFlags, Error, ErrorCode, ErrorDomain, Result, Uuid};

use super::client_of;

fn web() -> DomainRef {
    DomainRef { uuid: Uuid::from_bytes([7; 16]), name: "web".into(), id: Some(3) }
}

/// What happened to a stream, and what it gives.
#[derive(Default)]
struct Tape {
    script: Mutex<Vec<Result<Chunk>>>,
    log: Mutex<Vec<String>>,
    changed: Notify,
}

impl Tape {
    fn of(mut script: Vec<Result<Chunk>>) -> Arc<Self> {
        script.reverse();
        Arc::new(Self { script: Mutex::new(script), ..Self::default() })
    }

    fn note(&self, what: impl Into<String>) {
        self.log.lock().unwrap().push(what.into());
        self.changed.notify_waiters();
    }

    fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }
}

impl ByteStream for Tape {
    fn read<'a>(&'a self, buffer: &'a mut [u8]) -> BoxFuture<'a, Result<usize>> {
        Box::pin(async move {
            match self.read_sparse(buffer).await? {
                Chunk::Data(length) => Ok(length),
                Chunk::Hole(_) => panic!("nobody asked for holes"),
            }
        })
    }

    fn read_sparse<'a>(&'a self, buffer: &'a mut [u8]) -> BoxFuture<'a, Result<Chunk>> {
        Box::pin(async move {
            let Some(next) = self.script.lock().unwrap().pop() else { return std::future::pending().await };
            if let Ok(Chunk::Data(length)) = next {
                buffer[..length].fill(length as u8);
            }
            next
        })
    }

    fn write<'a>(&'a self, bytes: &'a [u8]) -> BoxFuture<'a, Result<usize>> {
        // A write may be short.
        let part = &bytes[..bytes.len().min(3)];
        if part == b"bad" {
            let error = Error::new(ErrorCode::OperationFailed, ErrorDomain::Storage, "the disk is full");
            return Box::pin(std::future::ready(Err(error)));
        }
        self.note(format!("write {}", part.escape_ascii()));
        Box::pin(std::future::ready(Ok(part.len())))
    }

    fn write_hole(&self, length: u64) -> BoxFuture<'_, Result<()>> {
        self.note(format!("hole {length}"));
        Box::pin(std::future::ready(Ok(())))
    }

    fn finish(&self) -> BoxFuture<'_, Result<()>> {
        self.note("finish");
        Box::pin(std::future::ready(Ok(())))
    }

    fn abort(&self) -> BoxFuture<'_, Result<()>> {
        self.note("abort");
        Box::pin(std::future::ready(Ok(())))
    }
}

struct Player(Arc<Tape>);

impl Connection for Player {
    fn domains(&self) -> Option<&dyn Domains> {
        Some(self)
    }

    fn storage_pools(&self) -> Option<&dyn StoragePools> {
        Some(self)
    }
}

impl Domains for Player {
    fn open_console<'a>(
        &'a self,
        _: &'a DomainRef,
        device: Option<&'a str>,
        flags: OpenConsoleFlags,
    ) -> BoxFuture<'a, Result<Arc<dyn ByteStream>>> {
        assert_eq!((device, flags), (Some("serial0"), OpenConsoleFlags::SAFE));
        Box::pin(async { Ok(Arc::clone(&self.0) as Arc<dyn ByteStream>) })
    }

    fn create_xml<'a>(
        &'a self,
        _: &'a str,
        files: Vec<OwnedFd>,
        _: CreateFlags,
    ) -> BoxFuture<'a, Result<DomainRef>> {
        Box::pin(async move { Ok(DomainRef { name: format!("{} files", files.len()), ..web() }) })
    }

    fn open_graphics_fd<'a>(
        &'a self,
        _: &'a DomainRef,
        index: u32,
        _: u32,
    ) -> BoxFuture<'a, Result<OwnedFd>> {
        let (read, write) = rustix::pipe::pipe().unwrap();
        rustix::io::write(&write, &[index as u8]).unwrap();
        Box::pin(std::future::ready(Ok(read)))
    }
}

impl StoragePools for Player {
    fn upload<'a>(
        &'a self,
        _: &'a VolumeRef,
        _: u64,
        _: u64,
        _: u32,
    ) -> BoxFuture<'a, Result<Arc<dyn ByteStream>>> {
        Box::pin(async { Ok(Arc::clone(&self.0) as Arc<dyn ByteStream>) })
    }

    fn download<'a>(
        &'a self,
        _: &'a VolumeRef,
        _: u64,
        _: u64,
        _: u32,
    ) -> BoxFuture<'a, Result<Arc<dyn ByteStream>>> {
        Box::pin(async { Ok(Arc::clone(&self.0) as Arc<dyn ByteStream>) })
    }
}

fn volume() -> VolumeRef {
    VolumeRef { pool: "p".into(), name: "v".into(), key: "k".into() }
}

async fn console(tape: &Arc<Tape>) -> Arc<dyn ByteStream> {
    let connection = client_of(Player(Arc::clone(tape))).await;
    connection.open_console(&web(), Some("serial0"), OpenConsoleFlags::SAFE).await.unwrap()
}

#[tokio::test]
async fn a_console_carries_bytes_both_ways_until_its_end() {
    let tape = Tape::of(vec![Ok(Chunk::Data(5)), Ok(Chunk::Data(0))]);
    let stream = console(&tape).await;
    let mut buffer = [0; 64];
    assert_eq!(stream.read(&mut buffer).await.unwrap(), 5);
    assert_eq!(buffer[..6], [5, 5, 5, 5, 5, 0]);
    assert_eq!(stream.read(&mut buffer).await.unwrap(), 0);
    assert_eq!(stream.write(b"login\n").await.unwrap(), 6);
    stream.finish().await.unwrap();
    assert_eq!(tape.log(), ["write log", "write in\\n", "finish"]);
}

#[tokio::test]
async fn a_stream_that_is_given_up_is_given_up_at_the_driver() {
    let tape = Tape::of(vec![]);
    console(&tape).await.abort().await.unwrap();
    assert_eq!(tape.log(), ["abort"]);
    // Without a word, too.
    let tape = Tape::of(vec![]);
    let changed = tape.changed.notified();
    drop(console(&tape).await);
    changed.await;
    assert_eq!(tape.log(), ["abort"]);
}

#[tokio::test]
async fn what_fails_at_the_driver_fails_at_the_client() {
    let gone = Error::new(ErrorCode::OperationFailed, ErrorDomain::Qemu, "the console is gone");
    let tape = Tape::of(vec![Err(gone)]);
    let stream = console(&tape).await;
    let error = stream.read(&mut [0; 8]).await.unwrap_err();
    assert_eq!((error.code(), error.domain()), (ErrorCode::OperationFailed, ErrorDomain::Qemu));
    assert_eq!(error.to_string(), "operation failed: the console is gone");

    let tape = Tape::of(vec![]);
    let connection = client_of(Player(Arc::clone(&tape))).await;
    let stream = connection.upload(&volume(), 0, 0, 0).await.unwrap();
    stream.write(b"bad").await.unwrap();
    let error = stream.finish().await.unwrap_err();
    assert_eq!(error.to_string(), "operation failed: the disk is full");
}

#[tokio::test]
async fn holes_go_both_ways_where_they_were_asked_for() {
    let tape =
        Tape::of(vec![Ok(Chunk::Data(4)), Ok(Chunk::Hole(1 << 40)), Ok(Chunk::Data(2)), Ok(Chunk::Data(0))]);
    let connection = client_of(Player(Arc::clone(&tape))).await;
    let stream = connection.download(&volume(), 0, 0, 1).await.unwrap();
    let mut buffer = [0; 64];
    for expected in [Chunk::Data(4), Chunk::Hole(1 << 40), Chunk::Data(2), Chunk::Data(0)] {
        assert_eq!(stream.read_sparse(&mut buffer).await.unwrap(), expected);
    }
    stream.finish().await.unwrap();

    let tape = Tape::of(vec![]);
    let connection = client_of(Player(Arc::clone(&tape))).await;
    let stream = connection.upload(&volume(), 0, 0, 1).await.unwrap();
    stream.write(b"ab").await.unwrap();
    stream.write_hole(1 << 33).await.unwrap();
    stream.write(b"cd").await.unwrap();
    stream.finish().await.unwrap();
    assert_eq!(tape.log(), ["write ab", "hole 8589934592", "write cd", "finish"]);

    // A hole that nobody asked for ends the connection.
    let tape = Tape::of(vec![]);
    let connection = client_of(Player(Arc::clone(&tape))).await;
    let stream = connection.upload(&volume(), 0, 0, 0).await.unwrap();
    stream.write_hole(8).await.unwrap();
    assert!(stream.finish().await.is_err());
    assert_eq!(tape.log(), ["abort"]);
}

#[tokio::test]
async fn descriptors_go_along() {
    let connection = client_of(Player(Tape::of(vec![]))).await;
    let file = || rustix::pipe::pipe().unwrap().0;
    let domain = Domains::create_xml(&connection, "<domain/>", vec![file(), file()], CreateFlags::empty())
        .await
        .unwrap();
    assert_eq!(domain.name, "2 files");
    let socket = connection.open_graphics_fd(&web(), 42, 0).await.unwrap();
    let mut byte = [0];
    assert_eq!((rustix::io::read(&socket, &mut byte).unwrap(), byte), (1, [42]));
}
