//! Clients at the door: limits, and what an idle one costs.

use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use virt_proto::packet::{Header, Kind, Status};

use super::*;
use crate::auth::{Auth, NoAuthority};

struct Nothing;

impl Service for Nothing {
    fn open(&self, _: &Client) -> Arc<dyn Session> {
        Arc::new(Self)
    }
}

impl Session for Nothing {
    fn look_up(&self, _: u32, _: u32, _: i32) -> LookUp {
        LookUp::NoProgram
    }

    fn call(&self, _: Call<'_>) -> Answer {
        unreachable!("there is no procedure")
    }
}

/// A socket in a directory that goes away with its value.
struct Door(PathBuf);

impl Door {
    fn new() -> Self {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let count = COUNTER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("virt-rpc-door-{}-{count}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn open(&self, limits: Limits, auth: Auth) -> Server {
        let server = Server::new("door", Arc::new(Nothing), limits, None);
        let listener = virt_sys::unix::bind(&self.0.join("sock"), 0o600).unwrap();
        server.listen(Listener::unix(listener).unwrap(), ListenerSettings { read_only: false, auth });
        server
    }

    async fn knock(&self) -> tokio::net::UnixStream {
        tokio::net::UnixStream::connect(self.0.join("sock")).await.unwrap()
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn ping() -> Vec<u8> {
    let header = Header {
        program: keepalive::PROGRAM,
        version: 1,
        procedure: 1,
        kind: Kind::Message,
        serial: 0,
        status: Status::Ok,
    };
    header.message(&()).unwrap()
}

/// Waits until somebody answers, which shows that the client was let in.
async fn is_served(stream: &mut tokio::net::UnixStream) {
    stream.write_all(&ping()).await.unwrap();
    let mut pong = [0; 28];
    stream.read_exact(&mut pong).await.unwrap();
}

#[tokio::test]
async fn who_comes_when_there_is_no_place_waits_for_one() {
    let rows = [
        (Limits { clients: 2, ..Limits::default() }, Auth::None, (2, 0)),
        (Limits { unauthenticated: 2, ..Limits::default() }, Auth::Polkit(Arc::new(NoAuthority)), (2, 2)),
    ];
    for (limits, auth, counts) in rows {
        let door = Door::new();
        let server = door.open(limits, auth);
        let (mut first, mut second, mut third) = (door.knock().await, door.knock().await, door.knock().await);
        is_served(&mut first).await;
        is_served(&mut second).await;
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(server.client_counts(), counts, "the third waits");
        drop(first);
        is_served(&mut third).await;
        let ids: Vec<_> = server.clients().iter().map(Client::id).collect();
        assert_eq!(ids, [2, 3]);
        drop((second, third));
        server.idle().await;
    }
}

#[tokio::test]
async fn limits_change_while_the_server_runs() {
    let door = Door::new();
    let server = door.open(Limits { clients: 1, ..Limits::default() }, Auth::None);
    let (mut first, mut second) = (door.knock().await, door.knock().await);
    is_served(&mut first).await;
    server.set_limits(Limits { clients: 2, ..server.limits() });
    is_served(&mut second).await;
    assert_eq!(server.client_counts(), (2, 0));
}

#[tokio::test]
async fn a_server_that_shuts_down_lets_nobody_in() {
    let door = Door::new();
    let server = door.open(Limits::default(), Auth::None);
    let mut first = door.knock().await;
    is_served(&mut first).await;
    assert_eq!(server.shut_down(Duration::from_secs(60)).await, 0);
    assert_eq!(first.read(&mut [0; 1]).await.unwrap(), 0);
    assert!(tokio::net::UnixStream::connect(door.0.join("sock")).await.is_err(), "nobody listens");
}

#[tokio::test]
async fn clients_over_tcp_are_known_by_their_address() {
    let server = Server::new("door", Arc::new(Nothing), Limits::default(), None);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    server.listen(Listener::tcp(listener).unwrap(), ListenerSettings { read_only: true, auth: Auth::None });
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(&ping()).await.unwrap();
    stream.read_exact(&mut [0; 28]).await.unwrap();
    let client = server.clients().remove(0);
    assert_eq!((client.transport(), client.is_read_only()), (TransportKind::Tcp, true));
    assert_eq!(client.address(), stream.local_addr().unwrap().to_string());
    assert_eq!(client.identity(), Identity::default());
    client.close();
    assert_eq!(stream.read(&mut [0; 1]).await.unwrap(), 0);
}

#[tokio::test]
async fn an_idle_connection_is_small() {
    let server = Server::new("door", Arc::new(Nothing), Limits::default(), None);
    let (_ours, theirs) = UnixStream::pair().unwrap();
    let settings = Arc::new(ListenerSettings { read_only: false, auth: Auth::None });
    let (place, io) = (server.0.room.take(), Io::unix(theirs).unwrap());
    let task = server.serve(place, io, Arrival::unix(None), settings);
    assert!(size_of_val(&task) < 2048, "{} bytes", size_of_val(&task));
}
