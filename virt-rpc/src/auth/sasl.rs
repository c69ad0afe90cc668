//! SASL: one exchange of a server with a client, and of a client with a server.
//!
//! Both are states and bytes only; the messages are brought to them. Mechanisms are SCRAM-SHA-256, and PLAIN where
//! nobody can listen.

use std::fmt;
use std::sync::Arc;

use rsasl::callback::{Context, Request, SessionCallback, SessionData};
use rsasl::mechanisms::scram::properties::ScramStoredPassword;
use rsasl::mechname::Mechname;
use rsasl::prelude::{
    Mechanism as RsaslMechanism, MessageSent, Registry, SASLClient, SASLConfig, SASLServer,
};
use rsasl::prelude::{Session, SessionError, State, Validation};
use rsasl::property::{AuthId, AuthzId, Password};
use rsasl::validate::{NoValidation, Validate, ValidationError};

use super::Credentials;
use super::secrets::Secrets;
use crate::pattern;

static MECHANISMS: &[RsaslMechanism] =
    &[rsasl::mechanisms::scram::SCRAM_SHA256, rsasl::mechanisms::plain::PLAIN];

/// How a password is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// Without telling it (RFC 7677).
    ScramSha256,
    /// As it is; only on Unix sockets and in TLS sessions.
    Plain,
}

impl Mechanism {
    /// Its registered name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::Plain => "PLAIN",
        }
    }
}

/// What a server offers and whom it believes.
pub struct SaslServer {
    mechanisms: Vec<Mechanism>,
    allowed: Option<Vec<String>>,
    config: Arc<SASLConfig>,
}

impl SaslServer {
    /// A server that offers these mechanisms. `allowed` has patterns (`*`, `?`) of users that are let in; none for all.
    #[must_use]
    pub fn new(
        mechanisms: Vec<Mechanism>,
        secrets: Arc<dyn Secrets>,
        allowed: Option<Vec<String>>,
    ) -> Option<Self> {
        let config = SASLConfig::builder()
            .with_registry(Registry::with_mechanisms(MECHANISMS))
            .with_callback(Passwords(secrets))
            .ok()?;
        Some(Self { mechanisms, allowed, config })
    }
}

impl fmt::Debug for SaslServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SaslServer")
            .field("mechanisms", &self.mechanisms)
            .field("allowed", &self.allowed)
            .finish_non_exhaustive()
    }
}

/// The user whose password was right.
struct User;

impl Validation for User {
    type Value = String;
}

struct Passwords(Arc<dyn Secrets>);

impl SessionCallback for Passwords {
    fn callback(
        &self,
        _: &SessionData,
        context: &Context<'_>,
        request: &mut Request<'_>,
    ) -> Result<(), SessionError> {
        if let Some(secret) = context.get_ref::<AuthId>().and_then(|user| self.0.find(user)) {
            request.satisfy::<ScramStoredPassword<'_>>(&ScramStoredPassword::new(
                secret.iterations,
                &secret.salt,
                &secret.stored_key,
                &secret.server_key,
            ))?;
        }
        Ok(())
    }

    fn validate(
        &self,
        session: &SessionData,
        context: &Context<'_>,
        validate: &mut Validate<'_>,
    ) -> Result<(), ValidationError> {
        let Some(user) = context.get_ref::<AuthId>() else { return Ok(()) };
        // Nobody acts for somebody else.
        if context.get_ref::<AuthzId>().is_some_and(|other| !other.is_empty() && other != user) {
            return Ok(());
        }
        // SCRAM comes here when the proof was right.
        let right = session.mechanism().mechanism != Mechanism::Plain.name()
            || context
                .get_ref::<Password>()
                .is_some_and(|password| self.0.find(user).is_some_and(|secret| secret.fits(password)));
        if right {
            validate.with::<User, _>(|| Ok(user.to_owned()))?;
        }
        Ok(())
    }
}

/// What an exchange has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Progress {
    /// This goes to the client, which has to answer.
    More(Option<Vec<u8>>),
    /// The client is this user; the bytes go to it.
    Done(Option<Vec<u8>>, String),
    /// It is nobody.
    Failed,
}

/// The server's side of an exchange.
pub(crate) struct Exchange {
    server: Arc<SaslServer>,
    /// Whether nobody can listen.
    private: bool,
    state: ExchangeState,
}

enum ExchangeState {
    Idle,
    Offered,
    Running(Box<Session<User>>, Turn),
}

/// Which message of a client is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// The one that in SCRAM begins with a header.
    First,
    Later,
}

impl Exchange {
    pub(crate) const fn new(server: Arc<SaslServer>, private: bool) -> Self {
        Self { server, private, state: ExchangeState::Idle }
    }

    /// The list of mechanisms that the client may choose from; none if it may not ask now.
    pub(crate) fn offer(&mut self) -> Option<String> {
        if !matches!(self.state, ExchangeState::Idle) {
            return None;
        }
        // No mechanism here protects what comes after it, which a connection that others hear would need.
        if !self.private {
            log::error!("SASL on plain TCP needs a mechanism that encrypts, and there is none: use TLS");
            return None;
        }
        self.state = ExchangeState::Offered;
        let names: Vec<_> = self.server.mechanisms.iter().map(|mechanism| mechanism.name()).collect();
        Some(names.join(","))
    }

    pub(crate) fn start(&mut self, mechanism: &str, data: Option<&[u8]>) -> Progress {
        let offered =
            matches!(std::mem::replace(&mut self.state, ExchangeState::Idle), ExchangeState::Offered);
        if !offered || !self.server.mechanisms.iter().any(|known| known.name() == mechanism) {
            log::warn!("a client wants to use SASL in a way that was not offered");
            return Progress::Failed;
        }
        let session = Mechname::parse(mechanism.as_bytes()).ok().and_then(|name| {
            SASLServer::<User>::new(Arc::clone(&self.server.config)).start_suggested(name).ok()
        });
        match session {
            Some(session) => self.go_on(Box::new(session), Turn::First, data),
            None => Progress::Failed,
        }
    }

    pub(crate) fn step(&mut self, data: Option<&[u8]>) -> Progress {
        match std::mem::replace(&mut self.state, ExchangeState::Idle) {
            ExchangeState::Running(session, turn) => self.go_on(session, turn, data),
            ExchangeState::Idle | ExchangeState::Offered => Progress::Failed,
        }
    }

    fn go_on(&mut self, mut session: Box<Session<User>>, turn: Turn, data: Option<&[u8]>) -> Progress {
        let mut out = Vec::new();
        // All mechanisms here begin with the client, so one that sends nothing is asked to.
        let Some(data) = data else {
            self.state = ExchangeState::Running(session, turn);
            return Progress::More(Some(out));
        };
        if session.get_mechname() == Mechanism::ScramSha256.name() && !is_scram(turn, data) {
            log::warn!("a client fails to authenticate by SASL: its message is none");
            return Progress::Failed;
        }
        match session.step(Some(data), &mut out) {
            Ok(State::Running) => {
                self.state = ExchangeState::Running(session, Turn::Later);
                Progress::More(Some(out))
            }
            Ok(State::Finished(sent)) => match session.validation() {
                Some(user) if self.is_allowed(&user) => {
                    Progress::Done((sent == MessageSent::Yes).then_some(out), user)
                }
                _ => Progress::Failed,
            },
            Err(error) => {
                log::warn!("a client fails to authenticate by SASL: {error}");
                Progress::Failed
            }
        }
    }

    fn is_allowed(&self, user: &str) -> bool {
        let allowed = self
            .server
            .allowed
            .as_ref()
            .is_none_or(|list| list.iter().any(|pattern| pattern::matches(pattern, user)));
        if !allowed {
            log::warn!("SASL user '{user}' is not on the list of allowed ones");
        }
        allowed
    }
}

/// Whether bytes have the outer form of a SCRAM message: attributes of two bytes at least, of which rsasl takes the first two
/// without a look. The client's first message has a header of its own before them: a flag, and a name that may be empty.
fn is_scram(turn: Turn, data: &[u8]) -> bool {
    let mut parts = data.split(|byte| *byte == b',');
    if turn == Turn::First && (parts.next().is_none() || parts.next().is_none_or(|name| name.len() == 1)) {
        return false;
    }
    parts.all(|part| part.len() >= 2)
}

/// Why a client cannot go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StepError {
    /// What the server sent is none of the mechanism's messages.
    #[error("the server's message is malformed")]
    Malformed,
    /// The mechanism's own reason.
    #[error(transparent)]
    Mechanism(#[from] SessionError),
}

/// The client's side of an exchange.
pub(crate) struct ClientExchange {
    session: Session<NoValidation>,
    mechanism: Mechanism,
    complete: bool,
}

impl ClientExchange {
    /// Chooses the best of the mechanisms on the server's list; none if there is no good one.
    pub(crate) fn choose(offered: &str, private: bool, credentials: &Credentials) -> Option<Self> {
        let mut names = offered.split([',', ' ']).filter(|name| !name.is_empty());
        let usable = [Mechanism::ScramSha256, Mechanism::Plain];
        let usable = usable.into_iter().filter(|mechanism| private || *mechanism != Mechanism::Plain);
        let mechanism =
            usable.into_iter().find(|mechanism| names.clone().any(|name| name == mechanism.name()))?;
        names.next()?;
        let config =
            SASLConfig::with_credentials(None, credentials.user.clone(), credentials.password.clone())
                .ok()?;
        let name = Mechname::parse(mechanism.name().as_bytes()).ok()?;
        let session = SASLClient::new(config).start_suggested(&[name]).ok()?;
        Some(Self { session, mechanism, complete: false })
    }

    pub(crate) const fn mechanism(&self) -> Mechanism {
        self.mechanism
    }

    /// Answers the server's bytes; none at first. An error if the server is not what it should be.
    pub(crate) fn step(&mut self, data: Option<&[u8]>) -> Result<Option<Vec<u8>>, StepError> {
        let mut out = Vec::new();
        if self.mechanism == Mechanism::ScramSha256 && data.is_some_and(|data| !is_scram(Turn::Later, data)) {
            return Err(StepError::Malformed);
        }
        let state = self.session.step(data, &mut out)?;
        self.complete = state.is_finished();
        let sent = !matches!(state, State::Finished(MessageSent::No));
        Ok(sent.then_some(out))
    }

    /// Whether this side has nothing left to check.
    pub(crate) const fn is_complete(&self) -> bool {
        self.complete
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::super::secrets::ScramSecret;
    use super::*;

    struct Users(HashMap<&'static str, ScramSecret>);

    impl Secrets for Users {
        fn find(&self, user: &str) -> Option<ScramSecret> {
            self.0.get(user).cloned()
        }
    }

    fn server(allowed: Option<&str>) -> Arc<SaslServer> {
        let users = Users(HashMap::from([("ann", ScramSecret::new("secret", b"salt of the test"))]));
        let allowed = allowed.map(|pattern| vec![pattern.to_owned()]);
        let mechanisms = vec![Mechanism::ScramSha256, Mechanism::Plain];
        Arc::new(SaslServer::new(mechanisms, Arc::new(users), allowed).unwrap())
    }

    /// Lets both sides talk until one is content or not; the user, if the server believes it and the client the server.
    fn talk(server: &Arc<SaslServer>, offered: &str, user: &str, password: &str) -> Option<String> {
        let credentials = Credentials { user: user.into(), password: password.into() };
        let mut client = ClientExchange::choose(offered, true, &credentials)?;
        let mut exchange = Exchange::new(Arc::clone(server), true);
        exchange.offer()?;
        let first = client.step(None).ok()?;
        let mut progress = exchange.start(client.mechanism().name(), first.as_deref());
        for _ in 0..5 {
            match progress {
                Progress::More(data) => {
                    let answer = client.step(data.as_deref()).ok()?;
                    progress = exchange.step(answer.as_deref());
                }
                Progress::Done(data, user) => {
                    if !client.is_complete() {
                        client.step(data.as_deref()).ok()?;
                    }
                    return client.is_complete().then_some(user);
                }
                Progress::Failed => return None,
            }
        }
        None
    }

    #[test]
    fn the_right_password_and_nothing_else() {
        let rows = [
            ("ann", "secret", None, true),
            ("ann", "Secret", None, false),
            ("bob", "secret", None, false),
            ("ann", "secret", Some("a*"), true),
            ("ann", "secret", Some("b*"), false),
        ];
        for (user, password, allowed, right) in rows {
            for offered in ["SCRAM-SHA-256", "PLAIN", "GSSAPI PLAIN,SCRAM-SHA-256"] {
                let who = talk(&server(allowed), offered, user, password);
                assert_eq!(who, right.then(|| user.to_owned()), "{offered} {user} {password}");
            }
        }
        assert_eq!(talk(&server(None), "DIGEST-MD5", "ann", "secret"), None);
    }

    #[test]
    fn steps_have_their_order() {
        let mut exchange = Exchange::new(server(None), true);
        assert_eq!(exchange.start("PLAIN", Some(b"\0ann\0secret")), Progress::Failed, "not offered yet");
        assert_eq!(exchange.step(Some(b"\0ann\0secret")), Progress::Failed);
        assert_eq!(exchange.offer().as_deref(), Some("SCRAM-SHA-256,PLAIN"));
        assert_eq!(exchange.offer(), None, "once only");
        assert_eq!(exchange.start("ANONYMOUS", None), Progress::Failed);
        exchange.offer().unwrap();
        assert_eq!(exchange.start("PLAIN", None), Progress::More(Some(vec![])));
        assert_eq!(exchange.step(Some(b"\0ann\0secret")), Progress::Done(None, "ann".into()));
    }

    #[test]
    fn nothing_is_told_where_others_hear_it() {
        assert_eq!(Exchange::new(server(None), false).offer(), None);
        let credentials = Credentials { user: "ann".into(), password: "secret".into() };
        assert!(ClientExchange::choose("PLAIN", false, &credentials).is_none());
    }

    #[test]
    fn messages_cut_short_are_refused() {
        const BEGIN: &[u8] = b"n,,n=ann,r=abc";
        let begun = |data: &[u8]| {
            let mut exchange = Exchange::new(server(None), true);
            exchange.offer().unwrap();
            (exchange.start("SCRAM-SHA-256", Some(data)), exchange)
        };
        for data in ["n,,n=ann,r=abc", "y,a=ann,n=ann,r=abc"] {
            assert!(is_scram(Turn::First, data.as_bytes()), "{data}");
        }
        for data in ["c=biws", "v=abc", "r=abc,s=,i=1"] {
            assert!(is_scram(Turn::Later, data.as_bytes()), "{data}");
        }
        for data in ["", "c", "c=biws,", "c=biws,r", "n", "n,a,n=ann,r=abc", "n,,", "n,,n", "r=abc,,i=1"] {
            assert_eq!(begun(data.as_bytes()).0, Progress::Failed, "{data}");
            assert!(!is_scram(Turn::Later, data.as_bytes()), "{data}");
            assert_eq!(begun(BEGIN).1.step(Some(data.as_bytes())), Progress::Failed, "{data}");
        }
        // The header that begins the first message begins no later one.
        assert_eq!(begun(BEGIN).1.step(Some(BEGIN)), Progress::Failed);
    }

    #[test]
    fn nobody_acts_for_somebody_else() {
        let mut exchange = Exchange::new(server(None), true);
        exchange.offer().unwrap();
        assert_eq!(exchange.start("PLAIN", Some(b"root\0ann\0secret")), Progress::Failed);
    }
}
