//! The program `admin`: the daemon itself, as virt-admin sees and changes it.

mod calls;
mod clients;
mod logging;
mod servers;
mod typed;
mod work;

use std::sync::Arc;

use tokio::sync::watch;
use virt_proto::admin::PROGRAM;
use virt_rpc::server::{Answer, Call, Client, LookUp, Priority, Server, Service, Session};
use virt_types::{Error, ErrorCode, ErrorDomain, Result};

pub use work::{Bounds, Counted, Presence, Work};

use crate::logging::Logging;

/// What the daemon is asked to become, besides what it serves.
#[derive(Debug)]
pub struct Wishes {
    /// After how many idle seconds it ends; 0 for never.
    pub timeout: watch::Sender<u32>,
    /// Whether it is to end.
    pub end: watch::Sender<bool>,
}

impl Wishes {
    /// To run until it was idle for so many seconds.
    #[must_use]
    pub fn new(timeout: u32) -> Self {
        Self { timeout: watch::Sender::new(timeout), end: watch::Sender::new(false) }
    }
}

/// A server of the daemon, and what is known of its calls.
#[derive(Debug, Clone)]
pub struct Served {
    /// The server.
    pub server: Server,
    /// Its calls.
    pub work: Arc<Work>,
    /// How its certificates are read anew, if it has any.
    pub certificates: Option<Certificates>,
}

/// Reads a server's certificates anew.
#[derive(Clone)]
pub struct Certificates(pub Arc<dyn Fn() -> Result<()> + Send + Sync>);

impl std::fmt::Debug for Certificates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Certificates")
    }
}

/// The service of administrators.
#[derive(Debug)]
pub struct AdminService {
    daemon: Arc<Daemon>,
}

/// What administrators see and change.
#[derive(Debug)]
pub(crate) struct Daemon {
    servers: watch::Receiver<Vec<Served>>,
    logging: &'static Logging,
    wishes: Arc<Wishes>,
}

impl AdminService {
    /// The service over these servers, of which it is one itself and which therefore come later.
    #[must_use]
    pub fn new(
        servers: watch::Receiver<Vec<Served>>,
        logging: &'static Logging,
        wishes: Arc<Wishes>,
    ) -> Self {
        Self { daemon: Arc::new(Daemon { servers, logging, wishes }) }
    }
}

impl Service for AdminService {
    /// Only the daemon's own user administers it, whatever the socket's permissions say.
    fn open(&self, client: &Client) -> Arc<dyn Session> {
        let user = client.identity().peer.map(|peer| peer.uid);
        if user == Some(virt_sys::user::effective_uid()) {
            return Arc::new(AdminSession { daemon: Arc::clone(&self.daemon) });
        }
        log::warn!("a client of user {} may not administer the daemon", user.unwrap_or(u32::MAX));
        client.close();
        Arc::new(Stranger)
    }
}

struct AdminSession {
    daemon: Arc<Daemon>,
}

impl Session for AdminSession {
    fn look_up(&self, program: u32, version: u32, procedure: i32) -> LookUp {
        if (program, version) != (PROGRAM.number, PROGRAM.version) {
            return LookUp::NoProgram;
        }
        match PROGRAM.row(procedure) {
            Some(_) => LookUp::Procedure(Priority::Low),
            None => LookUp::NoProcedure,
        }
    }

    fn call(&self, call: Call<'_>) -> Answer {
        Answer::Now(calls::answer(&self.daemon, call.procedure, call.payload))
    }
}

/// Who has no business here.
struct Stranger;

impl Session for Stranger {
    fn look_up(&self, _: u32, _: u32, _: i32) -> LookUp {
        LookUp::NoProgram
    }

    fn call(&self, _: Call<'_>) -> Answer {
        Answer::Now(Err(Error::new(ErrorCode::OperationDenied, ErrorDomain::Admin, "not the daemon's user")))
    }
}

impl Daemon {
    fn server(&self, name: &str) -> Result<Served> {
        let found = self.servers.borrow().iter().find(|served| served.server.name() == name).cloned();
        found.ok_or_else(|| {
            Error::new(ErrorCode::NoServer, ErrorDomain::Rpc, format!("No server named '{name}'"))
        })
    }
}
