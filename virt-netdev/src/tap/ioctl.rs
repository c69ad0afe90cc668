//! The requests of `/dev/net/tun` (`linux/if_tun.h`), which has no other interface.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_uint};
use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno;
use rustix::ioctl::{Opcode, Updater, ioctl, opcode};

const TUNSETIFF: Opcode = opcode::write::<c_int>(b'T', 202);
const TUNGETIFF: Opcode = opcode::read::<c_uint>(b'T', 210);

/// `IFNAMSIZ`, the terminating NUL included.
const NAME_SIZE: usize = 16;

bitflags::bitflags! {
    /// How a queue behaves (`IFF_*`).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(super) struct Flags: u16 {
        const TAP = 0x0002;
        const NO_PI = 0x1000;
        const VNET_HDR = 0x4000;
        const MULTI_QUEUE = 0x0100;
        /// `IFF_TUN_EXCL`: make a device, never attach to one.
        const EXCLUSIVE = 0x8000;
        /// What is compared after it was asked for; the kernel adds flags of its own.
        const REQUESTED = Self::TAP.bits() | Self::NO_PI.bits() | Self::VNET_HDR.bits() | Self::MULTI_QUEUE.bits();
    }
}

/// `struct ifreq` as these requests use it: the name, then flags at the beginning of the union.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct InterfaceRequest {
    name: [u8; NAME_SIZE],
    flags: u16,
    /// The rest of the union, 24 bytes on 64-bit and 16 on 32-bit machines.
    rest: [u8; 22],
}

/// Attaches an open `/dev/net/tun` to the tap of this name, which it makes if need be, and gives the tap's name.
pub(super) fn attach(queue: &OwnedFd, name: &str, flags: Flags) -> Result<String, Errno> {
    let mut request = InterfaceRequest { flags: flags.bits(), ..InterfaceRequest::default() };
    let bytes = name.as_bytes();
    request
        .name
        .get_mut(..NAME_SIZE - 1)
        .and_then(|field| field.get_mut(..bytes.len()))
        .ok_or(Errno::RANGE)?
        .copy_from_slice(bytes);
    // SAFETY: TUNSETIFF reads and writes one struct ifreq, which InterfaceRequest is at least as large as, and
    // every value of its bytes is a valid InterfaceRequest.
    unsafe {
        let update = Updater::<TUNSETIFF, InterfaceRequest>::new(&mut request);
        ioctl(queue.as_fd(), update)?;
    }
    let length = request.name.iter().position(|byte| *byte == 0).ok_or(Errno::RANGE)?;
    String::from_utf8(request.name[..length].to_vec()).map_err(|_| Errno::ILSEQ)
}

/// The flags of an attached queue.
pub(super) fn flags(queue: &OwnedFd) -> Result<Flags, Errno> {
    let mut request = InterfaceRequest::default();
    // SAFETY: TUNGETIFF writes one struct ifreq, which InterfaceRequest is at least as large as, and every value of
    // its bytes is a valid InterfaceRequest.
    unsafe {
        let update = Updater::<TUNGETIFF, InterfaceRequest>::new(&mut request);
        ioctl(queue.as_fd(), update)?;
    }
    Ok(Flags::from_bits_retain(request.flags))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_layout_are_the_kernels() {
        assert_eq!(size_of::<InterfaceRequest>(), 40);
        assert_eq!(std::mem::offset_of!(InterfaceRequest, flags), 16);
        if cfg!(target_arch = "x86_64") {
            assert_eq!((TUNSETIFF, TUNGETIFF), (0x4004_54ca, 0x8004_54d2));
        }
    }

    #[test]
    fn another_device_refuses() {
        let null: OwnedFd = std::fs::File::open("/dev/null").unwrap().into();
        assert_eq!(attach(&null, "tap0", Flags::TAP), Err(Errno::NOTTY));
        assert_eq!(flags(&null), Err(Errno::NOTTY));
        assert_eq!(attach(&null, "a-name-of-16-byt", Flags::TAP), Err(Errno::RANGE));
    }
}
