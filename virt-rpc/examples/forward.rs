//! A server whose drivers are at another one: it listens on a Unix socket and opens every connection at a peer.
//!
//! ```text
//! cargo run -p virt-rpc --example forward -- /run/user/1000/forward-sock qemu+ssh://root@example.org/system
//! virsh -c 'qemu+unix:///system?socket=/run/user/1000/forward-sock' list
//! ```
//!
//! What clients name is opened at the peer that the URI leads to; the driver in that URI does not matter.

use std::sync::Arc;

use virt_driver::{BoxFuture, Connection};
use virt_rpc::bind::{HypervisorService, Opener};
use virt_rpc::remote::{self, RemoteUri};
use virt_rpc::server::{Limits, Listener, ListenerSettings, Server};
use virt_rpc::{Auth, Identity};
use virt_types::Result;

struct Forward(RemoteUri);

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
            let connection = remote::open(&peer, read_only).await?;
            Ok(Arc::new(connection) as Arc<dyn Connection>)
        })
    }
}

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    env_logger::init();
    let mut arguments = std::env::args().skip(1);
    let (Some(socket), Some(uri)) = (arguments.next(), arguments.next()) else {
        return Err("which socket, and which URI?".into());
    };
    let service = HypervisorService::new(Arc::new(Forward(uri.parse()?)));
    let server = Server::new("forward", Arc::new(service), Limits::default(), None);
    // Whoever may connect to the socket may do what this process may do at the peer.
    let listener = Listener::unix(std::os::unix::net::UnixListener::bind(&socket)?)?;
    server.listen(listener, ListenerSettings { read_only: false, auth: Auth::None });
    tokio::signal::ctrl_c().await?;
    std::fs::remove_file(&socket)?;
    Ok(())
}
