//! The network namespace of a socket, for what the kernel does by the calling thread's.

use std::fs::File;
use std::os::fd::AsFd;

use rustix::fs::fstat;
use rustix::io::Errno;

use crate::{Error, Result, Socket, ioctl};

/// Runs `work` where the socket's network namespace is the calling thread's: here, or on a short-lived thread.
pub(crate) fn in_namespace_of<T: Send>(
    socket: &Socket,
    work: impl FnOnce() -> Result<T> + Send,
) -> Result<T> {
    let theirs = match ioctl::namespace_of(socket.as_fd()) {
        Ok(theirs) => theirs,
        // Who may not ask can not have opened the socket elsewhere, and can not change anything there either.
        Err(Errno::PERM | Errno::NOTTY | Errno::OPNOTSUPP) => return work(),
        Err(errno) => return Err(Error::Namespace(errno.into())),
    };
    let ours = File::open("/proc/thread-self/ns/net").map_err(Error::Namespace)?;
    let number = |stat: rustix::fs::Stat| (stat.st_dev, stat.st_ino);
    let same = fstat(&theirs).map(number) == fstat(&ours).map(number);
    if same {
        return work();
    }
    virt_netlink::in_namespace(theirs.as_fd(), work)?
}
