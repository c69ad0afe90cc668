//! Calls about clients.

use std::time::UNIX_EPOCH;

use virt_proto::admin as proto;
use virt_rpc::server::Client;
use virt_sys::user::Accounts;
use virt_types::{Error, ErrorCode, ErrorDomain, Result, TypedParams};

use super::calls::no_flags;
use super::{Daemon, Served};

fn wire(server: &str, client: &Client) -> proto::Client {
    let since = client.since().duration_since(UNIX_EPOCH).unwrap_or_default();
    proto::Client {
        srv: proto::Server { name: server.to_owned() },
        id: client.id(),
        timestamp: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        transport: client.transport().number().unsigned_abs(),
    }
}

fn client(served: &Served, id: u64) -> Result<Client> {
    served.server.client(id).ok_or_else(|| {
        Error::new(ErrorCode::NoClient, ErrorDomain::Rpc, format!("No client with matching ID '{id}'"))
    })
}

fn named(daemon: &Daemon, named: &proto::Client) -> Result<Client> {
    client(&daemon.server(&named.srv.name)?, named.id)
}

pub(super) fn list(
    daemon: &Daemon,
    args: &proto::ServerListClientsArgs,
) -> Result<proto::ServerListClientsRet> {
    no_flags(args.flags, "adminServerListClients")?;
    let clients = daemon.server(&args.srv.name)?.server.clients();
    let listed = match args.need_results {
        0 => Vec::new(),
        _ => clients.iter().map(|client| wire(&args.srv.name, client)).collect(),
    };
    Ok(proto::ServerListClientsRet { clients: listed, ret: u32::try_from(clients.len()).unwrap_or(u32::MAX) })
}

pub(super) fn look_up(
    daemon: &Daemon,
    args: &proto::ServerLookupClientArgs,
) -> Result<proto::ServerLookupClientRet> {
    no_flags(args.flags, "adminServerLookupClient")?;
    let client = client(&daemon.server(&args.srv.name)?, args.id)?;
    Ok(proto::ServerLookupClientRet { clnt: wire(&args.srv.name, &client) })
}

pub(super) fn info(daemon: &Daemon, args: &proto::ClientGetInfoArgs) -> Result<proto::ClientGetInfoRet> {
    no_flags(args.flags, "adminClientGetInfo")?;
    let client = named(daemon, &args.clnt)?;
    let identity = client.identity();
    let mut params = TypedParams::new();
    params.push("readonly", client.is_read_only());
    if let Some(user) = identity.sasl_user {
        params.push("sasl_user_name", user);
    }
    match identity.peer {
        Some(peer) => {
            let accounts = Accounts::load().unwrap_or_default();
            // The protocol has signed numbers for them.
            params.push("unix_user_id", peer.uid.cast_signed());
            if let Some(user) = accounts.user_by_id(peer.uid) {
                params.push("unix_user_name", user.name.clone());
            }
            params.push("unix_group_id", peer.gid.cast_signed());
            if let Some(group) = accounts.group_by_id(peer.gid) {
                params.push("unix_group_name", group.name.clone());
            }
            params.push("unix_process_id", peer.pid);
        }
        None => {
            params.push("sock_addr", client.address().to_owned());
            if let Some(name) = identity.x509_dname {
                params.push("tls_x509_dname", name);
            }
        }
    }
    Ok(proto::ClientGetInfoRet { params })
}

pub(super) fn close(daemon: &Daemon, args: &proto::ClientCloseArgs) -> Result<()> {
    no_flags(args.flags, "adminClientClose")?;
    named(daemon, &args.clnt)?.close();
    Ok(())
}
