//! Memory of domains and its limits. All sizes are KiB.

use virt_conf::domain::device::MemballoonModel;
use virt_driver::MemoryStat;
use virt_types::{Impact, Result, TypedParams};

use super::Guest;
use crate::error::{internal, invalid, invalid_arg};
use crate::params::{self, Kind};

/// `VIR_DOMAIN_MEM_MAXIMUM`
const MAXIMUM: u32 = 0x4;

/// No limit.
const UNLIMITED: u64 = 9_007_199_254_740_991;

const LIMITS: [(&str, Kind); 3] =
    [("hard_limit", Kind::ULLong), ("soft_limit", Kind::ULLong), ("swap_hard_limit", Kind::ULLong)];

impl Guest {
    pub(super) fn set_memory(&mut self, memory: u64, flags: u32) -> Result<()> {
        let (config, live) = self.config(Impact::from_bits_truncate(flags))?;
        if flags & MAXIMUM == 0 {
            if memory > config.memory.total {
                return Err(invalid_arg("cannot set memory higher than max memory"));
            }
            config.memory.current = memory;
            return Ok(());
        }
        if live {
            return Err(invalid("cannot resize the maximum memory on an active domain"));
        }
        if !config.numa.cells.is_empty() {
            let detail = "initial memory size of a domain with NUMA nodes cannot be modified with this API";
            return Err(invalid(detail));
        }
        if config.memory.max > 0 && config.memory.max < memory {
            return Err(invalid("cannot set initial memory size greater than the maximum memory size"));
        }
        config.memory.total = memory;
        config.memory.current = config.memory.current.min(memory);
        Ok(())
    }

    pub(super) fn memory_parameters(&mut self, impact: Impact) -> Result<TypedParams> {
        let limits = &self.config(impact)?.0.memtune;
        let mut params = TypedParams::new();
        params.push("hard_limit", limits.hard_limit.unwrap_or(UNLIMITED));
        params.push("soft_limit", limits.soft_limit.unwrap_or(UNLIMITED));
        params.push("swap_hard_limit", limits.swap_hard_limit.unwrap_or(UNLIMITED));
        Ok(params)
    }

    pub(super) fn set_memory_parameters(&mut self, params: &TypedParams, impact: Impact) -> Result<()> {
        let running = self.live.memtune.clone();
        let limits = &mut self.config(impact)?.0.memtune;
        let [hard, soft, swap] = LIMITS.map(|(field, _)| params::unsigned(params, field));
        if hard.is_some() || swap.is_some() {
            // What is compared is what runs, whichever configuration changes.
            let hard = hard.or(running.hard_limit).unwrap_or(UNLIMITED);
            let swap = swap.or(running.swap_hard_limit).unwrap_or(UNLIMITED);
            if hard > swap {
                let detail = "memory hard_limit tunable value must be lower than or equal to swap_hard_limit";
                return Err(invalid_arg(detail));
            }
        }
        for (limit, value) in [
            (&mut limits.hard_limit, hard),
            (&mut limits.soft_limit, soft),
            (&mut limits.swap_hard_limit, swap),
        ] {
            if let Some(value) = value {
                *limit = Some(value).filter(|value| *value < UNLIMITED);
            }
        }
        Ok(())
    }

    pub(super) fn set_memory_period(&mut self, period: i32, flags: u32) -> Result<()> {
        let (config, _) = self.config(Impact::from_bits_truncate(flags))?;
        let balloon =
            config.devices.memballoon.as_mut().filter(|balloon| balloon.model != MemballoonModel::None);
        let balloon = balloon.ok_or_else(|| {
            internal("No memory balloon device configured, can not set the collection period")
        })?;
        balloon.stats_period = u32::try_from(period).unwrap_or(0);
        Ok(())
    }

    /// What the balloon reports: by tag (`virDomainMemoryStatTags`).
    pub(super) fn memory_stats(&self) -> Vec<MemoryStat> {
        let balloon = self.live.devices.memballoon.as_ref();
        if balloon.is_none_or(|balloon| balloon.model == MemballoonModel::None) {
            return Vec::new();
        }
        // The driver computes in signed words.
        let memory = u64::from(self.live.memory.current as u32 & 0x7fff_ffff);
        let half = memory / 2;
        let values = [
            (6, memory),
            (0, 0),
            (1, 0),
            (2, 0),
            (3, 0),
            (4, half),
            (5, memory),
            (8, half),
            (9, 627_319_920),
            (10, memory / 8),
            (11, 0),
            (12, 0),
            (7, half),
        ];
        values.map(|(tag, value)| MemoryStat { tag, value }).to_vec()
    }
}

/// Refuses parameters that are no memory limits.
pub(super) fn check_parameters(params: &TypedParams) -> Result<()> {
    params::check(params, &LIMITS)
}
