//! The smallest server that stock clients can open: `version_server SOCKET` answers the handshake and the library's
//! version, and nothing else. With `load` it shows what the engine costs without a driver behind it.
#![allow(clippy::print_stderr)]

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use virt_proto::{Procedure, remote, xdr};
use virt_rpc::Auth;
use virt_rpc::server::{
    Answer, Call, Client, Limits, Listener, ListenerSettings, LookUp, Priority, Reply, Server, Service,
    Session,
};

struct Versions;

const OPEN: i32 = remote::ConnectOpen::ROW.number;
const CLOSE: i32 = remote::ConnectClose::ROW.number;
const FEATURE: i32 = remote::ConnectSupportsFeature::ROW.number;
const LIB_VERSION: i32 = remote::ConnectGetLibVersion::ROW.number;

impl Service for Versions {
    fn open(&self, _: &Client) -> Arc<dyn Session> {
        Arc::new(Self)
    }
}

impl Session for Versions {
    fn look_up(&self, program: u32, version: u32, procedure: i32) -> LookUp {
        if (program, version) != (remote::PROGRAM.number, remote::PROGRAM.version) {
            return LookUp::NoProgram;
        }
        match procedure {
            OPEN | CLOSE | FEATURE | LIB_VERSION => LookUp::Procedure(Priority::High),
            _ => LookUp::NoProcedure,
        }
    }

    fn call(&self, call: Call<'_>) -> Answer {
        let payload = match call.procedure {
            FEATURE => xdr::encode(&remote::ConnectSupportsFeatureRet { supported: 0 }),
            LIB_VERSION => xdr::encode(&remote::ConnectGetLibVersionRet { lib_ver: 9_000_000 }),
            _ => Ok(Vec::new()),
        };
        let then_close = call.procedure == CLOSE;
        Answer::Now(
            payload.map(|payload| Reply { payload, then_close, ..Reply::default() }).map_err(Into::into),
        )
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    env_logger::init();
    let path = std::env::args().nth(1).ok_or("usage: version_server SOCKET")?;
    let limits = Limits { clients: 20_000, ..Limits::default() };
    let server = Server::new("version", Arc::new(Versions), limits, None);
    let listener = Listener::unix(virt_sys::unix::bind_stale(Path::new(&path), 0o600)?)?;
    server.listen(listener, ListenerSettings { read_only: false, auth: Auth::None });
    tokio::signal::ctrl_c().await?;
    server.shut_down(std::time::Duration::from_secs(5)).await;
    Ok(())
}
