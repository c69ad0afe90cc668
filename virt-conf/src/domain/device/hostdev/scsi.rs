//! SCSI units of the host, of iSCSI targets, and of the host's own target subsystem.

use virt_types::text_enum;
use virt_xml::number::Base;
use virt_xml::{Element, Writer};

use super::super::{DiskBus, Sgio};
use crate::Result;
use crate::common::Auth;
use crate::common::address::Drive;
use crate::common::storage_source::{NetworkHost, NetworkSource, Protocol};
use crate::domain::Domain;
use crate::error::{internal, unsupported, xml_error};

text_enum! {
    /// Which revisions of the standard the virtio device speaks.
    pub enum VhostScsiModel {
        #[default] Default = "default", Virtio = "virtio", VirtioTransitional = "virtio-transitional",
        VirtioNonTransitional = "virtio-non-transitional",
    }
}

/// A SCSI unit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScsiHostdev {
    /// `sgio`.
    pub sgio: Option<Sgio>,
    /// `rawio`.
    pub rawio: Option<bool>,
    /// Which unit.
    pub unit: ScsiUnit,
    /// Number of the unit's block node in a running domain.
    pub index: Option<u32>,
}

/// Where a SCSI unit is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScsiUnit {
    /// Behind an adapter of the host.
    Adapter(ScsiAdapter),
    /// Behind an iSCSI target.
    Iscsi(Box<Iscsi>),
}

impl Default for ScsiUnit {
    fn default() -> Self {
        Self::Adapter(ScsiAdapter::default())
    }
}

/// A unit behind an adapter of the host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScsiAdapter {
    /// `<adapter name='…'/>`, such as `scsi_host0`.
    pub name: String,
    /// Bus, target and unit.
    pub bus: u32,
    /// Target.
    pub target: u32,
    /// Unit.
    pub unit: u64,
    /// The host's generic device of the unit, once that was looked up.
    pub device: Option<String>,
}

/// A unit behind an iSCSI target.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Iscsi {
    /// Target, server and initiator.
    pub network: NetworkSource,
    /// `<auth>`.
    pub auth: Option<Auth>,
}

/// A target of the host's SCSI target subsystem.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VhostScsi {
    /// `model`.
    pub model: VhostScsiModel,
    /// `wwpn`, such as `naa.5123456789abcde0`.
    pub wwpn: String,
}

impl ScsiHostdev {
    pub(super) fn parse(hostdev: Element<'_>, el: Element<'_>) -> Result<Self> {
        let sgio = hostdev.attr_enum("sgio")?;
        let rawio = hostdev.attr_yes_no("rawio")?;
        let unit = match el.attr("protocol") {
            None | Some("adapter") => ScsiUnit::Adapter(ScsiAdapter::parse(el)?),
            Some("iscsi") => ScsiUnit::Iscsi(Box::new(Iscsi::parse(el)?)),
            Some(_) => return Err(el.invalid("protocol", "")),
        };
        Ok(Self { sgio, rawio, unit, index: None })
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.attr_opt("sgio", self.sgio);
        w.attr_yes_no("rawio", self.rawio);
        w.element("source", |w| match &self.unit {
            ScsiUnit::Adapter(adapter) => {
                w.element("adapter", |w| w.attr("name", &adapter.name));
                w.element("address", |w| {
                    w.attr("bus", adapter.bus);
                    w.attr("target", adapter.target);
                    w.attr("unit", adapter.unit);
                });
            }
            ScsiUnit::Iscsi(iscsi) => {
                w.attr("protocol", "iscsi");
                w.attr_opt("name", iscsi.network.name.as_ref());
                for host in &iscsi.network.hosts {
                    w.element("host", |w| {
                        w.attr_opt("name", host.name.as_ref());
                        w.attr_opt("port", Some(host.port).filter(|port| *port > 0));
                    });
                }
                if let Some(auth) = &iscsi.auth {
                    auth.format(w);
                }
                if let Some(iqn) = &iscsi.network.initiator {
                    w.element("initiator", |w| w.element("iqn", |w| w.attr("name", iqn)));
                }
            }
        });
    }

    pub(super) fn fill(&mut self) {
        if let ScsiUnit::Iscsi(iscsi) = &mut self.unit {
            iscsi.network.fill();
        }
    }

    pub(super) fn validate(&self) -> Result<()> {
        if self.sgio == Some(Sgio::Unfiltered) {
            return Err(unsupported("unfiltered sgio is no longer supported"));
        }
        Ok(())
    }
}

impl ScsiUnit {
    pub(super) fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Adapter(a), Self::Adapter(b)) => {
                (&a.name, a.bus, a.target, a.unit) == (&b.name, b.bus, b.target, b.unit)
            }
            (Self::Iscsi(a), Self::Iscsi(b)) => {
                a.network.name == b.network.name && a.network.hosts == b.network.hosts
            }
            _ => false,
        }
    }
}

impl ScsiAdapter {
    fn parse(el: Element<'_>) -> Result<Self> {
        let missing = |detail: &str| xml_error(detail).at(el.place());
        let address = el
            .child("address")
            .ok_or_else(|| missing("'address' must be specified for scsi hostdev source"))?;
        let number = |name| address.required(name, address.attr_u32(name, Base::Any)?);
        let (bus, target) = (number("bus")?, number("target")?);
        let unit = address.required("unit", address.attr_u64("unit", Base::Any)?)?;
        let name = el
            .child("adapter")
            .and_then(|adapter| adapter.attr("name"))
            .filter(|name| !name.is_empty())
            .ok_or_else(|| missing("'adapter' name must be specified for scsi hostdev source"))?;
        Ok(Self { name: name.to_owned(), bus, target, unit, device: None })
    }
}

impl Iscsi {
    fn parse(el: Element<'_>) -> Result<Self> {
        let fail = |detail: &str| Err(xml_error(detail).at(el.place()));
        let Some(name) = el.attr("name") else { return fail("missing iSCSI hostdev source path name") };
        let hosts = el.children_named("host").map(NetworkHost::parse).collect::<Result<Vec<_>>>()?;
        match hosts.len() {
            0 => return fail("missing the host address for the iSCSI hostdev"),
            1 => {}
            _ => return fail("only one source host address may be specified for the iSCSI hostdev"),
        }
        let auth = el.child("auth").map(Auth::parse).transpose()?;
        match auth.as_ref().map(|auth| auth.secret_type.as_deref().unwrap_or("(null)")) {
            None | Some("iscsi") => {}
            Some(kind @ ("none" | "volume" | "ceph" | "tls" | "vtpm")) => {
                return Err(internal(format!("hostdev invalid secret type '{kind}'")).at(el.place()));
            }
            Some(kind) => return Err(unsupported(format!("invalid secret type {kind}")).at(el.place())),
        }
        let initiator = el
            .descend(&["initiator", "iqn"])
            .and_then(|iqn| iqn.attr("name"))
            .filter(|name| !name.is_empty())
            .map(str::to_owned);
        let network = NetworkSource {
            protocol: Protocol::Iscsi,
            name: Some(name.to_owned()),
            hosts,
            initiator,
            ..NetworkSource::default()
        };
        Ok(Self { network, auth })
    }
}

impl VhostScsi {
    pub(super) fn parse(hostdev: Element<'_>, el: Element<'_>) -> Result<Self> {
        let model = hostdev.attr_enum("model")?.unwrap_or_default();
        if el.attr_required("protocol")? != "vhost" {
            return Err(el.invalid("protocol", ""));
        }
        let wwpn = el
            .attr("wwpn")
            .ok_or_else(|| xml_error("missing vhost-scsi hostdev source wwpn").at(el.place()))?;
        let digits = wwpn.strip_prefix("naa.").map(|rest| rest.strip_prefix("0x").unwrap_or(rest));
        if !digits.is_some_and(|digits| digits.len() == 16 && digits.bytes().all(|b| b.is_ascii_hexdigit())) {
            return Err(xml_error("malformed 'wwpn' value").at(el.place()));
        }
        Ok(Self { model, wwpn: wwpn.to_owned() })
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.attr_opt("model", Some(self.model).filter(|model| *model != VhostScsiModel::Default));
        w.element("source", |w| {
            w.attr("protocol", "vhost");
            w.attr("wwpn", &self.wwpn);
        });
    }
}

/// Units of a narrow SCSI bus besides its controller.
const UNITS: u32 = 7;

/// The first place on the first SCSI controller that has room.
pub(super) fn free_place(domain: &Domain) -> Drive {
    let used = |place: &Drive| {
        is_used_by_disk(domain, place)
            || domain.devices.hostdevs.iter().any(|hostdev| hostdev.scsi_place() == Some(place))
    };
    let places = (0..).flat_map(|controller| (0..UNITS).map(move |unit| (controller, unit)));
    places
        .map(|(controller, unit)| Drive { controller, unit, ..Drive::default() })
        .find(|place| !used(place))
        .unwrap_or_default()
}

/// Whether a SCSI disk has this place.
pub(super) fn is_used_by_disk(domain: &Domain, place: &Drive) -> bool {
    domain.devices.disks.iter().any(|disk| disk.bus() == DiskBus::Scsi && disk.drive() == Some(place))
}

/// A place in words.
pub(super) fn place_text(place: &Drive) -> String {
    format!(
        "SCSI host address controller='{}' bus='{}' target='{}' unit='{}'",
        place.controller, place.bus, place.target, place.unit
    )
}

grammar! {
    pub(super) SOURCE = [
        Attr("protocol", OneOf(&["adapter", "iscsi"])), Attr("name", Str), Attr("startupPolicy", Str),
        Opt("adapter", &[Must("name", Str)]),
        Opt("address", &[Attr("type", Str), Attr("bus", U32), Attr("target", U32), Attr("unit", U64)]),
        Many("host", &[Attr("name", Str), Attr("port", Str), Attr("transport", Str), Attr("socket", PATH)]),
        Opt("auth", crate::common::auth::AUTH), Opt("initiator", &[One("iqn", &[Must("name", Str)])]),
    ];
    pub(super) HOST_SOURCE = [Must("protocol", OneOf(&["vhost"])), Must("wwpn", Str)];
}
