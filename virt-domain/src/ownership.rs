//! Several processes, one engine: who holds which guest, and how it changes hands.
//!
//! A guest belongs to the process that holds the `flock` on its lock file. The kernel releases it when the process
//! ends, however it ends. Locks are taken only under the engine's root lock, which is held for a few system calls, and whoever
//! takes one writes its name into the file before it lets the root lock go: so a lock that is held always names its holder.
//!
//! Each process listens on one socket of the engine. A process that wants to act on a guest asks the holder to yield
//! it. The holder finishes what it is doing, lets go of the hypervisor, drops the lock and says so. The other one takes the
//! lock, re-attaches and acts. A process that does not hold a running guest keeps a connection to the one that does: when that
//! ends without a word the holder is dead, and the guest is taken over.
//!
//! | line sent to a holder | answers |
//! |---|---|
//! | `yield PEER NAME` | `held CALL` while something goes on, then `yielded` |
//! | `seize PEER NAME` | the same, but a stuck call is not waited for: the guest is to be destroyed |
//! | `watch PEER NAME` | nothing until the guest is given up: then `moved PEER` or `free` |

use std::io::Write;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::time::{Instant, timeout_at};
use virt_sys::FileLock;
use virt_types::{ErrorCode, ErrorDomain, Result};

use crate::error::Error;
use crate::layout::Layout;

/// A process of the engine (or one of several engines in a process): its pid and a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Peer(String);

impl Peer {
    /// A name for this process that no other has.
    pub(crate) fn new() -> Self {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        Self(format!("{}-{}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed)))
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (pid, number) = text.split_once('-')?;
        pid.parse::<u32>().ok()?;
        number.parse::<u64>().ok()?;
        Some(Self(text.to_owned()))
    }

    pub(crate) fn pid(&self) -> Option<u32> {
        self.0.split_once('-')?.0.parse().ok()
    }

    /// Whether the process exists. Its socket does not tell: a child on its way to become the hypervisor keeps that open.
    /// The processes of an engine share a pid namespace.
    pub(crate) fn lives(&self) -> bool {
        self.pid()
            .and_then(|pid| virt_sys::Pid::from_raw(i32::try_from(pid).ok()?))
            .and_then(|pid| virt_sys::PidFd::open(pid).ok())
            .is_some_and(|process| !process.has_ended().unwrap_or(true))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The right to change files of the engine and to take locks.
#[derive(Debug)]
pub(crate) struct RootGuard {
    _lock: FileLock,
    /// Let go of after the lock, so that the next of this process finds it free and needs no thread to wait.
    _turn: tokio::sync::OwnedMutexGuard<()>,
}

/// The right to a guest.
#[derive(Debug)]
pub(crate) struct GuestLock {
    lock: FileLock,
}

impl GuestLock {
    /// Gives up the right for good: the domain does not run, and has no lock file any more.
    pub(crate) fn retire(self, _root: &RootGuard) {
        // Under the root lock nobody can be about to wait for a file that has lost its name.
        let _ = std::fs::remove_file(self.lock.path());
    }
}

/// What became of an attempt to take a guest's lock.
#[derive(Debug)]
pub(crate) enum Claim {
    Taken(GuestLock),
    /// Another process has it; `None` while that process is being born or dying.
    HeldBy(Option<Peer>),
}

/// What a request to a holder is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request {
    Yield,
    Seize,
    Watch,
}

impl Request {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Yield => "yield",
            Self::Seize => "seize",
            Self::Watch => "watch",
        }
    }

    pub(crate) fn parse(line: &str) -> Option<(Self, Peer, &str)> {
        let (word, rest) = line.split_once(' ')?;
        let (peer, name) = rest.split_once(' ')?;
        let request =
            [Self::Yield, Self::Seize, Self::Watch].into_iter().find(|request| request.word() == word)?;
        Some((request, Peer::parse(peer)?, name))
    }
}

/// The answers of a holder to one request.
pub(crate) struct Answers {
    lines: Lines<BufReader<UnixStream>>,
}

impl Answers {
    /// The next answer; `None` when the holder is gone. Safe to drop half way.
    pub(crate) async fn next(&mut self) -> Option<String> {
        self.lines.next_line().await.ok().flatten()
    }
}

/// This process's side of the sharing.
#[derive(Debug)]
pub(crate) struct Ownership {
    layout: Layout,
    pub(crate) me: Peer,
    /// One waiter per process is enough: the others queue here, without a thread each.
    root_queue: Arc<tokio::sync::Mutex<()>>,
}

impl Ownership {
    pub(crate) fn new(layout: Layout) -> Self {
        Self { layout, me: Peer::new(), root_queue: Arc::default() }
    }

    /// Takes the root lock.
    ///
    /// # Errors
    /// `VIR_ERR_OPERATION_TIMEOUT` when another process keeps it beyond the deadline.
    pub(crate) async fn root(&self, deadline: Instant) -> Result<RootGuard> {
        let late = || {
            virt_types::Error::new(
                ErrorCode::OperationTimeout,
                ErrorDomain::Domain,
                format!("cannot acquire the lock of the state directory '{}'", self.layout.run_dir.display()),
            )
            .with_hint("another process that uses this directory hangs; `cat /proc/locks` and `fuser -v` on its engine-lock name it")
        };
        let turn = Arc::clone(&self.root_queue).lock_owned();
        let turn = timeout_at(deadline, turn).await.map_err(|_| late())?;
        let path = self.layout.root_lock();
        if let Some(lock) = FileLock::try_exclusive(&path).map_err(Error::from)? {
            return Ok(RootGuard { _lock: lock, _turn: turn });
        }
        // The wait may outlast the deadline, so it has a thread of its own, which holds this process's turn.
        let (lock, turn) = timeout_at(deadline, wait_for_lock(path, turn)).await.map_err(|_| late())??;
        Ok(RootGuard { _lock: lock, _turn: turn })
    }

    /// Removes what processes have left that died without a word: their sockets, the locks of domains that do not
    /// run, and notes about domains that are no more. A lock whose domain has a status goes when that has been looked into.
    pub(crate) fn bury_the_dead(&self, root: &RootGuard) {
        for entry in std::fs::read_dir(&self.layout.run_dir).into_iter().flatten().flatten() {
            let file = entry.file_name();
            let Some(file) = file.to_str() else { continue };
            if let Some(name) = file.strip_suffix(".lock") {
                if !self.layout.status(name).exists()
                    && let Ok(Some(lock)) = FileLock::try_exclusive(entry.path())
                {
                    GuestLock { lock }.retire(root);
                }
            } else if let Some(name) = file.strip_suffix(".shutoff") {
                if !self.layout.config(name).exists() {
                    let _ = std::fs::remove_file(entry.path());
                }
            } else if file.strip_prefix("peer-").and_then(Peer::parse).is_some_and(|peer| !peer.lives()) {
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }

    /// Tries to take a guest's lock.
    pub(crate) fn claim(&self, _root: &RootGuard, name: &str) -> Result<Claim, Error> {
        let path = self.layout.lock(name);
        let Some(lock) = FileLock::try_exclusive(&path)? else {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            return Ok(Claim::HeldBy(Peer::parse(text.trim())));
        };
        let mut file = lock.file();
        let line = format!("{}\n", self.me.as_str());
        file.set_len(0)
            .and_then(|()| file.write_all_at(line.as_bytes(), 0))
            .and_then(|()| file.flush())
            .map_err(|error| Error::file("write", &path, error))?;
        Ok(Claim::Taken(GuestLock { lock }))
    }

    /// Waits until a lock is free whose holder does not answer any more: it is dying, or has left a child that has not
    /// yet become the hypervisor.
    pub(crate) async fn wait_until_free(&self, name: &str, deadline: Instant) -> Result<()> {
        let lock = timeout_at(deadline, wait_for_lock(self.layout.lock(name), ())).await;
        match lock {
            Ok(lock) => lock.map(drop),
            Err(_) => Err(held_by_process(None, None)),
        }
    }

    /// Sends a request to the process that holds a guest. `None` if that process is gone.
    pub(crate) async fn ask(&self, peer: &Peer, request: Request, name: &str) -> Option<Answers> {
        // By way of the directory's descriptor a path of any length is short enough for a socket's address. A holder
        // that is stopped, with a full queue of callers, counts as gone: its lock is waited for then.
        let socket = self.layout.socket(peer.as_str());
        let dir = std::fs::File::open(socket.parent()?).ok()?;
        let short = format!("/proc/self/fd/{}/{}", dir.as_raw_fd(), socket.file_name()?.to_str()?);
        let mut stream = UnixStream::connect(short).await.ok()?;
        let line = format!("{} {} {name}\n", request.word(), self.me.as_str());
        stream.write_all(line.as_bytes()).await.ok()?;
        Some(Answers { lines: BufReader::new(stream).lines() })
    }

    /// Takes a guest's lock, from whoever has it.
    ///
    /// # Errors
    /// `VIR_ERR_OPERATION_TIMEOUT` naming the process that does not yield it, and what it is doing.
    pub(crate) async fn acquire(&self, name: &str, request: Request, deadline: Instant) -> Result<GuestLock> {
        loop {
            let root = self.root(deadline).await?;
            let claim = self.claim(&root, name)?;
            drop(root);
            let holder = match claim {
                Claim::Taken(lock) => return Ok(lock),
                Claim::HeldBy(holder) => holder,
            };
            let mut doing = None;
            let answers = match &holder {
                Some(holder) => self.ask(holder, request, name).await,
                None => None,
            };
            let Some(mut answers) = answers else {
                self.wait_until_free(name, deadline).await?;
                continue;
            };
            loop {
                match timeout_at(deadline, answers.next()).await {
                    Err(_) => return Err(held_by_process(holder.and_then(|peer| peer.pid()), doing)),
                    Ok(Some(line)) if line.starts_with("held ") => {
                        doing = Some(line["held ".len()..].to_owned())
                    }
                    // Yielded, or gone: either way the lock is to be had.
                    Ok(_) => break,
                }
            }
        }
    }
}

fn held_by_process(pid: Option<u32>, doing: Option<String>) -> virt_types::Error {
    let process = pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"));
    let who = match doing {
        Some(call) => format!("monitor={call} in {process}"),
        None => format!("monitor={process}"),
    };
    virt_types::Error::new(
        ErrorCode::OperationTimeout,
        ErrorDomain::None,
        format!("cannot acquire state change lock (held by {who})"),
    )
    .with_hint(format!(
        "{process} holds the guest and does not let go of it; end that process to free the guest"
    ))
}

/// Waits for a lock in a thread of its own, which keeps `turn` for as long and gives it back with the lock. A thread of the
/// runtime's pool would keep the runtime from ending.
async fn wait_for_lock<T: Send + 'static>(path: PathBuf, turn: T) -> Result<(FileLock, T)> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let waiter = std::thread::Builder::new().name("lock-wait".into()).spawn(move || {
        let lock = FileLock::exclusive(path);
        // A caller that is gone needs neither.
        let _ = sender.send((lock, turn));
    });
    waiter
        .map_err(|error| Error::from(virt_sys::Error::Invalid(format!("cannot start a thread: {error}"))))?;
    match receiver.await {
        Ok((lock, turn)) => Ok((lock.map_err(Error::from)?, turn)),
        Err(_) => Err(virt_types::Error::new(
            ErrorCode::InternalError,
            ErrorDomain::Domain,
            "the wait for a lock broke off",
        )),
    }
}
