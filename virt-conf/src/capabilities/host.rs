//! `<host>`: the machine below the hypervisor.

use virt_types::{Uuid, text_enum};
use virt_xml::Writer;

use super::{Cache, Cell, HostCpu, Monitor};
use crate::common::Bitmap;
use crate::domain::Interconnects;

/// `<host>`
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Host {
    /// `<uuid>`
    pub uuid: Option<Uuid>,
    /// `<cpu>`
    pub cpu: HostCpu,
    /// `<power_management>`: how the host can sleep.
    pub power_management: Vec<SleepState>,
    /// `<iommu>`: whether devices can be handed to guests.
    pub iommu: bool,
    /// `<migration_features>`; absent where domains can not be migrated.
    pub migration: Option<Migration>,
    /// `<topology><cells>`; absent where nothing is known of it.
    pub cells: Option<Vec<Cell>>,
    /// `<topology><interconnects>`
    pub interconnects: Interconnects,
    /// `<cache>`
    pub cache: Cache,
    /// `<memory_bandwidth>`
    pub memory_bandwidth: MemoryBandwidth,
    /// `<secmodel>`
    pub security: Vec<SecurityModel>,
}

text_enum! {
    /// `<power_management>`: ways to sleep, in libvirt's order.
    pub enum SleepState { SuspendMem = "suspend_mem", SuspendDisk = "suspend_disk", SuspendHybrid = "suspend_hybrid" }
}

/// `<migration_features>`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Migration {
    /// `<live>`: whether domains can be moved while they run.
    pub live: bool,
    /// `<uri_transport>`
    pub transports: Vec<&'static str>,
}

/// `<memory_bandwidth>`: how the use of memory can be bounded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MemoryBandwidth {
    /// `<node>`
    pub nodes: Vec<BandwidthNode>,
    /// `<monitor>`
    pub monitor: Option<Monitor>,
}

/// `<node>` of `<memory_bandwidth>`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BandwidthNode {
    /// `id`: of the cache that the limit is set at.
    pub id: u32,
    /// `cpus`
    pub cpus: Bitmap,
    /// `granularity`, in percent.
    pub granularity: u32,
    /// `min`, in percent.
    pub min: u32,
    /// `maxAllocs`
    pub max_allocs: u32,
}

/// `<secmodel>`: a security driver in use.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SecurityModel {
    /// `<model>`
    pub model: String,
    /// `<doi>`
    pub doi: String,
    /// `<baselabel>`: type of domain and label.
    pub base_labels: Vec<(&'static str, String)>,
}

impl Host {
    pub(super) fn format(&self, w: &mut Writer) {
        w.element("host", |w| {
            w.text_element_opt("uuid", self.uuid);
            self.cpu.format(w);
            w.element("power_management", |w| {
                self.power_management.iter().for_each(|state| w.element(&state.to_string(), |_| {}));
            });
            w.element("iommu", |w| w.attr_yes_no("support", Some(self.iommu)));
            if let Some(migration) = &self.migration {
                migration.format(w);
            }
            if let Some(cells) = &self.cells {
                w.element("topology", |w| {
                    Cell::format_all(cells, w);
                    self.interconnects.format(w);
                });
            }
            self.cache.format(w);
            self.memory_bandwidth.format(w);
            self.security.iter().for_each(|model| model.format(w));
        });
    }
}

impl Migration {
    fn format(&self, w: &mut Writer) {
        w.open_element("migration_features", |w| {
            if self.live {
                w.element("live", |_| {});
            }
            w.element_if_any("uri_transports", |w| {
                self.transports.iter().for_each(|name| w.text_element("uri_transport", name));
            });
        });
    }
}

impl MemoryBandwidth {
    fn format(&self, w: &mut Writer) {
        if self.nodes.is_empty() && self.monitor.is_none() {
            return;
        }
        w.element("memory_bandwidth", |w| {
            for node in &self.nodes {
                w.element("node", |w| {
                    w.attr("id", node.id);
                    w.attr("cpus", &node.cpus);
                    w.element("control", |w| {
                        w.attr("granularity", node.granularity);
                        w.attr("min", node.min);
                        w.attr("maxAllocs", node.max_allocs);
                    });
                });
            }
            self.monitor.iter().for_each(|monitor| monitor.format(w));
        });
    }
}

impl SecurityModel {
    fn format(&self, w: &mut Writer) {
        w.element("secmodel", |w| {
            w.text_element("model", &self.model);
            w.text_element("doi", &self.doi);
            for (kind, label) in &self.base_labels {
                w.text_element_with("baselabel", |w| w.attr("type", kind), label);
            }
        });
    }
}
