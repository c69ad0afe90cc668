//! Programs that lead to a peer over their standard input and output.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::process::Stdio;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::process::{Child, Command};
use virt_types::{Error, Result};

use super::failed;
use crate::Io;

/// A program and the socket that is its standard input and output. It ends with the connection.
struct Program {
    socket: tokio::net::UnixStream,
    _child: Child,
}

/// Starts a program; its messages go where those of this process go.
pub(super) fn run(line: &[String]) -> Result<Io> {
    let [program, arguments @ ..] = line else { return Err(super::invalid("no command to run")) };
    let cannot = |error| -> Error { failed(&format!("run '{program}'"), error) };
    let (ours, theirs) = UnixStream::pair().map_err(cannot)?;
    let output = OwnedFd::from(theirs.try_clone().map_err(cannot)?);
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::from(output))
        .kill_on_drop(true)
        .spawn()
        .map_err(cannot)?;
    ours.set_nonblocking(true).map_err(cannot)?;
    let socket = tokio::net::UnixStream::from_std(ours).map_err(cannot)?;
    Ok(Io::channel(Program { socket, _child: child }))
}

impl AsyncRead for Program {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Program {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}
