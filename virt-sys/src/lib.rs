//! What the engine asks of the kernel beyond the standard library: starting programs that outlive
//! it, handles on processes, locks, passing of descriptors, namespaces, atomic files, users, KVM.
//!
//! All unsafe code of the engine is here, each block with its reason. Everything blocks, nothing
//! keeps a thread; descriptors can be handed to an event loop.
//!
//! # Example
//!
//! Start a program that survives this process, and find it again by its pid file:
//!
//! ```
//! use virt_sys::{PidFile, Signal, Spawn};
//!
//! let dir = std::env::temp_dir().join(format!("virt-sys-doc-{}", std::process::id()));
//! std::fs::create_dir_all(&dir).unwrap();
//! let path = dir.join("sleep.pid");
//!
//! let mut spawn = Spawn::new("/bin/sleep");
//! spawn.arg("60").pid_file(&path);
//! let child = spawn.start()?;
//!
//! // Any process, at any later time:
//! let (pid, process) = PidFile::open_locked(&path)?.expect("it runs");
//! assert_eq!(pid, child.pid);
//! process.send_signal(Signal::KILL)?;
//! child.pidfd.wait_exit(None)?;
//! assert_eq!(PidFile::read_locked(&path)?, None);
//! # std::fs::remove_dir_all(&dir).unwrap();
//! # Ok::<(), virt_sys::Error>(())
//! ```
#![allow(unsafe_code)]
// Tests say what they skip.
#![cfg_attr(test, allow(clippy::print_stderr))]

pub mod activation;
pub mod clock;
pub mod cpuid;
#[cfg(feature = "tokio")]
mod duplex;
mod error;
pub mod fdpass;
pub mod fs;
pub mod host;
pub mod kvm;
pub mod lock;
pub mod memory;
pub mod namespace;
#[cfg(feature = "tokio")]
pub mod packet;
pub mod perf;
pub mod pidfd;
#[cfg(feature = "tokio")]
mod process;
pub mod random;
#[cfg(feature = "tokio")]
mod readable;
mod run;
#[cfg(feature = "tokio")]
mod socket;
pub mod spawn;
pub mod unix;
pub mod user;

#[cfg(feature = "tokio")]
pub use duplex::Duplex;
pub use error::{Error, Result};
pub use lock::{FileLock, PidFile};
pub use namespace::Namespaces;
pub use pidfd::PidFd;
#[cfg(feature = "tokio")]
pub use process::Process;
#[cfg(feature = "tokio")]
pub use readable::Readable;
pub use run::{Limits, Output, run};
pub use rustix::process::{Pid, Signal};
#[cfg(feature = "tokio")]
pub use socket::{Socket, SocketSender};
pub use spawn::{Child, Spawn, find_program};

#[cfg(test)]
pub(crate) mod testing;
