//! `<disk>`: a drive, with or without an image.

mod driver;
mod geometry;
mod iotune;
mod mirror;
mod name;
mod source;
mod target;
mod vhost_user;

use virt_types::{ErrorCode, ErrorDomain, text_enum};
use virt_xml::{Element, Writer};

pub use driver::{DetectZeroes, Discard, DiskCache, DiskDriver, DiskIo, ErrorPolicy};
pub use geometry::{BlockIo, Geometry, Translation};
pub use iotune::IoTune;
pub use mirror::{Mirror, MirrorJob, MirrorState};
pub use name::DiskName;
pub use target::{DiskBus, DiskTarget, Tray};

use super::{Device, Domain, FormatContext, ParseContext};
use crate::common::address::Drive;
use crate::common::device_info::Takes;
use crate::common::storage_source::{Location, SourceParts};
use crate::common::{Address, DeviceInfo, StorageSource};
use crate::error::{internal, unsupported, xml_error};
use crate::grammar::Part;
use crate::{ParseFlags, Result};

text_enum! {
    /// What the guest sees.
    pub enum DiskDevice { #[default] Disk = "disk", Cdrom = "cdrom", Floppy = "floppy", Lun = "lun" }
}

text_enum! {
    /// Which revisions of the standard a virtio disk speaks.
    pub enum DiskModel {
        #[default] Default = "default", Virtio = "virtio", VirtioTransitional = "virtio-transitional",
        VirtioNonTransitional = "virtio-non-transitional",
    }
}

text_enum! {
    /// How snapshots take the disk along.
    pub enum SnapshotLocation { No = "no", Internal = "internal", External = "external", Manual = "manual" }
}

text_enum! {
    /// What happens at start where the image is missing.
    pub enum StartupPolicy { Mandatory = "mandatory", Requisite = "requisite", Optional = "optional" }
}

text_enum! {
    /// Which SCSI commands the host lets through.
    pub enum Sgio { Filtered = "filtered", Unfiltered = "unfiltered" }
}

/// A disk.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Disk {
    /// `device`.
    pub device: DiskDevice,
    /// `model`.
    pub model: DiskModel,
    /// `rawio`: the guest may send raw SCSI commands, which the hypervisor needs a privilege for.
    pub rawio: Option<bool>,
    /// `sgio`.
    pub sgio: Option<Sgio>,
    /// `snapshot`.
    pub snapshot: Option<SnapshotLocation>,
    /// The image: `type`, `<source>`, `<backingStore>`, `<readonly>`, `<shareable>` and what else speaks of it.
    pub source: StorageSource,
    /// `<source startupPolicy='…'>`.
    pub startup_policy: Option<StartupPolicy>,
    /// `<driver>`.
    pub driver: DiskDriver,
    /// `<backenddomain name='…'/>` of Xen.
    pub backend_domain: Option<String>,
    /// `<geometry>`.
    pub geometry: Geometry,
    /// `<blockio>`.
    pub blockio: BlockIo,
    /// `<mirror>`; only of a running domain.
    pub mirror: Option<Mirror>,
    /// `<target>`.
    pub target: DiskTarget,
    /// `<iotune>`.
    pub iotune: IoTune,
    /// `<transient>`.
    pub transient: Option<Transient>,
    /// `<serial>`.
    pub serial: Option<String>,
    /// `<wwn>`, 16 hexadecimal digits.
    pub wwn: Option<String>,
    /// `<vendor>`, up to 8 characters.
    pub vendor: Option<String>,
    /// `<product>`, up to 16 characters.
    pub product: Option<String>,
    /// Whether `<auth>` stands beside `<source>`, not within.
    pub auth_beside_source: bool,
    /// Whether `<encryption>` stands beside `<source>`, not within.
    pub encryption_beside_source: bool,
    /// Alias, address and boot order.
    pub info: DeviceInfo,
}

/// `<transient>`: what the guest writes is lost when it stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Transient {
    /// `shareBacking`: several guests use the image at once.
    pub share_backing: Option<bool>,
}

impl Domain {
    /// Refuses two disks of one name, then two disks at one place.
    pub(in crate::domain) fn refuse_twin_disks(&self) -> Result<()> {
        let disks = &self.devices.disks;
        let twins = |same: &dyn Fn(&Disk, &Disk) -> bool| {
            let pair =
                |(i, disk)| disks[i + 1..].iter().find(|other| same(disk, other)).map(|other| (disk, other));
            disks.iter().enumerate().find_map(pair)
        };
        if let Some((disk, other)) = twins(&|a, b| a.target.dev == b.target.dev) {
            let path = |disk: &Disk| disk.source.location.local_path().unwrap_or("<null>").to_owned();
            return Err(xml_error(format!(
                "target '{}' duplicated for disk sources '{}' and '{}'",
                disk.name(),
                path(disk),
                path(other)
            )));
        }
        let same_place =
            |a: &Disk, b: &Disk| a.drive().is_some() && a.bus() == b.bus() && a.drive() == b.drive();
        if let Some((disk, _)) = twins(&same_place)
            && let Some(drive) = disk.drive()
        {
            return Err(unsupported(format!(
                "Found duplicate drive address for disk with target name '{}' controller='{}' bus='{}' target='{}' unit='{}'",
                disk.name(),
                drive.controller,
                drive.bus,
                drive.target,
                drive.unit
            )));
        }
        Ok(())
    }
}

impl Disk {
    /// The bus; known of every filled disk.
    #[must_use]
    pub fn bus(&self) -> DiskBus {
        self.target.bus.unwrap_or(DiskBus::Ide)
    }

    /// The name in the guest, `""` where there is none.
    #[must_use]
    pub fn name(&self) -> &str {
        self.target.dev.as_deref().unwrap_or_default()
    }

    /// The place on a controller, of the buses that have controllers.
    #[must_use]
    pub const fn drive(&self) -> Option<&Drive> {
        match &self.info.address {
            Address::Drive(drive) => Some(drive),
            _ => None,
        }
    }

    /// Whether media can be changed while the guest runs.
    #[must_use]
    pub const fn is_removable(&self) -> bool {
        matches!(self.device, DiskDevice::Cdrom | DiskDevice::Floppy)
    }
}

impl Device for Disk {
    const ELEMENT: &'static str = "disk";
    const GRAMMAR: &'static [Part] = GRAMMAR;

    fn parse(el: Element<'_>, cx: &ParseContext<'_>) -> Result<Self> {
        let mut disk = Self { source: source::parse(el, cx.flags)?, ..Self::default() };
        disk.device = el.attr_enum("device")?.unwrap_or_default();
        disk.model = el.attr_enum("model")?.unwrap_or_default();
        disk.snapshot = el.attr_enum("snapshot")?;
        disk.rawio = el.attr_yes_no("rawio")?;
        disk.sgio = el.attr_enum("sgio")?;
        if let Some(source) = el.child("source") {
            disk.startup_policy = source.attr_enum("startupPolicy")?;
        }
        if let Some(target) = el.child("target") {
            disk.target = DiskTarget::parse(target)?;
        }
        if let Some(geometry) = el.child("geometry") {
            disk.geometry = Geometry::parse(geometry)?;
        }
        if let Some(blockio) = el.child("blockio") {
            disk.blockio = BlockIo::parse(blockio)?;
        }
        if let Some(driver) = el.child("driver") {
            disk.driver = DiskDriver::parse(driver, &mut disk.source)?;
        }
        if let Some(mirror) = el.child("mirror")
            && !cx.flags.contains(ParseFlags::INACTIVE)
        {
            disk.mirror = Some(Mirror::parse(mirror, cx.flags)?);
        }
        disk.auth_beside_source = el.child("auth").is_some();
        disk.encryption_beside_source = el.child("encryption").is_some();
        if cx.flags.contains(ParseFlags::STATUS)
            && let Some(placement) = el.child("diskSecretsPlacement")
        {
            disk.auth_beside_source = placement.attr("auth").is_some();
            disk.encryption_beside_source = placement.attr("enc").is_some();
        }
        if let Some(transient) = el.child("transient") {
            disk.transient = Some(Transient { share_backing: transient.attr_yes_no("shareBacking")? });
        }
        if let Some(iotune) = el.child("iotune") {
            disk.iotune = IoTune::parse(iotune)?;
        }
        disk.backend_domain = el
            .child("backenddomain")
            .and_then(|backend| backend.attr("name"))
            .filter(|name| !name.is_empty())
            .map(str::to_owned);
        disk.serial = el.child_text("serial");
        disk.wwn = el.child_text("wwn");
        disk.vendor = el.child_text("vendor");
        disk.product = el.child_text("product");
        disk.info = DeviceInfo::parse(el, Takes::BOOT, cx.flags)?;
        Ok(disk)
    }

    fn parse_list<'a>(
        elements: impl Iterator<Item = Element<'a>>,
        cx: &ParseContext<'_>,
    ) -> Result<Vec<Self>> {
        let mut disks = Vec::new();
        for el in elements {
            name::insert(&mut disks, Self::parse(el, cx)?);
        }
        Ok(disks)
    }

    fn format(&self, w: &mut Writer, cx: &FormatContext<'_>) {
        let source = &self.source;
        w.element(Self::ELEMENT, |w| {
            w.attr("type", source.location.storage_type());
            w.attr("device", self.device);
            w.attr_opt("model", Some(self.model).filter(|model| *model != DiskModel::Default));
            w.attr_yes_no("rawio", self.rawio);
            w.attr_opt("sgio", self.sgio);
            // A read-only disk is left out of snapshots anyway.
            let implied = |location: &SnapshotLocation| *location == SnapshotLocation::No && source.readonly;
            w.attr_opt("snapshot", self.snapshot.filter(|location| !implied(location)));
            self.driver.format(w, source);
            if let Some(auth) = source.auth.as_ref().filter(|_| self.auth_beside_source) {
                auth.format(w);
            }
            let policy = self.startup_policy.map(virt_types::TextEnum::text);
            let parts = SourceParts {
                startup_policy: policy,
                with_index: true,
                skip_auth: self.auth_beside_source,
                skip_encryption: self.encryption_beside_source,
                even_empty: false,
            };
            source.format(w, "source", parts, cx.flags);
            if let Some(backing) = &source.backing {
                backing.format(w, cx.flags);
            }
            if let Some(name) = &self.backend_domain {
                w.element("backenddomain", |w| w.attr("name", name));
            }
            self.geometry.format(w);
            self.blockio.format(w);
            if let Some(mirror) = self.mirror.as_ref().filter(|_| !cx.inactive()) {
                mirror.format(w, cx.flags);
            }
            self.target.format(w, self.is_removable());
            self.iotune.format(w);
            if source.readonly {
                w.element("readonly", |_| {});
            }
            if source.shared {
                w.element("shareable", |_| {});
            }
            if let Some(transient) = self.transient {
                w.element("transient", |w| {
                    w.attr_yes_no("shareBacking", transient.share_backing.filter(|share| *share));
                });
            }
            w.text_element_opt("serial", self.serial.as_ref());
            w.text_element_opt("wwn", self.wwn.as_ref());
            w.text_element_opt("vendor", self.vendor.as_ref());
            w.text_element_opt("product", self.product.as_ref());
            if let Some(encryption) = source.encryption.as_ref().filter(|_| self.encryption_beside_source) {
                encryption.format(w);
            }
            self.info.format(w, Takes::BOOT);
            if cx.flags.contains(crate::FormatFlags::STATUS) {
                w.element_if_any("diskSecretsPlacement", |w| {
                    w.attr_opt("auth", self.auth_beside_source.then_some("true"));
                    w.attr_opt("enc", self.encryption_beside_source.then_some("true"));
                });
            }
        });
    }

    has_info!();

    fn fill(&mut self, domain: &Domain) -> Result<()> {
        self.target.fill(self.device);
        if self.device == DiskDevice::Cdrom {
            self.source.readonly = true;
        }
        if self.snapshot.is_none() && self.source.readonly {
            self.snapshot = Some(SnapshotLocation::No);
        }
        match &mut self.source.location {
            Location::Network(network) => network.fill(),
            Location::Nvme(nvme) => {
                nvme.managed.get_or_insert(true);
            }
            // The process behind it holds the image, so there is nothing here to take a snapshot of.
            Location::VhostUser { .. } => {
                self.snapshot.get_or_insert(SnapshotLocation::No);
            }
            Location::File { .. }
            | Location::Block { .. }
            | Location::Dir { .. }
            | Location::Volume(_)
            | Location::VhostVdpa { .. } => {}
        }
        if self.info.address == Address::None
            && let Some(dev) = &self.target.dev
        {
            let name = DiskName::parse(dev)
                .ok_or_else(|| xml_error(format!("Unknown disk name '{dev}' and no address specified")))?;
            if let Some(drive) = name::default_drive(self.bus(), name.index) {
                if self.bus() == DiskBus::Scsi {
                    refuse_hostdev_place(dev, &drive, domain)?;
                }
                self.info.address = Address::Drive(drive);
            }
        }
        self.share_limits(domain);
        Ok(())
    }

    fn validate(&self, _domain: &Domain) -> Result<()> {
        if self.target.dev.is_none() {
            let detail = match &self.source.location {
                Location::Volume(volume) => {
                    let text = |part: &Option<String>| part.clone().unwrap_or_else(|| "(null)".to_owned());
                    format!("pool = '{}', volume = '{}'", text(&volume.pool), text(&volume.volume))
                }
                location => location.local_path().unwrap_or_default().to_owned(),
            };
            return Err(crate::Error::new(ErrorCode::NoTarget, ErrorDomain::Domain, detail));
        }
        source::validate(self)?;
        self.iotune.validate()?;
        self.target.validate(self)?;
        if self.bus() != DiskBus::Virtio {
            self.refuse_virtio_options()?;
        }
        if let Location::VhostUser { .. } = self.source.location {
            vhost_user::validate(self)?;
        }
        self.validate_names()?;
        if self.source.is_empty() && self.device == DiskDevice::Disk {
            return Err(crate::Error::new(ErrorCode::NoSource, ErrorDomain::Domain, self.name())
                .with_hint("only cdrom and floppy drives may be empty"));
        }
        source::validate_discard_no_unref(self)
    }

    fn same_device(&self, other: &Self) -> bool {
        self.target.dev == other.target.dev
    }

    fn check_abi(&self, target: &Self) -> Result<()> {
        let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "<null>".to_owned());
        let number = |number: Option<u32>| number.unwrap_or(0).to_string();
        for (what, source, target) in [
            ("device ", self.device.to_string(), target.device.to_string()),
            ("bus ", self.bus().to_string(), target.bus().to_string()),
            ("", text(&self.target.dev), text(&target.target.dev)),
            ("serial ", text(&self.serial), text(&target.serial)),
            ("wwn ", text(&self.wwn), text(&target.wwn)),
            ("model ", self.model.to_string(), target.model.to_string()),
            ("rotation rate ", number(self.target.rotation_rate), number(target.target.rotation_rate)),
            ("queue count ", number(self.driver.queues), number(target.driver.queues)),
            ("queue size ", number(self.driver.queue_size), number(target.driver.queue_size)),
        ] {
            if source != target {
                return Err(unsupported(format!(
                    "Target disk {what}{target} does not match source {source}"
                )));
            }
        }
        if self.source.readonly != target.source.readonly {
            return Err(unsupported("Target disk access mode does not match source"));
        }
        self.driver.virtio.check_abi(&target.driver.virtio)?;
        self.blockio.check_abi(&target.blockio)
    }
}

impl Disk {
    /// A disk that names a group of limits and none of its own takes those of the group.
    fn share_limits(&mut self, domain: &Domain) {
        if self.iotune.group_name.is_none() || self.iotune.has_limits() {
            return;
        }
        let group = domain
            .devices
            .disks
            .iter()
            .find(|other| other.iotune.group_name == self.iotune.group_name && other.iotune.has_limits());
        if let Some(other) = group {
            self.iotune = other.iotune.clone();
        }
    }

    fn refuse_virtio_options(&self) -> Result<()> {
        if self.model != DiskModel::Default {
            let detail = format!("disk model '{}' not supported for bus '{}'", self.model, self.bus());
            return Err(unsupported(detail));
        }
        let driver = &self.driver;
        for (given, sentence) in [
            (
                driver.queues.is_some(),
                "queues attribute in disk driver element is only supported for virtio bus",
            ),
            (
                driver.queue_size.is_some(),
                "queue_size attribute in disk driver is only supported for virtio bus",
            ),
            (driver.event_idx.is_some(), "disk event_idx mode supported only for virtio bus"),
            (driver.ioeventfd.is_some(), "disk ioeventfd mode supported only for virtio bus"),
        ] {
            if given {
                return Err(unsupported(sentence));
            }
        }
        driver.virtio.refuse()
    }

    /// What the guest reads of the drive.
    fn validate_names(&self) -> Result<()> {
        for (what, text, limit) in [("vendor", &self.vendor, 8), ("product", &self.product, 16)] {
            let Some(text) = text else { continue };
            if !text.bytes().all(|b| b.is_ascii_graphic() || b == b' ') {
                return Err(xml_error(format!("disk {what} is not printable string")));
            }
            if text.len() > limit {
                return Err(unsupported(format!("disk {what} is more than {limit} characters")));
            }
        }
        if let Some(wwn) = &self.wwn {
            let digits = wwn.strip_prefix("0x").unwrap_or(wwn);
            if digits.len() != 16 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(internal(format!("Malformed wwn: {wwn}")));
            }
        }
        Ok(())
    }
}

/// The place that follows from a disk's name may have been given to a SCSI unit of the host.
fn refuse_hostdev_place(name: &str, drive: &Drive, domain: &Domain) -> Result<()> {
    if domain.devices.hostdevs.iter().any(|hostdev| hostdev.scsi_place() == Some(drive)) {
        return Err(unsupported(format!(
            "using disk target name '{name}' conflicts with SCSI host device address controller='{}' bus='{}' target='{}' unit='{}'",
            drive.controller, drive.bus, drive.target, drive.unit
        )));
    }
    Ok(())
}

grammar! {
    GRAMMAR = [
        Attr("type", OneOf(crate::common::storage_source::StorageType::NAMES)), Attr("device", OneOf(DiskDevice::NAMES)), Attr("model", OneOf(DiskModel::NAMES)),
        Attr("rawio", YesNo), Attr("sgio", OneOf(Sgio::NAMES)), Attr("snapshot", OneOf(SnapshotLocation::NAMES)),
        Opt("driver", driver::GRAMMAR), Opt("auth", crate::common::auth::AUTH),
        When("device", &["", "disk", "cdrom", "floppy"], crate::common::storage_source::SOURCES),
        When("device", &["lun"], &[When("type", &["block", "network", "volume"], crate::common::storage_source::SOURCES)]),
        Opt("backingStore", crate::common::storage_source::BACKING), Opt("backenddomain", &[Must("name", Str)]),
        Opt("geometry", geometry::GEOMETRY), Opt("blockio", geometry::BLOCKIO), Opt("mirror", mirror::GRAMMAR),
        One("target", target::GRAMMAR), Opt("iotune", iotune::GRAMMAR),
        Opt("readonly", FLAG), Opt("shareable", FLAG), Opt("transient", &[Attr("shareBacking", YesNo)]),
        Opt("serial", TEXT), Opt("wwn", &[Text(WWN)]), Opt("vendor", TEXT), Opt("product", TEXT),
        Opt("encryption", crate::common::encryption::ENCRYPTION), With(crate::common::device_info::BOOT), With(crate::common::device_info::INFO),
    ];
}

#[cfg(test)]
mod tests;
