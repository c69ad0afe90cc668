//! What KVM tells of the host: limits, the time stamp counter, registers.

use std::fs::{File, OpenOptions};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::fs::FileExt;

use super::{KVM_CREATE_VM, ioctl};

/// `_IO(KVMIO, 0x03)` of linux/kvm.h.
const KVM_CHECK_EXTENSION: libc::c_ulong = 0xae03;
/// `_IO(KVMIO, 0x41)` of linux/kvm.h.
const KVM_CREATE_VCPU: libc::c_ulong = 0xae41;
/// `_IO(KVMIO, 0xa3)` of linux/kvm.h.
const KVM_GET_TSC_KHZ: libc::c_ulong = 0xaea3;
/// `_IOWR(KVMIO, 0x88, struct kvm_msrs)` of linux/kvm.h.
const KVM_GET_MSRS: libc::c_ulong = 0xc008_ae88;

const KVM_CAP_NR_VCPUS: libc::c_ulong = 9;
const KVM_CAP_TSC_CONTROL: libc::c_ulong = 60;
const KVM_CAP_PPC_SMT: libc::c_ulong = 64;
const KVM_CAP_MAX_VCPUS: libc::c_ulong = 66;

/// The time stamp counter that guests see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tsc {
    /// In Hz.
    pub frequency: u64,
    /// Whether guests may see another frequency.
    pub scaling: Option<bool>,
}

fn device() -> Option<File> {
    OpenOptions::new().read(true).write(true).open("/dev/kvm").ok()
}

/// The value of an extension; 0 where KVM has it not.
fn extension(device: BorrowedFd<'_>, number: libc::c_ulong) -> u32 {
    ioctl(device, KVM_CHECK_EXTENSION, number).ok().and_then(|value| u32::try_from(value).ok()).unwrap_or(0)
}

/// How many vCPUs a guest may have; `None` where KVM can not be asked.
pub fn max_vcpus() -> Option<u32> {
    let device = OpenOptions::new().read(true).open("/dev/kvm").ok()?;
    let known = [KVM_CAP_MAX_VCPUS, KVM_CAP_NR_VCPUS].map(|number| extension(device.as_fd(), number));
    // Documentation/virt/kvm/api.rst: four where neither is told.
    known.into_iter().find(|count| *count > 0).or(Some(4))
}

/// Into how many threads each part of a POWER core is divided; `None` where KVM can not be asked.
pub fn threads_per_subcore() -> Option<u32> {
    let device = OpenOptions::new().read(true).open("/dev/kvm").ok()?;
    Some(extension(device.as_fd(), KVM_CAP_PPC_SMT))
}

/// The time stamp counter, as a new virtual machine sees it; `None` where KVM can not be asked.
pub fn tsc() -> Option<Tsc> {
    let owned = |number: i32| {
        // SAFETY: the kernel has just made this descriptor for us; nobody else knows its number.
        unsafe { OwnedFd::from_raw_fd(number) }
    };
    let device = device()?;
    let machine = owned(ioctl(device.as_fd(), KVM_CREATE_VM, 0).ok()?);
    let vcpu = owned(ioctl(machine.as_fd(), KVM_CREATE_VCPU, 0).ok()?);
    let khz = u64::try_from(ioctl(vcpu.as_fd(), KVM_GET_TSC_KHZ, 0).ok()?).ok()?;
    let scaling =
        ioctl(machine.as_fd(), KVM_CHECK_EXTENSION, KVM_CAP_TSC_CONTROL).ok().map(|value| value > 0);
    (khz > 0).then_some(Tsc { frequency: khz * 1000, scaling })
}

/// `struct kvm_msrs` of linux/kvm.h with one entry.
#[repr(C)]
struct Msrs {
    count: u32,
    pad: u32,
    index: u32,
    reserved: u32,
    data: u64,
}

/// A model specific register, as the processor or else KVM tells it; `None` where neither does.
pub fn msr(index: u32) -> Option<u64> {
    from_processor(index).or_else(|| from_kvm(index))
}

fn from_processor(index: u32) -> Option<u64> {
    let mut bytes = [0; 8];
    File::open("/dev/cpu/0/msr").ok()?.read_exact_at(&mut bytes, u64::from(index)).ok()?;
    Some(u64::from_le_bytes(bytes))
}

fn from_kvm(index: u32) -> Option<u64> {
    let device = device()?;
    let mut registers = Msrs { count: 1, pad: 0, index, reserved: 0, data: 0 };
    // SAFETY: the pointer is valid for reads and writes of the whole structure during the call, and its count says how
    // many entries follow.
    let read = unsafe { libc::ioctl(device.as_raw_fd(), KVM_GET_MSRS as _, &raw mut registers) };
    (read == 1).then_some(registers.data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kvm_tells_is_plausible() {
        if !super::super::check().is_usable() {
            eprintln!("skipped: /dev/kvm can not be used");
            return;
        }
        assert!(max_vcpus().is_some_and(|count| count >= 4));
        if let Some(tsc) = tsc() {
            assert!((100_000_000..100_000_000_000).contains(&tsc.frequency), "{tsc:?}");
        }
    }
}
