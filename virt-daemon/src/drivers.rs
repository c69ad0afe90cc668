//! The drivers, and which of them a URI is for.

use std::sync::Arc;

use virt_driver::{BoxFuture, Connection};
use virt_engine::{Host, Settings};
use virt_rpc::Identity;
use virt_rpc::bind::Opener;
use virt_testdriver::TestConnection;
use virt_types::{Error, ErrorCode, ErrorDomain, Result};

/// The drivers of the daemon. They are opened when they are first asked for.
#[derive(Debug)]
pub struct Drivers {
    privileged: bool,
    host: Host,
}

impl Drivers {
    /// The drivers over these settings.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { privileged: settings.privileged, host: Host::new(settings) }
    }

    /// The drivers of this host.
    #[must_use]
    pub const fn host(&self) -> &Host {
        &self.host
    }

    /// Opens what a client names: a URI without transport and host, as it stands in the call. Nothing stands for the
    /// daemon's own hypervisor.
    ///
    /// # Errors
    /// As stock libvirtd: for a URI of no driver, and for one that its driver does not know.
    pub async fn connect(&self, name: &str) -> Result<Arc<dyn Connection>> {
        let usual = if self.privileged { "qemu:///system" } else { "qemu:///session" };
        let uri = if name.is_empty() { usual } else { name };
        let (scheme, path) = split(uri);
        match scheme {
            "qemu" => {
                check_path(scheme, path, self.privileged)?;
                self.host.connect(uri.to_owned()).await
            }
            // Nobody is asked for a name: a host that has users lets no client of a daemon in, as in libvirtd.
            "test" => Ok(Arc::new(TestConnection::open(path)?)),
            _ => {
                let detail = format!("no connection driver available for {uri}");
                Err(Error::new(ErrorCode::NoConnect, ErrorDomain::None, detail).verbatim())
            }
        }
    }
}

impl Opener for Drivers {
    /// What a read-only client may not do is refused before any driver is asked.
    fn open<'a>(
        &'a self,
        uri: &'a str,
        _: bool,
        _: &'a Identity,
    ) -> BoxFuture<'a, Result<Arc<dyn Connection>>> {
        Box::pin(self.connect(uri))
    }
}

/// A URI's scheme and path, without host and parameters: `qemu:///system?a=b` is `qemu` and `/system`.
fn split(uri: &str) -> (&str, &str) {
    let (scheme, rest) = uri.split_once(':').unwrap_or(("", uri));
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let path = match rest.strip_prefix("//") {
        Some(rest) => rest.find('/').map_or("", |at| &rest[at..]),
        None => rest,
    };
    (scheme, path)
}

/// The host's daemon serves a user's path as well: for root, both are the same.
fn check_path(scheme: &str, path: &str, privileged: bool) -> Result<()> {
    let right = if privileged { "/system" } else { "/session" };
    if path == right || (privileged && path == "/session") {
        return Ok(());
    }
    let detail = format!("unexpected {scheme} URI path '{path}', try {scheme}://{right}");
    Err(Error::new(ErrorCode::InternalError, ErrorDomain::None, detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_are_split() {
        for (uri, expected) in [
            ("qemu:///system", ("qemu", "/system")),
            ("qemu:///system?a=/b", ("qemu", "/system")),
            ("qemu://host/system", ("qemu", "/system")),
            ("qemu:/system", ("qemu", "/system")),
            ("test:///a/b.xml", ("test", "/a/b.xml")),
            ("qemu://", ("qemu", "")),
            ("nonsense", ("", "nonsense")),
        ] {
            assert_eq!(split(uri), expected, "{uri}");
        }
    }

    #[test]
    fn paths_are_refused_as_libvirtd_does() {
        for (path, privileged, refusal) in [
            ("/system", true, None),
            ("/session", true, None),
            ("/session", false, None),
            ("/foo", true, Some("internal error: unexpected qemu URI path '/foo', try qemu:///system")),
            ("/", true, Some("internal error: unexpected qemu URI path '/', try qemu:///system")),
            (
                "/system",
                false,
                Some("internal error: unexpected qemu URI path '/system', try qemu:///session"),
            ),
        ] {
            let found = check_path("qemu", path, privileged).err().map(|error| error.to_string());
            assert_eq!(found.as_deref(), refusal);
        }
    }
}
