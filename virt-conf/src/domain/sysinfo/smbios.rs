//! `<sysinfo type='smbios'>`: the tables of the DMTF's SMBIOS.

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
