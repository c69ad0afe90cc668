//! URIs of remote connections: `driver[+transport]://[user@][host][:port]/path[?parameters]`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use virt_types::{Error, ErrorCode, ErrorDomain, Result, nearest};

/// How the peer is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// A Unix socket of this host.
    Unix,
    /// Plain TCP.
    Tcp,
    /// TLS over TCP, with certificates.
    Tls,
    /// ssh, and a program at the other end that leads to the peer's socket.
    Ssh,
    /// A command of the user that leads to the peer.
    Ext,
}

/// Which sockets of a host are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// That of a daemon for this driver if it is there, else that of the one daemon for all.
    #[default]
    Auto,
    /// That of the one daemon for all.
    Legacy,
    /// That of a daemon for this driver.
    Direct,
}

/// How the far end of ssh leads to the socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Proxy {
    /// With a helper of libvirt's if it is there, else with `nc`.
    #[default]
    Auto,
    /// With `nc`.
    Netcat,
    /// With the helper.
    Native,
}

/// A URI that leads to a driver at a peer.
///
/// ```
/// use virt_rpc::remote::{RemoteUri, Transport};
/// let uri: RemoteUri = "qemu+ssh://root@example.org:2222/system?keyfile=/k&no_verify=1".parse()?;
/// assert_eq!((uri.transport, uri.host.as_deref(), uri.port), (Transport::Ssh, Some("example.org"), Some(2222)));
/// assert_eq!(uri.name(), "qemu:///system");
/// # Ok::<(), virt_types::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteUri {
    text: String,
    /// The driver, such as `qemu`.
    pub driver: String,
    /// How the peer is reached.
    pub transport: Transport,
    /// The user to log in as.
    pub user: Option<String>,
    /// The host; none for this one.
    pub host: Option<String>,
    /// The port; none for the transport's usual one.
    pub port: Option<u16>,
    /// What the driver makes of it, such as `/system`.
    pub path: String,
    /// `name`: what the peer is asked to open.
    pub named: Option<String>,
    /// `socket`: the peer's socket.
    pub socket: Option<PathBuf>,
    /// `mode`: which sockets are tried.
    pub mode: Mode,
    /// `command`: ssh, or what leads to the peer.
    pub command: Option<String>,
    /// `keyfile`: the private key for ssh.
    pub keyfile: Option<String>,
    /// `netcat`: the program that leads from ssh to the socket.
    pub netcat: Option<String>,
    /// `proxy`: how the far end of ssh leads to the socket.
    pub proxy: Proxy,
    /// `no_verify`: whether the peer is believed to be who it says.
    pub no_verify: bool,
    /// `no_tty`: whether ssh must not ask for a password.
    pub no_tty: bool,
    /// `pkipath`: where the certificates are.
    pub pkipath: Option<PathBuf>,
    /// What is left for the driver.
    rest: Vec<String>,
}

/// Parameters that libvirt has and that change nothing here, or only for its own ssh implementations.
const WITHOUT_EFFECT: &[&str] =
    &["auth", "sshauth", "known_hosts", "known_hosts_verify", "no_sanity", "tls_priority"];

const OWN: &[&str] =
    &["name", "socket", "mode", "command", "keyfile", "netcat", "proxy", "no_verify", "no_tty", "pkipath"];

impl RemoteUri {
    /// Whether a URI leads to a peer: it names a transport, a host, or a socket.
    ///
    /// ```
    /// use virt_rpc::remote::RemoteUri;
    /// assert!(RemoteUri::is_remote("qemu+unix:///system") && RemoteUri::is_remote("qemu://host/system"));
    /// assert!(RemoteUri::is_remote("qemu:///system?socket=/run/x"));
    /// assert!(!RemoteUri::is_remote("qemu:///system") && !RemoteUri::is_remote("qemu:///embed?root=/a+b"));
    /// ```
    #[must_use]
    pub fn is_remote(text: &str) -> bool {
        let Some((scheme, rest)) = text.split_once("://") else { return false };
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        scheme.contains('+')
            || !(place.is_empty() || place.starts_with('/'))
            || query.split('&').any(|pair| pair.starts_with("socket=") || pair.starts_with("mode="))
    }

    /// What the peer is asked to open: the URI without what leads to the peer.
    #[must_use]
    pub fn name(&self) -> String {
        if let Some(name) = &self.named {
            return name.clone();
        }
        let query = if self.rest.is_empty() { String::new() } else { format!("?{}", self.rest.join("&")) };
        format!("{}://{}{query}", self.driver, self.path)
    }

    /// Whether the driver of the user, and not the host's, is meant.
    #[must_use]
    pub fn is_session(&self) -> bool {
        self.path == "/session" || self.named.as_deref().is_some_and(|name| name.ends_with(":///session"))
    }
}

impl FromStr for RemoteUri {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refuse = |why: String| {
            Error::new(ErrorCode::InvalidArg, ErrorDomain::Remote, format!("connection URI '{text}': {why}"))
        };
        let (scheme, rest) =
            text.split_once("://").ok_or_else(|| refuse("no '://' after the driver".into()))?;
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = place.find('/').map_or((place, ""), |at| place.split_at(at));
        let (user, address) = match authority.rsplit_once('@') {
            Some((user, address)) => (Some(user), address),
            None => (None, authority),
        };
        let (host, port) = split_port(address).ok_or_else(|| refuse(format!("'{address}' is no address")))?;
        let transport =
            match scheme.split_once('+').map(|(_, transport)| transport.to_ascii_lowercase()).as_deref() {
                None if host.is_some() => Transport::Tls,
                None | Some("unix") => Transport::Unix,
                Some("tcp") => Transport::Tcp,
                Some("tls") => Transport::Tls,
                Some("ssh" | "libssh" | "libssh2") => Transport::Ssh,
                Some("ext") => Transport::Ext,
                Some(other) => {
                    let error = refuse(format!("the transport '{other}' is not known"));
                    return Err(error.with_nearest(other, ["unix", "tcp", "tls", "ssh", "ext"]));
                }
            };
        if let (Transport::Unix, Some(host)) = (transport, &host) {
            return Err(refuse(format!("using unix socket and remote server '{host}' is not supported.")));
        }
        let mut uri = Self {
            text: text.to_owned(),
            driver: scheme.split('+').next().unwrap_or_default().to_owned(),
            transport,
            user: user
                .map(|user| decode(user).ok_or_else(|| refuse(format!("'{user}' is not encoded well"))))
                .transpose()?,
            host,
            port,
            path: path.to_owned(),
            named: None,
            socket: None,
            mode: Mode::Auto,
            command: None,
            keyfile: None,
            netcat: None,
            proxy: Proxy::Auto,
            no_verify: false,
            no_tty: false,
            pkipath: None,
            rest: Vec::new(),
        };
        for pair in query.split(['&', ';']).filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = decode(value).ok_or_else(|| refuse(format!("'{value}' is not encoded well")))?;
            uri.set(key, value, pair).map_err(refuse)?;
        }
        Ok(uri)
    }
}

impl RemoteUri {
    fn set(&mut self, key: &str, value: String, pair: &str) -> Result<(), String> {
        match key {
            "name" => self.named = Some(value),
            "socket" => self.socket = Some(value.into()),
            "command" => self.command = Some(value),
            "keyfile" => self.keyfile = Some(value),
            "netcat" => self.netcat = Some(value),
            "pkipath" => self.pkipath = Some(value.into()),
            "no_verify" => self.no_verify = truth(key, &value)?,
            "no_tty" => self.no_tty = truth(key, &value)?,
            "mode" => {
                self.mode = match value.as_str() {
                    "auto" => Mode::Auto,
                    "legacy" => Mode::Legacy,
                    "direct" => Mode::Direct,
                    _ => return Err(format!("unknown mode '{value}'")),
                }
            }
            "proxy" => {
                self.proxy = match value.as_str() {
                    "auto" => Proxy::Auto,
                    "netcat" => Proxy::Netcat,
                    "native" => Proxy::Native,
                    _ => return Err(format!("unknown proxy '{value}'")),
                }
            }
            _ if WITHOUT_EFFECT.contains(&key) => {}
            _ => {
                if let Some(near) = nearest(key, OWN.iter().copied()) {
                    log::warn!("the parameter '{key}' is left to the peer's driver; did you mean '{near}'?");
                }
                self.rest.push(pair.to_owned());
            }
        }
        Ok(())
    }
}

fn truth(key: &str, value: &str) -> Result<bool, String> {
    let number: i64 = value.parse().map_err(|_| format!("'{value}' is no number for {key}"))?;
    Ok(number != 0)
}

/// The host and the port of an address; a host with colons stands in brackets.
fn split_port(address: &str) -> Option<(Option<String>, Option<u16>)> {
    let (host, port) = if let Some(inner) = address.strip_prefix('[') {
        let (host, after) = inner.split_once(']')?;
        (host, after.strip_prefix(':').or_else(|| after.is_empty().then_some(""))?)
    } else {
        address.rsplit_once(':').unwrap_or((address, ""))
    };
    let port = if port.is_empty() { None } else { Some(port.parse().ok()?) };
    Some(((!host.is_empty()).then(|| host.to_owned()), port))
}

/// Percent-decodes a value (RFC 3986, 2.1).
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let (high, low) = (rest.next()? as char, rest.next()? as char);
            bytes.push((high.to_digit(16)? << 4 | low.to_digit(16)?) as u8);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

impl fmt::Display for RemoteUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> RemoteUri {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn the_name_is_what_the_peer_has_to_know() {
        for (text, transport, name) in [
            ("qemu+unix:///system?socket=/run/a%20b", Transport::Unix, "qemu:///system"),
            ("test+unix:///default?mode=legacy", Transport::Unix, "test:///default"),
            ("test+tcp://localhost/home/u/test.xml", Transport::Tcp, "test:///home/u/test.xml"),
            ("qemu://example.org/system?no_verify=1", Transport::Tls, "qemu:///system"),
            ("qemu+SSH://u@example.org/session", Transport::Ssh, "qemu:///session"),
            ("qemu+ext:///system?command=/bin/helper&name=lxc:///", Transport::Ext, "lxc:///"),
            (
                "esx+tcp://h/path?auto_answer=1&tls_priority=x&b=2",
                Transport::Tcp,
                "esx:///path?auto_answer=1&b=2",
            ),
            ("qemu+tcp://[::1]:16510/system", Transport::Tcp, "qemu:///system"),
        ] {
            let uri = parse(text);
            assert_eq!((uri.transport, uri.name().as_str()), (transport, name), "{text}");
            assert_eq!(uri.to_string(), text);
        }
    }

    #[test]
    fn the_parts_of_an_address_are_told_apart() {
        for (text, user, host, port) in [
            ("qemu+ssh://root@[fe80::1]:22/system", Some("root"), Some("fe80::1"), Some(22)),
            ("qemu+ssh://host/system", None, Some("host"), None),
            ("qemu+ssh://a%40b@host:1/system", Some("a@b"), Some("host"), Some(1)),
            ("qemu+unix:///system", None, None, None),
        ] {
            let uri = parse(text);
            assert_eq!((uri.user.as_deref(), uri.host.as_deref(), uri.port), (user, host, port), "{text}");
        }
    }

    #[test]
    fn wrong_uris_say_what_is_wrong() {
        for (text, expected) in [
            ("qemu+foo://h/system", "the transport 'foo' is not known"),
            ("qemu+unix://h/system", "using unix socket and remote server 'h'"),
            ("qemu+tcp://h:99999/system", "is no address"),
            ("qemu+ssh://h/system?no_verify=yes", "'yes' is no number"),
            ("qemu+unix:///system?mode=fast", "unknown mode 'fast'"),
            ("qemu+ssh://h/system?keyfile=%z", "is not encoded well"),
            ("qemu", "no '://'"),
        ] {
            let error = text.parse::<RemoteUri>().unwrap_err();
            assert!(error.to_string().contains(expected), "{text}: {error}");
            assert_eq!(error.code(), ErrorCode::InvalidArg);
        }
    }
}
