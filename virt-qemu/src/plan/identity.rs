//! Who the guest is: `-name`, `-uuid`, SMBIOS tables, firmware blobs, generation id; and how QEMU's process lives.

use virt_conf::domain::{FwCfgData, Genid, Smbios, SmbiosEntry, SmbiosMode, Sysinfo};
use virt_types::Result;

use super::{HostNeed, LockedMemory, Part, PlanContext, Props, keyval};
use crate::caps::Cap;
use crate::error::{unsupported, xml_error};

/// The environment, program and what comes before the machine.
pub(super) fn process(cx: &mut PlanContext<'_>) {
    environment(cx);
    let process =
        if cx.config.set_process_name { format!(",process=qemu:{}", cx.domain.name) } else { String::new() };
    let name = keyval(&cx.domain.name);
    cx.option("-name", format!("guest={name}{process},debug-threads=on"));
    compat(cx);
    cx.part(Part::Flag("-S"));
    let key = cx.domain_dir().join("master-key.aes");
    cx.part(Part::Object(
        Props::new()
            .str("qom-type", "secret")
            .str("id", "masterKey0")
            .str("format", "raw")
            .str("file", key.to_string_lossy()),
    ));
    cx.plan.needs.push(HostNeed::RandomKey(key));
    cx.plan.needs.extend(LockedMemory::of(cx.domain).map(HostNeed::LockedMemory));
}

/// Nothing is inherited but what the configuration names; a system guest has a home of its own.
fn environment(cx: &mut PlanContext<'_>) {
    let dir = cx.domain_dir();
    let mut set = |name: &str, value: String| cx.plan.env.push((name.to_owned(), value));
    set("LC_ALL", "C".to_owned());
    for (name, value) in &cx.config.environment {
        if !(cx.config.privileged && name == "HOME") {
            set(name, value.clone());
        }
    }
    let home = |sub: &str| dir.join(sub).to_string_lossy().into_owned();
    if cx.config.privileged {
        set("HOME", dir.to_string_lossy().into_owned());
        set("XDG_DATA_HOME", home(".local/share"));
        set("XDG_CACHE_HOME", home(".cache"));
        set("XDG_CONFIG_HOME", home(".config"));
    } else {
        set("XDG_CACHE_HOME", home(".cache"));
    }
    cx.plan.needs.push(HostNeed::Directory(dir));
}

/// What QEMU does with interfaces that it is going to drop.
fn compat(cx: &mut PlanContext<'_>) {
    let namespace = cx.domain.namespace.qemu();
    let asked =
        namespace.and_then(|qemu| qemu.deprecation.as_ref()).or(cx.config.deprecation_behavior.as_ref());
    let input = match asked.map(String::as_str) {
        Some("omit") => None,
        Some(word @ ("reject" | "crash")) => Some(word),
        None | Some("none") => return,
        Some(other) => {
            log::warn!("{}: unknown deprecation behavior '{other}'", cx.domain.name);
            return;
        }
    };
    if cx.caps.has(Cap::CompatDeprecated) {
        let props = Props::new().str("deprecated-output", "hide").opt_str("deprecated-input", input);
        cx.option("-compat", props.to_string());
    }
}

/// `-uuid`, `-smbios`, `-fw_cfg` and the generation id.
pub(super) fn identity(cx: &mut PlanContext<'_>) -> Result<()> {
    let domain = cx.domain;
    if let Some(uuid) = domain.uuid {
        cx.option("-uuid", uuid.to_string());
    }
    if let Some(source) = smbios_source(cx)? {
        for table in smbios(source)? {
            cx.option("-smbios", table);
        }
    }
    for entry in domain
        .sysinfo
        .iter()
        .filter_map(|sysinfo| match sysinfo {
            Sysinfo::FwCfg(entries) => Some(entries),
            Sysinfo::Smbios(_) => None,
        })
        .flatten()
    {
        let data = match &entry.data {
            FwCfgData::Value(value) => format!("string={}", virt_xml::escape(value)),
            FwCfgData::File(file) => format!("file={}", virt_xml::escape(file)),
        };
        cx.option("-fw_cfg", format!("name={},{data}", entry.name));
    }
    if let Some(Genid::Id(id)) = domain.genid {
        let props = Props::new().str("driver", "vmgenid").str("guid", id.to_string()).str("id", "vmgenid0");
        cx.part(Part::Device(props));
    }
    Ok(())
}

fn smbios_source<'a>(cx: &PlanContext<'a>) -> Result<Option<&'a Smbios>> {
    match cx.domain.os.smbios {
        None | Some(SmbiosMode::Emulate) => Ok(None),
        Some(SmbiosMode::Host) => Err(unsupported("Host SMBIOS information is not available")
            .with_hint("<smbios mode='sysinfo'/> takes the tables from <sysinfo type='smbios'>")),
        Some(SmbiosMode::Sysinfo) => {
            let mut tables = cx.domain.sysinfo.iter().filter_map(|sysinfo| match sysinfo {
                Sysinfo::Smbios(smbios) => Some(&**smbios),
                Sysinfo::FwCfg(_) => None,
            });
            let detail = || format!("Domain '{}' sysinfo are not available", cx.domain.name);
            tables.next().map(Some).ok_or_else(|| xml_error(detail()))
        }
    }
}

fn smbios(source: &Smbios) -> Result<Vec<String>> {
    let mut tables = Vec::new();
    if let Some(bios) = &source.bios {
        tables.push(table(0, &bios.entries()));
    }
    if let Some(system) = &source.system {
        tables.push(table(1, &system.entries()));
    }
    if source.base_boards.len() > 1 {
        return Err(unsupported("qemu does not support more than one entry to Type 2 in SMBIOS table"));
    }
    let empty = Some(String::new());
    // libvirt writes these manufacturers even where there are none.
    let with_manufacturer = |kind: u8, entries: &[SmbiosEntry<'_>]| {
        let mut entries = entries.to_vec();
        if entries[0].1.is_none() {
            entries[0].1 = &empty;
        }
        table(kind, &entries)
    };
    tables.extend(source.base_boards.iter().map(|board| with_manufacturer(2, &board.entries())));
    if let Some(chassis) = &source.chassis {
        tables.push(with_manufacturer(3, &chassis.entries()));
    }
    if let Some(strings) = &source.oem_strings {
        let values: String = strings.iter().map(|text| format!(",value={}", keyval(text))).collect();
        tables.push(format!("type=11{values}"));
    }
    Ok(tables)
}

fn table(kind: u8, entries: &[SmbiosEntry<'_>]) -> String {
    let fields =
        entries.iter().filter_map(|(name, value)| Some(format!(",{name}={}", keyval(value.as_ref()?))));
    format!("type={kind}{}", fields.collect::<String>())
}

#[cfg(test)]
mod tests {
    use virt_conf::domain::{BaseBoard, Chassis, System};

    use super::*;

    #[test]
    fn tables_are_options_with_doubled_commas() {
        let text = |text: &str| Some(text.to_owned());
        let source = Smbios {
            system: Some(System { serial: text("1,2"), ..System::default() }),
            base_boards: vec![BaseBoard { asset: text("a"), ..BaseBoard::default() }],
            chassis: Some(Chassis { sku: text("s"), ..Chassis::default() }),
            oem_strings: Some(vec!["x".into(), "y,z".into()]),
            bios: None,
        };
        assert_eq!(
            smbios(&source).unwrap(),
            [
                "type=1,serial=1,,2",
                "type=2,manufacturer=,asset=a",
                "type=3,manufacturer=,sku=s",
                "type=11,value=x,value=y,,z"
            ]
        );
    }
}
