//! Stream sockets with descriptors, for tasks that read and write in one place.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::fdpass::MAX_FDS;

/// A connected stream socket of a tokio runtime.
///
/// It costs one system call to read what has arrived and one to write an answer: readiness is forgotten after a short
/// read instead of being tried again, and the kernel is asked to report room for writing only while there is none,
/// so that a peer that reads wakes nobody.
#[derive(Debug)]
pub struct Socket {
    reader: AsyncFd<Arc<OwnedFd>>,
    /// A second descriptor of the socket, while a write waits for room.
    writer: Option<AsyncFd<OwnedFd>>,
}

impl Socket {
    /// Takes over a connected socket and makes it non-blocking.
    ///
    /// # Errors
    /// Outside a runtime, or for what the kernel cannot watch.
    pub fn new(fd: OwnedFd) -> io::Result<Self> {
        fcntl_setfl(&fd, fcntl_getfl(&fd)? | OFlags::NONBLOCK)?;
        Ok(Self { reader: register(Arc::new(fd), Interest::READABLE)?, writer: None })
    }

    /// Receives what has arrived, at least one byte; 0 at the end. Descriptors that came along are appended to
    /// `fds`, close-on-exec.
    ///
    /// # Errors
    /// What the socket says; `EMFILE` if descriptors got lost because this process may not have more of them.
    pub fn poll_receive(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
        fds: &mut Vec<OwnedFd>,
    ) -> Poll<io::Result<usize>> {
        let before = fds.len();
        loop {
            let mut guard = ready!(self.reader.poll_read_ready(cx))?;
            match guard.try_io(|fd| receive(fd.as_fd(), buffer, fds)) {
                Ok(Ok(length)) => {
                    // Less than was asked for: whatever comes next is announced anew. But the kernel also stops behind
                    // a byte with descriptors.
                    if length < buffer.len() && fds.len() == before {
                        guard.clear_ready();
                    }
                    return Poll::Ready(Ok(length));
                }
                Ok(Err(error)) => return Poll::Ready(Err(error)),
                Err(_) => {}
            }
        }
    }

    /// Sends bytes from several places in one call and answers how many were taken, at least one. Descriptors go with
    /// the first byte.
    ///
    /// # Errors
    /// What the socket says; `EINVAL` for more descriptors than the kernel takes at once.
    pub fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
        fds: &[BorrowedFd<'_>],
    ) -> Poll<io::Result<usize>> {
        loop {
            if let Some(writer) = &self.writer {
                ready!(writer.poll_write_ready(cx))?.clear_ready();
            }
            match send(self.reader.get_ref().as_fd(), slices, fds) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if self.writer.is_none() {
                        let second = self.reader.get_ref().as_fd().try_clone_to_owned()?;
                        self.writer = Some(register(second, Interest::WRITABLE)?);
                    }
                }
                outcome => {
                    self.writer = None;
                    return Poll::Ready(outcome);
                }
            }
        }
    }

    /// For others who send while the owner has nothing to send itself.
    #[must_use]
    pub fn sender(&self) -> SocketSender {
        SocketSender(Arc::clone(self.reader.get_ref()))
    }

    /// Tells the peer that nothing more will come.
    ///
    /// # Errors
    /// `ENOTCONN` when the peer is gone.
    pub fn shutdown(&self) -> io::Result<()> {
        Ok(rustix::net::shutdown(self.reader.get_ref(), rustix::net::Shutdown::Both)?)
    }
}

/// Sends over a [`Socket`] without waiting.
#[derive(Debug, Clone)]
pub struct SocketSender(Arc<OwnedFd>);

impl SocketSender {
    /// Sends as much of the bytes as there is room for, in one call.
    ///
    /// # Errors
    /// What the socket says; `EWOULDBLOCK` if there is no room at all.
    pub fn try_send(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        send(self.0.as_fd(), slices, &[])
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.reader.get_ref().as_fd()
    }
}

fn register<T: Descriptor>(fd: T, interest: Interest) -> io::Result<AsyncFd<T>> {
    // SAFETY: an `OwnedFd` always gives the same descriptor, and closes it only when dropped, shared or not.
    unsafe { AsyncFd::register_with_interest(fd, interest) }.map_err(Into::into)
}

/// What owns a descriptor for good.
trait Descriptor: AsRawFd {}

impl Descriptor for OwnedFd {}

impl Descriptor for Arc<OwnedFd> {}

fn receive(socket: BorrowedFd<'_>, buffer: &mut [u8], fds: &mut Vec<OwnedFd>) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let message = rustix::io::retry_on_intr(|| {
        let mut slices = [IoSliceMut::new(buffer)];
        rustix::net::recvmsg(socket, &mut slices, &mut control, RecvFlags::CMSG_CLOEXEC)
    })?;
    for part in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = part {
            fds.extend(rights);
        }
    }
    if message.flags.contains(ReturnFlags::CTRUNC) {
        return Err(io::Error::from_raw_os_error(libc::EMFILE));
    }
    Ok(message.bytes)
}

fn send(socket: BorrowedFd<'_>, slices: &[IoSlice<'_>], fds: &[BorrowedFd<'_>]) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    Ok(rustix::io::retry_on_intr(|| rustix::net::sendmsg(socket, slices, &mut control, SendFlags::NOSIGNAL))?)
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::os::unix::net::UnixStream;

    use super::*;

    fn pair() -> (Socket, Socket) {
        let (left, right) = UnixStream::pair().unwrap();
        (Socket::new(left.into()).unwrap(), Socket::new(right.into()).unwrap())
    }

    #[tokio::test]
    async fn descriptors_come_with_the_byte_they_were_sent_with() {
        let (mut left, right) = pair();
        let (reader, _writer) = rustix::pipe::pipe().unwrap();
        let mut fds = Vec::new();
        let mut buffer = [0; 16];
        let slices = [IoSlice::new(b"abc"), IoSlice::new(b"de")];
        assert_eq!(poll_fn(|cx| left.poll_send(cx, &slices, &[])).await.unwrap(), 5);
        let slices = [IoSlice::new(b"f")];
        assert_eq!(poll_fn(|cx| left.poll_send(cx, &slices, &[reader.as_fd()])).await.unwrap(), 1);
        let mut text = Vec::new();
        while text.len() < 6 {
            let length = poll_fn(|cx| right.poll_receive(cx, &mut buffer, &mut fds)).await.unwrap();
            text.extend_from_slice(&buffer[..length]);
        }
        assert_eq!((&text[..], fds.len()), (&b"abcdef"[..], 1));
        left.shutdown().unwrap();
        assert_eq!(poll_fn(|cx| right.poll_receive(cx, &mut buffer, &mut fds)).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn a_full_socket_makes_the_writer_wait_for_the_reader() {
        let (mut left, right) = pair();
        let total = 4 << 20;
        let sender = async move {
            let chunk = vec![7; 65536];
            let mut sent = 0;
            while sent < total {
                let slices = [IoSlice::new(&chunk)];
                sent += poll_fn(|cx| left.poll_send(cx, &slices, &[])).await.unwrap();
            }
            sent
        };
        let receiver = async move {
            let (mut buffer, mut fds, mut received) = (vec![0; 8192], Vec::new(), 0);
            loop {
                match poll_fn(|cx| right.poll_receive(cx, &mut buffer, &mut fds)).await.unwrap() {
                    0 => return received,
                    length => received += length,
                }
            }
        };
        let (sent, received) = tokio::join!(sender, receiver);
        assert!(sent >= total && sent == received, "{sent} {received}");
    }
}
