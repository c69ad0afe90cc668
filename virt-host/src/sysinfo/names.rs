//! Names of the standard's numbers, in `dmidecode`'s spelling.

/// The name behind a number, counted from 1.
fn nth(names: &[&'static str], number: u8) -> Option<&'static str> {
    names.get(usize::from(number).checked_sub(1)?).copied()
}

pub(super) fn processor_type(number: u8) -> Option<&'static str> {
    nth(
        &["Other", "Unknown", "Central Processor", "Math Processor", "DSP Processor", "Video Processor"],
        number,
    )
}

/// Families that are met on hosts of guests; others are not named.
const FAMILIES: &[(u8, &str)] = &[
    (0x01, "Other"),
    (0x02, "Unknown"),
    (0x0b, "Pentium"),
    (0x0f, "Celeron"),
    (0x28, "Core Duo"),
    (0x2b, "Atom"),
    (0x2c, "Core M"),
    (0x2d, "Core m3"),
    (0x2e, "Core m5"),
    (0x2f, "Core m7"),
    (0x3f, "FX"),
    (0x66, "Athlon X4"),
    (0x67, "Opteron X1000"),
    (0x68, "Opteron X2000"),
    (0x69, "Opteron A-Series"),
    (0x6b, "Zen"),
    (0x83, "Athlon 64"),
    (0x84, "Opteron"),
    (0x86, "Turion 64"),
    (0x87, "Dual-Core Opteron"),
    (0x8a, "Quad-Core Opteron"),
    (0x8b, "Third-Generation Opteron"),
    (0x8d, "Phenom X4"),
    (0xb3, "Xeon"),
    (0xbe, "Core 2"),
    (0xbf, "Core 2 Duo"),
    (0xc0, "Core 2 Solo"),
    (0xc1, "Core 2 Extreme"),
    (0xc2, "Core 2 Quad"),
    (0xc6, "Core i7"),
    (0xc7, "Dual-Core Celeron"),
    (0xcd, "Core i5"),
    (0xce, "Core i3"),
    (0xcf, "Core i9"),
    (0xe4, "Opteron 6100"),
    (0xe5, "Opteron 4100"),
    (0xe6, "Opteron 6200"),
    (0xe7, "Opteron 4200"),
    (0xec, "Phenom II"),
];

pub(super) fn processor_family(number: u8) -> Option<&'static str> {
    FAMILIES.iter().find(|(known, _)| *known == number).map(|(_, name)| *name)
}

/// Whether a processor of this family numbers itself as x86 does.
pub(super) fn is_x86_family(number: u8) -> bool {
    number > 0x02 && number != 0x69 && processor_family(number).is_some()
}

pub(super) fn processor_status(bits: u8) -> String {
    if bits & 0x40 == 0 {
        return "Unpopulated".to_owned();
    }
    let state = match bits & 7 {
        0 => "Unknown",
        1 => "Enabled",
        2 => "Disabled By User",
        3 => "Disabled By BIOS",
        4 => "Idle",
        7 => "Other",
        _ => "<OUT OF SPEC>",
    };
    format!("Populated, {state}")
}

pub(super) fn form_factor(number: u8) -> Option<&'static str> {
    const NAMES: &[&str] = &[
        "Other",
        "Unknown",
        "SIMM",
        "SIP",
        "Chip",
        "DIP",
        "ZIP",
        "Proprietary Card",
        "DIMM",
        "TSOP",
        "Row Of Chips",
        "RIMM",
        "SODIMM",
        "SRIMM",
        "FB-DIMM",
        "Die",
    ];
    nth(NAMES, number)
}

pub(super) fn memory_type(number: u8) -> Option<&'static str> {
    const NAMES: &[&str] = &[
        "Other",
        "Unknown",
        "DRAM",
        "EDRAM",
        "VRAM",
        "SRAM",
        "RAM",
        "ROM",
        "Flash",
        "EEPROM",
        "FEPROM",
        "EPROM",
        "CDRAM",
        "3DRAM",
        "SDRAM",
        "SGRAM",
        "RDRAM",
        "DDR",
        "DDR2",
        "DDR2 FB-DIMM",
        "Reserved",
        "Reserved",
        "Reserved",
        "DDR3",
        "FBD2",
        "DDR4",
        "LPDDR",
        "LPDDR2",
        "LPDDR3",
        "LPDDR4",
        "Logical non-volatile device",
        "HBM",
        "HBM2",
        "DDR5",
        "LPDDR5",
    ];
    nth(NAMES, number)
}

pub(super) fn memory_detail(bits: u16) -> String {
    const NAMES: &[&str] = &[
        "Other",
        "Unknown",
        "Fast-paged",
        "Static Column",
        "Pseudo-static",
        "RAMBus",
        "Synchronous",
        "CMOS",
        "EDO",
        "Window DRAM",
        "Cache DRAM",
        "Non-Volatile",
        "Registered (Buffered)",
        "Unbuffered (Unregistered)",
        "LRDIMM",
    ];
    let named: Vec<&str> =
        NAMES.iter().enumerate().filter(|(at, _)| bits >> (at + 1) & 1 == 1).map(|(_, name)| *name).collect();
    if named.is_empty() { "None".to_owned() } else { named.join(" ") }
}
