//! What is not a row: opening, rights, limits, events, streams, descriptors, the end.

mod events;
mod sessions;
mod streams;

use std::sync::Arc;

use virt_driver::{BoxFuture, Connection};
use virt_types::Result;

use super::{Opener, RemoteConnection};
use crate::identity::Identity;

/// Opens one and the same connection for everybody.
struct Always(Arc<dyn Connection>);

impl Opener for Always {
    fn open<'a>(
        &'a self,
        _: &'a str,
        _: bool,
        _: &'a Identity,
    ) -> BoxFuture<'a, Result<Arc<dyn Connection>>> {
        Box::pin(std::future::ready(Ok(Arc::clone(&self.0))))
    }
}

async fn client_of(driver: impl Connection + 'static) -> RemoteConnection {
    let opener = Arc::new(Always(Arc::new(driver)));
    super::rehearsal::connected(opener, "fake:///", false).await.unwrap()
}
