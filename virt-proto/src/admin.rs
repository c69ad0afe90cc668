// tidy: table
//! The program `admin`: the daemon itself, on a socket of its own.

use virt_types::TypedParams;

use crate::table::procedures;
use crate::xdr::xdr_struct;
use crate::{Program, Row, table::in_order};

/// The program.
pub static PROGRAM: Program = Program { name: "admin", number: 0x0690_0690, version: 1, rows: || &IN_ORDER };

static IN_ORDER: [&Row; 20] = in_order(&[ROWS]);

/// Servers of a daemon.
pub const SERVER_LIST_MAX: u32 = 16384;

/// Parameters of a thread pool.
pub const SERVER_THREADPOOL_PARAMETERS_MAX: u32 = 32;

/// Clients of a server.
pub const CLIENT_LIST_MAX: u32 = 16384;

/// Facts about a client.
pub const CLIENT_INFO_PARAMETERS_MAX: u32 = 64;

/// Limits of clients.
pub const SERVER_CLIENT_LIMITS_MAX: u32 = 32;

xdr_struct! {
    /// A server of the daemon.
    Server { name: String }

    /// A client of a server.
    Client { srv: Server, id: u64, timestamp: i64, transport: u32 }
}

procedures! { PROGRAM:
    /// Opens the connection to a daemon's administration.
    1 ConnectOpen "virAdmConnectOpen" {
        args ConnectOpenArgs { flags: u32 }
        since "3.6.0"
    }

    /// Closes it.
    2 ConnectClose "virAdmConnectClose" {
        since "3.6.0"
    }

    /// The daemon's version, as major * 1000000 + minor * 1000 + release.
    3 ConnectGetLibVersion "virAdmConnectGetLibVersion" {
        reply ConnectGetLibVersionRet { lib_ver: u64 }
        since "3.6.0"
    }

    /// The daemon's servers, or how many there are.
    4 ConnectListServers "virAdmConnectListServers" {
        args ConnectListServersArgs { need_results: u32, flags: u32 }
        reply ConnectListServersRet { servers: Vec<Server>[SERVER_LIST_MAX], ret: u32 }
        since "3.6.0"
    }

    /// Finds a server by its name.
    5 ConnectLookupServer "virAdmConnectLookupServer" {
        args ConnectLookupServerArgs { name: String, flags: u32 }
        reply ConnectLookupServerRet { srv: Server }
        since "3.6.0"
    }

    /// Size and use of a server's thread pool.
    6 ServerGetThreadpoolParameters "virAdmServerGetThreadPoolParameters" {
        args ServerGetThreadpoolParametersArgs { srv: Server, flags: u32 }
        reply ServerGetThreadpoolParametersRet { params: TypedParams[SERVER_THREADPOOL_PARAMETERS_MAX] }
        since "3.6.0"
    }

    /// Sets the size of a server's thread pool.
    7 ServerSetThreadpoolParameters "virAdmServerSetThreadPoolParameters" {
        args ServerSetThreadpoolParametersArgs {
            srv: Server, params: TypedParams[SERVER_THREADPOOL_PARAMETERS_MAX], flags: u32,
        }
        since "3.6.0"
    }

    /// The clients of a server, or how many there are.
    8 ServerListClients "virAdmServerListClients" {
        args ServerListClientsArgs { srv: Server, need_results: u32, flags: u32 }
        reply ServerListClientsRet { clients: Vec<Client>[CLIENT_LIST_MAX], ret: u32 }
        since "3.6.0"
    }

    /// Finds a client by its number.
    9 ServerLookupClient "virAdmServerLookupClient" {
        args ServerLookupClientArgs { srv: Server, id: u64, flags: u32 }
        reply ServerLookupClientRet { clnt: Client }
        since "3.6.0"
    }

    /// Who a client is.
    10 ClientGetInfo "virAdmClientGetInfo" {
        args ClientGetInfoArgs { clnt: Client, flags: u32 }
        reply ClientGetInfoRet { params: TypedParams[CLIENT_INFO_PARAMETERS_MAX] }
        since "3.6.0"
    }

    /// Closes the connection of a client.
    11 ClientClose "virAdmClientClose" {
        args ClientCloseArgs { clnt: Client, flags: u32 }
        since "3.6.0"
    }

    /// How many clients a server takes, and how many there are.
    12 ServerGetClientLimits "virAdmServerGetClientLimits" {
        args ServerGetClientLimitsArgs { srv: Server, flags: u32 }
        reply ServerGetClientLimitsRet { params: TypedParams[SERVER_CLIENT_LIMITS_MAX] }
        since "3.6.0"
    }

    /// Sets how many clients a server takes.
    13 ServerSetClientLimits "virAdmServerSetClientLimits" {
        args ServerSetClientLimitsArgs {
            srv: Server, params: TypedParams[SERVER_CLIENT_LIMITS_MAX], flags: u32,
        }
        since "3.6.0"
    }

    /// Where the daemon's log goes.
    14 ConnectGetLoggingOutputs "virAdmConnectGetLoggingOutputs" {
        args ConnectGetLoggingOutputsArgs { flags: u32 }
        reply ConnectGetLoggingOutputsRet { outputs: String, noutputs: u32 }
        since "3.6.0"
    }

    /// What goes into the daemon's log.
    15 ConnectGetLoggingFilters "virAdmConnectGetLoggingFilters" {
        args ConnectGetLoggingFiltersArgs { flags: u32 }
        reply ConnectGetLoggingFiltersRet { filters: Option<String>, nfilters: u32 }
        since "3.6.0"
    }

    /// Sets where the daemon's log goes.
    16 ConnectSetLoggingOutputs "virAdmConnectSetLoggingOutputs" {
        args ConnectSetLoggingOutputsArgs { outputs: Option<String>, flags: u32 }
        since "3.6.0"
    }

    /// Sets what goes into the daemon's log.
    17 ConnectSetLoggingFilters "virAdmConnectSetLoggingFilters" {
        args ConnectSetLoggingFiltersArgs { filters: Option<String>, flags: u32 }
        since "3.6.0"
    }

    /// Has a server read its certificates again.
    18 ServerUpdateTlsFiles "virAdmServerUpdateTlsFiles" {
        args ServerUpdateTlsFilesArgs { srv: Server, flags: u32 }
        since "6.6.0"
    }

    /// Sets after how many idle seconds the daemon ends.
    19 ConnectSetDaemonTimeout "virAdmConnectSetDaemonTimeout" {
        args ConnectSetDaemonTimeoutArgs { timeout: u32, flags: u32 }
        since "9.0.0"
    }

    /// Asks the daemon to end.
    20 ConnectDaemonShutdown "virAdmConnectDaemonShutdown" {
        args ConnectDaemonShutdownArgs { flags: u32 }
        since "11.3.0"
    }
}
