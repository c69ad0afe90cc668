//! Reading `<interface>`.

use virt_types::{Error, ErrorCode, ErrorDomain, MacAddr, TextEnum};
use virt_xml::Element;
use virt_xml::number::{Base, parse_u32, parse_u64};

use super::{
    Actual, Backend, FilterRef, Interface, InterfaceDriver, InterfaceModel, InterfaceSource, InterfaceType,
    LinkState, PortForward, TeamingType,
};
use crate::common::device_info::Takes;
use crate::common::virtualport::Completeness;
use crate::common::{Bandwidth, DeviceInfo, IpInfo, VirtioDriver, VirtualPort, Vlan};
use crate::domain::device::ParseContext;
use crate::error::{unsupported, xml_error};
use crate::{ParseFlags, Result};

/// An attribute of the first child of this name, where it is not empty.
fn child_attr<'a>(el: Element<'a>, child: &'static str, name: &'static str) -> Option<&'a str> {
    el.child(child).and_then(|child| child.attr(name)).filter(|text| !text.is_empty())
}

fn child_attr_owned(el: Element<'_>, child: &'static str, name: &'static str) -> Option<String> {
    child_attr(el, child, name).map(str::to_owned)
}

impl Interface {
    pub(super) fn parse_interface(el: Element<'_>, cx: &ParseContext<'_>) -> Result<Self> {
        let kind = el.attr_enum::<InterfaceType>("type")?.unwrap_or_default();
        let mut interface =
            Self { trust_guest_rx_filters: el.attr_yes_no("trustGuestRxFilters")?, ..Self::default() };
        if let Some(name) = child_attr(el, "model", "type") {
            interface.model = InterfaceModel::from_name(name).map_err(|error| error.at(el.place()))?;
        }
        if let Some(source) = el.child("source") {
            interface.host_ip = IpInfo::parse(source, "interface host IP")?;
        }
        interface.source = InterfaceSource::parse(el, kind, cx.flags)?;
        if kind == InterfaceType::Network && cx.flags.contains(ParseFlags::ACTUAL_NET) {
            interface.actual = el.child("actual").map(Actual::parse).transpose()?;
        }
        interface.parse_port(el, kind)?;
        interface.parse_host_names(el)?;
        interface.parse_mac(el)?;
        interface.info = DeviceInfo::parse(el, Takes::BOOT_AND_ROM, cx.flags)?;
        interface.guest_ip = IpInfo::parse(el, "guest interface")?;
        interface.port_forwards =
            el.children_named("portForward").map(PortForward::parse).collect::<Result<_>>()?;
        // Names that the engine made up belong to a running guest.
        if cx.flags.contains(ParseFlags::INACTIVE) {
            interface.target = interface.target.take().filter(|name| !interface.target_is_generated(name));
        }
        interface.parse_card(el, kind)?;
        interface.parse_tuning(el)?;
        Ok(interface)
    }

    fn parse_port(&mut self, el: Element<'_>, kind: InterfaceType) -> Result<()> {
        if let Some(port) = el.child("virtualport") {
            let completeness = match kind {
                InterfaceType::Network => Completeness::Partial,
                InterfaceType::Bridge | InterfaceType::Direct | InterfaceType::Hostdev => {
                    Completeness::WithType
                }
                _ => {
                    let detail = format!("<virtualport> element unsupported for <interface type='{kind}'>");
                    return Err(unsupported(detail).at(port.place()));
                }
            };
            self.virtualport = Some(VirtualPort::parse(port, completeness)?);
        }
        if matches!(kind, InterfaceType::Network | InterfaceType::Bridge | InterfaceType::Ethernet) {
            self.filter = el.child("filterref").and_then(FilterRef::parse);
        }
        if let Some(bandwidth) = el.child("bandwidth") {
            self.bandwidth = Bandwidth::parse(bandwidth, kind == InterfaceType::Network)?;
        }
        self.vlan = el.child("vlan").map(Vlan::parse).transpose()?;
        self.port_isolated = el.child("port").map(|port| port.attr_yes_no("isolated")).transpose()?.flatten();
        Ok(())
    }

    fn parse_host_names(&mut self, el: Element<'_>) -> Result<()> {
        if let Some(target) = el.child("target") {
            self.target = target.attr("dev").map(str::to_owned);
            self.target_managed = target.attr_yes_no("managed")?;
        }
        self.guest_dev = child_attr_owned(el, "guest", "dev");
        self.guest_dev_actual = child_attr_owned(el, "guest", "actual");
        self.script = child_attr_owned(el, "script", "path");
        self.downscript = child_attr_owned(el, "downscript", "path");
        self.backend_domain = child_attr_owned(el, "backenddomain", "name");
        Ok(())
    }

    fn parse_mac(&mut self, el: Element<'_>) -> Result<()> {
        if let Some(mac) = el.child("mac") {
            if let Some(text) = mac.attr("address") {
                let address: MacAddr = text.parse().map_err(|error: Error| error.at(mac.place()))?;
                if address.is_multicast() {
                    let detail = format!("expected unicast mac address, found multicast '{text}'");
                    return Err(xml_error(detail).at(mac.place()));
                }
                self.mac = Some(address).filter(|address| *address != MacAddr::default());
            }
            self.mac_type = mac.attr_enum("type")?;
            self.mac_check = mac.attr_yes_no("check")?;
        }
        self.mac_generated = self.mac.is_none();
        Ok(())
    }

    fn parse_card(&mut self, el: Element<'_>, kind: InterfaceType) -> Result<()> {
        let virtio = kind != InterfaceType::Hostdev && self.is_virtio();
        if let Some(driver) = el.child("driver") {
            self.virtio = VirtioDriver::parse(driver)?;
            if virtio {
                self.driver = InterfaceDriver::parse(driver)?;
            }
        }
        if let Some(backend) = el.child("backend") {
            self.backend = Backend::parse(backend, virtio)?;
        }
        Ok(())
    }

    fn parse_tuning(&mut self, el: Element<'_>) -> Result<()> {
        if let Some(text) = child_attr(el, "link", "state") {
            self.link =
                LinkState::from_text(text).filter(|state| *state != LinkState::Default).ok_or_else(|| {
                    unsupported(format!("unknown interface link state '{text}'")).at(el.place())
                })?;
        }
        let teaming = child_attr(el, "teaming", "type");
        self.teaming_persistent = child_attr_owned(el, "teaming", "persistent");
        if teaming.is_some() || self.teaming_persistent.is_some() {
            self.teaming = teaming
                .and_then(TeamingType::from_text)
                .filter(|teaming| *teaming != TeamingType::None)
                .ok_or_else(|| {
                    let shown = teaming.unwrap_or("(null)");
                    unsupported(format!("unknown teaming type '{shown}'")).at(el.place())
                })?;
        }
        if let Some(text) = el.child("tune").and_then(|tune| tune.child_text("sndbuf")) {
            let sndbuf = parse_u64(&text, Base::Ten);
            self.sndbuf =
                Some(sndbuf.ok_or_else(|| xml_error("sndbuf must be a positive integer").at(el.place()))?);
        }
        if let Some(text) = child_attr(el, "mtu", "size") {
            self.mtu =
                parse_u32(text, Base::Ten).ok_or_else(|| xml_error("malformed mtu size").at(el.place()))?;
        }
        let frames = el.descend(&["coalesce", "rx", "frames"]).and_then(|frames| frames.attr("max"));
        if let Some(text) = frames.filter(|text| !text.is_empty()) {
            let error = |code, detail| Err(Error::new(code, ErrorDomain::Domain, detail).at(el.place()));
            let Some(value) = parse_u64(text, Base::Ten) else {
                let detail = format!("cannot parse value '{text}' for coalesce parameter");
                return error(ErrorCode::XmlDetail, detail);
            };
            match u32::try_from(value) {
                Ok(value) => self.coalesce_rx_frames = Some(value),
                Err(_) => {
                    let detail = format!(
                        "value '{value}' is too big for coalesce parameter, maximum is '{}'",
                        u32::MAX
                    );
                    return error(ErrorCode::Overflow, detail);
                }
            }
        }
        Ok(())
    }
}
