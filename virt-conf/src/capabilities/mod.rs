//! `<capabilities>`: what a host and its hypervisor can do.
//!
//! ```
//! use virt_conf::capabilities::{Capabilities, Guest};
//! use virt_types::Arch;
//!
//! let mut capabilities = Capabilities::default();
//! capabilities.host.cpu.arch = Arch::X86_64;
//! capabilities.guests.push(Guest { os_type: "hvm", arch: Arch::I686, ..Guest::default() });
//! let xml = capabilities.format();
//! assert!(xml.starts_with("<capabilities>\n\n  <host>\n    <cpu>\n      <arch>x86_64</arch>\n"));
//! assert!(xml.contains("    <arch name='i686'>\n      <wordsize>32</wordsize>\n"));
//! ```

mod cache;
mod cpu;
mod guest;
mod host;
mod monitor;
mod topology;

use virt_xml::Writer;

pub use cache::{Bank, Cache, CacheType, Control};
pub use cpu::{HostCpu, Signature, TscCounter};
pub use guest::{FeatureName, Guest, GuestDomain, GuestFeature, GuestMachine};
pub use host::{BandwidthNode, Host, MemoryBandwidth, Migration, SecurityModel, SleepState};
pub use monitor::Monitor;
pub use topology::{Cell, CellCpu, Pages};

/// `<capabilities>`
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Capabilities {
    /// `<host>`
    pub host: Host,
    /// `<guest>`: one for each architecture and kind of operating system.
    pub guests: Vec<Guest>,
}

impl Capabilities {
    /// The document as libvirt writes it.
    #[must_use]
    pub fn format(&self) -> String {
        let mut w = Writer::new();
        w.element("capabilities", |w| {
            w.blank_line();
            self.host.format(w);
            w.blank_line();
            for guest in &self.guests {
                guest.format(w);
                w.blank_line();
            }
        });
        w.finish()
    }
}
