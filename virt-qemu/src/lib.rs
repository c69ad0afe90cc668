//! The QEMU/KVM driver.
#![forbid(unsafe_code)]
