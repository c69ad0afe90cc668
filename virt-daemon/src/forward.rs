//! Clients of another daemon.

use std::sync::Arc;

use virt_driver::{BoxFuture, Connection};
use virt_rpc::Identity;
use virt_rpc::bind::Opener;
use virt_rpc::remote::{self, RemoteUri};
use virt_types::Result;

/// Opens what clients name at the daemon that a URI leads to, each with a connection of its own there. What the URI says of
/// a driver is for clients that name none.
#[derive(Debug, Clone)]
pub struct Forward(pub RemoteUri);

impl Opener for Forward {
    fn open<'a>(
        &'a self,
        uri: &'a str,
        read_only: bool,
        _: &'a Identity,
    ) -> BoxFuture<'a, Result<Arc<dyn Connection>>> {
        Box::pin(async move {
            let mut peer = self.0.clone();
            if !uri.is_empty() {
                peer.named = Some(uri.to_owned());
            }
            Ok(Arc::new(remote::open(&peer, read_only).await?) as Arc<dyn Connection>)
        })
    }
}
