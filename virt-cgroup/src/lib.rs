//! Control groups of guests: v1, v2, and hosts that have both.
//!
//! A [`Host`] is what there is of controllers on a host: which are mounted where, found once, in the kernel's files below a
//! root, so that a recorded host can be asked like this one. A [`Group`] is one path below all of them, with what can be
//! read and written of each controller; values are libvirt's, in libvirt's units, whichever version has them.
//!
//! Guests are placed as libvirt places them on a host without systemd: [`Host::partition`], in it a group of the machine's
//! name ([`machine_name`]), and in that one for each thread that may be limited by itself ([`Thread`]).
//!
//! Where a controller can not be had for a group, the group goes without it, and says so in the log.
//!
//! ```no_run
//! use std::sync::Arc;
//! use virt_cgroup::{Host, Thread, machine_name};
//!
//! let host = Arc::new(Host::detect("/")?);
//! let group = host.partition("/machine", true)?.child(&host.escape(&machine_name("qemu", None, 3, "web")));
//! let group = group.create()?;
//! group.set_memory_hard_limit(1 << 20)?;
//! group.thread(Thread::Vcpu(0)).create()?.set_cpus("0-1")?;
//! group.remove()?;
//! # Ok::<(), virt_cgroup::Error>(())
//! ```
#![forbid(unsafe_code)]

mod blkio;
mod controller;
mod cpu;
mod cpuacct;
mod cpuset;
mod devices;
mod error;
mod freezer;
mod group;
mod host;
mod memory;
mod mounts;
mod name;
mod placement;

pub use blkio::{DeviceLimit, Serviced};
pub use controller::{Controller, Controllers};
pub use cpu::{CpuQuota, NO_QUOTA};
pub use cpuacct::CpuTimes;
pub use devices::{Access, DeviceKind};
pub use error::{Error, Result};
pub use group::{Group, Thread};
pub use host::{Host, Version};
pub use memory::{MemoryStat, UNLIMITED};
pub use mounts::Mounts;
pub use name::machine_name;
pub use placement::Placement;
