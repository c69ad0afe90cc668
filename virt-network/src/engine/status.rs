//! `NAME.xml` in the directory of the state: what a running network is, and what was being done to it.

use std::collections::BTreeSet;

use virt_conf::network::Network;
use virt_conf::{FormatFlags, network::MacTableManager};
use virt_types::Result;
use virt_xml::{Document, Writer};

use crate::error::internal;

/// Classes of traffic that are never a port's: the root, the network's own, and the one of all other ports.
const RESERVED: std::ops::Range<u32> = 0..3;

/// What is being done to a network. libvirt does not know the element, and passes over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Journal {
    /// Nothing: it runs.
    #[default]
    Settled,
    /// It is being started: whoever finds this undoes it.
    Starting,
    /// It is being stopped: whoever finds this finishes it.
    Stopping,
}

impl Journal {
    const fn word(self) -> Option<&'static str> {
        match self {
            Self::Settled => None,
            Self::Starting => Some("starting"),
            Self::Stopping => Some("stopping"),
        }
    }
}

/// The state of a running network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Status {
    pub(crate) network: Network,
    pub(crate) journal: Journal,
    /// Classes of traffic that are in use by ports.
    pub(crate) classes: BTreeSet<u32>,
    /// What is guaranteed to ports, KiB per second.
    pub(crate) floor_sum: u64,
}

impl Status {
    pub(crate) const fn new(network: Network, journal: Journal) -> Self {
        Self { network, journal, classes: BTreeSet::new(), floor_sum: 0 }
    }

    /// Reads a document.
    pub(crate) fn parse(xml: &str) -> Result<Self> {
        let document = Document::parse(xml)?;
        let root = document.root_named("networkstatus")?;
        let network =
            root.child("network").ok_or_else(|| internal("Could not find any 'network' element"))?;
        let network = Network::parse_element(network)?;
        let journal = match root.child("journal").and_then(|el| el.attr("state")) {
            Some("starting") => Journal::Starting,
            Some("stopping") => Journal::Stopping,
            _ => Journal::Settled,
        };
        let classes = root.child("class_id").and_then(|el| el.attr("bitmap")).unwrap_or_default();
        let classes =
            ranges(classes).into_iter().flatten().filter(|class| !RESERVED.contains(class)).collect();
        let sum = root.child("floor").and_then(|el| el.attr("sum"));
        let floor_sum = sum.and_then(|sum| sum.parse().ok()).unwrap_or_default();
        Ok(Self { network, journal, classes, floor_sum })
    }

    /// The document.
    pub(crate) fn format(&self) -> String {
        let mut w = Writer::new();
        w.element("networkstatus", |w| {
            let all: BTreeSet<u32> = RESERVED.chain(self.classes.iter().copied()).collect();
            w.element("class_id", |w| w.attr("bitmap", bitmap(&all)));
            w.element("floor", |w| w.attr("sum", self.floor_sum));
            if let Some(word) = self.journal.word() {
                w.element("journal", |w| w.attr("state", word));
            }
            self.network.format_into(w, FormatFlags::empty());
        });
        w.finish()
    }
}

/// Ranges of numbers, `0-2,5`.
fn bitmap(numbers: &BTreeSet<u32>) -> String {
    let mut parts: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match parts.last_mut() {
            Some((_, last)) if *last + 1 == *number => *last = *number,
            _ => parts.push((*number, *number)),
        }
    }
    let shown = parts.iter().map(
        |(first, last)| {
            if first == last { first.to_string() } else { format!("{first}-{last}") }
        },
    );
    shown.collect::<Vec<_>>().join(",")
}

fn ranges(text: &str) -> Vec<std::ops::RangeInclusive<u32>> {
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u32, u32) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        // As many as libvirt has.
        (last < 1 << 16).then_some(first..=last)
    };
    text.split(',').filter_map(range).collect()
}

/// The first class that no port has.
pub(crate) fn free_class(classes: &BTreeSet<u32>) -> u32 {
    (RESERVED.end..).find(|class| !classes.contains(class)).unwrap_or(RESERVED.end)
}

/// Whether the engine keeps the bridge's table of stations itself.
pub(crate) fn keeps_stations(network: &Network) -> bool {
    network.bridge.mac_table_manager == MacTableManager::Libvirt
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_come_back_as_they_were() {
        let network = Network::parse("<network><name>n</name><bridge name='b' stp='on'/></network>").unwrap();
        let mut status = Status::new(network, Journal::Starting);
        assert!(
            status
                .format()
                .contains("<class_id bitmap='0-2'/>\n  <floor sum='0'/>\n  <journal state='starting'/>")
        );
        status.classes.extend([3, 5]);
        status.floor_sum = 100;
        for journal in [Journal::Starting, Journal::Stopping, Journal::Settled] {
            status.journal = journal;
            assert_eq!(Status::parse(&status.format()).unwrap(), status);
        }
        assert!(status.format().contains("bitmap='0-3,5'"));
        assert_eq!(free_class(&status.classes), 4);
        for xml in ["<networkstatus/>", "<network/>", "x"] {
            Status::parse(xml).unwrap_err();
        }
    }
}
