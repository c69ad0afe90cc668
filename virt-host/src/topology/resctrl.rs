//! What the kernel can divide and count of caches and memory bandwidth (`/sys/fs/resctrl`, Linux'
//! Documentation/arch/x86/resctrl.rst).

use virt_conf::capabilities::{BandwidthNode, Bank, CacheType, Control, Monitor};

use crate::{Error, Result, Root};

const INFO: &str = "/sys/fs/resctrl/info";

/// The kernel only counts at this level.
const MONITORED_LEVEL: u32 = 3;

/// How caches of one level and kind can be divided.
#[derive(Debug)]
struct Division {
    level: u32,
    kind: CacheType,
    groups: u32,
    /// Into how many parts.
    parts: u64,
    /// The fewest parts that a group may have.
    least: u64,
}

/// How memory bandwidth can be bounded, in percent.
#[derive(Debug)]
struct Bandwidth {
    groups: u32,
    granularity: u32,
    least: u32,
}

/// What can be counted.
#[derive(Debug)]
struct Counters {
    groups: u32,
    reuse_threshold: u32,
    names: Vec<String>,
}

/// All that the kernel tells.
#[derive(Debug, Default)]
pub(super) struct Resctrl {
    divisions: Vec<Division>,
    bandwidth: Option<Bandwidth>,
    counters: Option<Counters>,
}

impl Resctrl {
    pub(super) fn read(root: &Root) -> Result<Self> {
        let mut found =
            Self { bandwidth: Bandwidth::read(root)?, counters: Counters::read(root)?, ..Self::default() };
        for name in root.names(INFO) {
            found.divisions.extend(Division::read(root, &name)?);
        }
        // As the kinds are ordered in documents.
        found.divisions.sort_by_key(|division| division.kind);
        Ok(found)
    }

    pub(super) fn controls_of(&self, bank: &Bank) -> Vec<Control> {
        let fitting =
            self.divisions.iter().filter(|division| division.level == bank.level && division.parts > 0);
        let control = |division: &Division| {
            let granularity = bank.size / division.parts;
            // A single part needs no saying.
            let min = if division.least == 1 { 0 } else { division.least * granularity };
            Control { kind: division.kind, granularity, min, max_allocs: division.groups }
        };
        fitting.map(control).collect()
    }

    /// Bandwidth is bounded where the last level of cache reaches for memory.
    pub(super) fn bandwidth_nodes(&self, banks: &[Bank]) -> Vec<BandwidthNode> {
        let Some(bandwidth) = &self.bandwidth else { return Vec::new() };
        let last = banks.iter().map(|bank| bank.level).max();
        let node = |bank: &Bank| BandwidthNode {
            id: bank.id,
            cpus: bank.cpus.clone(),
            granularity: bandwidth.granularity,
            min: bandwidth.least,
            max_allocs: bandwidth.groups,
        };
        banks.iter().filter(|bank| Some(bank.level) == last).map(node).collect()
    }

    pub(super) fn cache_monitor(&self) -> Option<Monitor> {
        let threshold = self.counters.as_ref()?.reuse_threshold;
        self.monitor("llc_", Some((MONITORED_LEVEL, threshold)))
    }

    pub(super) fn bandwidth_monitor(&self) -> Option<Monitor> {
        self.monitor("mbm_", None)
    }

    fn monitor(&self, prefix: &str, cache: Option<(u32, u32)>) -> Option<Monitor> {
        let counters = self.counters.as_ref()?;
        let names = counters.names.iter().filter(|name| name.starts_with(prefix));
        let features: Vec<String> = names.cloned().collect();
        (!features.is_empty()).then_some(Monitor { cache, max_monitors: counters.groups, features })
    }
}

impl Division {
    /// Reads `L3`, `L3CODE`, `L3DATA` and the like; `None` for a directory of another name.
    fn read(root: &Root, name: &str) -> Result<Option<Self>> {
        let Some(rest) = name.strip_prefix('L') else { return Ok(None) };
        let digits = rest.trim_end_matches(|c: char| !c.is_ascii_digit());
        let kind = match &rest[digits.len()..] {
            "" => CacheType::Both,
            "CODE" => CacheType::Code,
            "DATA" => CacheType::Data,
            _ => return Ok(None),
        };
        let Ok(level) = digits.parse() else { return Ok(None) };
        let file = |file: &str| format!("{INFO}/{name}/{file}");
        let mask = root.required(&file("cbm_mask"))?;
        let bits = u128::from_str_radix(&mask, 16);
        let bits = bits.map_err(|_| Error::Parse { path: file("cbm_mask"), text: mask })?;
        Ok(Some(Self {
            level,
            kind,
            groups: root.number(&file("num_closids"))?.unwrap_or(0),
            parts: u64::from(bits.count_ones()),
            least: root.required_number(&file("min_cbm_bits"))?,
        }))
    }
}

impl Bandwidth {
    fn read(root: &Root) -> Result<Option<Self>> {
        let file = |name: &str| format!("{INFO}/MB/{name}");
        let Some(granularity) = root.number(&file("bandwidth_gran"))? else { return Ok(None) };
        let least = root.required_number(&file("min_bandwidth"))?;
        Ok(Some(Self { groups: root.required_number(&file("num_closids"))?, granularity, least }))
    }
}

impl Counters {
    fn read(root: &Root) -> Result<Option<Self>> {
        let file = |name: &str| format!("{INFO}/L3_MON/{name}");
        let Some(groups) = root.number(&file("num_rmids"))? else { return Ok(None) };
        let names = root.required(&file("mon_features"))?;
        Ok(Some(Self {
            groups,
            reuse_threshold: root.number(&file("max_threshold_occupancy"))?.unwrap_or(0),
            names: names.lines().map(str::to_owned).collect(),
        }))
    }
}
