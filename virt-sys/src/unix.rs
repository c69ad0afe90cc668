//! Unix stream sockets at paths of any length.
//!
//! A socket address holds 107 bytes of path. Longer ones are reached through the directory's
//! descriptor, as `/proc/self/fd/N/name`.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use rustix::process::Pid;

use crate::error::{Error, Result};
use crate::pidfd::PidFd;

/// Bytes of a path that fit into an address, without the terminating NUL.
const PATH_MAX: usize = 107;

/// Listens at `path` with the given permission bits on the socket, never wider ones even for a moment.
///
/// # Errors
/// `EADDRINUSE` when something is at that path, a socket that nobody listens on any more included.
pub fn bind(path: &Path, mode: u32) -> Result<UnixListener> {
    let fail = |action, error: rustix::io::Errno| Error::file(action, path, error);
    let socket = socket().map_err(|e| fail("make a socket for", e))?;
    let address = Address::of(path)?;
    // The bits of the socket itself, less the umask, become those of the file.
    rustix::fs::fchmod(&socket, Mode::from_raw_mode(mode)).map_err(|e| fail("set the mode of", e))?;
    rustix::net::bind(&socket, &address.unix).map_err(|e| fail("bind", e))?;
    let (dir, name) = match &address.dir {
        Some(dir) => (dir.as_fd(), Path::new(path.file_name().unwrap_or_default())),
        None => (rustix::fs::CWD, path),
    };
    rustix::fs::chmodat(dir, name, Mode::from_raw_mode(mode), AtFlags::empty())
        .map_err(|e| fail("set the mode of", e))?;
    rustix::net::listen(&socket, 128).map_err(|e| fail("listen on", e))?;
    Ok(UnixListener::from(socket))
}

/// Like [`bind`], after removing a socket at `path` that nobody listens on. The caller holds a lock
/// that keeps a second process from doing the same.
///
/// A listener that was closed without [`shutdown`](rustix::net::shutdown) may live on for a
/// moment, in a process that is just being created, until its exec. Where the process that listened has
/// ended, nobody does.
///
/// # Errors
/// `EADDRINUSE` when somebody listens there, or something else than a socket is there.
pub fn bind_stale(path: &Path, mode: u32) -> Result<UnixListener> {
    match bind(path, mode) {
        Err(error) if error.errno() == Some(libc::EADDRINUSE) && is_stale(path) => {
            crate::fs::remove(path)?;
            bind(path, mode)
        }
        other => other,
    }
}

fn is_stale(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|data| data.file_type().is_socket());
    is_socket
        && match connect(path) {
            Ok(stream) => listener_has_ended(&stream),
            Err(error) => error.errno() == Some(libc::ECONNREFUSED),
        }
}

/// Whether the process that listened at the other end is no more.
fn listener_has_ended(stream: &UnixStream) -> bool {
    let Some(pid) = Peer::of(stream).ok().and_then(|peer| Pid::from_raw(peer.pid)) else { return false };
    match PidFd::open(pid) {
        Ok(process) => matches!(process.has_ended(), Ok(true)),
        Err(error) => error.errno() == Some(libc::ESRCH),
    }
}

/// Connects to the socket at `path`.
///
/// # Errors
/// `ENOENT` without a socket, `ECONNREFUSED` when nobody listens.
pub fn connect(path: &Path) -> Result<UnixStream> {
    let address = Address::of(path)?;
    let socket = socket().map_err(|e| Error::file("make a socket for", path, e))?;
    rustix::io::retry_on_intr(|| rustix::net::connect(&socket, &address.unix))
        .map_err(|e| Error::file("connect to", path, e))?;
    Ok(UnixStream::from(socket))
}

fn socket() -> rustix::io::Result<OwnedFd> {
    rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
}

struct Address {
    unix: SocketAddrUnix,
    /// Keeps the number in a long path's address valid.
    dir: Option<OwnedFd>,
}

impl Address {
    fn of(path: &Path) -> Result<Self> {
        let fail = |error: rustix::io::Errno| Error::file("address", path, error);
        if path.as_os_str().len() <= PATH_MAX {
            return Ok(Self { unix: SocketAddrUnix::new(path).map_err(fail)?, dir: None });
        }
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(Error::file("address", path, io::Error::from_raw_os_error(libc::ENAMETOOLONG)));
        };
        let dir = rustix::fs::open(parent, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
            .map_err(|e| Error::file("open", parent, e))?;
        let short = PathBuf::from(format!("/proc/self/fd/{}", dir.as_raw_fd())).join(name);
        if short.as_os_str().as_bytes().len() > PATH_MAX {
            return Err(Error::file("address", path, io::Error::from_raw_os_error(libc::ENAMETOOLONG)));
        }
        Ok(Self { unix: SocketAddrUnix::new(short.as_path()).map_err(fail)?, dir: Some(dir) })
    }
}

/// The process at the other end of a connected socket, as the kernel saw it when it connected (`SO_PEERCRED`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Its number; 0 for a process of a pid namespace that can not be seen from here.
    pub pid: i32,
    /// Its effective user.
    pub uid: u32,
    /// Its effective group.
    pub gid: u32,
}

impl Peer {
    /// Who is at the other end.
    ///
    /// # Errors
    /// For what is no connected Unix socket.
    pub fn of(socket: impl AsFd) -> Result<Self> {
        let mut credentials = libc::ucred { pid: 0, uid: 0, gid: 0 };
        let size = size_of::<libc::ucred>();
        let mut length = size as libc::socklen_t;
        // SAFETY: the kernel writes at most `length` bytes into the structure, which has that size.
        let outcome = unsafe {
            libc::getsockopt(
                socket.as_fd().as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_PEERCRED,
                (&raw mut credentials).cast(),
                &raw mut length,
            )
        };
        if outcome != 0 {
            return Err(Error::system("ask for the peer of a socket", io::Error::last_os_error()));
        }
        // What is not connected has the user and the group of nobody.
        if length as usize != size || credentials.uid == u32::MAX {
            return Err(Error::Invalid("the socket has no peer".to_owned()));
        }
        let libc::ucred { pid, uid, gid } = credentials;
        Ok(Self { pid, uid, gid })
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::testing::TempDir;

    #[test]
    fn paths_of_any_length_with_exact_modes() {
        let dir = TempDir::new("unix");
        let deep = dir.path().join("d".repeat(100)).join("e".repeat(100));
        std::fs::create_dir_all(&deep).unwrap();
        for (path, mode) in [(dir.path().join("s"), 0o600), (deep.join("s"), 0o777), (deep.join("t"), 0o660)]
        {
            let listener = bind(&path, mode).unwrap();
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, mode);
            let mut client = connect(&path).unwrap();
            client.write_all(b"hello").unwrap();
            drop(client);
            let mut text = String::new();
            listener.accept().unwrap().0.read_to_string(&mut text).unwrap();
            assert_eq!(text, "hello");
        }
        let name_too_long = deep.join("f".repeat(120));
        assert_eq!(bind(&name_too_long, 0o600).unwrap_err().errno(), Some(libc::ENAMETOOLONG));
    }

    #[test]
    #[expect(clippy::zombie_processes, reason = "the heir outlives the process that started it")]
    fn a_listener_that_only_a_child_has_left_is_stale() {
        use std::process::{Command, Stdio};
        const PATH: &str = "VIRT_SYS_STALE_SOCKET";
        if let Some(path) = std::env::var_os(PATH) {
            // Listens, hands the socket to a process that outlives it, tells that one's number and ends.
            let listener = bind(Path::new(&path), 0o600).unwrap();
            rustix::io::fcntl_setfd(&listener, rustix::io::FdFlags::empty()).unwrap();
            let heir = Command::new("sleep").arg("60").stdout(Stdio::null()).spawn().unwrap();
            std::fs::write(Path::new(&path).with_extension("heir"), heir.id().to_string()).unwrap();
            return;
        }
        let dir = TempDir::new("unix-stale");
        let path = dir.path().join("s");
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "unix::tests::a_listener_that_only_a_child_has_left_is_stale"]);
        assert!(child.env(PATH, &path).stdout(Stdio::null()).status().unwrap().success());
        assert!(connect(&path).is_ok(), "somebody has it");
        let _ours = bind_stale(&path, 0o600).unwrap();
        assert_eq!(bind_stale(&path, 0o600).unwrap_err().errno(), Some(libc::EADDRINUSE), "we live");
        let heir = std::fs::read_to_string(path.with_extension("heir")).unwrap();
        let heir = PidFd::open(Pid::from_raw(heir.parse().unwrap()).unwrap()).unwrap();
        heir.send_signal(rustix::process::Signal::KILL).unwrap();
    }

    #[test]
    fn the_peer_of_a_socket_is_known() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let (uid, gid) = (crate::user::effective_uid(), crate::user::effective_gid());
        let pid = i32::try_from(std::process::id()).unwrap();
        assert_eq!(Peer::of(&ours).unwrap(), Peer { pid, uid, gid });
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        assert!(Peer::of(&listener).is_err());
    }

    #[test]
    fn only_dead_sockets_are_replaced() {
        let dir = TempDir::new("unix-stale");
        let path = dir.path().join("s");
        assert_eq!(connect(&path).unwrap_err().errno(), Some(libc::ENOENT));
        let alive = bind_stale(&path, 0o600).unwrap();
        assert_eq!(bind_stale(&path, 0o600).unwrap_err().errno(), Some(libc::EADDRINUSE));
        // Closing is not enough while other tests start programs.
        rustix::net::shutdown(&alive, rustix::net::Shutdown::Both).unwrap();
        drop(alive);
        assert_eq!(connect(&path).unwrap_err().errno(), Some(libc::ECONNREFUSED));
        assert_eq!(bind(&path, 0o600).unwrap_err().errno(), Some(libc::EADDRINUSE));
        bind_stale(&path, 0o600).unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, "keep").unwrap();
        assert_eq!(bind_stale(&file, 0o600).unwrap_err().errno(), Some(libc::EADDRINUSE));
        assert_eq!(std::fs::read(&file).unwrap(), b"keep");
    }
}
