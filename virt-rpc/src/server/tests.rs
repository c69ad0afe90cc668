//! A server against hand-made messages.

use std::io::{Read, Write};
use std::ops::ControlFlow;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;
use virt_proto::packet::{ErrorBody, Header, Kind, Status};
use virt_types::ErrorCode;

use super::*;
use crate::auth::Auth;
use crate::frame::{Cutter, head};

const PROGRAM: u32 = 7;
const ECHO: i32 = 1;
const SLOW: i32 = 2;
const SLOW_HIGH: i32 = 3;
const PANIC: i32 = 4;
const CLOSE: i32 = 5;
const FAIL: i32 = 6;
const EVENTS: i32 = 7;

/// Procedures that do one thing each. Slow ones wait for a word.
#[derive(Default)]
struct Trivial {
    started: AtomicUsize,
    go: Notify,
    closed: AtomicUsize,
}

struct TrivialSession {
    service: Arc<Trivial>,
    client: Client,
}

struct TrivialService(Arc<Trivial>);

impl Service for TrivialService {
    fn open(&self, client: &Client) -> Arc<dyn Session> {
        Arc::new(TrivialSession { service: Arc::clone(&self.0), client: client.clone() })
    }
}

impl Session for TrivialSession {
    fn look_up(&self, program: u32, version: u32, procedure: i32) -> LookUp {
        match (program, version, procedure) {
            (PROGRAM, 1, SLOW) => LookUp::Procedure(Priority::Low),
            (PROGRAM, 1, ECHO..=EVENTS) => LookUp::Procedure(Priority::High),
            (PROGRAM, 1, _) => LookUp::NoProcedure,
            _ => LookUp::NoProgram,
        }
    }

    fn call(&self, call: Call<'_>) -> Answer {
        let service = Arc::clone(&self.service);
        service.started.fetch_add(1, Ordering::SeqCst);
        let mut reply = Reply::new(call.payload.to_vec());
        match call.procedure {
            SLOW | SLOW_HIGH => {
                return Answer::Later(Box::pin(async move {
                    service.go.notified().await;
                    Ok(reply)
                }));
            }
            PANIC => panic!("as it was told"),
            CLOSE => reply.then_close = true,
            FAIL => {
                let error = virt_types::Error::new(ErrorCode::NoDomain, virt_types::ErrorDomain::Test, "it");
                return Answer::Now(Err(error));
            }
            EVENTS => while self.client.send_event(PROGRAM, 1, 99, vec![0; 1000]) {},
            _ => reply.fds = call.fds,
        }
        Answer::Now(Ok(reply))
    }

    fn closed(&self) {
        self.service.closed.fetch_add(1, Ordering::SeqCst);
    }
}

/// A server and what its procedures do.
fn serve(limits: Limits) -> (Server, Arc<Trivial>) {
    let trivial = Arc::new(Trivial::default());
    let server = Server::new("test", Arc::new(TrivialService(Arc::clone(&trivial))), limits, None);
    (server, trivial)
}

/// A client of the server, by hand.
struct Peer {
    socket: tokio::net::UnixStream,
    cutter: Cutter,
    seen: std::collections::VecDeque<(Header, Vec<u8>)>,
}

impl Peer {
    fn join(server: &Server) -> Self {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        server.adopt(theirs, ListenerSettings { read_only: false, auth: Auth::None }).unwrap();
        let socket = tokio::net::UnixStream::from_std(ours).unwrap();
        Self { socket, cutter: Cutter::new(u32::MAX), seen: std::collections::VecDeque::new() }
    }

    async fn send(&mut self, bytes: &[u8]) {
        use tokio::io::AsyncWriteExt;
        self.socket.write_all(bytes).await.unwrap();
    }

    async fn call(&mut self, procedure: i32, serial: u32, payload: &[u8]) {
        self.send(&call(procedure, serial, payload)).await;
    }

    /// The next message; none at the end of the connection.
    async fn receive(&mut self) -> Option<(Header, Vec<u8>)> {
        use tokio::io::AsyncReadExt;
        while self.seen.is_empty() {
            let mut buffer = [0; 4096];
            let length = self.socket.read(&mut buffer).await.unwrap_or(0);
            if length == 0 {
                return None;
            }
            let seen = &mut self.seen;
            self.cutter
                .feed(&buffer[..length], |frame| {
                    seen.push_back((frame.header, frame.payload.to_vec()));
                    ControlFlow::Continue(())
                })
                .unwrap();
        }
        self.seen.pop_front()
    }

    /// The serials of so many replies.
    async fn serials(&mut self, count: usize) -> Vec<u32> {
        let mut serials = Vec::new();
        for _ in 0..count {
            serials.push(self.receive().await.unwrap().0.serial);
        }
        serials
    }

    async fn error(&mut self) -> (Header, virt_types::Error) {
        let (header, payload) = self.receive().await.unwrap();
        assert_eq!((header.kind, header.status), (Kind::Reply, Status::Error));
        (header, virt_proto::xdr::decode::<ErrorBody>(&payload).unwrap().into())
    }
}

fn header(procedure: i32, serial: u32) -> Header {
    Header { program: PROGRAM, version: 1, procedure, kind: Kind::Call, serial, status: Status::Ok }
}

fn message(header: Header, payload: &[u8]) -> Vec<u8> {
    [&head(header, payload.len())[..], payload].concat()
}

fn call(procedure: i32, serial: u32, payload: &[u8]) -> Vec<u8> {
    message(header(procedure, serial), payload)
}

const PING: Header = Header {
    program: keepalive::PROGRAM,
    version: 1,
    procedure: 1,
    kind: Kind::Message,
    serial: 0,
    status: Status::Ok,
};

#[tokio::test]
async fn nonsense_is_answered_as_libvirtd_does() {
    let (server, _) = serve(Limits::default());
    let rows: &[(Header, &str)] = &[
        (Header { program: 0x1234_5678, ..header(1, 5) }, "Cannot find program 305419896 version 1"),
        (Header { program: u32::MAX, ..header(1, 5) }, "Cannot find program -1 version 1"),
        (Header { version: 9, ..header(1, 5) }, "Cannot find program 7 version 9"),
        (header(0, 5), "unknown procedure: 0"),
        (header(9999, 5), "unknown procedure: 9999"),
        (header(-1, 5), "unknown procedure: -1"),
        (Header { status: Status::Error, ..header(1, 5) }, "Unexpected message status 1"),
        (Header { kind: Kind::Call, ..PING }, "Cannot find program 1801807216 version 1"),
    ];
    let mut peer = Peer::join(&server);
    for (sent, text) in rows {
        peer.send(&message(*sent, b"")).await;
        let (header, error) = peer.error().await;
        assert_eq!(header, sent.answer(Kind::Reply, Status::Error), "{text}");
        assert_eq!(error.to_string(), *text);
    }
    let silent = [
        header(1, 5).answer(Kind::Reply, Status::Ok),
        header(1, 5).answer(Kind::Message, Status::Ok),
        header(1, 5).answer(Kind::from_number(9), Status::Ok),
        header(1, 5).answer(Kind::Stream, Status::Continue),
        header(1, 5).answer(Kind::StreamHole, Status::Continue),
        Header { procedure: 3, ..PING },
    ];
    for sent in silent {
        peer.send(&message(sent, b"")).await;
        peer.call(ECHO, 6, b"still").await;
        assert_eq!(peer.receive().await.unwrap().0.serial, 6, "{sent:?}");
    }
}

#[tokio::test]
async fn what_is_no_message_closes_the_connection_without_a_word() {
    let (server, trivial) = serve(Limits::default());
    let too_many_fds =
        message(Header { kind: Kind::CallWithDescriptors, ..header(1, 1) }, &33u32.to_be_bytes());
    let rows: &[&[u8]] = &[&[0, 0, 0, 3], &[0, 0, 0, 27], &[2, 0, 0, 5], &too_many_fds];
    for bytes in rows {
        let mut peer = Peer::join(&server);
        peer.send(bytes).await;
        assert_eq!(peer.receive().await, None, "{bytes:?}");
    }
    server.idle().await;
    assert_eq!(trivial.closed.load(Ordering::SeqCst), rows.len());
}

#[tokio::test]
async fn calls_are_answered_with_their_serials_however_they_come() {
    let (server, _) = serve(Limits::default());
    let mut peer = Peer::join(&server);
    let serials = [0, 1, 1, u32::MAX, 7];
    let bytes: Vec<u8> =
        serials.iter().flat_map(|serial| call(ECHO, *serial, &serial.to_be_bytes())).collect();
    for part in bytes.chunks(3) {
        peer.send(part).await;
    }
    for serial in serials {
        let (header, payload) = peer.receive().await.unwrap();
        assert_eq!((header.serial, payload), (serial, serial.to_be_bytes().to_vec()));
    }
    // Far more than are allowed at a time, in one piece.
    let bytes: Vec<u8> = (0..500).flat_map(|serial| call(ECHO, serial, &[0; 100])).collect();
    peer.send(&bytes).await;
    assert_eq!(peer.serials(500).await, (0..500).collect::<Vec<_>>());
}

#[tokio::test]
async fn failures_and_panics_are_answers() {
    let (server, _) = serve(Limits::default());
    let mut peer = Peer::join(&server);
    peer.call(FAIL, 1, b"").await;
    assert_eq!(peer.error().await.1.to_string(), "Domain not found: it");
    peer.call(PANIC, 2, b"").await;
    assert_eq!(peer.error().await.1.code(), ErrorCode::InternalError);
    peer.call(ECHO, 3, b"").await;
    assert_eq!(peer.serials(1).await, [3]);
}

#[tokio::test]
async fn slow_calls_hold_up_neither_priority_calls_nor_keepalive() {
    let (server, trivial) = serve(Limits { requests: 2, ..Limits::default() });
    let mut peer = Peer::join(&server);
    for serial in 0..4 {
        peer.call(SLOW, serial, b"").await;
        if serial == 2 {
            // Two are in progress and one waits.
            peer.call(ECHO, 10, b"").await;
            assert_eq!(peer.serials(1).await, [10]);
            peer.send(&message(PING, b"")).await;
            assert_eq!(peer.receive().await.unwrap().0, Header { procedure: 2, ..PING });
        }
    }
    // Two wait now, and nothing more is read.
    peer.call(ECHO, 11, b"").await;
    assert_eq!(trivial.started.load(Ordering::SeqCst), 3, "two slow ones and the first echo");
    trivial.go.notify_waiters();
    let mut serials = peer.serials(3).await;
    serials.sort_unstable();
    assert_eq!(serials, [0, 1, 11]);
    trivial.go.notify_waiters();
    let mut serials = peer.serials(2).await;
    serials.sort_unstable();
    assert_eq!(serials, [2, 3]);
}

#[tokio::test]
async fn replies_come_in_the_order_in_which_calls_end() {
    let (server, trivial) = serve(Limits::default());
    let mut peer = Peer::join(&server);
    peer.send(&[call(SLOW_HIGH, 8, b""), call(ECHO, 9, b"")].concat()).await;
    assert_eq!(peer.serials(1).await, [9]);
    trivial.go.notify_waiters();
    assert_eq!(peer.serials(1).await, [8]);
}

#[tokio::test]
async fn nothing_comes_after_the_reply_to_close() {
    let (server, trivial) = serve(Limits::default());
    let mut peer = Peer::join(&server);
    peer.send(&[call(SLOW, 1, b""), call(CLOSE, 2, b""), call(ECHO, 3, b"")].concat()).await;
    assert_eq!(peer.serials(1).await, [2]);
    assert_eq!(peer.receive().await, None);
    assert_eq!(trivial.started.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_client_that_does_not_read_its_events_is_disconnected() {
    let (server, _) = serve(Limits { event_bytes: 100_000, ..Limits::default() });
    let mut peer = Peer::join(&server);
    peer.call(EVENTS, 1, b"").await;
    server.idle().await;
    while peer.receive().await.is_some() {}
}

#[tokio::test]
async fn replies_that_are_not_read_stop_the_reading() {
    let (server, trivial) = serve(Limits::default());
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    server.adopt(theirs, ListenerSettings { read_only: false, auth: Auth::None }).unwrap();
    ours.set_nonblocking(true).unwrap();
    let bytes = call(ECHO, 1, &[0; 100_000]);
    let mut written = 0;
    // Until the kernel and the server are full.
    loop {
        match ours.write(&bytes[written % bytes.len()..]) {
            Ok(count) => written += count,
            Err(_) if server.is_settled(&trivial).await => break,
            Err(_) => tokio::task::yield_now().await,
        }
    }
    assert!(written < 4_000_000, "{written} bytes were taken");
    let mut buffer = vec![0; 1 << 16];
    assert!(ours.read(&mut buffer).unwrap() > 0);
}

#[tokio::test]
async fn shutting_down_lets_calls_end_and_takes_no_more() {
    let (server, trivial) = serve(Limits::default());
    let mut peer = Peer::join(&server);
    peer.call(SLOW, 1, b"").await;
    peer.call(ECHO, 2, b"").await;
    assert_eq!(peer.serials(1).await, [2]);
    let down = tokio::spawn({
        let server = server.clone();
        async move { server.shut_down(Duration::from_secs(60)).await }
    });
    tokio::task::yield_now().await;
    trivial.go.notify_waiters();
    assert_eq!(peer.serials(1).await, [1]);
    assert_eq!(peer.receive().await, None);
    assert_eq!(down.await.unwrap(), 0);

    let (server, _) = serve(Limits::default());
    let mut peer = Peer::join(&server);
    peer.call(SLOW, 1, b"").await;
    peer.call(ECHO, 2, b"").await;
    assert_eq!(peer.serials(1).await, [2]);
    assert_eq!(server.shut_down(Duration::ZERO).await, 1, "the deadline was over");
    assert_eq!(peer.receive().await, None);
}

impl Server {
    /// Whether calls have stopped to begin for some turns of the runtime.
    async fn is_settled(&self, trivial: &Trivial) -> bool {
        let before = trivial.started.load(Ordering::SeqCst);
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        trivial.started.load(Ordering::SeqCst) == before
    }
}
