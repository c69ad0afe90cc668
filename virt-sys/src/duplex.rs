//! Reading and writing a terminal or socket from tasks, without blocking a thread.

use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A descriptor that tasks of a tokio runtime read and write, such as a pseudo terminal.
#[derive(Debug)]
pub struct Duplex(AsyncFd<OwnedFd>);

impl Duplex {
    /// Takes over a descriptor and makes it non-blocking.
    ///
    /// # Errors
    /// Outside a runtime, or for what the kernel cannot watch.
    pub fn new(fd: OwnedFd) -> io::Result<Self> {
        fcntl_setfl(&fd, fcntl_getfl(&fd)? | OFlags::NONBLOCK)?;
        // SAFETY: an `OwnedFd` always gives the same descriptor, and closes it only when dropped.
        let registered =
            unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE | Interest::WRITABLE) };
        registered.map(Self).map_err(Into::into)
    }

    /// Reads at least one byte; 0 at the end, which for a terminal is when its other side is closed.
    ///
    /// # Errors
    /// The kernel's.
    pub async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let mut ready = self.0.readable().await?;
            match ready.try_io(|fd| Ok(rustix::io::read(fd, &mut *buffer)?)) {
                // A pseudo terminal whose other side is closed answers EIO.
                Ok(Err(error)) if error.raw_os_error() == Some(libc::EIO) => return Ok(0),
                Ok(outcome) => return outcome,
                Err(_) => {}
            }
        }
    }

    /// Writes at least one byte.
    ///
    /// # Errors
    /// The kernel's.
    pub async fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            let mut ready = self.0.writable().await?;
            if let Ok(outcome) = ready.try_io(|fd| Ok(rustix::io::write(fd, bytes)?)) {
                return outcome;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_one_end_writes_the_other_reads() {
        let (a, b) = std::os::unix::net::UnixStream::pair().unwrap();
        let (a, b) = (Duplex::new(a.into()).unwrap(), Duplex::new(b.into()).unwrap());
        let mut buffer = [0; 8];
        let (read, written) = tokio::join!(b.read(&mut buffer), a.write(b"abc"));
        assert_eq!((read.unwrap(), written.unwrap(), &buffer[..3]), (3, 3, &b"abc"[..]));
        drop(a);
        assert_eq!(b.read(&mut buffer).await.unwrap(), 0);
    }
}
