//! Calls about servers.

use virt_proto::admin as proto;
use virt_types::{Error, ErrorCode, ErrorDomain, Result, TypedParams};

use super::calls::no_flags;
use super::typed::numbers;
use super::{Daemon, Served};

fn wire(served: &Served) -> proto::Server {
    proto::Server { name: served.server.name().to_owned() }
}

pub(super) fn list(
    daemon: &Daemon,
    args: &proto::ConnectListServersArgs,
) -> Result<proto::ConnectListServersRet> {
    no_flags(args.flags, "adminConnectListServers")?;
    let servers = daemon.servers.borrow();
    let listed = if args.need_results == 0 { Vec::new() } else { servers.iter().map(wire).collect() };
    Ok(proto::ConnectListServersRet {
        servers: listed,
        ret: u32::try_from(servers.len()).unwrap_or(u32::MAX),
    })
}

pub(super) fn look_up(
    daemon: &Daemon,
    args: &proto::ConnectLookupServerArgs,
) -> Result<proto::ConnectLookupServerRet> {
    no_flags(args.flags, "adminConnectLookupServer")?;
    Ok(proto::ConnectLookupServerRet { srv: wire(&daemon.server(&args.name)?) })
}

/// Calls run in tasks and none waits for a thread: the bounds are those that were set, a worker is a call in progress, and
/// the free ones are those that the lower bound would keep ready.
pub(super) fn threadpool(
    daemon: &Daemon,
    args: &proto::ServerGetThreadpoolParametersArgs,
) -> Result<proto::ServerGetThreadpoolParametersRet> {
    no_flags(args.flags, "adminServerGetThreadPoolParameters")?;
    let served = daemon.server(&args.srv.name)?;
    let (bounds, calls) = (served.work.bounds(), served.work.in_progress());
    let workers = calls.max(bounds.least);
    let mut params = TypedParams::new();
    params.push("minWorkers", bounds.least);
    params.push("maxWorkers", bounds.most);
    params.push("nWorkers", workers);
    params.push("freeWorkers", workers - calls);
    params.push("prioWorkers", bounds.priority);
    params.push("jobQueueDepth", 0_u32);
    Ok(proto::ServerGetThreadpoolParametersRet { params })
}

pub(super) fn set_threadpool(daemon: &Daemon, args: &proto::ServerSetThreadpoolParametersArgs) -> Result<()> {
    no_flags(args.flags, "adminServerSetThreadPoolParameters")?;
    let served = daemon.server(&args.srv.name)?;
    let [least, most, priority] = numbers(&args.params, ["minWorkers", "maxWorkers", "prioWorkers"])?;
    let refuse = |detail: &str| Err(Error::new(ErrorCode::InvalidArg, ErrorDomain::None, detail));
    let mut bounds = served.work.bounds();
    if least.unwrap_or(bounds.least) > most.unwrap_or(bounds.most) {
        return refuse("minWorkers cannot be larger than maxWorkers");
    }
    if most.is_some_and(|most| (most == 0) != (bounds.most == 0)) {
        return refuse("maxWorkers must not be switched from zero to non-zero and vice versa");
    }
    bounds.least = least.unwrap_or(bounds.least);
    bounds.most = most.unwrap_or(bounds.most);
    bounds.priority = priority.unwrap_or(bounds.priority);
    served.work.set_bounds(bounds);
    Ok(())
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

pub(super) fn client_limits(
    daemon: &Daemon,
    args: &proto::ServerGetClientLimitsArgs,
) -> Result<proto::ServerGetClientLimitsRet> {
    no_flags(args.flags, "adminServerGetClientLimits")?;
    let served = daemon.server(&args.srv.name)?;
    let limits = served.server.limits();
    let (clients, unauthenticated) = served.server.client_counts();
    let mut params = TypedParams::new();
    params.push("nclients_max", count(limits.clients));
    params.push("nclients", count(clients));
    params.push("nclients_unauth_max", count(limits.unauthenticated));
    params.push("nclients_unauth", count(unauthenticated));
    Ok(proto::ServerGetClientLimitsRet { params })
}

pub(super) fn set_client_limits(daemon: &Daemon, args: &proto::ServerSetClientLimitsArgs) -> Result<()> {
    no_flags(args.flags, "adminServerSetClientLimits")?;
    let served = daemon.server(&args.srv.name)?;
    let [clients, unauthenticated] = numbers(&args.params, ["nclients_max", "nclients_unauth_max"])?;
    let mut limits = served.server.limits();
    let size = |number: Option<u32>, present| number.map_or(present, |number| number as usize);
    limits.clients = size(clients, limits.clients);
    limits.unauthenticated = size(unauthenticated, limits.unauthenticated);
    if limits.clients < limits.unauthenticated {
        let detail = "The overall maximum number of clients must not be less than the number of clients waiting for \
                      authentication";
        return Err(Error::new(ErrorCode::InvalidArg, ErrorDomain::Rpc, detail));
    }
    served.server.set_limits(limits);
    Ok(())
}

pub(super) fn update_tls_files(daemon: &Daemon, args: &proto::ServerUpdateTlsFilesArgs) -> Result<()> {
    no_flags(args.flags, "adminServerUpdateTlsFiles")?;
    let served = daemon.server(&args.srv.name)?;
    match &served.certificates {
        Some(certificates) => (certificates.0)(),
        None => {
            let detail = "no tls service found, unable to update tls files";
            Err(Error::new(ErrorCode::InternalError, ErrorDomain::Rpc, detail))
        }
    }
}
