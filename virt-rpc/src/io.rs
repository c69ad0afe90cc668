//! The byte streams that connections run over.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, OwnedFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use virt_sys::{Socket, SocketSender};

/// What can be read and written, such as a TLS session or the pipes of an ssh process.
pub trait ByteChannel: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> ByteChannel for T {}

/// A transport that is connected.
pub struct Io(Kind);

enum Kind {
    Socket { socket: Socket, passes_fds: bool },
    Channel(Box<dyn ByteChannel>),
}

impl Io {
    /// A connected Unix stream socket, which passes descriptors.
    ///
    /// # Errors
    /// Outside a runtime, or for what the kernel cannot watch.
    pub fn unix(fd: impl Into<OwnedFd>) -> io::Result<Self> {
        Ok(Self(Kind::Socket { socket: Socket::new(fd.into())?, passes_fds: true }))
    }

    /// A connected TCP socket. Messages leave at once (`TCP_NODELAY`).
    ///
    /// # Errors
    /// Outside a runtime, or for what the kernel cannot watch.
    pub fn tcp(fd: impl Into<OwnedFd>) -> io::Result<Self> {
        let fd = fd.into();
        rustix::net::sockopt::set_tcp_nodelay(&fd, true)?;
        Ok(Self(Kind::Socket { socket: Socket::new(fd)?, passes_fds: false }))
    }

    /// Anything else that carries bytes.
    #[must_use]
    pub fn channel(channel: impl ByteChannel + 'static) -> Self {
        Self(Kind::Channel(Box::new(channel)))
    }

    /// Whether descriptors can be passed.
    #[must_use]
    pub const fn passes_fds(&self) -> bool {
        matches!(self.0, Kind::Socket { passes_fds: true, .. })
    }

    /// What sends over the same transport beside this, if it takes bytes as they are.
    pub(crate) fn sender(&self) -> Option<SocketSender> {
        match &self.0 {
            Kind::Socket { socket, .. } => Some(socket.sender()),
            Kind::Channel(_) => None,
        }
    }

    pub(crate) fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
        fds: &mut Vec<OwnedFd>,
    ) -> Poll<io::Result<usize>> {
        match &mut self.0 {
            Kind::Socket { socket, .. } => socket.poll_receive(cx, buffer, fds),
            Kind::Channel(channel) => {
                let mut into = ReadBuf::new(buffer);
                ready!(Pin::new(channel).poll_read(cx, &mut into))?;
                Poll::Ready(Ok(into.filled().len()))
            }
        }
    }

    pub(crate) fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let sent = match &mut self.0 {
            Kind::Socket { socket, .. } => ready!(socket.poll_send(cx, slices, &[]))?,
            Kind::Channel(channel) => ready!(Pin::new(channel).poll_write_vectored(cx, slices))?,
        };
        if sent == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        Poll::Ready(Ok(sent))
    }

    /// Sends the byte that carries a descriptor.
    pub(crate) fn poll_send_fd(&mut self, cx: &mut Context<'_>, fd: &OwnedFd) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Kind::Socket { socket, passes_fds: true } => {
                ready!(socket.poll_send(cx, &[IoSlice::new(&[0])], &[fd.as_fd()]))?;
                Poll::Ready(Ok(()))
            }
            _ => Poll::Ready(Err(io::ErrorKind::Unsupported.into())),
        }
    }

    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Kind::Socket { .. } => Poll::Ready(Ok(())),
            Kind::Channel(channel) => Pin::new(channel).poll_flush(cx),
        }
    }

    /// Tells the peer that nothing more will come.
    pub(crate) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            Kind::Socket { socket, .. } => Poll::Ready(socket.shutdown()),
            Kind::Channel(channel) => Pin::new(channel).poll_shutdown(cx),
        }
    }
}

impl std::fmt::Debug for Io {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Kind::Socket { socket, passes_fds } => {
                f.debug_struct("Io").field("socket", socket).field("passes_fds", passes_fds).finish()
            }
            Kind::Channel(_) => f.write_str("Io(channel)"),
        }
    }
}
