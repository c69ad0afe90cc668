//! `<sysinfo type='smbios'>`: the tables of the DMTF's SMBIOS.

use virt_types::{ErrorCode, ErrorDomain, Uuid};
use virt_xml::number::{Base, parse_i32};
use virt_xml::{Element, Writer};

use crate::Result;

/// `<bios>` (table 0).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bios {
    /// `vendor`
    pub vendor: Option<String>,
    /// `version`
    pub version: Option<String>,
    /// `date`, as MM/DD/YYYY.
    pub date: Option<String>,
    /// `release`
    pub release: Option<String>,
}

/// `<system>` (table 1).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct System {
    /// `manufacturer`
    pub manufacturer: Option<String>,
    /// `product`
    pub product: Option<String>,
    /// `version`
    pub version: Option<String>,
    /// `serial`
    pub serial: Option<String>,
    /// `uuid`
    pub uuid: Option<String>,
    /// `sku`
    pub sku: Option<String>,
    /// `family`
    pub family: Option<String>,
}

/// `<baseBoard>` (table 2).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BaseBoard {
    /// `manufacturer`
    pub manufacturer: Option<String>,
    /// `product`
    pub product: Option<String>,
    /// `version`
    pub version: Option<String>,
    /// `serial`
    pub serial: Option<String>,
    /// `asset`
    pub asset: Option<String>,
    /// `location`
    pub location: Option<String>,
}

/// `<chassis>` (table 3).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chassis {
    /// `manufacturer`
    pub manufacturer: Option<String>,
    /// `version`
    pub version: Option<String>,
    /// `serial`
    pub serial: Option<String>,
    /// `asset`
    pub asset: Option<String>,
    /// `sku`
    pub sku: Option<String>,
}

/// The tables.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Smbios {
    /// `<bios>`
    pub bios: Option<Bios>,
    /// `<system>`
    pub system: Option<System>,
    /// `<baseBoard>`
    pub base_boards: Vec<BaseBoard>,
    /// `<chassis>`
    pub chassis: Option<Chassis>,
    /// `<oemStrings>` (table 11).
    pub oem_strings: Option<Vec<String>>,
}

impl Smbios {
    pub(super) fn parse(el: Element<'_>, uuid: &mut Option<Uuid>) -> Result<Self> {
        let bios = match el.child("bios") {
            Some(bios) => Bios::parse(bios)?,
            None => Bios::default(),
        };
        let system = match el.child("system") {
            Some(system) => System::parse(system, uuid)?,
            None => System::default(),
        };
        let boards = el.children_named("baseBoard").map(BaseBoard::parse);
        let chassis = el.child("chassis").map(Chassis::parse).unwrap_or_default();
        let strings =
            el.child("oemStrings").map(|el| el.children_named("entry").map(Element::text).collect());
        Ok(Self {
            bios: given(bios),
            system: given(system),
            base_boards: boards.filter_map(given).collect(),
            chassis: given(chassis),
            oem_strings: strings.filter(|strings: &Vec<String>| !strings.is_empty()),
        })
    }

    pub(super) fn format(&self, w: &mut Writer) {
        if let Some(bios) = &self.bios {
            table(w, "bios", &bios.entries());
        }
        if let Some(system) = &self.system {
            table(w, "system", &system.entries());
        }
        for board in &self.base_boards {
            table(w, "baseBoard", &board.entries());
        }
        if let Some(chassis) = &self.chassis {
            table(w, "chassis", &chassis.entries());
        }
        if let Some(strings) = &self.oem_strings {
            w.element("oemStrings", |w| strings.iter().for_each(|text| w.text_element("entry", text)));
        }
    }
}

/// A row of a table: its name and value.
pub type Entry<'a> = (&'static str, &'a Option<String>);

fn table(w: &mut Writer, name: &str, entries: &[Entry<'_>]) {
    w.element(name, |w| {
        for (entry, value) in entries {
            if let Some(value) = value {
                w.text_element_with("entry", |w| w.attr("name", entry), value);
            }
        }
    });
}

fn entry(el: Element<'_>, name: &str) -> Option<String> {
    let found = el.children_named("entry").find(|entry| entry.attr("name") == Some(name));
    found.map(Element::text).filter(|text| !text.is_empty())
}

fn given<T: Default + PartialEq>(table: T) -> Option<T> {
    (table != T::default()).then_some(table)
}

impl Bios {
    fn parse(el: Element<'_>) -> Result<Self> {
        let bios = Self {
            vendor: entry(el, "vendor"),
            version: entry(el, "version"),
            date: entry(el, "date"),
            release: entry(el, "release"),
        };
        if bios.date.as_deref().is_some_and(|date| !is_date(date)) {
            let detail = "Invalid BIOS 'date' format";
            return Err(el
                .error(ErrorCode::XmlDetail, ErrorDomain::Domain, detail)
                .with_hint("a date is written as MM/DD/YYYY"));
        }
        Ok(bios)
    }

    /// The rows, in libvirt's order.
    #[must_use]
    pub fn entries(&self) -> [Entry<'_>; 4] {
        [
            ("vendor", &self.vendor),
            ("version", &self.version),
            ("date", &self.date),
            ("release", &self.release),
        ]
    }
}

/// Month, day and year, of which two digits mean the last century.
fn is_date(text: &str) -> bool {
    let parts: Option<Vec<i32>> = text.split('/').map(|part| parse_i32(part, Base::Ten)).collect();
    let Some([month, day, year]) = parts.as_deref() else { return false };
    (1..=12).contains(month) && (1..=31).contains(day) && ((0..100).contains(year) || *year >= 1900)
}

impl System {
    fn parse(el: Element<'_>, domain: &mut Option<Uuid>) -> Result<Self> {
        let refuse = |detail: &str| el.error(ErrorCode::XmlDetail, ErrorDomain::Domain, detail);
        let uuid = match entry(el, "uuid") {
            None => None,
            Some(text) => {
                let uuid: Uuid = text.parse().map_err(|_| refuse("malformed <sysinfo> uuid element"))?;
                if *domain.get_or_insert(uuid) != uuid {
                    return Err(refuse("UUID mismatch between <uuid> and <sysinfo>"));
                }
                Some(uuid.to_string())
            }
        };
        Ok(Self {
            manufacturer: entry(el, "manufacturer"),
            product: entry(el, "product"),
            version: entry(el, "version"),
            serial: entry(el, "serial"),
            uuid,
            sku: entry(el, "sku"),
            family: entry(el, "family"),
        })
    }

    /// The rows, in libvirt's order.
    #[must_use]
    pub fn entries(&self) -> [Entry<'_>; 7] {
        [
            ("manufacturer", &self.manufacturer),
            ("product", &self.product),
            ("version", &self.version),
            ("serial", &self.serial),
            ("uuid", &self.uuid),
            ("sku", &self.sku),
            ("family", &self.family),
        ]
    }
}

impl BaseBoard {
    fn parse(el: Element<'_>) -> Self {
        Self {
            manufacturer: entry(el, "manufacturer"),
            product: entry(el, "product"),
            version: entry(el, "version"),
            serial: entry(el, "serial"),
            asset: entry(el, "asset"),
            location: entry(el, "location"),
        }
    }

    /// The rows, in libvirt's order.
    #[must_use]
    pub fn entries(&self) -> [Entry<'_>; 6] {
        [
            ("manufacturer", &self.manufacturer),
            ("product", &self.product),
            ("version", &self.version),
            ("serial", &self.serial),
            ("asset", &self.asset),
            ("location", &self.location),
        ]
    }
}

impl Chassis {
    fn parse(el: Element<'_>) -> Self {
        Self {
            manufacturer: entry(el, "manufacturer"),
            version: entry(el, "version"),
            serial: entry(el, "serial"),
            asset: entry(el, "asset"),
            sku: entry(el, "sku"),
        }
    }

    /// The rows, in libvirt's order.
    #[must_use]
    pub fn entries(&self) -> [Entry<'_>; 5] {
        [
            ("manufacturer", &self.manufacturer),
            ("version", &self.version),
            ("serial", &self.serial),
            ("asset", &self.asset),
            ("sku", &self.sku),
        ]
    }
}

grammar! {
    pub(super) GRAMMAR = [
        Opt("bios", ENTRIES), Opt("system", ENTRIES), Many("baseBoard", ENTRIES), Opt("chassis", ENTRIES),
        Opt("oemStrings", &[Many("entry", TEXT)]),
    ];
    ENTRIES = [Many("entry", &[Must("name", Str), Text(Str)])];
}
