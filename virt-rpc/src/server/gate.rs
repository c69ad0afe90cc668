//! What a client may do before it is authenticated, and how it becomes so.

use std::sync::Arc;

use virt_driver::BoxFuture;
use virt_proto::packet::{ErrorBody, Header};
use virt_proto::remote::{self, AuthType};
use virt_proto::{Procedure, xdr};
use virt_types::Result;

use super::Client;
use super::room::Place;
use super::service::{Answer, Call, Reply};
use crate::auth::{Auth, Authority, Subject};
use crate::error::protocol;

const AUTH_LIST: i32 = remote::AuthList::ROW.number;
const AUTH_SASL_INIT: i32 = remote::AuthSaslInit::ROW.number;
const AUTH_SASL_START: i32 = remote::AuthSaslStart::ROW.number;
const AUTH_SASL_STEP: i32 = remote::AuthSaslStep::ROW.number;
const AUTH_POLKIT: i32 = remote::AuthPolkit::ROW.number;

/// Answers the procedures of authentication, and lets nothing else pass before it is complete.
pub(super) struct Gate {
    method: Method,
    /// Knows whether the client is authenticated.
    place: Arc<Place>,
}

enum Method {
    None,
    Polkit(Arc<dyn Authority>),
    #[cfg(feature = "sasl")]
    Sasl(Arc<std::sync::Mutex<crate::auth::Exchange>>),
}

/// What becomes of a call.
pub(super) enum Passage {
    /// It goes on to the session.
    Open,
    /// It was one of authentication.
    Answer(Answer),
    /// It fails.
    Refuse(ErrorBody),
}

impl Gate {
    /// A gate for a client that came in this way.
    pub(super) fn new(auth: &Auth, client: &Client, place: Arc<Place>) -> Self {
        let method = match auth {
            Auth::None => Method::None,
            Auth::Polkit(authority) => Method::Polkit(Arc::clone(authority)),
            #[cfg(feature = "sasl")]
            Auth::Sasl(server) => {
                let private = client.transport() != crate::identity::TransportKind::Tcp;
                let exchange = crate::auth::Exchange::new(Arc::clone(server), private);
                Method::Sasl(Arc::new(std::sync::Mutex::new(exchange)))
            }
        };
        let _ = client;
        if matches!(method, Method::None) {
            place.authenticate();
        }
        Self { method, place }
    }

    /// Whether the client is authenticated.
    pub(super) fn is_open(&self) -> bool {
        self.place.is_authenticated()
    }

    /// Whether a procedure is one of authentication, whether the session knows it or not.
    pub(super) fn is_authentication(header: &Header) -> bool {
        is_authentication(header.program, header.procedure)
    }

    pub(super) fn pass(&self, client: &Client, call: &Call<'_>) -> Passage {
        if !is_authentication(call.program, call.procedure) {
            if self.is_open() {
                return Passage::Open;
            }
            return Passage::Refuse(ErrorBody::from(&protocol("authentication required")));
        }
        if call.procedure == AUTH_LIST {
            return Passage::Answer(Answer::Now(self.list(client)));
        }
        let answer = match (&self.method, call.procedure) {
            _ if self.is_open() => return Passage::Refuse(refusal(call.procedure)),
            (Method::Polkit(authority), AUTH_POLKIT) => {
                Answer::Later(ask_polkit(Arc::clone(authority), client.clone(), Arc::clone(&self.place)))
            }
            #[cfg(feature = "sasl")]
            (Method::Sasl(exchange), AUTH_SASL_INIT | AUTH_SASL_START | AUTH_SASL_STEP) => {
                sasl::answer(exchange, client, &self.place, call)
            }
            (_, procedure) => return Passage::Refuse(refusal(procedure)),
        };
        Passage::Answer(answer)
    }

    /// The one method that the client has to use.
    fn list(&self, client: &Client) -> Result<Reply> {
        let is_root = || client.identity().peer.is_some_and(|peer| peer.uid == 0);
        if matches!(self.method, Method::Polkit(_)) && !self.is_open() && is_root() {
            self.place.authenticate();
        }
        let method = match &self.method {
            _ if self.is_open() => AuthType::None,
            Method::None => AuthType::None,
            Method::Polkit(_) => AuthType::Polkit,
            #[cfg(feature = "sasl")]
            Method::Sasl(_) => AuthType::Sasl,
        };
        Ok(Reply::new(xdr::encode(&remote::AuthListRet { types: vec![method] })?))
    }
}

/// The answer to a method that is not the one in use: libvirtd gives a reason in some cases only.
fn refusal(procedure: i32) -> ErrorBody {
    if procedure == AUTH_POLKIT { ErrorBody::unset() } else { ErrorBody::from(&crate::auth::failed()) }
}

const fn is_authentication(program: u32, procedure: i32) -> bool {
    program == remote::PROGRAM.number
        && matches!(procedure, AUTH_LIST | AUTH_SASL_INIT | AUTH_SASL_START | AUTH_SASL_STEP | AUTH_POLKIT)
}

fn ask_polkit(
    authority: Arc<dyn Authority>,
    client: Client,
    place: Arc<Place>,
) -> BoxFuture<'static, Result<Reply>> {
    Box::pin(async move {
        let subject = client.identity().peer.and_then(Subject::of).ok_or_else(crate::auth::failed)?;
        let action = crate::auth::action(client.is_read_only());
        authority.decide(subject, action).await?.into_result(action)?;
        place.authenticate();
        Ok(Reply::new(xdr::encode(&remote::AuthPolkitRet { complete: 1 })?))
    })
}

#[cfg(feature = "sasl")]
mod sasl {
    use std::sync::Mutex;

    use virt_proto::remote::{AuthSaslInitRet, AuthSaslStartArgs, AuthSaslStartRet, AuthSaslStepArgs};
    use virt_proto::xdr::Chars;

    use super::*;
    use crate::auth::{Exchange, Progress};
    use crate::server::client::lock;

    /// What a call asks of the exchange.
    enum Move {
        Init,
        Start(AuthSaslStartArgs),
        Step(AuthSaslStepArgs),
    }

    /// Each move may read a file and takes milliseconds of arithmetic, so it is made where that is allowed.
    pub(super) fn answer(
        exchange: &Arc<Mutex<Exchange>>,
        client: &Client,
        place: &Arc<Place>,
        call: &Call<'_>,
    ) -> Answer {
        let next = match call.procedure {
            AUTH_SASL_INIT => Ok(Move::Init),
            AUTH_SASL_START => xdr::decode(call.payload).map(Move::Start),
            _ => xdr::decode(call.payload).map(Move::Step),
        };
        let next = match next {
            Ok(next) => next,
            Err(error) => return Answer::Now(Err(error.into())),
        };
        let (exchange, client, place) = (Arc::clone(exchange), client.clone(), Arc::clone(place));
        Answer::Later(Box::pin(async move {
            let made = tokio::task::spawn_blocking(move || make(&mut lock(&exchange), next, &client, &place));
            made.await.unwrap_or_else(|_| Err(crate::auth::failed()))
        }))
    }

    fn make(exchange: &mut Exchange, next: Move, client: &Client, place: &Place) -> Result<Reply> {
        // "No data" and "empty data" are different things to SASL.
        let data = |nil: i32, data: &Chars| (nil == 0).then(|| data.0.clone());
        let progress = match next {
            Move::Init => {
                let mechlist = exchange.offer().ok_or_else(crate::auth::failed)?;
                return Ok(Reply::new(xdr::encode(&AuthSaslInitRet { mechlist })?));
            }
            Move::Start(args) => exchange.start(&args.mech, data(args.nil, &args.data).as_deref()),
            Move::Step(args) => exchange.step(data(args.nil, &args.data).as_deref()),
        };
        let (complete, data) = match progress {
            Progress::More(data) => (0, data),
            Progress::Done(data, user) => {
                client.set_sasl_user(user);
                place.authenticate();
                (1, data)
            }
            Progress::Failed => return Err(crate::auth::failed()),
        };
        // The replies to both procedures have the same form.
        let reply = AuthSaslStartRet {
            complete,
            nil: i32::from(data.is_none()),
            data: Chars(data.unwrap_or_default()),
        };
        Ok(Reply::new(xdr::encode(&reply)?))
    }
}
