//! What the host's firmware says of it (`virConnectGetSysinfo`), read from the kernel's copy of the tables of the DMTF's
//! SMBIOS (DSP0134) and worded as `dmidecode` words it.

mod cpuinfo;
mod names;
mod structure;

use virt_conf::host_sysinfo::HostSysinfo;
use virt_types::Arch;

use crate::{Error, Result, Root};
use structure::Structure;

const DIR: &str = "/sys/firmware/dmi/tables";

type Entries = Vec<(&'static str, String)>;

/// Reads the firmware's tables, which only root may. Where architectures usually have none, the kernel's own words about
/// processors and machine are read.
///
/// # Errors
/// [`Error::NoFirmwareTables`] where there is neither, or they can not be read.
pub fn read(root: &Root, arch: Arch) -> Result<HostSysinfo> {
    let text = |path: &str| root.text(path)?.ok_or(Error::NoFirmwareTables);
    if arch.is_s390() {
        return Ok(cpuinfo::s390(&text("/proc/cpuinfo")?, &text("/proc/sysinfo")?));
    }
    if arch.is_ppc64() || matches!(arch, Arch::Ppc | Arch::Ppcle) {
        return Ok(cpuinfo::power(&text("/proc/cpuinfo")?));
    }
    let tables = tables(root);
    if arch.is_arm() && tables.as_ref().map_or(true, |found| found.tables.is_empty()) {
        return Ok(cpuinfo::arm(&text("/proc/cpuinfo")?));
    }
    tables
}

fn tables(root: &Root) -> Result<HostSysinfo> {
    let bytes = |name: &str| match root.bytes(&format!("{DIR}/{name}")) {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) | Err(_) => Err(Error::NoFirmwareTables),
    };
    let (entry, tables) = (bytes("smbios_entry_point")?, bytes("DMI")?);
    Ok(parse(&tables, version(&entry)))
}

/// The version of the standard, as the entry point names it.
fn version(entry: &[u8]) -> (u8, u8) {
    let at = if entry.starts_with(b"_SM3_") { 7 } else { 6 };
    (entry.get(at).copied().unwrap_or(0), entry.get(at + 1).copied().unwrap_or(0))
}

/// Reads tables of this version of the standard. What is cut off or wrong is left out.
///
/// ```
/// let bios = b"\x00\x12\x00\x00\x01\x02\x00\x00\x03\0\0\0\0\0\0\0\0\0Example\x001.0\x0001/01/2026\0\0";
/// let sysinfo = virt_host::sysinfo::parse(bios, (2, 8));
/// assert!(sysinfo.format().contains("<entry name='vendor'>Example</entry>"));
/// ```
#[must_use]
pub fn parse(tables: &[u8], version: (u8, u8)) -> HostSysinfo {
    let all: Vec<Structure<'_>> = structure::all(tables).collect();
    let of = |kind: u8| all.iter().filter(move |one| one.kind == kind);
    let mut found = HostSysinfo::default();
    found.tables.extend(of(0).take(1).map(|one| ("bios", bios(one))));
    found.tables.extend(of(1).take(1).map(|one| ("system", system(one, version))));
    found.tables.extend(of(2).map(|one| ("baseBoard", base_board(one))));
    found.tables.extend(of(3).take(1).map(|one| ("chassis", chassis(one))));
    found.tables.extend(of(4).map(|one| ("processor", processor(one))));
    found.tables.extend(of(17).filter_map(|one| Some(("memory_device", memory_device(one)?))));
    found.oem_strings = of(11).flat_map(|one| one.strings.iter().cloned()).collect();
    found
}

/// Texts at these places of a structure.
fn texts(one: &Structure<'_>, places: &[(&'static str, usize)]) -> Entries {
    places.iter().filter_map(|(name, at)| Some((*name, one.text(*at)?))).collect()
}

fn bios(one: &Structure<'_>) -> Entries {
    let mut entries = texts(one, &[("vendor", 4), ("version", 5), ("date", 8)]);
    if let (Some(major), Some(minor)) = (one.byte(0x14), one.byte(0x15))
        && (major, minor) != (0xff, 0xff)
    {
        entries.push(("release", format!("{major}.{minor}")));
    }
    entries
}

fn system(one: &Structure<'_>, version: (u8, u8)) -> Entries {
    let mut entries = texts(one, &[("manufacturer", 4), ("product", 5), ("version", 6), ("serial", 7)]);
    if let Some(bytes) = one.bytes.get(8..24).and_then(|bytes| <[u8; 16]>::try_from(bytes).ok()) {
        entries.push(("uuid", uuid(bytes, version)));
    }
    entries.extend(texts(one, &[("sku", 0x19), ("family", 0x1a)]));
    entries
}

/// Since 2.6 the first three fields are in the processor's byte order.
fn uuid(mut bytes: [u8; 16], version: (u8, u8)) -> String {
    match bytes {
        bytes if bytes == [0xff; 16] => return "Not Present".to_owned(),
        bytes if bytes == [0; 16] => return "Not Settable".to_owned(),
        _ => {}
    }
    if version >= (2, 6) {
        bytes[..4].reverse();
        bytes[4..6].reverse();
        bytes[6..8].reverse();
    }
    virt_types::Uuid::from_bytes(bytes).to_string()
}

fn base_board(one: &Structure<'_>) -> Entries {
    texts(
        one,
        &[
            ("manufacturer", 4),
            ("product", 5),
            ("version", 6),
            ("serial", 7),
            ("asset", 8),
            ("location", 0xa),
        ],
    )
}

fn chassis(one: &Structure<'_>) -> Entries {
    let mut entries = texts(one, &[("manufacturer", 4), ("version", 6), ("serial", 7), ("asset", 8)]);
    // Behind the list of what it contains.
    if let (Some(count), Some(length)) = (one.byte(0x13), one.byte(0x14)) {
        entries.extend(texts(one, &[("sku", 0x15 + usize::from(count) * usize::from(length))]));
    }
    entries
}

fn processor(one: &Structure<'_>) -> Entries {
    let mut entries = texts(one, &[("socket_destination", 4)]);
    let mut push = |name, value: Option<String>| entries.extend(value.map(|value| (name, value)));
    push("type", one.byte(5).and_then(names::processor_type).map(str::to_owned));
    push("family", one.byte(6).and_then(names::processor_family).map(str::to_owned));
    push("manufacturer", one.text(7));
    let id = one.double(8).filter(|id| *id != 0 && one.byte(6).is_some_and(names::is_x86_family));
    push("signature", id.map(signature));
    push("version", one.text(0x10));
    let mhz = |value: u16| if value == 0 { "Unknown".to_owned() } else { format!("{value} MHz") };
    push("external_clock", one.word(0x12).map(mhz));
    push("max_speed", one.word(0x14).map(mhz));
    push("status", one.byte(0x18).map(names::processor_status));
    push("serial_number", one.text(0x20));
    push("part_number", one.text(0x22));
    entries
}

/// What CPUID leaf 1 has in EAX.
fn signature(eax: u32) -> String {
    let family = (eax >> 20 & 0xff) + (eax >> 8 & 0xf);
    let model = (eax >> 12 & 0xf0) + (eax >> 4 & 0xf);
    format!("Type {}, Family {family}, Model {model}, Stepping {}", eax >> 12 & 3, eax & 0xf)
}

/// `None` for a place without a module.
fn memory_device(one: &Structure<'_>) -> Option<Entries> {
    let size = match one.word(0xc)? {
        0 => return None,
        0xffff => "Unknown".to_owned(),
        // Larger ones have their size, in MB, at another place.
        0x7fff => in_units(u64::from(one.double(0x1c)? & 0x7fff_ffff) << 10),
        size if size & 0x8000 != 0 => in_units(u64::from(size & 0x7fff)),
        size => in_units(u64::from(size) << 10),
    };
    let mut entries = vec![("size", size)];
    let mut push = |name, value: Option<String>| entries.extend(value.map(|value| (name, value)));
    push("form_factor", one.byte(0xe).and_then(names::form_factor).map(str::to_owned));
    push("locator", one.text(0x10));
    push("bank_locator", one.text(0x11));
    push("type", one.byte(0x12).and_then(names::memory_type).map(str::to_owned));
    push("type_detail", one.word(0x13).map(names::memory_detail));
    let speed = |value: u16| match value {
        0 => Some("Unknown".to_owned()),
        0xffff => one.double(0x54).map(|speed| format!("{speed} MT/s")),
        value => Some(format!("{value} MT/s")),
    };
    push("speed", one.word(0x15).and_then(speed));
    push("manufacturer", one.text(0x17));
    push("serial_number", one.text(0x18));
    push("part_number", one.text(0x1a));
    Some(entries)
}

/// A size in KiB, in the largest unit in which it is whole.
fn in_units(kib: u64) -> String {
    let step = (kib.trailing_zeros() / 10).min(3);
    let unit = ["kB", "MB", "GB", "TB"][step as usize];
    format!("{} {unit}", kib >> (10 * step))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A structure with these formatted bytes behind its header, and these texts.
    fn structure(kind: u8, bytes: &[u8], texts: &[&str]) -> Vec<u8> {
        let mut table = vec![kind, bytes.len() as u8 + 4, 0, 0];
        table.extend(bytes);
        texts.iter().for_each(|text| table.extend([text.as_bytes(), b"\0"].concat()));
        table.extend(if texts.is_empty() { &b"\0\0"[..] } else { b"\0" });
        table
    }

    #[test]
    fn what_firmware_says_is_worded() {
        let uuid: Vec<u8> = (1..=16).collect();
        let mut system = vec![1, 2, 0, 3];
        system.extend(uuid);
        system.extend([6, 9, 1]);
        let mut cpu =
            vec![1, 3, 0xb3, 2, 0x54, 0x06, 0x05, 0, 0, 0, 0, 0, 3, 0, 100, 0, 0xa0, 0x0f, 0, 0, 0x41, 0];
        cpu.resize(0x23, 0);
        let mut module = vec![0; 0x18];
        module[8..10].copy_from_slice(&0x2000_u16.to_le_bytes());
        module[0xa] = 9;
        module[0xc] = 1;
        module[0xe] = 0x1a;
        module[0xf..0x11].copy_from_slice(&0x80_u16.to_le_bytes());
        module[0x11..0x13].copy_from_slice(&2666_u16.to_le_bytes());
        let tables = [
            structure(1, &system, &["Maker ", "Thing", "S1"]),
            structure(4, &cpu, &["CPU0", "GenuineIntel", "Fast(R)"]),
            structure(17, &module, &["DIMM_A1"]),
            structure(17, &[0; 0x18], &[]),
            structure(11, &[2], &["one", "two"]),
            structure(127, &[], &[]),
        ]
        .concat();
        let expected = include_str!("../../../fixtures/host/sysinfo.xml");
        assert_eq!(parse(&tables, (3, 2)).format(), expected);
    }

    #[test]
    fn tables_that_are_cut_off_are_no_harm() {
        let whole = structure(0, &[1, 2, 0, 0, 3, 0], &["a", "b", "c"]);
        for length in 0..whole.len() {
            let _ = parse(&whole[..length], (2, 8));
        }
        assert!(parse(&[0, 1, 0, 0], (2, 8)).tables.is_empty());
        assert_eq!(version(b"_SM3_\0\0\x03\x02"), (3, 2));
        assert_eq!(version(b"_SM_\0\0\x02\x08"), (2, 8));
    }

    #[test]
    fn sizes_are_in_whole_units() {
        for (kib, text) in [(512, "512 kB"), (3 << 10, "3 MB"), (8 << 20, "8 GB"), (1536 << 10, "1536 MB")] {
            assert_eq!(in_units(kib), text);
        }
    }
}
