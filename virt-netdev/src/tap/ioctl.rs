//! The requests of `/dev/net/tun` (`linux/if_tun.h`), which has no other interface.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_uint};
use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno;
use rustix::ioctl::{IntegerSetter, Opcode, Setter, Updater, ioctl, opcode};

const TUNSETIFF: Opcode = opcode::write::<c_int>(b'T', 202);
const TUNSETPERSIST: Opcode = opcode::write::<c_int>(b'T', 203);
const TUNSETOWNER: Opcode = opcode::write::<c_int>(b'T', 204);
const TUNSETGROUP: Opcode = opcode::write::<c_int>(b'T', 206);
const TUNSETOFFLOAD: Opcode = opcode::write::<c_uint>(b'T', 208);
const TUNSETVNETHDRSZ: Opcode = opcode::write::<c_int>(b'T', 216);
const TUNGETIFF: Opcode = opcode::read::<c_uint>(b'T', 210);

/// `IFNAMSIZ`, the terminating NUL included.
const NAME_SIZE: usize = 16;

bitflags::bitflags! {
    /// How a queue behaves (`IFF_*`).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct Flags: u16 {
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
pub(crate) fn attach(queue: &OwnedFd, name: &str, flags: Flags) -> Result<String, Errno> {
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
pub(crate) fn flags(queue: &OwnedFd) -> Result<Flags, Errno> {
    let mut request = InterfaceRequest::default();
    // SAFETY: TUNGETIFF writes one struct ifreq, which InterfaceRequest is at least as large as, and every value of
    // its bytes is a valid InterfaceRequest.
    unsafe {
        let update = Updater::<TUNGETIFF, InterfaceRequest>::new(&mut request);
        ioctl(queue.as_fd(), update)?;
    }
    Ok(Flags::from_bits_retain(request.flags))
}

/// What an attached queue, or its tap, can be told by a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Setting {
    /// The tap stays when its last queue is closed.
    Persistent,
    /// The user who may attach to it.
    Owner,
    /// The group whose members may attach to it.
    Group,
    /// What the reader of frames does itself, see [`Offloads`](super::Offloads).
    Offloads,
}

pub(super) fn set(queue: &OwnedFd, setting: Setting, value: u32) -> Result<(), Errno> {
    // A c_int or c_uint in the kernel, handed over as a word.
    let value = value as usize;
    // SAFETY: these requests take a number and no pointer.
    unsafe {
        match setting {
            Setting::Persistent => ioctl(queue.as_fd(), IntegerSetter::<TUNSETPERSIST>::new_usize(value)),
            Setting::Owner => ioctl(queue.as_fd(), IntegerSetter::<TUNSETOWNER>::new_usize(value)),
            Setting::Group => ioctl(queue.as_fd(), IntegerSetter::<TUNSETGROUP>::new_usize(value)),
            Setting::Offloads => ioctl(queue.as_fd(), IntegerSetter::<TUNSETOFFLOAD>::new_usize(value)),
        }
    }
}

/// Sets the bytes of the header before each frame.
pub(super) fn set_header_size(queue: &OwnedFd, size: u8) -> Result<(), Errno> {
    // SAFETY: TUNSETVNETHDRSZ reads one c_int.
    unsafe { ioctl(queue.as_fd(), Setter::<TUNSETVNETHDRSZ, c_int>::new(size.into())) }
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
            assert_eq!((TUNSETPERSIST, TUNSETOWNER, TUNSETGROUP), (0x4004_54cb, 0x4004_54cc, 0x4004_54ce));
            assert_eq!((TUNSETOFFLOAD, TUNSETVNETHDRSZ), (0x4004_54d0, 0x4004_54d8));
        }
    }

    #[test]
    fn another_device_refuses() {
        let null: OwnedFd = std::fs::File::open("/dev/null").unwrap().into();
        assert_eq!(attach(&null, "tap0", Flags::TAP), Err(Errno::NOTTY));
        assert_eq!(flags(&null), Err(Errno::NOTTY));
        assert_eq!(set(&null, Setting::Owner, 0), Err(Errno::NOTTY));
        assert_eq!(set_header_size(&null, 12), Err(Errno::NOTTY));
        assert_eq!(attach(&null, "a-name-of-16-byt", Flags::TAP), Err(Errno::RANGE));
    }
}
