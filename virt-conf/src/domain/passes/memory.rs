//! How much memory there is, where several elements say so.

use crate::domain::Domain;
use crate::error::xml_error;
use crate::{ParseFlags, Result};

impl Domain {
    /// Completes the sizes of memory and refuses contradictions.
    pub(super) fn fill_memory(&mut self, flags: ParseFlags) -> Result<()> {
        let nodes: u64 = self.numa.cells.iter().map(|cell| cell.memory).sum();
        // For a new guest the nodes count; an existing one keeps the size that it has.
        let modules: u64 = self.devices.memories.iter().map(|module| module.size).sum();
        if nodes > 0 && (self.memory.total == 0 || flags.contains(ParseFlags::ABI_UPDATE)) {
            self.memory.total = nodes + modules;
        } else if modules > self.memory.total {
            return Err(xml_error("Total size of memory devices exceeds the total memory size"));
        }
        let memory = &mut self.memory;
        if memory.total == modules {
            return Err(xml_error(
                "Memory size must be specified via <memory> or in the <numa> configuration",
            ));
        }
        if memory.current > memory.total || memory.current == 0 {
            memory.current = memory.total;
        }
        if memory.max == 0 && memory.slots > 0 {
            return Err(xml_error(
                "maximum memory size must be specified when specifying number of memory slots",
            ));
        }
        if memory.max > 0 && memory.max < memory.total {
            return Err(xml_error(
                "maximum memory size must be equal or greater than the actual memory size",
            ));
        }
        Ok(())
    }

    /// Huge pages for node 0 of a guest without nodes are huge pages for all of it.
    pub(super) fn fill_hugepages(&mut self) {
        if !self.numa.cells.is_empty() {
            return;
        }
        for page in &mut self.memory_backing.hugepages {
            page.nodeset = page.nodeset.take().filter(|nodes| nodes.iter().any(|node| node > 0));
        }
    }
}
