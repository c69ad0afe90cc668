//! The driver for containers: guests that share the host's kernel.
//!
//! So far it reads, completes and writes their documents ([`LxcPolicy`]), turns configurations of the lxc tools into
//! documents, and tells whether this host can run them: which namespaces the kernel makes for this user, which control
//! groups are mounted, and which file systems a container finds its processes, devices and terminals in.
//!
//! ```
//! let probe = virt_lxc::probe();
//! println!("{probe}");
//! for failure in probe.failures() {
//!     if let Some(fix) = &failure.fix {
//!         println!("{}: {fix}", failure.name);
//!     }
//! }
//! ```
#![forbid(unsafe_code)]

mod native;
mod policy;
mod probe;

pub use policy::LxcPolicy;
pub use probe::{probe, probe_at};
