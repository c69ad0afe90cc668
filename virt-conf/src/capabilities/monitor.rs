//! `<monitor>`: what the kernel counts for groups of processes (resctrl).

use virt_xml::Writer;

/// `<monitor>`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Monitor {
    /// `level` of the cache and `reuseThreshold` in bytes, for monitors of caches.
    pub cache: Option<(u32, u32)>,
    /// `maxMonitors`: how many groups can be counted at a time.
    pub max_monitors: u32,
    /// `<feature>`: names of the counters.
    pub features: Vec<String>,
}

impl Monitor {
    pub(super) fn format(&self, w: &mut Writer) {
        // One without counters is written as nothing.
        if self.features.is_empty() {
            return;
        }
        w.element("monitor", |w| {
            if let Some((level, threshold)) = self.cache {
                w.attr("level", level);
                w.attr("reuseThreshold", threshold);
            }
            w.attr("maxMonitors", self.max_monitors);
            self.features.iter().for_each(|name| w.element("feature", |w| w.attr("name", name)));
        });
    }
}
