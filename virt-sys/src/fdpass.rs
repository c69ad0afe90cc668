//! Descriptors over Unix sockets (`SCM_RIGHTS`).

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags,
};

use crate::error::{Error, Result};

/// The kernel takes at most this many descriptors with one message (`SCM_MAX_FD`).
pub const MAX_FDS: usize = 253;

/// Sends bytes with descriptors in one call. Returns how many bytes were taken: at least one, and the
/// descriptors went with the first. Send the rest without them.
///
/// # Errors
/// [`Error::Invalid`] for no bytes or too many descriptors, else what the socket says (`EAGAIN`
/// from one that does not block).
pub fn send(socket: impl AsFd, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> Result<usize> {
    if bytes.is_empty() || fds.len() > MAX_FDS {
        return Err(Error::Invalid(format!(
            "cannot send {} descriptors with {} bytes",
            fds.len(),
            bytes.len()
        )));
    }
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(Error::Invalid(format!("cannot send {} descriptors at once", fds.len())));
    }
    rustix::io::retry_on_intr(|| {
        rustix::net::sendmsg(socket.as_fd(), &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL)
    })
    .map_err(|e| Error::system("send descriptors", e))
}

/// Receives bytes, and the descriptors that came with them, close-on-exec. 0 bytes mean the end.
///
/// # Errors
/// What the socket says; an error also if descriptors got lost because this process may not have
/// more of them.
pub fn receive(socket: impl AsFd, buffer: &mut [u8]) -> Result<(usize, Vec<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let message = rustix::io::retry_on_intr(|| {
        rustix::net::recvmsg(
            socket.as_fd(),
            &mut [IoSliceMut::new(buffer)],
            &mut control,
            RecvFlags::CMSG_CLOEXEC,
        )
    })
    .map_err(|e| Error::system("receive descriptors", e))?;
    let mut fds = Vec::new();
    for part in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = part {
            fds.extend(rights);
        }
    }
    if message.flags.contains(rustix::net::ReturnFlags::CTRUNC) {
        return Err(Error::system("receive descriptors", io::Error::from_raw_os_error(libc::EMFILE)));
    }
    Ok((message.bytes, fds))
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn descriptors_arrive_with_their_bytes() {
        let (left, right) = UnixStream::pair().unwrap();
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        assert_eq!(send(&left, b"take it", &[writer.as_fd(), left.as_fd()]).unwrap(), 7);
        drop(writer);
        let mut buffer = [0; 64];
        let (len, mut fds) = receive(&right, &mut buffer).unwrap();
        assert_eq!((&buffer[..len], fds.len()), (&b"take it"[..], 2));
        let flags = rustix::io::fcntl_getfd(&fds[0]).unwrap();
        assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
        File::from(fds.remove(0)).write_all(b"through the pipe").unwrap();
        let mut text = String::new();
        File::from(reader).read_to_string(&mut text).unwrap();
        assert_eq!(text, "through the pipe");
    }

    #[test]
    fn plain_bytes_and_the_end() {
        let (left, right) = UnixStream::pair().unwrap();
        send(&left, b"x", &[]).unwrap();
        drop(left);
        let mut buffer = [0; 8];
        assert_eq!(receive(&right, &mut buffer).unwrap().0, 1);
        assert_eq!(receive(&right, &mut buffer).unwrap().0, 0);
    }

    #[test]
    fn nonsense_is_refused() {
        let (left, _right) = UnixStream::pair().unwrap();
        assert!(matches!(send(&left, b"", &[left.as_fd()]), Err(Error::Invalid(_))));
        assert!(matches!(send(&left, b"x", &[left.as_fd(); MAX_FDS + 1]), Err(Error::Invalid(_))));
        assert_eq!(send(&left, b"x", &[left.as_fd(); MAX_FDS]).unwrap(), 1);
    }
}
