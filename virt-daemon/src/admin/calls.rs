//! From a procedure's number to what answers it.

use virt_proto::admin as proto;
use virt_proto::{Procedure, xdr};
use virt_rpc::server::Reply;
use virt_types::{Error, ErrorCode, ErrorDomain, Result};

use super::{Daemon, clients, logging, servers};

type Run = fn(&Daemon, &[u8]) -> Result<Vec<u8>>;

/// A row: the procedure's number, and the function that decodes, runs and encodes.
macro_rules! rows {
    ($($procedure:ident => $run:path,)+) => {
        &[$((proto::$procedure::ROW.number, |daemon, payload| {
            typed::<proto::$procedure>(daemon, payload, $run)
        }),)+]
    };
}

const CALLS: &[(i32, Run)] = rows! {
    ConnectOpen => connect_open,
    ConnectClose => connect_close,
    ConnectGetLibVersion => lib_version,
    ConnectListServers => servers::list,
    ConnectLookupServer => servers::look_up,
    ServerGetThreadpoolParameters => servers::threadpool,
    ServerSetThreadpoolParameters => servers::set_threadpool,
    ServerGetClientLimits => servers::client_limits,
    ServerSetClientLimits => servers::set_client_limits,
    ServerUpdateTlsFiles => servers::update_tls_files,
    ServerListClients => clients::list,
    ServerLookupClient => clients::look_up,
    ClientGetInfo => clients::info,
    ClientClose => clients::close,
    ConnectGetLoggingOutputs => logging::outputs,
    ConnectGetLoggingFilters => logging::filters,
    ConnectSetLoggingOutputs => logging::set_outputs,
    ConnectSetLoggingFilters => logging::set_filters,
    ConnectSetDaemonTimeout => set_timeout,
    ConnectDaemonShutdown => shut_down,
};

/// Answers a call.
pub(super) fn answer(daemon: &Daemon, procedure: i32, payload: &[u8]) -> Result<Reply> {
    let (_, run) = CALLS
        .iter()
        .find(|(number, _)| *number == procedure)
        .ok_or_else(|| Error::no_support("the procedure"))?;
    let then_close = procedure == proto::ConnectClose::ROW.number;
    Ok(Reply { then_close, ..Reply::new(run(daemon, payload)?) })
}

fn typed<P: Procedure>(
    daemon: &Daemon,
    payload: &[u8],
    run: fn(&Daemon, &P::Args) -> Result<P::Reply>,
) -> Result<Vec<u8>> {
    let reply = run(daemon, &xdr::decode(payload)?)?;
    Ok(xdr::encode(&reply)?)
}

/// Refuses flags: no call of this program has any.
pub(super) fn no_flags(flags: u32, function: &str) -> Result<()> {
    if flags == 0 {
        return Ok(());
    }
    let detail = format!("unsupported flags (0x{flags:x}) in function {function}");
    Err(Error::new(ErrorCode::InvalidArg, ErrorDomain::Admin, detail).verbatim())
}

fn connect_open(_: &Daemon, args: &proto::ConnectOpenArgs) -> Result<()> {
    no_flags(args.flags, "adminDispatchConnectOpen")
}

fn connect_close(_: &Daemon, (): &()) -> Result<()> {
    Ok(())
}

fn lib_version(_: &Daemon, (): &()) -> Result<proto::ConnectGetLibVersionRet> {
    Ok(proto::ConnectGetLibVersionRet { lib_ver: virt_qemu::driver::API_VERSION })
}

fn set_timeout(daemon: &Daemon, args: &proto::ConnectSetDaemonTimeoutArgs) -> Result<()> {
    no_flags(args.flags, "adminConnectSetDaemonTimeout")?;
    daemon.wishes.timeout.send_replace(args.timeout);
    Ok(())
}

fn shut_down(daemon: &Daemon, args: &proto::ConnectDaemonShutdownArgs) -> Result<()> {
    no_flags(args.flags, "adminConnectDaemonShutdown")?;
    daemon.wishes.end.send_replace(true);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_procedure_of_the_program_is_answered() {
        for row in proto::PROGRAM.rows() {
            assert_eq!(CALLS.iter().filter(|(number, _)| *number == row.number).count(), 1, "{row:?}");
        }
        assert_eq!(CALLS.len(), proto::PROGRAM.rows().len());
    }
}
