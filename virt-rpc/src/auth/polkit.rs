//! Asking polkit whether a process may connect.

use virt_driver::BoxFuture;
use virt_types::{Error, ErrorCode, ErrorDomain, Result};

use crate::identity::Peer;

/// Who wants to connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject {
    /// The process, when it connected.
    pub pid: i32,
    /// When it was started, in clock ticks since boot: the same number later is another process.
    pub start_time: u64,
    /// Its user.
    pub uid: u32,
}

/// What polkit says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Let it in.
    Granted,
    /// Do not.
    Denied,
    /// Somebody would have to confirm it, and nobody is there to ask. Clients start an agent then, and try again.
    NoAgent,
    /// Somebody was asked and did not want to answer.
    Dismissed,
}

/// Who decides for polkit.
pub trait Authority: Send + Sync {
    /// Whether the process may do the action. Users may be asked, which takes as long as it takes.
    ///
    /// # Errors
    /// There was nobody who could have decided.
    fn decide(&self, subject: Subject, action: &'static str) -> BoxFuture<'static, Result<Verdict>>;
}

/// Lets nobody in: for builds that cannot reach polkit.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoAuthority;

impl Authority for NoAuthority {
    fn decide(&self, _: Subject, _: &'static str) -> BoxFuture<'static, Result<Verdict>> {
        log::error!("a client is to be authenticated by polkit, which this build cannot ask");
        Box::pin(std::future::ready(Err(super::failed())))
    }
}

/// The action that connecting is.
pub(crate) const fn action(read_only: bool) -> &'static str {
    if read_only { "org.libvirt.unix.monitor" } else { "org.libvirt.unix.manage" }
}

impl Subject {
    /// The process at the other end of a socket, if it is still there.
    pub(crate) fn of(peer: Peer) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", peer.pid)).ok()?;
        Some(Self { pid: peer.pid, start_time: start_time(&stat)?, uid: peer.uid })
    }
}

/// The 22nd field of `/proc/PID/stat` (proc(5)); the second is a name in parentheses that may hold anything.
fn start_time(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(19)?.parse().ok()
}

impl Verdict {
    /// What the client is told.
    pub(crate) fn into_result(self, action: &str) -> Result<()> {
        let (code, text) = match self {
            Self::Granted => return Ok(()),
            Self::Denied => (ErrorCode::AuthFailed, "access denied by policy".to_owned()),
            Self::NoAgent => (
                ErrorCode::AuthUnavailable,
                format!("no polkit agent available to authenticate action '{action}'"),
            ),
            Self::Dismissed => (ErrorCode::AuthCancelled, "user cancelled authentication process".to_owned()),
        };
        Err(Error::new(code, ErrorDomain::Polkit, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_time_is_found_behind_any_name() {
        let fields: Vec<_> = (3..40).map(|n| n.to_string()).collect();
        let stat = format!("7 (a) b) ) {}", fields.join(" "));
        assert_eq!(start_time(&stat), Some(22));
        assert_eq!(start_time("7 (x) S"), None);
        let own = Subject::of(Peer { pid: std::process::id() as i32, uid: 5, gid: 6 }).unwrap();
        assert!(own.start_time > 0);
    }

    #[test]
    fn verdicts_as_clients_know_them() {
        let rows = [
            (Verdict::Denied, "authentication failed: access denied by policy"),
            (
                Verdict::NoAgent,
                "authentication unavailable: no polkit agent available to authenticate action 'org.libvirt.unix.manage'",
            ),
            (Verdict::Dismissed, "authentication cancelled: user cancelled authentication process"),
        ];
        for (verdict, text) in rows {
            assert_eq!(verdict.into_result(action(false)).unwrap_err().to_string(), text);
        }
        assert!(Verdict::Granted.into_result(action(true)).is_ok());
    }
}
