//! Connection URIs.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use virt_types::{Error, ErrorCode, ErrorDomain, Result};

/// Whose domains a connection is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// An engine in this process; in this directory, or in the user's own ones.
    Embed(Option<PathBuf>),
    /// The user's own domains.
    Session,
    /// The host's domains.
    System,
    /// Those of a pretended host: `/default`, or the file that describes it.
    Pretended(String),
    /// Those of a driver at a peer: a daemon of this host or of another one.
    #[cfg(feature = "remote")]
    Remote(Box<virt_rpc::remote::RemoteUri>),
}

#[cfg(feature = "qemu")]
impl TryFrom<&Scope> for virt_engine::Settings {
    type Error = Error;

    /// Where the drivers of such a host are; those of a peer are not here.
    fn try_from(scope: &Scope) -> Result<Self> {
        Ok(match scope {
            Scope::Embed(Some(root)) => Self::below(root),
            Scope::Embed(None) | Scope::Session => Self::of_user()?,
            Scope::System => Self::of_host()?,
            // Only the test driver has such hosts; to this one the path is a directory like any other.
            Scope::Pretended(path) => Self::below(path.as_ref()),
            #[cfg(feature = "remote")]
            Scope::Remote(uri) => {
                let detail = format!("the engine of '{uri}' is not in this process");
                return Err(Error::new(ErrorCode::InvalidArg, ErrorDomain::None, detail));
            }
        })
    }
}

/// A connection URI, such as `qemu:///embed?root=/srv/guests`.
///
/// ```
/// use virt_core::{Scope, Uri};
/// let uri: Uri = "qemu:///embed?root=/srv/my%20guests".parse()?;
/// assert_eq!(uri.scope, Scope::Embed(Some("/srv/my guests".into())));
/// assert_eq!(uri.to_string(), "qemu:///embed?root=/srv/my%20guests");
/// assert!("qemu:///sesion".parse::<Uri>().is_err());
/// # Ok::<(), virt_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uri {
    /// The driver, such as `qemu`.
    pub driver: String,
    /// Whose domains.
    pub scope: Scope,
}

impl FromStr for Uri {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refuse = |why: String| {
            Error::new(ErrorCode::InvalidArg, ErrorDomain::None, format!("connection URI '{text}': {why}"))
                .with_hint("this engine opens qemu:///embed, qemu:///embed?root=DIR, qemu:///session, qemu:///system and test:///default; qemu+unix:///system and qemu+ssh://HOST/system lead to a daemon")
        };
        #[cfg(feature = "remote")]
        if virt_rpc::remote::RemoteUri::is_remote(text) {
            let uri: virt_rpc::remote::RemoteUri = text.parse()?;
            return Ok(Self { driver: uri.driver.clone(), scope: Scope::Remote(Box::new(uri)) });
        }
        let (driver, rest) =
            text.split_once("://").ok_or_else(|| refuse("no '://' after the driver".into()))?;
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (host, path) = place.split_once('/').unwrap_or((place, ""));
        if !host.is_empty() || driver.contains('+') {
            return Err(refuse("this build has no remote connections".into()));
        }
        if driver == "test" {
            let path = decode(path).ok_or_else(|| refuse(format!("'{path}' is not encoded well")))?;
            return Ok(Self { driver: driver.to_owned(), scope: Scope::Pretended(format!("/{path}")) });
        }
        let mut root = None;
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("root", value)) => {
                    let path = PathBuf::from(
                        decode(value).ok_or_else(|| refuse(format!("'{value}' is not encoded well")))?,
                    );
                    if !path.is_absolute() {
                        return Err(refuse("root has to be an absolute path".into()));
                    }
                    root = Some(path);
                }
                _ => return Err(refuse(format!("unknown parameter '{pair}'"))),
            }
        }
        let scope = match path {
            "embed" => Scope::Embed(root),
            "session" if root.is_none() => Scope::Session,
            "system" if root.is_none() => Scope::System,
            "session" | "system" => return Err(refuse("root goes with /embed only".into())),
            other => {
                let near = virt_types::nearest(other, ["embed", "session", "system"]);
                let near = near.map(|near| format!(", did you mean '/{near}'?")).unwrap_or_default();
                return Err(refuse(format!("unknown path '/{other}'{near}")));
            }
        };
        Ok(Self { driver: driver.to_owned(), scope })
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.scope {
            Scope::Embed(None) => write!(f, "{}:///embed", self.driver),
            Scope::Embed(Some(root)) => {
                write!(f, "{}:///embed?root={}", self.driver, encode(&root.to_string_lossy()))
            }
            Scope::Session => write!(f, "{}:///session", self.driver),
            Scope::System => write!(f, "{}:///system", self.driver),
            Scope::Pretended(path) => write!(f, "{}://{}", self.driver, encode(path)),
            #[cfg(feature = "remote")]
            Scope::Remote(uri) => write!(f, "{uri}"),
        }
    }
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

fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/:@".contains(&byte) {
            out.push(byte as char);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_uris_say_what_is_wrong() {
        for (text, expected) in [
            ("qemu", "no '://' after the driver"),
            ("qemu:///sesion", "did you mean '/session'?"),
            #[cfg(feature = "remote")]
            ("qemu+foo://host/system", "the transport 'foo' is not known"),
            ("qemu:///embed?root=relative", "root has to be an absolute path"),
            ("qemu:///embed?root=%zz", "is not encoded well"),
            ("qemu:///system?root=/a", "root goes with /embed only"),
            ("qemu:///embed?rot=/a", "unknown parameter 'rot=/a'"),
        ] {
            let error = text.parse::<Uri>().unwrap_err();
            assert!(error.to_string().contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for text in [
            "qemu:///embed",
            "qemu:///session",
            "qemu:///system",
            "qemu:///embed?root=/a%20b/%3F",
            "test:///default",
        ] {
            assert_eq!(text.parse::<Uri>().unwrap().to_string(), text);
        }
    }
}
