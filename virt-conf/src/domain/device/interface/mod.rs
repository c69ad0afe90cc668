//! `<interface>`: a network card of the guest and what it is connected to.

mod actual;
mod backend;
mod check;
mod driver;
mod model;
mod parse;
mod source;
#[cfg(test)]
mod tests;

use virt_types::{MacAddr, TextEnum, text_enum};
use virt_xml::{Element, Writer};

pub use crate::common::FilterRef;
pub use actual::{Actual, ActualSource, BridgePort, MacTableManager};
pub use backend::{Backend, BackendType, ForwardProto, PortForward, PortRange};
pub use driver::{DriverName, InterfaceDriver, Offloads, TxMode};
pub use model::{InterfaceModel, KnownModel};
pub use source::{
    DirectMode, InterfaceHostdev, InterfaceSource, InterfaceType, PciBackend, SocketSource, VhostUserMode,
};

use super::{Device, FormatContext, ParseContext};
use crate::common::device_info::Takes;
use crate::common::{Bandwidth, DeviceInfo, IpInfo, VirtioDriver, VirtualPort, Vlan};
use crate::domain::Domain;
use crate::grammar::Part;
use crate::{FormatFlags, Result};

text_enum! {
    /// Where an address came from, as VMware tells.
    pub enum MacType { Generated = "generated", Static = "static" }
}

text_enum! {
    /// Whether the guest's card has a link.
    pub enum LinkState { #[default] Default = "default", Up = "up", Down = "down" }
}

text_enum! {
    /// The part that a card plays in a pair of which the guest uses one.
    pub enum TeamingType { #[default] None = "none", Persistent = "persistent", Transient = "transient" }
}

/// A network card and its connection.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Interface {
    /// `type` and `<source>`.
    pub source: InterfaceSource,
    /// `trustGuestRxFilters`: the guest may change address and filters of the host's link.
    pub trust_guest_rx_filters: Option<bool>,
    /// `<mac address='…'/>`; absent until the engine makes one up.
    pub mac: Option<MacAddr>,
    /// `<mac type='…'/>`.
    pub mac_type: Option<MacType>,
    /// `<mac check='…'/>`.
    pub mac_check: Option<bool>,
    /// Whether the document named no address, so that it does not tell which device is meant.
    pub mac_generated: bool,
    /// `<ip>` and `<route>` within `<source>`: the host's end.
    pub host_ip: IpInfo,
    /// `<vlan>`.
    pub vlan: Option<Vlan>,
    /// `<virtualport>`.
    pub virtualport: Option<VirtualPort>,
    /// `<bandwidth>`.
    pub bandwidth: Option<Bandwidth>,
    /// `<port isolated='…'/>`: guests on one bridge do not see each other.
    pub port_isolated: Option<bool>,
    /// What the connection to a network came to, of running domains only.
    pub actual: Option<Actual>,
    /// `<ip>` and `<route>`: the guest's end.
    pub guest_ip: IpInfo,
    /// `<portForward>`.
    pub port_forwards: Vec<PortForward>,
    /// `<script path='…'/>`, run when the host's link is there.
    pub script: Option<String>,
    /// `<downscript path='…'/>`, run before the host's link goes.
    pub downscript: Option<String>,
    /// `<backenddomain name='…'/>` of Xen.
    pub backend_domain: Option<String>,
    /// `<target dev='…'/>`: the host's link.
    pub target: Option<String>,
    /// `<target managed='…'/>`: whether the engine makes and removes the host's link.
    pub target_managed: Option<bool>,
    /// `<guest dev='…'/>`: the link's name in a container.
    pub guest_dev: Option<String>,
    /// `<guest actual='…'/>`.
    pub guest_dev_actual: Option<String>,
    /// `<model type='…'/>`.
    pub model: Option<InterfaceModel>,
    /// `<driver>`, as far as virtio interfaces have it.
    pub driver: InterfaceDriver,
    /// The transport options within `<driver>`.
    pub virtio: VirtioDriver,
    /// `<backend>`.
    pub backend: Backend,
    /// `<filterref>`.
    pub filter: Option<FilterRef>,
    /// `<tune><sndbuf>`: bytes that the host's link may hold for the guest.
    pub sndbuf: Option<u64>,
    /// `<teaming type='…'/>`.
    pub teaming: TeamingType,
    /// `<teaming persistent='…'/>`: alias of the card that stays.
    pub teaming_persistent: Option<String>,
    /// `<link state='…'/>`.
    pub link: LinkState,
    /// `<mtu size='…'/>`, bytes; 0 where not given.
    pub mtu: u32,
    /// `<coalesce><rx><frames max='…'/></rx></coalesce>`; 0 is kept but not written.
    pub coalesce_rx_frames: Option<u32>,
    /// Alias, address, boot order, option ROM.
    pub info: DeviceInfo,
}

/// What the engine itself calls links of the host.
const GENERATED_PREFIXES: [&str; 3] = ["vnet", "macvtap", "macvlan"];

impl Interface {
    /// What the connection is now: of a network, what it came to when the guest started.
    #[must_use]
    pub fn actual_kind(&self) -> InterfaceType {
        match (&self.source, &self.actual) {
            (InterfaceSource::Network { .. }, Some(actual)) => actual.kind(),
            (source, _) => source.kind(),
        }
    }

    /// Whether the guest's card is a virtio device.
    #[must_use]
    pub fn is_virtio(&self) -> bool {
        self.model.as_ref().is_some_and(InterfaceModel::is_virtio)
    }

    /// The host's device that is handed to the guest, if it is one.
    #[must_use]
    pub fn hostdev(&self) -> Option<&InterfaceHostdev> {
        match (&self.source, &self.actual) {
            (InterfaceSource::Hostdev(hostdev), _) => Some(hostdev),
            (
                InterfaceSource::Network { .. },
                Some(Actual { source: ActualSource::Hostdev(hostdev), .. }),
            ) => Some(hostdev),
            _ => None,
        }
    }

    /// The virtual port that is in force.
    #[must_use]
    pub fn actual_virtualport(&self) -> Option<&VirtualPort> {
        match (&self.source, &self.actual) {
            (InterfaceSource::Network { .. }, Some(actual)) => actual.virtualport.as_ref(),
            _ => self.virtualport.as_ref(),
        }
    }

    /// The address as text, zeros where there is none yet.
    #[must_use]
    pub fn mac_text(&self) -> String {
        self.mac.unwrap_or_default().to_string()
    }

    /// Whether the name of the host's link was made up by the engine, so that a configuration leaves it out.
    fn target_is_generated(&self, name: &str) -> bool {
        self.target_managed != Some(false) && GENERATED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
    }

    fn format_connection(&self, w: &mut Writer, cx: &FormatContext<'_>) {
        if let InterfaceSource::Hostdev(hostdev) = &self.source {
            hostdev.format(w);
        }
        w.element_if_any("source", |w| {
            let passt = self.backend.kind == BackendType::Passt;
            self.source.format_attributes(w, cx.inactive(), passt);
            self.source.format_children(w);
            self.host_ip.format(w);
        });
        actual::format_port(
            w,
            self.vlan.as_ref(),
            self.virtualport.as_ref(),
            self.bandwidth.as_ref(),
            self.port_isolated,
        );
        if let Some(actual) = &self.actual
            && cx.flags.contains(FormatFlags::ACTUAL_NET)
        {
            actual.format(w, self, cx);
        }
    }

    fn format_host_names(&self, w: &mut Writer, inactive: bool) {
        for (name, path) in [("script", &self.script), ("downscript", &self.downscript)] {
            if let Some(path) = path {
                w.element(name, |w| w.attr("path", path));
            }
        }
        if let Some(domain) = &self.backend_domain {
            w.element("backenddomain", |w| w.attr("name", domain));
        }
        w.element_if_any("target", |w| {
            let hidden = |name: &&String| !(inactive && self.target_is_generated(name));
            w.attr_opt("dev", self.target.as_ref().filter(hidden));
            w.attr_yes_no("managed", self.target_managed);
        });
        w.element_if_any("guest", |w| {
            w.attr_opt("dev", self.guest_dev.as_ref());
            w.attr_opt("actual", self.guest_dev_actual.as_ref());
        });
    }

    fn format_card(&self, w: &mut Writer) {
        if let Some(model) = &self.model {
            w.element("model", |w| w.attr("type", model.name()));
            if model.is_virtio() {
                w.element_if_any("driver", |w| {
                    self.driver.format_attributes(w);
                    self.virtio.format(w);
                    self.driver.format_children(w);
                });
            }
        }
        self.backend.format(w);
        if let Some(filter) = &self.filter {
            filter.format(w);
        }
        if let Some(sndbuf) = self.sndbuf {
            w.element("tune", |w| w.text_element("sndbuf", sndbuf));
        }
        if self.teaming != TeamingType::None {
            w.element("teaming", |w| {
                w.attr("type", self.teaming.text());
                w.attr_opt("persistent", self.teaming_persistent.as_ref());
            });
        }
        if self.link != LinkState::Default {
            w.element("link", |w| w.attr("state", self.link.text()));
        }
        if self.mtu > 0 {
            w.element("mtu", |w| w.attr("size", self.mtu));
        }
        if let Some(frames) = self.coalesce_rx_frames.filter(|frames| *frames > 0) {
            w.element("coalesce", |w| w.element("rx", |w| w.element("frames", |w| w.attr("max", frames))));
        }
    }
}

impl Device for Interface {
    const ELEMENT: &'static str = "interface";
    const GRAMMAR: &'static [Part] = GRAMMAR;

    fn parse(el: Element<'_>, cx: &ParseContext<'_>) -> Result<Self> {
        Self::parse_interface(el, cx)
    }

    fn format(&self, w: &mut Writer, cx: &FormatContext<'_>) {
        let hidden = FormatFlags::INACTIVE | FormatFlags::ACTUAL_NET | FormatFlags::MIGRATABLE;
        // A running domain shows what its connection came to instead of what was asked for.
        let in_place = self.actual.as_ref().filter(|_| {
            matches!(self.source, InterfaceSource::Network { .. }) && !cx.flags.intersects(hidden)
        });
        w.element(Self::ELEMENT, |w| {
            let kind = in_place.map_or_else(|| self.source.kind(), Actual::kind);
            w.attr("type", kind.text());
            let hostdev = self.hostdev().filter(|_| kind == InterfaceType::Hostdev);
            w.attr_opt("managed", hostdev.filter(|hostdev| hostdev.managed).map(|_| "yes"));
            w.attr_yes_no("trustGuestRxFilters", self.trust_guest_rx_filters);
            w.element("mac", |w| {
                w.attr("address", self.mac.unwrap_or_default());
                w.attr_opt("type", self.mac_type.map(TextEnum::text));
                w.attr_yes_no("check", self.mac_check);
            });
            match in_place {
                Some(actual) => actual.format_contents(w, self, true, cx),
                None => self.format_connection(w, cx),
            }
            self.guest_ip.format(w);
            for forward in &self.port_forwards {
                forward.format(w);
            }
            self.format_host_names(w, cx.inactive());
            self.format_card(w);
            self.info.format(w, Takes::BOOT_AND_ROM);
        });
    }

    has_info!();

    fn validate(&self, _domain: &Domain) -> Result<()> {
        self.check()
    }

    fn same_device(&self, other: &Self) -> bool {
        self.matches(other)
    }

    fn check_abi(&self, target: &Self) -> Result<()> {
        self.check_same_card(target)
    }
}

grammar! {
    GRAMMAR = [
        Must("type", OneOf(InterfaceType::NAMES)), Attr("managed", YesNo), Attr("trustGuestRxFilters", YesNo),
        Many("source", source::GRAMMAR), With(COMMON), With(crate::common::ip::IP), With(crate::common::device_info::BOOT),
        With(crate::common::device_info::ROM), With(crate::common::device_info::INFO),
    ];
    COMMON = [
        Opt("mac", &[Must("address", MAC), Attr("type", OneOf(MacType::NAMES)), Attr("check", YesNo)]),
        Opt("virtualport", crate::common::virtualport::VIRTUALPORT), Opt("vlan", crate::common::vlan::VLAN),
        Opt("bandwidth", crate::common::bandwidth::BANDWIDTH), Opt("port", &[Must("isolated", YesNo)]),
        Opt("script", &[Must("path", Str)]), Opt("downscript", &[Must("path", Str)]), Opt("backenddomain", &[Must("name", Str)]),
        Opt("target", &[Attr("dev", Str), Attr("managed", YesNo)]), Opt("guest", &[Attr("dev", Str), Attr("actual", Str)]),
        Opt("model", &[Must("type", Str)]), Opt("driver", driver::GRAMMAR), Opt("backend", backend::GRAMMAR),
        Many("portForward", backend::PORT_FORWARD), Opt("filterref", crate::common::filter_ref::FILTERREF),
        Opt("tune", &[Opt("sndbuf", NUMBER)]), Opt("link", &[Attr("state", OneOf(&["up", "down"]))]), Opt("mtu", &[Must("size", U32)]),
        Opt("coalesce", &[Opt("rx", &[Opt("frames", &[Attr("max", U32)])])]),
        Opt("teaming", TEAMING), Opt("actual", &[Foreign]),
    ];
    /// `<teaming>`
    pub(super) TEAMING = [Must("type", OneOf(&["persistent", "transient"])), Attr("persistent", Str)];
}
