//! Listening to the frames that pass an interface (packet(7)).

use std::io;
use std::mem::size_of;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use rustix::net::RecvFlags;
use rustix::net::netdevice::name_to_index;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::error::{Error, Result};

/// Which frames are listened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Traffic {
    /// All.
    All,
    /// DHCP over IPv4, to servers and from them.
    Dhcp,
}

/// The kernel's program (`linux/filter.h`) that lets DHCP through: Ethernet with IPv4, UDP and no fragment but the first, from
/// port 67 or 68. Each row is an instruction, how many to skip if it is true, or false, and its number.
const DHCP: [(u16, u8, u8, u32); 12] = [
    // The type of the frame: half a word.
    (0x28, 0, 0, 12),
    (0x15, 0, 9, 0x0800),
    // The protocol: a byte.
    (0x30, 0, 0, 23),
    (0x15, 0, 7, 17),
    // The place of the fragment.
    (0x28, 0, 0, 20),
    (0x45, 5, 0, 0x1fff),
    // The length of IP's header, and the port behind it: not below the first, not above the second.
    (0xb1, 0, 0, 14),
    (0x48, 0, 0, 14),
    (0x35, 0, 2, 67),
    (0x25, 1, 0, 68),
    // The whole frame, or nothing of it.
    (0x06, 0, 0, u32::MAX),
    (0x06, 0, 0, 0),
];

/// The frames that pass one interface, both ways, whole with their Ethernet headers.
#[derive(Debug)]
pub struct PacketSocket {
    socket: AsyncFd<OwnedFd>,
    device: String,
    index: u32,
}

impl PacketSocket {
    /// Listens from now on. Belongs to a tokio runtime.
    ///
    /// # Errors
    /// For an interface that is not there; `EPERM` without `CAP_NET_RAW`.
    pub fn open(device: &str, traffic: Traffic) -> Result<Self> {
        let failed = |error: io::Error| Error::system("listen to an interface", error);
        let socket = unbound().map_err(failed)?;
        let index = name_to_index(&socket, device).map_err(|errno| failed(errno.into()))?;
        // Nothing arrives before the socket is bound, so nothing can come past the filter.
        if traffic == Traffic::Dhcp {
            attach(&socket).map_err(failed)?;
        }
        bind(&socket, index).map_err(failed)?;
        // SAFETY: an `OwnedFd` always gives the same descriptor, and closes it only when dropped.
        let socket = unsafe { AsyncFd::register_with_interest(socket, Interest::READABLE) }
            .map_err(|error| failed(io::Error::from(error)))?;
        Ok(Self { socket, device: device.to_owned(), index })
    }

    /// Waits for a frame and answers its length; what does not fit is cut off.
    ///
    /// # Errors
    /// When the interface is gone.
    pub async fn receive(&self, buffer: &mut [u8]) -> Result<usize> {
        let failed = |error: io::Error| Error::system("listen to an interface", error);
        loop {
            let mut guard = self.socket.readable().await.map_err(failed)?;
            let received = guard.try_io(|socket| {
                let (_, length) = rustix::net::recv(socket, &mut *buffer, RecvFlags::empty())?;
                Ok(length.min(buffer.len()))
            });
            match received {
                Ok(Ok(length)) => return Ok(length),
                // It went down, and may come up again.
                Ok(Err(error)) if is_down(&error) && self.is_there() => {}
                Ok(Err(error)) => return Err(failed(error)),
                Err(_) => {}
            }
        }
    }

    fn is_there(&self) -> bool {
        name_to_index(self.socket.get_ref(), &self.device) == Ok(self.index)
    }
}

fn is_down(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ENETDOWN)
}

fn unbound() -> io::Result<OwnedFd> {
    let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: the call takes numbers only.
    let fd = unsafe { libc::socket(libc::AF_PACKET, kind, 0) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just made the descriptor, and nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn attach(socket: &OwnedFd) -> io::Result<()> {
    let mut rows = DHCP.map(|(code, jt, jf, k)| libc::sock_filter { code, jt, jf, k });
    let length = u16::try_from(rows.len()).map_err(io::Error::other)?;
    let program = libc::sock_fprog { len: length, filter: rows.as_mut_ptr() };
    // SAFETY: the kernel reads `len` instructions from `filter`, which live until the end of this function.
    let outcome = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ATTACH_FILTER,
            (&raw const program).cast(),
            size_of::<libc::sock_fprog>() as libc::socklen_t,
        )
    };
    if outcome == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn bind(socket: &OwnedFd, index: u32) -> io::Result<()> {
    let address = libc::sockaddr_ll {
        sll_family: libc::AF_PACKET as u16,
        sll_protocol: (libc::ETH_P_ALL as u16).to_be(),
        sll_ifindex: i32::try_from(index).map_err(io::Error::other)?,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 0,
        sll_addr: [0; 8],
    };
    // SAFETY: the kernel reads as many bytes as the structure has.
    let outcome = unsafe {
        libc::bind(
            socket.as_fd().as_raw_fd(),
            (&raw const address).cast(),
            size_of::<libc::sockaddr_ll>() as libc::socklen_t,
        )
    };
    if outcome == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
