//! Memory: limits and use, in KiB.

use crate::group::parse;
use crate::{Controller, Error, Group, Result, Version};

/// libvirt's number for no limit (`VIR_DOMAIN_MEMORY_PARAM_UNLIMITED`), in KiB.
pub const UNLIMITED: u64 = 9_007_199_254_740_991;

/// What the kernel counts of a group's memory, in KiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MemoryStat {
    /// Of files.
    pub cache: u64,
    /// Anonymous, used lately.
    pub active_anon: u64,
    /// Anonymous, not used lately.
    pub inactive_anon: u64,
    /// Of files, used lately.
    pub active_file: u64,
    /// Of files, not used lately.
    pub inactive_file: u64,
    /// Not to be taken back.
    pub unevictable: u64,
}

/// The kernel's files of something that is limited, in v1 and v2.
type Keys = [&'static str; 2];

const HARD: Keys = ["memory.limit_in_bytes", "memory.max"];
const SOFT: Keys = ["memory.soft_limit_in_bytes", "memory.high"];
const SWAP: Keys = ["memory.memsw.limit_in_bytes", "memory.swap.max"];
const USAGE: Keys = ["memory.usage_in_bytes", "memory.current"];
const SWAP_USAGE: Keys = ["memory.memsw.usage_in_bytes", "memory.swap.current"];

impl Group {
    /// The most memory that can be used; [`UNLIMITED`] where nothing was said.
    ///
    /// # Errors
    /// Without the controller, and where the kernel says something else than a number.
    pub fn memory_hard_limit(&self) -> Result<u64> {
        self.limit(HARD)
    }

    /// Limits it; [`UNLIMITED`] lifts the limit.
    ///
    /// # Errors
    /// [`Error::Memory`]; without the controller; when the kernel refuses, as where more is in use.
    pub fn set_memory_hard_limit(&self, kib: u64) -> Result<()> {
        self.set_limit(HARD, kib)
    }

    /// The memory above which some is taken back when the host is short of it (v1), or at once (v2).
    ///
    /// # Errors
    /// As [`Group::memory_hard_limit`].
    pub fn memory_soft_limit(&self) -> Result<u64> {
        self.limit(SOFT)
    }

    /// Limits it.
    ///
    /// # Errors
    /// As [`Group::set_memory_hard_limit`].
    pub fn set_memory_soft_limit(&self, kib: u64) -> Result<()> {
        self.set_limit(SOFT, kib)
    }

    /// The most memory with swap (v1), or swap alone (v2). A kernel that does not count it has no such file.
    ///
    /// # Errors
    /// As [`Group::memory_hard_limit`].
    pub fn swap_hard_limit(&self) -> Result<u64> {
        self.limit(SWAP)
    }

    /// Limits it.
    ///
    /// # Errors
    /// As [`Group::set_memory_hard_limit`].
    pub fn set_swap_hard_limit(&self, kib: u64) -> Result<()> {
        self.set_limit(SWAP, kib)
    }

    /// The memory in use.
    ///
    /// # Errors
    /// As [`Group::memory_hard_limit`].
    pub fn memory_usage(&self) -> Result<u64> {
        self.limit(USAGE)
    }

    /// The same with swap (v1), or swap alone (v2).
    ///
    /// # Errors
    /// As [`Group::memory_hard_limit`].
    pub fn swap_usage(&self) -> Result<u64> {
        self.limit(SWAP_USAGE)
    }

    /// What the memory is.
    ///
    /// # Errors
    /// As [`Group::memory_hard_limit`].
    pub fn memory_stat(&self) -> Result<MemoryStat> {
        let (version, dir) = self.place(Controller::Memory)?;
        let text = self.get(&dir.join("memory.stat"))?;
        let cache = if version == Version::Legacy { "cache" } else { "file" };
        let mut stat = MemoryStat::default();
        for line in text.lines() {
            let Some((name, value)) = line.split_once(' ') else {
                return Err(Error::Parse { text: line.to_owned() });
            };
            let place = match name {
                "active_anon" => &mut stat.active_anon,
                "inactive_anon" => &mut stat.inactive_anon,
                "active_file" => &mut stat.active_file,
                "inactive_file" => &mut stat.inactive_file,
                "unevictable" => &mut stat.unevictable,
                name if name == cache => &mut stat.cache,
                _ => continue,
            };
            *place = parse::<u64>(value)? >> 10;
        }
        Ok(stat)
    }

    fn limit(&self, keys: Keys) -> Result<u64> {
        let (version, dir) = self.place(Controller::Memory)?;
        let text = self.get(&dir.join(key(keys, version)))?;
        if text == "max" {
            return Ok(UNLIMITED);
        }
        // No limit of v1 is the largest number of whole pages.
        let kib = parse::<u64>(&text)? >> 10;
        let page = (virt_sys::host::page_size() as u64) >> 10;
        Ok(if kib + page > UNLIMITED { UNLIMITED } else { kib })
    }

    fn set_limit(&self, keys: Keys, kib: u64) -> Result<()> {
        let (version, dir) = self.place(Controller::Memory)?;
        let value = match (kib, version) {
            (UNLIMITED, Version::Legacy) => "-1".to_owned(),
            (UNLIMITED, Version::Unified) => "max".to_owned(),
            (kib, _) if kib < UNLIMITED => (kib << 10).to_string(),
            _ => return Err(Error::Memory { kib }),
        };
        self.put(&dir.join(key(keys, version)), &value)
    }
}

const fn key(keys: Keys, version: Version) -> &'static str {
    let [legacy, unified] = keys;
    match version {
        Version::Legacy => legacy,
        Version::Unified => unified,
    }
}
