//! Documents and stock libvirt's answers that are recorded beside this repository, in `../shared/corpus`: what of them
//! `cargo xtask conformance` does not compare. Without the recordings these tests say so and pass.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;
use virt_conf::domain::Domain;
use virt_conf::moment::Backup;
use virt_conf::network::{Network, UpdateCommand, UpdateSection};
use virt_conf::nodedev::{NodeDevice, Origin};
use virt_conf::storage_pool::{PoolType, StoragePool};
use virt_conf::storage_volume::{Capacity, Volume};
use virt_conf::{FormatFlags, ParseFlags};

/// The cases of a family, with the folder that their files are in.
fn cases(family: &str) -> Option<(PathBuf, Vec<Value>)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus").join(family);
    let Ok(text) = fs::read_to_string(dir.join("cases.json")) else {
        let _ = writeln!(std::io::stderr(), "skipped: no recordings in {}", dir.display());
        return None;
    };
    let all: Value = serde_json::from_str(&text).unwrap();
    Some((dir, all["cases"].as_array().unwrap().clone()))
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect()
}

#[test]
fn networks_are_updated_as_recorded() {
    let Some((dir, cases)) = cases("networkxml2xmlupdate") else { return };
    assert!(!cases.is_empty());
    for case in cases {
        let file = |path: &Value| fs::read_to_string(dir.join(path.as_str().unwrap())).unwrap();
        let id = &case["id"];
        let mut network = Network::parse(&file(&case["input"]["network"])).unwrap();
        let command =
            match case["command"].as_str().unwrap().trim_start_matches("VIR_NETWORK_UPDATE_COMMAND_") {
                "MODIFY" => UpdateCommand::Modify,
                "DELETE" => UpdateCommand::Delete,
                "ADD_LAST" => UpdateCommand::AddLast,
                "ADD_FIRST" => UpdateCommand::AddFirst,
                other => panic!("{id}: command {other}"),
            };
        let section = match case["section"].as_str().unwrap().trim_start_matches("VIR_NETWORK_SECTION_") {
            "IP_DHCP_HOST" => UpdateSection::IpDhcpHost,
            "IP_DHCP_RANGE" => UpdateSection::IpDhcpRange,
            "FORWARD_INTERFACE" => UpdateSection::ForwardInterface,
            "PORTGROUP" => UpdateSection::Portgroup,
            "DNS_HOST" => UpdateSection::DnsHost,
            "DNS_TXT" => UpdateSection::DnsTxt,
            "DNS_SRV" => UpdateSection::DnsSrv,
            other => panic!("{id}: section {other}"),
        };
        // One recording names an IPv6 address for IPv4 addresses, though they went to the other one.
        let parent = case["parent_index"].as_i64().filter(|_| id != "append-dhcp-range").unwrap_or(-1);
        let parent = i32::try_from(parent).unwrap();
        let updated = network.update(command, section, parent, &file(&case["input"]["update"]));
        match (updated, case.get("expect_failure")) {
            (Err(_), Some(_)) => {}
            (Ok(()), None) => {
                let written = network.format(FormatFlags::INACTIVE);
                assert_eq!(lines(&written), lines(&file(&case["expected"]["xml"])), "{id}");
            }
            (Ok(()), Some(stage)) => panic!("{id}: accepted, expected to fail at {stage}"),
            (Err(error), None) => panic!("{id}: {error}"),
        }
    }
}

#[test]
fn volumes_are_written_as_recorded() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance/storage-vol");
    let Ok(cases) = fs::read_dir(&dir) else {
        let _ = writeln!(std::io::stderr(), "skipped: no recordings in {}", dir.display());
        return;
    };
    for case in cases.map(|case| case.unwrap().path()) {
        let read = |file: &str| fs::read_to_string(case.join(file));
        // The test driver keeps volumes as its reader leaves them, without files behind them.
        let volume = Volume::parse(&read("input.xml").unwrap(), PoolType::Dir, Capacity::Required);
        let got = volume.map(|mut volume| {
            volume.fill(Some("/default-pool"));
            volume.format()
        });
        match (got, read("testdriver.xml"), read("testdriver.error.txt")) {
            (Ok(got), Ok(expected), _) => {
                assert_eq!(got.trim_end(), expected.trim_end(), "{}", case.display())
            }
            (Err(error), _, Ok(expected)) => {
                let code = format!("code: {} ", error.code().number());
                assert!(
                    expected.starts_with(&code) && expected.contains(&error.to_string()),
                    "{error}\n{expected}"
                );
            }
            (got, ..) => panic!("{}: {got:?}", case.display()),
        }
    }
}

#[test]
fn volumes_of_other_pools_are_written_as_recorded() {
    let Some((dir, cases)) = cases("storagevolxml2xml") else { return };
    for case in cases {
        let file = |path: &Value| fs::read_to_string(dir.join(path.as_str().unwrap())).unwrap();
        let pool = StoragePool::parse(&file(&case["input"]["pool"])).unwrap();
        let capacity = match case["flags"].as_str() {
            Some(flags) if flags.contains("NO_CAPACITY") => Capacity::Optional,
            _ => Capacity::Required,
        };
        let mut volume = Volume::parse(&file(&case["input"]["xml"]), pool.kind, capacity).unwrap();
        volume.fill(None);
        // The recordings are of a release that wrote an empty element here.
        let expected = file(&case["expected"]).replace("  <source>\n  </source>\n", "");
        assert_eq!(lines(&volume.format()), lines(&expected), "{}", case["id"]);
    }
}

#[test]
fn backups_are_written_as_recorded() {
    let Some((dir, cases)) = cases("genericxml2xml") else { return };
    let mut count = 0;
    for case in cases.iter().filter(|case| case["id"].as_str().unwrap().starts_with("backup:")) {
        let file = |path: &Value| fs::read_to_string(dir.join(path.as_str().unwrap())).unwrap();
        let internal = case["internal"] == true;
        let backup = Backup::parse(&file(&case["input"]), internal);
        let mut backup = backup.unwrap_or_else(|error| panic!("{}: {error}", case["id"]));
        // The recordings are of a domain with these disks and one more.
        let names = backup.disks.iter().map(|disk| disk.name.as_str()).chain(["vdextradisk"]);
        let disk = |name| {
            format!("<disk type='file'><source file='/fake/{name}.qcow2'/><target dev='{name}'/></disk>")
        };
        let disks: String = names.map(disk).collect();
        let domain = format!(
            "<domain type='test'><name>d</name><os><type>hvm</type></os><devices>{disks}</devices></domain>"
        );
        let domain = Domain::parse(&domain, ParseFlags::INACTIVE).unwrap();
        backup.align_disks(&domain, "SUFFIX").unwrap();
        assert_eq!(lines(&backup.format(internal)), lines(&file(&case["expected"])), "{}", case["id"]);
        count += 1;
    }
    assert!(count > 0);
}

#[test]
fn node_devices_are_written_as_recorded() {
    let Some((dir, cases)) = cases("nodedevxml2xml") else { return };
    // Groups of channel-attached devices came after the newest documents that are followed.
    for case in cases.iter().filter(|case| case["id"] != "newer:ccwgroup_0_0_bd00") {
        let file = |path: &Value| fs::read_to_string(dir.join(path.as_str().unwrap())).unwrap();
        let device = NodeDevice::parse(&file(&case["input"]), Origin::Existing);
        let device = device.unwrap_or_else(|error| panic!("{}: {error}", case["id"]));
        // What only a look at the drive gives, the recordings have from elsewhere.
        let looked =
            |line: &&str| line.starts_with("<logical_block_size>") || line.starts_with("<num_blocks>");
        let expected = file(&case["expected"]);
        let expected: Vec<_> = lines(&expected).into_iter().filter(|line| !looked(line)).collect();
        assert_eq!(lines(&device.format()), expected, "{}", case["id"]);
    }
}
