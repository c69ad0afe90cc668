//! The client against our server, over socket pairs.

use std::os::unix::net::UnixStream;
use std::time::Duration;

use tokio::sync::mpsc;
use virt_driver::Delivery;
use virt_proto::packet::STREAM_DATA_MAX;
use virt_types::{ErrorCode, ErrorDomain};

use super::*;
use crate::auth::Auth;
use crate::server::{
    Answer, Call, Carry, Client, Limits, ListenerSettings, LookUp, Priority, Reply, Server, Service, Session,
};

const PROGRAM: u32 = 7;
const ECHO: i32 = 1;
const FAIL: i32 = 2;
const NEVER: i32 = 3;
const EVENT: i32 = 4;
const PIPE: i32 = 5;
const BROKEN: i32 = 6;
const FDS: i32 = 7;

/// Procedures that do one thing each.
#[derive(Default)]
struct Bench {
    /// Closing a session's end of the pipe is seen here.
    finished: Mutex<Vec<&'static str>>,
}

struct BenchService(Arc<Bench>);

struct BenchSession(Arc<Bench>, Client);

impl Service for BenchService {
    fn open(&self, client: &Client) -> Arc<dyn Session> {
        Arc::new(BenchSession(Arc::clone(&self.0), client.clone()))
    }
}

impl Session for BenchSession {
    fn look_up(&self, program: u32, _: u32, procedure: i32) -> LookUp {
        match (program, procedure) {
            (PROGRAM, ECHO..=FDS) => LookUp::Procedure(Priority::Low),
            _ => LookUp::NoProcedure,
        }
    }

    fn call(&self, call: Call<'_>) -> Answer {
        let echo = Reply::new(call.payload.to_vec());
        Answer::Now(match call.procedure {
            FAIL => Err(virt_types::Error::new(ErrorCode::NoDomain, ErrorDomain::Test, "no domain")),
            NEVER => return Answer::Later(Box::pin(std::future::pending())),
            EVENT => {
                self.1.send_event(PROGRAM, 1, 99, b"news".to_vec());
                Ok(echo)
            }
            PIPE => {
                let pipe = Arc::new(Pipe::new(Arc::clone(&self.0)));
                let how = Carry { reads: true, sparse: true };
                Ok(echo.with_stream(move |stream| stream.carry(pipe, how)))
            }
            BROKEN => Ok(echo.with_stream(|stream| async move {
                stream.send(b"so far").await;
                stream.fail(&virt_types::Error::new(
                    ErrorCode::OperationFailed,
                    ErrorDomain::Streams,
                    "broke",
                ));
            })),
            FDS => Ok(Reply { fds: call.fds, ..echo }),
            _ => Ok(echo),
        })
    }
}

/// Bytes, a hole, or the end.
type Written = Option<Result<Vec<u8>, u64>>;

/// What is written can be read; it ends with a write of `.`.
struct Pipe {
    bench: Arc<Bench>,
    writer: mpsc::Sender<Written>,
    reader: tokio::sync::Mutex<mpsc::Receiver<Written>>,
}

impl Pipe {
    fn new(bench: Arc<Bench>) -> Self {
        let (writer, reader) = mpsc::channel(4);
        Self { bench, writer, reader: reader.into() }
    }

    fn ended(&self, how: &'static str) -> virt_driver::BoxFuture<'_, Result<()>> {
        self.bench.finished.lock().unwrap().push(how);
        Box::pin(std::future::ready(Ok(())))
    }
}

type Result<T, E = virt_types::Error> = std::result::Result<T, E>;

impl virt_driver::ByteStream for Pipe {
    fn read<'a>(&'a self, _: &'a mut [u8]) -> virt_driver::BoxFuture<'a, Result<usize>> {
        Box::pin(async { unreachable!("the stream is sparse") })
    }

    fn read_sparse<'a>(
        &'a self,
        buffer: &'a mut [u8],
    ) -> virt_driver::BoxFuture<'a, Result<virt_driver::Chunk>> {
        Box::pin(async {
            Ok(match self.reader.lock().await.recv().await.flatten() {
                Some(Ok(data)) => {
                    buffer[..data.len()].copy_from_slice(&data);
                    virt_driver::Chunk::Data(data.len())
                }
                Some(Err(hole)) => virt_driver::Chunk::Hole(hole),
                None => virt_driver::Chunk::Data(0),
            })
        })
    }

    fn write<'a>(&'a self, bytes: &'a [u8]) -> virt_driver::BoxFuture<'a, Result<usize>> {
        Box::pin(async {
            let part = &bytes[..bytes.len().min(8192)];
            let message = (part != b".").then(|| Ok(part.to_vec()));
            self.writer.send(message).await.unwrap();
            Ok(part.len())
        })
    }

    fn write_hole(&self, length: u64) -> virt_driver::BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            self.writer.send(Some(Err(length))).await.unwrap();
            Ok(())
        })
    }

    fn finish(&self) -> virt_driver::BoxFuture<'_, Result<()>> {
        self.ended("finish")
    }

    fn abort(&self) -> virt_driver::BoxFuture<'_, Result<()>> {
        self.ended("abort")
    }
}

fn connect() -> (Server, Arc<Bench>, RpcClient, Subscription<Event>) {
    let bench = Arc::new(Bench::default());
    let server = Server::new("test", Arc::new(BenchService(Arc::clone(&bench))), Limits::default(), None);
    let (ours, theirs) = UnixStream::pair().unwrap();
    server.adopt(theirs, ListenerSettings { read_only: false, auth: Auth::None }).unwrap();
    let (client, events) = RpcClient::new(Io::unix(ours).unwrap());
    (server, bench, client, events)
}

fn request(procedure: i32, payload: &[u8]) -> Request {
    Request { program: PROGRAM, version: 1, procedure, payload: payload.to_vec(), fds: Vec::new() }
}

#[tokio::test]
async fn calls_in_any_number_get_their_own_answers() {
    let (_server, _, client, _) = connect();
    let calls: Vec<_> = (0..200u32)
        .map(|n| {
            let client = client.clone();
            tokio::spawn(async move { client.call(request(ECHO, &n.to_be_bytes())).await.unwrap().payload })
        })
        .collect();
    for (n, call) in (0u32..).zip(calls) {
        assert_eq!(call.await.unwrap(), n.to_be_bytes());
    }
    let large = vec![5; 3 << 20];
    assert_eq!(client.call(request(ECHO, &large)).await.unwrap().payload, large);
    assert_eq!(client.call(request(FAIL, b"")).await.unwrap_err().to_string(), "Domain not found: no domain");
    let unknown = client.call(request(1000, b"")).await.unwrap_err();
    assert_eq!(unknown.code(), ErrorCode::NoSupport, "{unknown}");
    let too_large = vec![0; PAYLOAD_MAX];
    assert_eq!(client.call(request(ECHO, &too_large)).await.unwrap_err().code(), ErrorCode::Rpc);
}

#[tokio::test]
async fn events_reach_the_subscriber() {
    let (_server, _, client, mut events) = connect();
    client.call(request(EVENT, b"")).await.unwrap();
    let news = Event { program: PROGRAM, procedure: 99, payload: b"news".to_vec() };
    assert_eq!(events.next().await, Some(Delivery::Event(news)));
}

#[tokio::test]
async fn descriptors_go_there_and_back() {
    let (_server, _, client, _) = connect();
    let (reader, writer) = rustix::pipe::pipe().unwrap();
    let fds = vec![reader, writer];
    let response = client.call(Request { fds, ..request(FDS, b"two") }).await.unwrap();
    assert_eq!((response.payload.as_slice(), response.fds.len()), (&b"two"[..], 2));
    rustix::io::write(&response.fds[1], b"x").unwrap();
    let mut buffer = [0; 2];
    assert_eq!(rustix::io::read(&response.fds[0], &mut buffer).unwrap(), 1);
    let fds = (0..33).map(|_| response.fds[0].try_clone().unwrap()).collect();
    let refusal = client.call(Request { fds, ..request(FDS, b"") }).await.unwrap_err();
    assert_eq!(refusal.to_string(), "Too many FDs to send 33, expected 32 maximum");
}

#[tokio::test]
async fn the_end_of_a_connection_ends_what_waits_for_it() {
    for (by_server, reason) in [(true, CloseReason::Ended), (false, CloseReason::Client)] {
        let (server, _, client, mut events) = connect();
        let call = tokio::spawn({
            let client = client.clone();
            async move { client.call(request(NEVER, b"")).await }
        });
        let (_, stream) = client.call_with_stream(request(PIPE, b"")).await.unwrap();
        if by_server {
            server.clients()[0].close();
        } else {
            client.close();
        }
        assert_eq!(client.closed().await, reason);
        assert!(call.await.unwrap().is_err());
        assert!(stream.receive(10).await.is_err());
        assert!(stream.send(b"x").await.is_err());
        assert!(client.call(request(ECHO, b"")).await.is_err());
        assert_eq!(events.next().await, None);
        drop(stream);
        server.idle().await;
    }
}

#[tokio::test]
async fn a_connection_that_nobody_holds_is_closed() {
    let (server, bench, client, _) = connect();
    let (_, stream) = client.call_with_stream(request(PIPE, b"")).await.unwrap();
    drop(client);
    stream.send(b"still here").await.unwrap();
    assert_eq!(stream.receive(100).await.unwrap(), Output::Data(b"still here".to_vec()));
    drop(stream);
    server.idle().await;
    while bench.finished.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(*bench.finished.lock().unwrap(), ["abort"]);
}

#[tokio::test]
async fn streams_carry_bytes_and_holes_both_ways_to_the_end() {
    let (_server, bench, client, _) = connect();
    let (_, stream) = client.call_with_stream(request(PIPE, b"")).await.unwrap();
    let data: Vec<u8> = (0..STREAM_DATA_MAX as u32 + 24).map(|n| n as u8).collect();
    let sending = async {
        stream.send(&data).await.unwrap();
        stream.send_hole(1 << 40).await.unwrap();
        stream.send(b".").await.unwrap();
    };
    let receiving = async {
        let (mut bytes, mut holes) = (Vec::new(), 0);
        loop {
            match stream.receive(10_000).await.unwrap() {
                Output::Data(part) => bytes.extend(part),
                Output::Hole(length) => holes += length,
                Output::End => return (bytes, holes),
            }
        }
    };
    let ((), (bytes, holes)) = tokio::join!(sending, receiving);
    assert!(bytes == data);
    assert_eq!(holes, 1 << 40);
    stream.finish().await.unwrap();
    assert!(stream.finish().await.is_err(), "once only");
    assert_eq!(*bench.finished.lock().unwrap(), ["finish"]);
    // The connection goes on.
    client.call(request(ECHO, b"")).await.unwrap();
}

#[tokio::test]
async fn a_stream_ends_by_abort_and_by_failure() {
    let (_server, bench, client, _) = connect();
    let (_, stream) = client.call_with_stream(request(PIPE, b"")).await.unwrap();
    stream.send(b"never read").await.unwrap();
    stream.abort().await.unwrap();
    assert_eq!(*bench.finished.lock().unwrap(), ["abort"]);

    let (_, stream) = client.call_with_stream(request(BROKEN, b"")).await.unwrap();
    assert_eq!(stream.receive(100).await.unwrap(), Output::Data(b"so far".to_vec()));
    assert_eq!(stream.receive(100).await.unwrap_err().to_string(), "operation failed: broke");
    assert_eq!(stream.finish().await.unwrap_err().to_string(), "operation failed: broke");
    assert!(client.call_with_stream(request(FAIL, b"")).await.is_err());
}

/// What comes out, unless nothing does though everybody else got many turns.
async fn unless_stuck<T>(future: impl Future<Output = T>) -> Option<T> {
    let turns = async {
        for _ in 0..500 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        value = future => Some(value),
        () = turns => None,
    }
}

#[tokio::test]
async fn a_reader_that_stops_holds_up_the_writer_only() {
    let (_server, _, client, _) = connect();
    let (_, stream) = client.call_with_stream(request(PIPE, b"")).await.unwrap();
    let chunk = vec![1; 65536];
    let mut sent = 0;
    // The pipe gives back what it takes, and nobody takes that.
    while let Some(outcome) = unless_stuck(stream.send(&chunk)).await {
        outcome.unwrap();
        sent += chunk.len();
        assert!(sent < 64 << 20, "nothing holds the writer up");
    }
    let mut received = 0;
    while received < sent {
        match stream.receive(usize::MAX).await.unwrap() {
            Output::Data(part) => received += part.len(),
            other => panic!("{other:?}"),
        }
    }
    client.call(request(ECHO, b"")).await.unwrap();
}

#[tokio::test]
async fn keepalive_finds_a_dead_server() {
    let (ours, _theirs) = UnixStream::pair().unwrap();
    let (client, _) = RpcClient::new(Io::unix(ours).unwrap());
    client.start_keepalive(keepalive::Settings { interval: Duration::from_millis(20), count: 2 });
    assert_eq!(client.closed().await, CloseReason::Keepalive);
}
