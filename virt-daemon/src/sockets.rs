//! The sockets that the daemon listens on.

use std::fmt;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rustix::net::{AddressFamily, SocketType};
use virt_sys::activation::Passed;
use virt_sys::user::Accounts;

use crate::config::{Auth, DaemonConfig};
use crate::places::{Places, Role};

/// Who is served on a socket, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Clients.
    Clients {
        /// They may only look.
        read_only: bool,
        /// How they prove who they are.
        auth: Auth,
        /// TLS goes below the protocol.
        tls: bool,
    },
    /// Administrators of the daemon.
    Administrators,
}

/// A listening socket.
#[derive(Debug)]
pub enum Listening {
    /// For this host.
    Unix(UnixListener),
    /// For any host.
    Tcp(TcpListener),
}

/// A socket that the daemon listens on. One that it made itself is removed when this is dropped.
#[derive(Debug)]
pub struct Socket {
    /// Who is served there.
    pub purpose: Purpose,
    /// The socket; `None` once it was handed to the server.
    pub listening: Option<Listening>,
    made: Option<PathBuf>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Some(path) = &self.made
            && let Err(error) = std::fs::remove_file(path)
        {
            log::warn!("cannot remove '{}': {error}", path.display());
        }
    }
}

/// Why the daemon can not listen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SocketError {
    /// A group that does not exist.
    #[error("unix_sock_group is '{0}', which is no group of this host")]
    Group(String),
    /// The kernel refuses.
    #[error("cannot listen on {place}")]
    Listen {
        /// Where.
        place: String,
        /// The reason.
        source: std::io::Error,
    },
    /// The kernel refuses.
    #[error(transparent)]
    System(#[from] virt_sys::Error),
    /// Remote clients were asked for on the command line while the service manager opens the sockets.
    #[error(
        "--listen does not go with sockets of a service manager: enable its units for TCP and TLS instead"
    )]
    ListenAndActivation,
    /// A socket of a service manager is of no use.
    #[error("the service manager passed a socket named '{0}', which is no stream socket that listens")]
    Strange(String),
}

/// Opens the sockets that the configuration asks for, or takes over those that a service manager opened.
///
/// # Errors
/// If one of them can not be had.
pub fn open(
    role: Role,
    places: &Places,
    config: &DaemonConfig,
    listen: bool,
    passed: Vec<Passed>,
) -> Result<Vec<Socket>, SocketError> {
    let mut sockets = Vec::new();
    let mut names = Vec::new();
    if !passed.is_empty() && listen {
        return Err(SocketError::ListenAndActivation);
    }
    for passed in passed {
        let (socket, name) = take_over(passed, config)?;
        log::info!("listening on the service manager's {name}");
        sockets.push(socket);
        names.extend(name.path());
    }
    let group = match &config.unix.group {
        Some(name) => {
            let accounts = Accounts::load()?;
            Some(accounts.resolve_group(name).ok_or_else(|| SocketError::Group(name.clone()))?)
        }
        None => None,
    };
    let dir = config.unix.dir.as_ref().unwrap_or(&places.run_dir);
    for (path, mode, purpose) in wanted(role, places.privileged, dir, config) {
        // A socket of the manager at this place is the same one.
        if names.contains(&path) {
            continue;
        }
        let own_name = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with(&format!("{}-", role.socket_prefix())));
        match bind(&path, mode, group, backlog(config, purpose)) {
            Ok(listener) => {
                sockets.push(Socket { purpose, listening: Some(Listening::Unix(listener)), made: Some(path) })
            }
            // Clients would go there: that daemon serves them.
            Err(SocketError::System(error)) if !own_name => {
                log::warn!("another daemon keeps its socket: {error}");
            }
            Err(error) => return Err(error),
        }
    }
    if listen {
        sockets.extend(remote(config)?);
    }
    Ok(sockets)
}

fn clients(read_only: bool, auth: Auth) -> Purpose {
    Purpose::Clients { read_only, auth, tls: false }
}

/// The local sockets: path, permission bits, purpose.
fn wanted(role: Role, privileged: bool, dir: &Path, config: &DaemonConfig) -> Vec<(PathBuf, u32, Purpose)> {
    let unix = &config.unix;
    let mut wanted = Vec::new();
    for prefix in [role.socket_prefix()].iter().chain(role.also()) {
        // A user's daemon is for that user, who needs no socket for others to look.
        let (rw_mode, admin_mode) = if privileged { (unix.rw_mode, unix.admin_mode) } else { (0o600, 0o600) };
        wanted.push((dir.join(format!("{prefix}-sock")), rw_mode, clients(false, unix.auth_rw)));
        if privileged {
            let path = dir.join(format!("{prefix}-sock-ro"));
            wanted.push((path, unix.ro_mode, clients(true, unix.auth_ro)));
        }
        wanted.push((dir.join(format!("{prefix}-admin-sock")), admin_mode, Purpose::Administrators));
    }
    wanted
}

fn backlog(config: &DaemonConfig, purpose: Purpose) -> u32 {
    match purpose {
        Purpose::Clients { .. } => config.limits.queued,
        Purpose::Administrators => config.admin.queued,
    }
}

/// Binds a socket, replacing one that a dead daemon has left: the pid file keeps living ones apart.
fn bind(path: &Path, mode: u32, group: Option<u32>, backlog: u32) -> Result<UnixListener, SocketError> {
    let fail = |source| SocketError::Listen { place: format!("'{}'", path.display()), source };
    let listener = virt_sys::unix::bind_stale(path, mode)?;
    if let Some(group) = group {
        std::os::unix::fs::chown(path, None, Some(group)).map_err(fail)?;
    }
    // Once more, with the length that was asked for.
    rustix::net::listen(&listener, i32::try_from(backlog).unwrap_or(i32::MAX))
        .map_err(|error| fail(error.into()))?;
    Ok(listener)
}

/// What a socket of a service manager is called and where it is.
struct Name {
    name: String,
    path: Option<PathBuf>,
}

impl Name {
    fn path(self) -> Option<PathBuf> {
        self.path
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => write!(f, "'{}' ({})", self.name, path.display()),
            None => write!(f, "'{}'", self.name),
        }
    }
}

/// The purpose follows from the unit's name, which is libvirt's or ours: `…-ro`, `…-admin`, `…-tcp`, `…-tls`.
fn take_over(passed: Passed, config: &DaemonConfig) -> Result<(Socket, Name), SocketError> {
    let Passed { name, fd } = passed;
    let strange = || SocketError::Strange(name.clone());
    let system = |error: rustix::io::Errno| SocketError::Listen {
        place: format!("the service manager's '{name}'"),
        source: error.into(),
    };
    if rustix::net::sockopt::socket_type(&fd).map_err(system)? != SocketType::STREAM
        || !rustix::net::sockopt::socket_acceptconn(&fd).map_err(system)?
    {
        return Err(strange());
    }
    let unit = name.strip_suffix(".socket").unwrap_or(&name);
    let kind = unit.rsplit_once('-').map_or("", |(_, kind)| kind);
    let local = rustix::net::sockopt::socket_domain(&fd).map_err(system)? == AddressFamily::UNIX;
    let purpose = match (kind, local) {
        ("admin", true) => Purpose::Administrators,
        ("ro", true) => clients(true, config.unix.auth_ro),
        ("tls", false) => Purpose::Clients { read_only: false, auth: config.ip.auth_tls, tls: true },
        ("tcp", false) => clients(false, config.ip.auth_tcp),
        (_, true) => clients(false, config.unix.auth_rw),
        (_, false) => return Err(strange()),
    };
    let (listening, path) = if local {
        let listener = UnixListener::from(fd);
        let path = listener.local_addr().ok().and_then(|address| address.as_pathname().map(Path::to_owned));
        (Listening::Unix(listener), path)
    } else {
        (Listening::Tcp(TcpListener::from(fd)), None)
    };
    Ok((Socket { purpose, listening: Some(listening), made: None }, Name { name, path }))
}

/// The sockets for remote clients.
fn remote(config: &DaemonConfig) -> Result<Vec<Socket>, SocketError> {
    let ip = &config.ip;
    let mut sockets = Vec::new();
    let wanted = [
        (ip.tcp, &ip.tcp_port, clients(false, ip.auth_tcp)),
        (ip.tls, &ip.tls_port, Purpose::Clients { read_only: false, auth: ip.auth_tls, tls: true }),
    ];
    for (_, port, purpose) in wanted.into_iter().filter(|(wanted, ..)| *wanted) {
        let place = format!("{}:{port}", ip.address.as_deref().unwrap_or("*"));
        let fail = |source| SocketError::Listen { place: place.clone(), source };
        for address in addresses(ip.address.as_deref(), port).map_err(fail)? {
            let listener = match bind_tcp(address, config.limits.queued) {
                // A host without IPv6 has no such addresses to listen on.
                Err(error) if ip.address.is_none() && error.raw_os_error() == Some(libc::EAFNOSUPPORT) => {
                    continue;
                }
                other => other.map_err(fail)?,
            };
            sockets.push(Socket { purpose, listening: Some(Listening::Tcp(listener)), made: None });
        }
    }
    Ok(sockets)
}

fn addresses(host: Option<&str>, port: &str) -> std::io::Result<Vec<SocketAddr>> {
    let number: u16 = port.parse().map_err(|_| {
        std::io::Error::new(std::io::ErrorKind::InvalidInput, format!("'{port}' is no number of a port"))
    })?;
    match host {
        Some(host) => Ok((host, number).to_socket_addrs()?.collect()),
        None => Ok(vec![([0; 4], number).into(), ([0; 16], number).into()]),
    }
}

fn bind_tcp(address: SocketAddr, backlog: u32) -> std::io::Result<TcpListener> {
    use rustix::net::{SocketFlags, bind, listen, socket_with, sockopt};
    let family = if address.is_ipv6() { AddressFamily::INET6 } else { AddressFamily::INET };
    let socket: OwnedFd = socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    if address.is_ipv6() {
        // The other family has a socket of its own.
        sockopt::set_ipv6_v6only(socket.as_fd(), true)?;
    }
    bind(&socket, &address)?;
    listen(&socket, i32::try_from(backlog).unwrap_or(i32::MAX))?;
    Ok(TcpListener::from(socket))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::config::Defaults;
    use crate::settings::Settings;

    fn config(text: &str) -> DaemonConfig {
        let settings = Settings::parse("f", text).unwrap();
        DaemonConfig::from_settings(&settings, Defaults { polkit: false, tls: false }).unwrap().0
    }

    fn temporary(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("virt-daemon-sockets-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        dir
    }

    fn names(dir: &Path) -> Vec<(String, u32)> {
        let mut names: Vec<_> = std::fs::read_dir(dir)
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
                (entry.file_name().into_string().unwrap(), mode)
            })
            .collect();
        names.sort();
        names
    }

    #[test]
    fn sockets_have_libvirts_names_and_go_with_the_daemon() {
        let dir = temporary("names");
        let config = config(&format!(
            "unix_sock_dir = '{}'\nunix_sock_rw_perms = '0770'\nunix_sock_group = '{}'\n",
            dir.display(),
            virt_sys::user::effective_gid(),
        ));
        let places = Places::of_host(Role::Libvirtd);
        let sockets = open(Role::Libvirtd, &places, &config, false, Vec::new()).unwrap();
        let expected = [
            ("libvirt-admin-sock", 0o700),
            ("libvirt-sock", 0o770),
            ("libvirt-sock-ro", 0o777),
            ("virtqemud-admin-sock", 0o700),
            ("virtqemud-sock", 0o770),
            ("virtqemud-sock-ro", 0o777),
        ];
        assert_eq!(names(&dir), expected.map(|(name, mode)| (name.to_owned(), mode)));
        let read_only =
            sockets.iter().filter(|s| matches!(s.purpose, Purpose::Clients { read_only: true, .. }));
        assert_eq!(read_only.count(), 2);
        drop(sockets);
        assert_eq!(names(&dir), []);
        std::fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn a_separate_daemon_keeps_its_socket() {
        let dir = temporary("separate");
        let config = config(&format!("unix_sock_dir = '{}'", dir.display()));
        let theirs = UnixListener::bind(dir.join("virtqemud-sock")).unwrap();
        let places = Places::of_host(Role::Libvirtd);
        let sockets = open(Role::Libvirtd, &places, &config, false, Vec::new()).unwrap();
        assert_eq!(sockets.len(), 5);
        drop(sockets);
        assert!(std::os::unix::net::UnixStream::connect(dir.join("virtqemud-sock")).is_ok());
        drop(theirs);
        std::fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn a_managers_sockets_are_known_by_their_names() {
        let dir = temporary("manager");
        let config = config(&format!("unix_sock_dir = '{}'", dir.display()));
        let passed = |name: &str, file: &str| {
            let listener = UnixListener::bind(dir.join(file)).unwrap();
            Passed { name: name.to_owned(), fd: listener.into() }
        };
        let all = vec![
            passed("libvirtd.socket", "libvirt-sock"),
            passed("libvirtd-ro.socket", "libvirt-sock-ro"),
            passed("libvirtd-admin.socket", "libvirt-admin-sock"),
        ];
        let places = Places::of_host(Role::Libvirtd);
        let sockets = open(Role::Libvirtd, &places, &config, false, all).unwrap();
        let purposes: Vec<_> = sockets.iter().take(3).map(|socket| socket.purpose).collect();
        let none = Auth::None;
        assert_eq!(purposes, [clients(false, none), clients(true, none), Purpose::Administrators]);
        // Those of the manager are not made a second time, and stay.
        assert_eq!(sockets.len(), 6);
        drop(sockets);
        assert_eq!(names(&dir).len(), 3);

        let datagram = std::os::unix::net::UnixDatagram::unbound().unwrap();
        let strange = vec![Passed { name: "libvirtd.socket".into(), fd: datagram.into() }];
        let error = open(Role::Libvirtd, &places, &config, false, strange).unwrap_err();
        assert!(matches!(error, SocketError::Strange(_)), "{error}");
        let more = vec![passed("libvirtd.socket", "again")];
        let error = open(Role::Libvirtd, &places, &config, true, more).unwrap_err();
        assert!(matches!(error, SocketError::ListenAndActivation), "{error}");
        std::fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn groups_have_to_exist() {
        let config = config("unix_sock_group = 'no-such-group'");
        let places = Places::of_host(Role::Libvirtd);
        let error = open(Role::Libvirtd, &places, &config, false, Vec::new()).unwrap_err();
        assert_eq!(error.to_string(), "unix_sock_group is 'no-such-group', which is no group of this host");
    }
}
