//! The engine with real QEMU guests. Run by `cargo xtask test`, which gives it namespaces and a Linux guest; without
//! `VIRT_E2E=1` in the environment every test says that it is skipped.
#![expect(clippy::print_stdout, reason = "figures, and what is skipped, are part of a result")]

mod accepted;
mod calls;
mod companions;
mod crash;
mod guest;
mod idle;
mod isolation;
mod kvm;
mod lifecycle;
mod plug;
mod processes;
mod sector;
mod support;
mod traffic;
