//! The socket on which other processes of the engine ask for guests.

use std::sync::{Arc, Weak};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use virt_types::{DomainName, Result};

use crate::engine::Engine;
use crate::error::Error;
use crate::ownership::Request;
use crate::task::{Input, Wanted};

/// Longest request line: a word, a peer and a name.
const MAX_LINE: u64 = 512;

/// Where the answers to one request go. Its end tells the other side that this process is gone.
#[derive(Debug)]
pub(crate) struct Outlet(UnixStream);

impl Outlet {
    /// Says a line. It fits into an empty socket, so nothing waits; an asker that reads nothing misses it.
    pub(crate) fn say(&mut self, line: &str) {
        let line = format!("{line}\n");
        if let Err(error) = self.0.try_write(line.as_bytes()) {
            log::debug!("an answer to another process was lost: {error}");
        }
    }
}

/// The listening socket, whose file goes with it.
#[derive(Debug)]
pub(crate) struct Listener {
    listener: UnixListener,
    path: std::path::PathBuf,
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Listener {
    pub(crate) fn bind(engine: &Engine) -> Result<Self> {
        let path = engine.store.layout.socket(engine.ownership.me.as_str());
        let listener = virt_sys::unix::bind(&path, 0o600).map_err(Error::from)?;
        let fail = |error| Error::file("listen on", &path, error);
        listener.set_nonblocking(true).map_err(fail)?;
        let listener = UnixListener::from_std(listener).map_err(fail)?;
        Ok(Self { listener, path })
    }

    /// Answers until the engine is closed.
    pub(crate) async fn serve(self, engine: Weak<Engine>, mut closing: watch::Receiver<bool>) {
        loop {
            let stream = tokio::select! {
                () = crate::engine::until_closed(&mut closing) => return,
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => stream,
                    Err(error) => {
                        // Most likely there are no descriptors left; trying again at once would only burn time.
                        log::warn!("cannot accept a request of another process: {error}");
                        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                        continue;
                    }
                },
            };
            let Some(engine) = engine.upgrade() else { return };
            tokio::spawn(answer(engine, stream));
        }
    }
}

async fn answer(engine: Arc<Engine>, mut stream: UnixStream) {
    let mut line = String::new();
    if BufReader::new((&mut stream).take(MAX_LINE)).read_line(&mut line).await.is_err() {
        return;
    }
    let Some((request, by, name)) = Request::parse(line.trim_end_matches('\n')) else { return };
    let outlet = Outlet(stream);
    let entry = DomainName::new(name).ok().and_then(|name| engine.maps().name(&name).cloned());
    let input = Input::Wanted(Box::new(Wanted { request, by, outlet }));
    let refused = match entry {
        Some(entry) => entry.inbox.send(input).err(),
        None => Some(input),
    };
    // A domain that is gone from here, or never was here, is nothing that this process holds.
    if let Some(Input::Wanted(mut wanted)) = refused {
        wanted.outlet.say(if request == Request::Watch { "free" } else { "yielded" });
    }
}
