//! Time on processors.

use crate::group::parse;
use crate::{Controller, Error, Group, Result, Version};

const NANOSECONDS: u64 = 1_000_000_000;

/// Time on processors in nanoseconds, as the kernel splits it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CpuTimes {
    /// Outside the kernel.
    pub user: u64,
    /// In the kernel.
    pub system: u64,
}

impl Group {
    /// The time of all that ever was in the group, in nanoseconds.
    ///
    /// # Errors
    /// Without the controller, and where the kernel says something else than a number.
    pub fn cpu_usage(&self) -> Result<u64> {
        let (version, dir) = self.place(Controller::Cpuacct)?;
        if version == Version::Legacy {
            return self.number(&dir.join("cpuacct.usage"));
        }
        let text = self.get(&dir.join("cpu.stat"))?;
        Ok(field(&text, "usage_usec")?.saturating_mul(1000))
    }

    /// The same outside and in the kernel, which v1 counts more coarsely.
    ///
    /// # Errors
    /// As [`Group::cpu_usage`].
    pub fn cpu_times(&self) -> Result<CpuTimes> {
        let (version, dir) = self.place(Controller::Cpuacct)?;
        let (key, user, system, unit) = match version {
            Version::Legacy => {
                ("cpuacct.stat", "user", "system", NANOSECONDS / virt_sys::host::clock_ticks())
            }
            Version::Unified => ("cpu.stat", "user_usec", "system_usec", 1000),
        };
        let text = self.get(&dir.join(key))?;
        let time = |name| Ok::<_, Error>(field(&text, name)?.saturating_mul(unit));
        Ok(CpuTimes { user: time(user)?, system: time(system)? })
    }

    /// The time on each of the host's processors, in nanoseconds, in their order; only v1 counts it.
    ///
    /// # Errors
    /// As [`Group::cpu_usage`]; [`Error::NoController`] for a group of v2.
    pub fn cpu_usage_each(&self) -> Result<Vec<u64>> {
        let (version, dir) = self.place(Controller::Cpuacct)?;
        if version == Version::Unified {
            return Err(Error::NoController(Controller::Cpuacct));
        }
        self.get(&dir.join("cpuacct.usage_percpu"))?.split_whitespace().map(parse).collect()
    }
}

/// A line's number: `user 12`.
pub(crate) fn field(text: &str, name: &str) -> Result<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    parse(value.ok_or_else(|| Error::Parse { text: text.to_owned() })?)
}
