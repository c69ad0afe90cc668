//! Shares of processors, and bounds of the time on them.

use crate::group::parse;
use crate::{Controller, Error, Group, Result, Version};

/// Microseconds of a period.
const PERIODS: (u64, u64) = (1_000, 1_000_000);
/// Microseconds of a quota.
const QUOTAS: (i64, i64) = (1_000, NO_QUOTA_UNIFIED);
/// What libvirt says of a group of v2 without a quota: more cannot be set.
const NO_QUOTA_UNIFIED: i64 = 17_592_186_044_415;
const SHARES: (u64, u64) = (2, 262_144);
const WEIGHTS: (u64, u64) = (1, 10_000);

/// A quota that bounds nothing, of v1.
pub const NO_QUOTA: i64 = -1;

/// How much time a group may use in how much time, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CpuQuota {
    /// The period.
    pub period: u64,
    /// The time in it; negative, or libvirt's largest number, for no bound.
    pub quota: i64,
}

impl Group {
    /// The shares of v1 (1024 where nothing was said), the weight of v2 (100).
    ///
    /// # Errors
    /// Without the controller, and where the kernel says something else than a number.
    pub fn cpu_shares(&self) -> Result<u64> {
        let (version, dir) = self.place(Controller::Cpu)?;
        self.number(&dir.join(shares_key(version)))
    }

    /// Sets the shares, or the weight.
    ///
    /// # Errors
    /// [`Error::Range`]; without the controller; when the kernel refuses.
    pub fn set_cpu_shares(&self, shares: u64) -> Result<()> {
        let (version, dir) = self.place(Controller::Cpu)?;
        let (least, most) = if version == Version::Legacy { SHARES } else { WEIGHTS };
        if !(least..=most).contains(&shares) {
            let range = format!("[{least}, {most}]");
            return Err(Error::Range { what: "shares", value: shares.into(), range });
        }
        self.put(&dir.join(shares_key(version)), &shares.to_string())
    }

    /// Whether the kernel can bound the time.
    #[must_use]
    pub fn has_cpu_quota(&self) -> bool {
        self.place(Controller::Cpu).is_ok_and(|(version, dir)| {
            dir.join(if version == Version::Legacy { "cpu.cfs_period_us" } else { "cpu.max" }).exists()
        })
    }

    /// The bound of the time.
    ///
    /// # Errors
    /// As [`Group::cpu_shares`].
    pub fn cpu_quota(&self) -> Result<CpuQuota> {
        let (version, dir) = self.place(Controller::Cpu)?;
        if version == Version::Legacy {
            let period = self.number(&dir.join("cpu.cfs_period_us"))?;
            return Ok(CpuQuota { period, quota: self.number(&dir.join("cpu.cfs_quota_us"))? });
        }
        let text = self.get(&dir.join("cpu.max"))?;
        let (quota, period) = text.split_once(' ').ok_or_else(|| Error::Parse { text: text.clone() })?;
        let quota = if quota == "max" { NO_QUOTA_UNIFIED } else { parse(quota)? };
        Ok(CpuQuota { period: parse(period)?, quota })
    }

    /// Bounds the time; 0 leaves the period, or the quota, as it is. If the quota is refused, so is the period.
    ///
    /// # Errors
    /// As [`Group::set_cpu_shares`].
    pub fn set_cpu_quota(&self, period: u64, quota: i64) -> Result<()> {
        if period == 0 && quota == 0 {
            return Ok(());
        }
        let (version, dir) = self.place(Controller::Cpu)?;
        if period != 0 && !(PERIODS.0..=PERIODS.1).contains(&period) {
            let range = format!("({}, {})", PERIODS.0, PERIODS.1);
            return Err(Error::Range { what: "cfs_period", value: period.into(), range });
        }
        if quota > 0 && !(QUOTAS.0..=QUOTAS.1).contains(&quota) {
            let range = format!("({}, {})", QUOTAS.0, QUOTAS.1);
            return Err(Error::Range { what: "cfs_quota", value: quota.into(), range });
        }
        let before = self.cpu_quota()?;
        if version == Version::Unified {
            let period = if period == 0 { before.period } else { period };
            let quota = if quota == 0 { before.quota } else { quota };
            let bounded = (0..NO_QUOTA_UNIFIED).contains(&quota);
            let quota = if bounded { quota.to_string() } else { "max".to_owned() };
            return self.put(&dir.join("cpu.max"), &format!("{quota} {period}"));
        }
        if period != 0 {
            self.put(&dir.join("cpu.cfs_period_us"), &period.to_string())?;
        }
        if quota == 0 {
            return Ok(());
        }
        let set = self.put(&dir.join("cpu.cfs_quota_us"), &quota.to_string());
        if set.is_err() && period != 0 {
            self.put(&dir.join("cpu.cfs_period_us"), &before.period.to_string())?;
        }
        set
    }
}

const fn shares_key(version: Version) -> &'static str {
    match version {
        Version::Legacy => "cpu.shares",
        Version::Unified => "cpu.weight",
    }
}
