//! The requests that have no netlink message (`linux/sockios.h`), made on a socket of the caller's namespace.
#![allow(unsafe_code)]

use std::ffi::{c_char, c_int, c_ulong, c_void};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

use crate::InterfaceName;

const SIOCGSKNS: c_ulong = 0x894c;
const SIOCADDMULTI: c_ulong = 0x8931;
const SIOCDELMULTI: c_ulong = 0x8932;
const SIOCBRADDBR: c_ulong = 0x89a0;
const SIOCBRDELBR: c_ulong = 0x89a1;
const SIOCDEVPRIVATE: c_ulong = 0x89f0;

/// `IFNAMSIZ`, the terminating NUL included.
const NAME_SIZE: usize = 16;

/// `struct ifreq`: a name, and a union whose largest member is `struct ifmap`.
#[repr(C)]
#[derive(Clone, Copy)]
struct InterfaceRequest {
    name: [u8; NAME_SIZE],
    value: Value,
}

#[repr(C)]
#[derive(Clone, Copy)]
union Value {
    /// `struct sockaddr`: the family, then its bytes.
    address: (u16, [u8; 14]),
    data: *mut c_void,
    size: [u8; 24],
}

fn padded(name: &InterfaceName) -> [u8; NAME_SIZE] {
    let mut padded = [0; NAME_SIZE];
    // A validated name is shorter.
    padded[..name.as_str().len()].copy_from_slice(name.as_str().as_bytes());
    padded
}

fn outcome(returned: c_int) -> Result<c_int, Errno> {
    if returned < 0 {
        Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO))
    } else {
        Ok(returned)
    }
}

/// The network namespace that a socket belongs to.
pub(crate) fn namespace_of(socket: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    // SAFETY: SIOCGSKNS takes no argument and gives a new descriptor, which nobody else owns.
    unsafe {
        let fd = outcome(libc::ioctl(socket.as_raw_fd(), SIOCGSKNS as _))?;
        Ok(OwnedFd::from_raw_fd(fd))
    }
}

/// A socket for requests about the interfaces of the calling thread's namespace.
pub(crate) struct Control(OwnedFd);

impl Control {
    pub(crate) fn open() -> Result<Self, Errno> {
        socket_with(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::CLOEXEC, None).map(Self)
    }

    fn request(&self, number: c_ulong, request: &mut InterfaceRequest) -> Result<(), Errno> {
        // SAFETY: the requests made through this function read and write one struct ifreq, which InterfaceRequest is as
        // large as; a pointer in it is valid as long as the caller's borrow of what it points at.
        unsafe { outcome(libc::ioctl(self.0.as_raw_fd(), number as _, std::ptr::from_mut(request))) }?;
        Ok(())
    }

    /// Makes a bridge.
    pub(crate) fn add_bridge(&self, name: &InterfaceName) -> Result<(), Errno> {
        self.bridge(SIOCBRADDBR, name)
    }

    /// Deletes a bridge, which must be off.
    pub(crate) fn delete_bridge(&self, name: &InterfaceName) -> Result<(), Errno> {
        self.bridge(SIOCBRDELBR, name)
    }

    fn bridge(&self, number: c_ulong, name: &InterfaceName) -> Result<(), Errno> {
        let name = padded(name);
        let pointer: *const c_char = name.as_ptr().cast();
        // SAFETY: these requests read IFNAMSIZ bytes, which the array has.
        unsafe { outcome(libc::ioctl(self.0.as_raw_fd(), number as _, pointer)) }?;
        Ok(())
    }

    /// One of the old requests to a bridge, `BRCTL_*` of `linux/if_bridge.h`, with its value.
    pub(crate) fn set_bridge(
        &self,
        name: &InterfaceName,
        command: c_ulong,
        value: c_ulong,
    ) -> Result<(), Errno> {
        let mut arguments: [c_ulong; 4] = [command, value, 0, 0];
        let data = arguments.as_mut_ptr().cast();
        self.request(SIOCDEVPRIVATE, &mut InterfaceRequest { name: padded(name), value: Value { data } })
    }

    /// Adds a group's address to those that an interface hears, or takes it away.
    pub(crate) fn hear(&self, name: &InterfaceName, group: [u8; 6], on: bool) -> Result<(), Errno> {
        let mut bytes = [0; 14];
        bytes[..6].copy_from_slice(&group);
        let address = (libc::AF_UNSPEC as u16, bytes);
        let number = if on { SIOCADDMULTI } else { SIOCDELMULTI };
        self.request(number, &mut InterfaceRequest { name: padded(name), value: Value { address } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_is_the_kernels() {
        assert_eq!(size_of::<InterfaceRequest>(), size_of::<libc::ifreq>());
        assert_eq!(std::mem::offset_of!(InterfaceRequest, value), 16);
        assert_eq!(&padded(&"br0".parse().unwrap())[..4], b"br0\0");
    }

    #[test]
    fn what_does_not_exist_is_refused() {
        let control = Control::open().unwrap();
        let name = "virt-no-such".parse().unwrap();
        assert!(control.delete_bridge(&name).is_err());
        assert!(control.set_bridge(&name, 14, 0).is_err());
        assert!(control.hear(&name, [1, 0, 0, 0, 0, 0], true).is_err());
    }
}
