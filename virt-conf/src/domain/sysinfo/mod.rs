//! `<sysinfo>`: what the firmware tells the guest of its machine.

mod fwcfg;
mod smbios;

pub use fwcfg::{FwCfg, FwCfgData};
pub use smbios::{BaseBoard, Bios, Chassis, Smbios, System};

/// `<sysinfo>`
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sysinfo {
    /// `type='smbios'`
    Smbios(Box<Smbios>),
    /// `type='fwcfg'`
    FwCfg(Vec<FwCfg>),
}
