//! A client's session with a driver: what it opened, what it may do.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Context;

use virt_driver::{BoxFuture, Connection, Hypervisor, Nothing};
use virt_proto::remote::{
    ConnectOpenArgs, ConnectSetIdentityArgs, ConnectSupportsFeature, ConnectSupportsFeatureArgs,
    ConnectSupportsFeatureRet,
};
use virt_proto::{Direction, Procedure, Row, When};
use virt_types::{Error, ErrorCode, ErrorDomain, Result, TypedParam, TypedValue};

use super::events::Events;
use super::{Begun, Incoming, encode, error_domain, handler};
use crate::identity::Identity;
use crate::server::{Answer, Call, Client, LookUp, Priority, Reply, Service, Session};

/// Opens connections to drivers for clients.
pub trait Opener: Send + Sync {
    /// Opens the driver that the URI names; an empty one names the default.
    ///
    /// The server itself refuses what a read-only client may not do.
    fn open<'a>(
        &'a self,
        uri: &'a str,
        read_only: bool,
        identity: &'a Identity,
    ) -> BoxFuture<'a, Result<Arc<dyn Connection>>>;
}

/// Serves the programs `remote`, `qemu` and `lxc` with the drivers of an [`Opener`].
pub struct HypervisorService {
    opener: Arc<dyn Opener>,
}

impl HypervisorService {
    /// A service whose clients reach what the opener opens.
    #[must_use]
    pub fn new(opener: Arc<dyn Opener>) -> Self {
        Self { opener }
    }
}

impl std::fmt::Debug for HypervisorService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HypervisorService").finish_non_exhaustive()
    }
}

impl Service for HypervisorService {
    fn open(&self, client: &Client) -> Arc<dyn Session> {
        Arc::new(HypervisorSession(Arc::new(Core {
            client: client.clone(),
            opener: Arc::clone(&self.opener),
            stage: Mutex::new(Stage::New),
            events: Events::default(),
        })))
    }
}

struct HypervisorSession(Arc<Core>);

/// What the calls of a client share.
pub(super) struct Core {
    pub(super) client: Client,
    opener: Arc<dyn Opener>,
    stage: Mutex<Stage>,
    pub(super) events: Events,
}

enum Stage {
    New,
    Opening,
    Open(Arc<dyn Connection>),
    Closed,
}

impl Session for HypervisorSession {
    fn look_up(&self, program: u32, version: u32, procedure: i32) -> LookUp {
        let Some(known) = virt_proto::program(program) else { return LookUp::NoProgram };
        if known.version != version || !matches!(known.name, "remote" | "qemu" | "lxc") {
            return LookUp::NoProgram;
        }
        match known.row(procedure) {
            Some(row) if row.direction == Direction::Call && handler(program, procedure).is_some() => {
                LookUp::Procedure(match row.priority {
                    virt_proto::Priority::High => Priority::High,
                    virt_proto::Priority::Low => Priority::Low,
                })
            }
            _ => LookUp::NoProcedure,
        }
    }

    fn call(&self, mut call: Call<'_>) -> Answer {
        let Some(handler) = handler(call.program, call.procedure) else {
            let text = format!("unknown procedure: {}", call.procedure);
            return Answer::Now(Err(Error::new(ErrorCode::Rpc, ErrorDomain::Rpc, text)));
        };
        let row = handler.row;
        match (handler.begin)(&self.0, &mut call) {
            Ok(future) => {
                Answer::Later(Box::pin(async move { future.await.map_err(|error| named(row, error)) }))
            }
            Err(error) => Answer::Now(Err(named(row, error))),
        }
    }

    fn poll_events(&self, context: &mut Context<'_>) {
        self.0.events.poll(&self.0.client, context);
    }

    fn closed(&self) {
        self.0.events.end();
        let stage = std::mem::replace(&mut *self.0.stage(), Stage::Closed);
        if let Stage::Open(connection) = stage {
            tokio::spawn(async move { connection.close().await });
        }
    }
}

/// What a driver lacks is told by the name of the call that the client made, not by that of the method behind it.
fn named(row: &Row, error: Error) -> Error {
    if error.code() == ErrorCode::NoSupport
        && error.domain() == ErrorDomain::None
        && error.detail().starts_with("vir")
    {
        return Error::new(ErrorCode::NoSupport, error_domain(row), row.label());
    }
    error
}

impl Core {
    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The driver that the client opened.
    pub(super) fn connection(&self, group: &str) -> Result<Arc<dyn Connection>> {
        if let Stage::Open(connection) = &*self.stage() {
            return Ok(Arc::clone(connection));
        }
        let kind = match group {
            "networks" => "network",
            "storage_pools" => "storage",
            "node_devices" => "nodedev",
            "secrets" => "secret",
            "nwfilters" => "nwfilter",
            "interfaces" => "interface",
            _ => "hypervisor",
        };
        Err(internal(format!("{kind} connection not open")))
    }

    /// Refuses a call that changes something if the client may only look. The payload is one that was decoded.
    pub(super) fn may_write<P: Procedure>(&self, payload: &[u8]) -> Result<()> {
        if !self.client.is_read_only() {
            return Ok(());
        }
        let row = P::ROW;
        // Flags come last in the arguments, and before them the only other argument that permissions depend on.
        let conditional = row.access.iter().any(|access| access.when != When::Always);
        let canonical = if conditional { row.args.recode(payload)?? } else { Vec::new() };
        let word = |from_end: usize| {
            let at = canonical.len().checked_sub(4 * from_end)?;
            canonical.get(at..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
        };
        let needs = |flags| row.needs_write(flags, |_| word(2));
        if !needs(word(1).unwrap_or(0)) {
            return Ok(());
        }
        let call = row.label();
        let detail = if call.ends_with("XMLDesc") && !needs(0) {
            format!("{call} with secure flag")
        } else {
            format!("read only access prevents {call}")
        };
        Err(Error::new(ErrorCode::OperationDenied, error_domain(row), detail))
    }
}

fn internal(text: impl Into<String>) -> Error {
    Error::new(ErrorCode::InternalError, ErrorDomain::Rpc, text)
}

/// The bit of the opening flags with which a client gives up the right to change anything (`VIR_CONNECT_RO`).
const READ_ONLY: u32 = 1;

pub(super) fn open(session: &Arc<Core>, call: &mut Incoming<'_>) -> Begun {
    let ConnectOpenArgs { name, flags } = virt_proto::xdr::decode(call.payload)?;
    let session = Arc::clone(session);
    {
        let mut stage = session.stage();
        if !matches!(*stage, Stage::New) {
            return Err(internal("connection already open"));
        }
        *stage = Stage::Opening;
    }
    Ok(Box::pin(async move {
        if flags & READ_ONLY != 0 {
            session.client.set_read_only();
        }
        let opener = Arc::clone(&session.opener);
        let identity = session.client.identity();
        let uri = name.unwrap_or_default();
        let opened = opener.open(&uri, session.client.is_read_only(), &identity).await;
        let late = {
            let mut stage = session.stage();
            match (opened, &*stage) {
                // The client left while the driver opened.
                (Ok(connection), Stage::Closed) => Some(connection),
                (Ok(connection), _) => {
                    *stage = Stage::Open(connection);
                    None
                }
                (Err(error), _) => {
                    if matches!(*stage, Stage::Opening) {
                        *stage = Stage::New;
                    }
                    return Err(error);
                }
            }
        };
        if let Some(connection) = late {
            connection.close().await;
        }
        Ok(Reply::default())
    }))
}

pub(super) fn close(session: &Arc<Core>, _: &mut Incoming<'_>) -> Begun {
    let session = Arc::clone(session);
    Ok(Box::pin(async move {
        session.events.end();
        let stage = std::mem::replace(&mut *session.stage(), Stage::Closed);
        if let Stage::Open(connection) = stage {
            connection.close().await;
        }
        Ok(Reply { then_close: true, ..Reply::default() })
    }))
}

/// Features that the server itself has, or that say how it speaks (`VIR_DRV_FEATURE_…`).
pub(super) mod feature {
    /// Descriptors can be passed.
    pub(in crate::bind) const FD_PASSING: i32 = 8;
    /// Typed parameters may be strings.
    pub(in crate::bind) const TYPED_PARAM_STRING: i32 = 9;
    /// Keepalive is answered.
    pub(in crate::bind) const KEEPALIVE: i32 = 10;
    /// Events come with the number of their registration.
    pub(in crate::bind) const EVENT_CALLBACK: i32 = 14;
    /// The end of a connection behind the server is told.
    pub(in crate::bind) const CLOSE_CALLBACK: i32 = 15;
    /// Updates of networks have their arguments in the documented order.
    pub(in crate::bind) const NETWORK_UPDATE_ORDER: i32 = 16;
}

pub(super) fn supports_feature(session: &Arc<Core>, call: &mut Incoming<'_>) -> Begun {
    let ConnectSupportsFeatureArgs { feature } = virt_proto::xdr::decode(call.payload)?;
    let connection = match feature {
        // Clients ask for this one before they open anything.
        feature::KEEPALIVE => {
            session.client.start_keepalive();
            None
        }
        _ => Some(session.connection("hypervisor").map_err(|_| internal("connection not open"))?),
    };
    Ok(Box::pin(async move {
        let supported = match (feature, connection) {
            (feature::FD_PASSING | feature::EVENT_CALLBACK | feature::CLOSE_CALLBACK, _) | (_, None) => true,
            (_, Some(connection)) => {
                let hypervisor: &dyn Hypervisor = connection.hypervisor().unwrap_or(&Nothing);
                let answer = hypervisor.supports_feature(feature).await;
                match answer {
                    Err(error) if error.code() == ErrorCode::NoSupport => {
                        matches!(feature, feature::TYPED_PARAM_STRING | feature::NETWORK_UPDATE_ORDER)
                    }
                    answer => answer?,
                }
            }
        };
        encode::<ConnectSupportsFeature>(&ConnectSupportsFeatureRet { supported: supported.into() })
    }))
}

/// What an identity may consist of, and whether each is text or a number.
const IDENTITY: &[(&str, bool)] = &[
    ("user-name", true),
    ("unix-user-id", false),
    ("group-name", true),
    ("unix-group-id", false),
    ("process-id", false),
    ("process-time", false),
    ("sasl-user-name", true),
    ("x509-distinguished-name", true),
    ("selinux-context", true),
];

/// A client that acts for another one says for whom. What it may do stays what its own connection allows; the log tells
/// who it was.
pub(super) fn set_identity(session: &Arc<Core>, call: &mut Incoming<'_>) -> Begun {
    session.connection("hypervisor")?;
    let ConnectSetIdentityArgs { params, flags } = virt_proto::xdr::decode(call.payload)?;
    super::no_flags(&(), flags, "virConnectSetIdentity")?;
    for TypedParam { field, value } in &params.0 {
        let refuse = |text: String| Error::new(ErrorCode::InvalidArg, ErrorDomain::None, text);
        let Some((_, is_text)) = IDENTITY.iter().find(|(name, _)| name == field) else {
            return Err(refuse(format!("parameter '{field}' not supported")));
        };
        if matches!(value, TypedValue::String(_)) != *is_text {
            return Err(refuse(format!("invalid type for parameter '{field}'")));
        }
    }
    let said: Vec<_> = params.0.iter().map(|param| format!("{}={:?}", param.field, param.value)).collect();
    log::info!("client {} acts for {}", session.client.id(), said.join(", "));
    Ok(Box::pin(std::future::ready(Ok(Reply::default()))))
}
