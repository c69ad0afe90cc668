//! What a running guest's monitor is told of a device, by device.

use std::path::Path;

use serde_json::Value;
use virt_conf::ParseFlags;
use virt_conf::domain::ParseContext;
use virt_xml::Document;

use super::*;
use crate::caps::Capabilities;
use crate::host::Host;
use crate::plan::{Monitor, Props};
use crate::planner::Planner;
use crate::prepare::PretendedPorts;

/// A recorded host with its QEMU, and a guest that runs on it.
struct Stage {
    caps: Capabilities,
    planner: Planner,
    live: Domain,
}

impl Stage {
    fn new(devices: &str) -> Self {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/host");
        let planner = Planner::recorded(&fixtures).unwrap();
        let recorded = std::fs::read(fixtures.join("qemu-system-x86_64.json")).unwrap();
        let caps: Capabilities = serde_json::from_slice(&recorded).unwrap();
        let xml = format!(
            "<domain type='qemu' id='7'><name>web</name><uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid>
               <maxMemory slots='4' unit='MiB'>1024</maxMemory><memory unit='MiB'>256</memory>
               <cpu><numa><cell id='0' cpus='0' memory='256' unit='MiB'/></numa></cpu><vcpu>1</vcpu>
               <os><type arch='x86_64' machine='pc'>hvm</type></os>
               <devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
                 <disk type='file' device='disk'><source file='/i/a.img'/><target dev='vda' bus='virtio'/></disk>
                 <disk type='file' device='cdrom'><target dev='hda' bus='ide'/><readonly/></disk>
                 <controller type='virtio-serial'/>{devices}
               </devices></domain>"
        );
        let mut live = Domain::parse(&xml, ParseFlags::empty()).unwrap();
        planner::complete(&mut live, &caps, &planner.config, &planner.host, ParseFlags::ABI_UPDATE).unwrap();
        let stage = Self { caps, planner, live: live.clone() };
        prepare::prepare(&mut live, &stage.context(), &mut PretendedPorts).unwrap();
        Self { live, ..stage }
    }

    fn context(&self) -> PrepareContext<'_> {
        let Planner { config, host, .. } = &self.planner;
        PrepareContext { caps: &self.caps, config, host, processor: None }
    }

    fn device(&self, xml: &str) -> Result<AnyDevice> {
        let document = Document::parse(xml)?;
        AnyDevice::parse(document.root(), &ParseContext { flags: ParseFlags::INACTIVE, domain: &self.live })
    }

    /// The commands, one a line, and the guest with its new device.
    fn attach(&self, xml: &str) -> Result<(Vec<String>, Domain)> {
        let grown = grow(&self.live, self.device(xml)?, &self.context())?;
        let host = Host::default();
        let mut cx = PlanContext::new(&grown.domain, &self.caps, &self.planner.config, &host);
        cx.monitor = Monitor::Descriptor;
        let mut lines = Vec::new();
        for (kind, position) in &grown.added {
            let device = grown.domain.devices.get(*kind, *position).unwrap();
            for part in plan(device, &mut cx)?.parts {
                let secret = |_: &Part| Ok(Props::new().str("qom-type", "secret"));
                let command = plugging(&part, &secret)?.plug;
                lines.push(format!("{} {}", command.name, Value::Object(command.arguments)));
            }
        }
        Ok((lines, grown.domain))
    }

    fn refusal(&self, xml: &str) -> String {
        self.attach(xml).unwrap_err().to_string()
    }
}

#[test]
fn each_device_is_told_of_in_its_commands() {
    let stage = Stage::new("");
    let expected =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/plug/commands.txt")).unwrap();
    let mut found = Vec::new();
    for case in expected.split("\n\n").filter(|case| !case.trim().is_empty()) {
        let xml = case.trim().lines().next().unwrap();
        let lines = stage.attach(xml).map_or_else(|error| error.to_string(), |(lines, _)| lines.join("\n"));
        found.push(format!("{xml}\n{lines}\n"));
    }
    assert!(found.len() >= 14, "{}", found.len());
    let found = found.join("\n");
    assert!(found == expected, "{found}");
}

#[test]
fn what_can_not_come_is_refused_in_libvirts_words() {
    let stage = Stage::new("<watchdog model='i6300esb'/><vsock><cid auto='no' address='9'/></vsock>");
    let disk = |device: &str, target: &str, bus: &str| {
        format!(
            "<disk type='file' device='{device}'><source file='/i/b.img'/><target dev='{target}' bus='{bus}'/></disk>"
        )
    };
    for (xml, expected) in [
        (
            disk("disk", "vda", "virtio"),
            "XML error: target 'vda' duplicated for disk sources '/i/a.img' and '/i/b.img'",
        ),
        (disk("floppy", "fda", "fdc"), "Operation not supported: floppy device hotplug isn't supported"),
        (disk("disk", "hdc", "ide"), "Operation not supported: disk bus 'ide' cannot be hotplugged."),
        (disk("disk", "sdc", "sata"), "Operation not supported: disk bus 'sata' cannot be hotplugged."),
        (
            "<controller type='usb' index='1'/>".to_owned(),
            "Operation not supported: 'usb' controller cannot be hot plugged.",
        ),
        ("<watchdog model='i6300esb'/>".to_owned(), "Operation not supported: domain already has a watchdog"),
        (
            "<vsock><cid auto='no' address='7'/></vsock>".to_owned(),
            "Operation not supported: the domain already has a vsock device",
        ),
        (
            "<input type='mouse' bus='ps2'/>".to_owned(),
            "Operation not supported: input device on bus 'ps2' cannot be hot plugged.",
        ),
        (
            "<sound model='ac97'/>".to_owned(),
            "Operation not supported: live attach of device 'sound' is not supported",
        ),
        (
            "<interface type='mcast'><source address='230.0.0.1' port='5000'/></interface>".to_owned(),
            "Operation not supported: hotplug of interface type of mcast is not implemented yet",
        ),
        (
            "<filesystem><source dir='/a'/><target dir='b'/></filesystem>".to_owned(),
            "Operation not supported: only virtiofs filesystems can be hotplugged",
        ),
    ] {
        assert_eq!(stage.refusal(&xml), expected, "{xml}");
    }
}

#[test]
fn what_can_not_go_is_refused_in_libvirts_words() {
    let stage = Stage::new(
        "<controller type='scsi' index='0' model='virtio-scsi'/>
         <disk type='file' device='disk'><source file='/i/b.img'/><target dev='sda' bus='scsi'/></disk>
         <disk type='file' device='disk'><source file='/i/c.img'/><target dev='hdb' bus='ide'/></disk>
         <sound model='ac97'/>",
    );
    let live = &stage.live;
    let find = |alias: &str| {
        let (kind, position) = live.devices.find_alias(alias).unwrap_or_else(|| panic!("{alias}"));
        check_detach(live.devices.get(kind, position).unwrap(), live).map_err(|error| error.to_string())
    };
    for (alias, expected) in [
        ("virtio-disk0", Ok(())),
        ("scsi0-0-0-0", Ok(())),
        ("scsi0", Err("operation failed: device cannot be detached: device is busy")),
        ("usb", Err("Operation not supported: 'usb' controller cannot be hot unplugged.")),
        ("ide0-0-0", Err("Operation not supported: disk device type 'cdrom' cannot be detached")),
        ("ide0-0-1", Err("Operation not supported: This type of disk cannot be hot unplugged")),
        ("sound0", Err("Operation not supported: live detach of device 'sound' is not supported")),
    ] {
        assert_eq!(find(alias), expected.map_err(str::to_owned), "{alias}");
    }
    let meant = stage.device("<disk type='file'><target dev='vdq'/></disk>").unwrap();
    assert_eq!(not_there(&meant).to_string(), "device not found: disk vdq not found");
}

#[test]
fn an_image_gets_a_number_that_none_had() {
    let stage = Stage::new("");
    let xml =
        "<disk type='file' device='disk'><source file='/i/b.img'/><target dev='vdb' bus='virtio'/></disk>";
    let (_, domain) = stage.attach(xml).unwrap();
    let numbers: Vec<_> = domain.devices.disks.iter().map(|disk| disk.source.index).collect();
    let highest = stage.live.devices.disks.iter().filter_map(|disk| disk.source.index).max();
    assert_eq!(numbers.last().copied().flatten(), highest.map(|number| number + 1));
}
