//! The remote driver: the contract, implemented by asking a peer.

mod older;
mod routes;
mod subscribe;

use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use virt_driver::{
    BlockJobs, BoxFuture, ByteStream, Checkpoints, CloseReason, Connection, DomainJobs, DomainStatistics,
    DomainTuning, Domains, Guests, Hypervisor, Interfaces, Migration, Networks, NodeDevices, NwFilters,
    SavedStates, Secrets, Snapshots, StoragePools, Subscription,
};
use virt_proto::remote::*;
use virt_proto::{Procedure, Row};
use virt_types::{ErrorCode, Result};

use super::session::feature;
use crate::client::{Event, Request, Response, RpcClient};
use crate::keepalive;
use routes::Routes;

/// A connection to a driver at a peer, be it this project's server or libvirt's.
///
/// Clones are the same connection. It is closed when the last of them, and of its streams, is gone.
#[derive(Clone)]
pub struct RemoteConnection(Arc<Inner>);

struct Inner {
    rpc: RpcClient,
    uri: String,
    channel: Channel,
    routes: Mutex<Routes>,
}

/// What is known about the way to the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Channel {
    /// Nobody else can read what goes over it, since it does not leave the host.
    pub local: bool,
    /// What goes over it is encrypted.
    pub encrypted: bool,
}

impl RemoteConnection {
    /// Opens the driver `name` of a peer that lets this client in already.
    ///
    /// `uri` is what the connection is called here; `keepalive` says how the peer is pinged, if it can be.
    ///
    /// # Errors
    /// The peer's, and why the connection to it is over.
    pub async fn open(
        rpc: RpcClient,
        events: Subscription<Event>,
        uri: String,
        name: &str,
        read_only: bool,
        channel: Channel,
        keepalive: Option<keepalive::Settings>,
    ) -> Result<Self> {
        let inner = Arc::new(Inner { rpc, uri, channel, routes: Mutex::default() });
        tokio::spawn(routes::run(Arc::downgrade(&inner), events));
        let connection = Self(inner);
        if let Some(settings) = keepalive
            && connection.has_feature(feature::KEEPALIVE).await?
        {
            connection.0.rpc.start_keepalive(settings);
        }
        let args = ConnectOpenArgs { name: Some(name.to_owned()), flags: read_only.into() };
        connection.call::<ConnectOpen>(args).await?;
        Ok(connection)
    }

    /// Calls a procedure; where the peer is too old for it, the older one that does the same.
    pub(super) async fn call<P: Procedure>(&self, args: P::Args) -> Result<P::Reply> {
        let payload = virt_proto::xdr::encode(&args)?;
        let older = older::instead_of(P::ROW, &payload);
        match self.request(P::ROW, payload, Vec::new()).await {
            Ok(response) => Ok(virt_proto::xdr::decode_lossy(&response.payload)?),
            Err(error) => match older {
                Some((row, payload)) if error.code() == ErrorCode::NoSupport => {
                    let response = self.request(row, payload, Vec::new()).await?;
                    Ok(virt_proto::xdr::decode_lossy(&response.payload)?)
                }
                _ => Err(error),
            },
        }
    }

    /// Calls a procedure with which descriptors go and come.
    pub(super) async fn call_with_files<P: Procedure>(
        &self,
        args: P::Args,
        files: Vec<OwnedFd>,
    ) -> Result<(P::Reply, Vec<OwnedFd>)> {
        let payload = virt_proto::xdr::encode(&args)?;
        let response = self.request(P::ROW, payload, files).await?;
        Ok((virt_proto::xdr::decode_lossy(&response.payload)?, response.fds))
    }

    /// Calls a procedure that opens a stream.
    pub(super) async fn open_stream<P: Procedure>(
        &self,
        args: P::Args,
    ) -> Result<(P::Reply, Arc<dyn ByteStream>)> {
        let payload = virt_proto::xdr::encode(&args)?;
        let (response, stream) = self.0.rpc.call_with_stream(request(P::ROW, payload, Vec::new())).await?;
        Ok((virt_proto::xdr::decode_lossy(&response.payload)?, Arc::new(stream)))
    }

    async fn request(&self, row: &Row, payload: Vec<u8>, files: Vec<OwnedFd>) -> Result<Response> {
        self.0.rpc.call(request(row, payload, files)).await
    }

    async fn has_feature(&self, feature: i32) -> Result<bool> {
        let args = ConnectSupportsFeatureArgs { feature };
        match self.call::<ConnectSupportsFeature>(args).await {
            Ok(reply) => Ok(reply.supported != 0),
            Err(error) if error.code() == ErrorCode::NoSupport => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// What the connection is called here.
    #[must_use]
    pub fn uri(&self) -> &str {
        &self.0.uri
    }

    /// Whether the connection to the peer is there.
    pub(super) fn is_open(&self) -> bool {
        self.0.rpc.is_over().is_none()
    }

    pub(super) fn encrypts(&self) -> bool {
        self.0.channel.encrypted
    }

    pub(super) fn is_private(&self) -> bool {
        self.0.channel.local || self.0.channel.encrypted
    }

    /// Bytes of a map of the peer's CPUs.
    pub(super) async fn map_length(&self) -> Result<i32> {
        let args = NodeGetCpuMapArgs { need_map: 0, need_online: 0, flags: 0 };
        let cpus = match self.call::<NodeGetCpuMap>(args).await {
            Ok(reply) => i64::from(reply.ret),
            Err(error) if error.code() == ErrorCode::NoSupport => {
                let info = self.call::<NodeGetInfo>(()).await?;
                [info.nodes, info.sockets, info.cores, info.threads].into_iter().map(i64::from).product()
            }
            Err(error) => return Err(error),
        };
        Ok(i32::try_from(cpus.max(1).div_euclid(8) + i64::from(cpus.rem_euclid(8) != 0))
            .unwrap_or(i32::MAX)
            .max(1))
    }

    /// Tells when the connection ends, be it this one or the peer's own.
    pub(super) async fn watch_close(&self) -> Result<Subscription<CloseReason>> {
        let (publisher, subscription) = virt_driver::channel(2);
        let first = self.routes().watch_close(publisher);
        if first && self.has_feature(feature::CLOSE_CALLBACK).await? {
            self.call::<ConnectRegisterCloseCallback>(()).await?;
        }
        Ok(subscription)
    }

    fn routes(&self) -> MutexGuard<'_, Routes> {
        self.0.routes()
    }
}

impl Inner {
    fn routes(&self) -> MutexGuard<'_, Routes> {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn request(row: &Row, payload: Vec<u8>, fds: Vec<OwnedFd>) -> Request {
    Request { program: row.program.number, version: row.program.version, procedure: row.number, payload, fds }
}

/// The peer knows what it has; what it lacks, it refuses itself.
macro_rules! everything {
    ($($(#[$doc:meta])* $group:ident: $trait:ident,)+) => {
        impl Connection for RemoteConnection {
            $(fn $group(&self) -> Option<&dyn $trait> {
                Some(self)
            })+

            fn close(&self) -> BoxFuture<'_, ()> {
                Box::pin(async move {
                    // A peer that is gone has closed the connection too.
                    let _ = self.call::<ConnectClose>(()).await;
                    self.0.rpc.close();
                })
            }
        }
    };
}

virt_driver::for_each_group!(everything);

impl std::fmt::Debug for RemoteConnection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RemoteConnection").field("uri", &self.0.uri).field("open", &self.is_open()).finish()
    }
}
