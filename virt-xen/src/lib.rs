//! The driver for guests of the Xen hypervisor.
//!
//! So far it tells whether this host can run them: that Xen is underneath, that this is the domain which controls
//! the others, that the kernel's devices for it are there and that the store which its parts meet in answers.
//!
//! ```
//! let probe = virt_xen::probe();
//! if !probe.runnable() {
//!     for failure in probe.failures() {
//!         eprintln!("{}: {}", failure.name, failure.detail);
//!     }
//! }
//! ```
#![forbid(unsafe_code)]

mod probe;

pub use probe::{probe, probe_at};
