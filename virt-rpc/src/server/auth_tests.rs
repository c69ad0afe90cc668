//! Authentication, from the client to the session.

use std::sync::atomic::{AtomicU32, Ordering};

use virt_driver::BoxFuture;
use virt_proto::remote::{self, AuthType};
use virt_types::{Error, ErrorCode, ErrorDomain};

use super::*;
use crate::RpcClient;
use crate::auth::{Auth, Authority, Credentials, Subject, Verdict};

/// A session that knows one procedure.
struct Versions(Client);

struct VersionService;

impl Service for VersionService {
    fn open(&self, client: &Client) -> Arc<dyn Session> {
        Arc::new(Versions(client.clone()))
    }
}

impl Session for Versions {
    fn look_up(&self, program: u32, _: u32, procedure: i32) -> LookUp {
        match (program, procedure) {
            (0x2000_8086, 59) => LookUp::Procedure(Priority::Low),
            (0x2000_8086, _) => LookUp::NoProcedure,
            _ => LookUp::NoProgram,
        }
    }

    /// The host's name is the user's.
    fn call(&self, _: Call<'_>) -> Answer {
        let hostname = self.0.identity().sasl_user.unwrap_or_default();
        let reply = virt_proto::xdr::encode(&remote::ConnectGetHostnameRet { hostname });
        Answer::Now(reply.map(Reply::new).map_err(Into::into))
    }
}

/// A client of this user and transport.
fn join(server: &Server, auth: Auth, uid: u32, transport: TransportKind) -> RpcClient {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let peer = Peer { pid: std::process::id() as i32, uid, gid: 0 };
    let arrival = Arrival { transport, ..Arrival::unix(Some(peer)) };
    let place = server.0.room.take();
    let settings = Arc::new(ListenerSettings { read_only: true, auth });
    tokio::spawn(server.clone().serve(place, Io::unix(theirs).unwrap(), arrival, settings));
    RpcClient::new(Io::unix(ours).unwrap()).0
}

fn server() -> Server {
    Server::new("test", Arc::new(VersionService), Limits::default(), None)
}

async fn hostname(client: &RpcClient) -> Result<String, Error> {
    client.invoke::<remote::ConnectGetHostname>(&()).await.map(|reply| reply.hostname)
}

/// Gives its answers one after the other.
struct Script(Vec<Result<Verdict, ErrorCode>>, AtomicU32);

impl Authority for Script {
    fn decide(&self, subject: Subject, action: &'static str) -> BoxFuture<'static, Result<Verdict, Error>> {
        assert_eq!((subject.uid, action), (1000, "org.libvirt.unix.monitor"));
        let turn = self.1.fetch_add(1, Ordering::Relaxed) as usize;
        let verdict = self.0[turn].map_err(|code| Error::new(code, ErrorDomain::Dbus, "no bus"));
        Box::pin(std::future::ready(verdict))
    }
}

#[tokio::test]
async fn polkit_decides_and_can_be_asked_again() {
    let server = server();
    let script =
        vec![Err(ErrorCode::InternalError), Ok(Verdict::NoAgent), Ok(Verdict::Denied), Ok(Verdict::Granted)];
    let auth = Auth::Polkit(Arc::new(Script(script, AtomicU32::new(0))));
    let client = join(&server, auth.clone(), 1000, TransportKind::Unix);
    assert_eq!(hostname(&client).await.unwrap_err().to_string(), "authentication required");
    let unknown = client.invoke::<remote::ConnectGetUri>(&()).await.unwrap_err();
    assert_eq!(unknown.code(), ErrorCode::NoSupport, "what is unknown is known to be so");
    for code in [ErrorCode::InternalError, ErrorCode::AuthUnavailable, ErrorCode::AuthFailed] {
        assert_eq!(client.authenticate(None, true).await.unwrap_err().code(), code);
        assert_eq!(server.client_counts(), (1, 1));
    }
    assert_eq!(client.authenticate(None, true).await.unwrap(), AuthType::Polkit);
    assert_eq!(server.client_counts(), (1, 0));
    hostname(&client).await.unwrap();

    let root = join(&server, auth, 0, TransportKind::Unix);
    assert_eq!(root.authenticate(None, true).await.unwrap(), AuthType::None);
    hostname(&root).await.unwrap();
}

#[tokio::test]
async fn a_method_that_is_not_in_use_is_refused_as_libvirtd_does() {
    let client = join(&server(), Auth::None, 1000, TransportKind::Unix);
    let polkit = client.invoke::<remote::AuthPolkit>(&()).await.unwrap_err();
    assert_eq!(polkit.to_string(), "Library function returned error but did not set virError");
    let sasl = client.invoke::<remote::AuthSaslInit>(&()).await.unwrap_err();
    assert_eq!(sasl.to_string(), "authentication failed: authentication failed");
}

#[cfg(feature = "sasl")]
mod sasl {
    use super::*;
    use crate::auth::{Mechanism, SaslServer, ScramSecret, Secrets};

    struct Ann;

    impl Secrets for Ann {
        fn find(&self, user: &str) -> Option<ScramSecret> {
            (user == "ann").then(|| ScramSecret::new("secret", b"some salt"))
        }
    }

    fn auth(mechanism: Mechanism) -> Auth {
        Auth::Sasl(Arc::new(SaslServer::new(vec![mechanism], Arc::new(Ann), None).unwrap()))
    }

    fn credentials(password: &str) -> Credentials {
        Credentials { user: "ann".into(), password: password.into() }
    }

    #[tokio::test]
    async fn a_user_with_the_right_password_is_known_to_the_session() {
        let server = server();
        for mechanism in [Mechanism::ScramSha256, Mechanism::Plain] {
            let client = join(&server, auth(mechanism), 1000, TransportKind::Unix);
            let wrong = client.authenticate(Some(&credentials("wrong")), true).await.unwrap_err();
            assert_eq!(wrong.to_string(), "authentication failed: authentication failed");
            assert_eq!(hostname(&client).await.unwrap_err().to_string(), "authentication required");
            assert_eq!(client.authenticate(None, true).await.unwrap_err().code(), ErrorCode::AuthFailed);
            let method = client.authenticate(Some(&credentials("secret")), true).await.unwrap();
            assert_eq!(method, AuthType::Sasl);
            assert_eq!(hostname(&client).await.unwrap(), "ann");
            let again = client.authenticate(Some(&credentials("secret")), true).await.unwrap();
            assert_eq!(again, AuthType::None, "once is enough");
        }
    }

    #[tokio::test]
    async fn plain_tcp_needs_more_than_these_mechanisms_give() {
        let client = join(&server(), auth(Mechanism::ScramSha256), 1000, TransportKind::Tcp);
        let error = client.authenticate(Some(&credentials("secret")), false).await.unwrap_err();
        assert_eq!(error.to_string(), "authentication failed: authentication failed");
    }
}
