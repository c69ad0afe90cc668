//! Hosts made of a few files.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use virt_driver::{Delivery, NodeDeviceEventKind, NodeDevices, ObjectEventFilter};
use virt_types::ErrorCode;

use crate::{HostDevices, scan};

/// A host that is gone with the test.
struct Host(PathBuf);

impl Drop for Host {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Host {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("virt-nodedev-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(dir.join("sys/devices")).unwrap();
        Self(dir)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A device below `/sys/devices` that stands in a list below `/sys`, and is of the list's subsystem.
    fn device(&self, path: &str, list: &str, files: &[(&str, &str)]) {
        let device = format!("sys/devices/{path}");
        fs::create_dir_all(self.0.join(&device)).unwrap();
        for (file, text) in files {
            self.write(&format!("{device}/{file}"), text);
        }
        let subsystem = list.split('/').nth(1).unwrap();
        symlink(format!("/sys/x/{subsystem}"), self.0.join(&device).join("subsystem")).unwrap();
        let list = self.0.join("sys").join(list);
        fs::create_dir_all(&list).unwrap();
        symlink(self.0.join(&device), list.join(path.rsplit('/').next().unwrap())).unwrap();
    }

    fn card(&self, name: &str) {
        let files =
            [("class", "0x020000\n"), ("vendor", "0x1af4\n"), ("device", "0x1041\n"), ("numa_node", "-1\n")];
        self.device(&format!("pci0000:00/{name}"), "bus/pci/devices", &files);
    }

    fn net(&self, path: &str, name: &str) {
        let uevent = format!("INTERFACE={name}\nIFINDEX=2\n");
        let files = [
            ("uevent", uevent.as_str()),
            ("address", "52:54:00:00:00:01\n"),
            ("operstate", "up\n"),
            ("speed", "1000\n"),
        ];
        self.device(&format!("{path}/{name}"), "class/net", &files);
    }

    fn xml(&self, name: &str) -> String {
        let devices = scan(&self.0);
        let names: Vec<_> = devices.iter().map(|device| &device.name).collect();
        let device = devices.iter().find(|device| device.name == name);
        device.unwrap_or_else(|| panic!("no {name} in {names:?}")).format()
    }
}

#[test]
fn devices_are_named_and_stand_on_each_other() {
    let host = Host::new("tree");
    host.card("0000:00:03.0");
    symlink("/sys/bus/pci/drivers/virtio-pci", host.0.join("sys/devices/pci0000:00/0000:00:03.0/driver"))
        .unwrap();
    host.net("pci0000:00/0000:00:03.0/virtio2/net", "eth0");
    host.net("virtual/net", "lo");
    host.write("usr/share/misc/pci.ids", "1af4  Red Hat, Inc.\n\t1041  Virtio 1.0 network device\n");
    assert_eq!(
        host.xml("net_eth0_52_54_00_00_00_01"),
        "<device>
  <name>net_eth0_52_54_00_00_00_01</name>
  <path>/sys/devices/pci0000:00/0000:00:03.0/virtio2/net/eth0</path>
  <parent>pci_0000_00_03_0</parent>
  <capability type='net'>
    <interface>eth0</interface>
    <address>52:54:00:00:00:01</address>
    <link speed='1000' state='up'/>
    <capability type='80203'/>
  </capability>
</device>
"
    );
    assert_eq!(
        host.xml("pci_0000_00_03_0"),
        "<device>
  <name>pci_0000_00_03_0</name>
  <path>/sys/devices/pci0000:00/0000:00:03.0</path>
  <parent>computer</parent>
  <driver>
    <name>virtio-pci</name>
  </driver>
  <capability type='pci'>
    <class>0x020000</class>
    <domain>0</domain>
    <bus>0</bus>
    <slot>3</slot>
    <function>0</function>
    <product id='0x1041'>Virtio 1.0 network device</product>
    <vendor id='0x1af4'>Red Hat, Inc.</vendor>
  </capability>
</device>
"
    );
    assert!(host.xml("net_lo_52_54_00_00_00_01").contains("<parent>computer</parent>"));
}

#[test]
fn drives_are_what_udev_says_or_their_names_do() {
    let host = Host::new("drives");
    let block = |name: &str, minor: u32, more: &[(&str, &str)]| {
        let uevent = format!("MAJOR=8\nMINOR={minor}\nDEVNAME={name}\nDEVTYPE=disk\n");
        let mut files = vec![
            ("uevent", uevent.as_str()),
            ("size", "2048\n"),
            ("queue/logical_block_size", "512\n"),
            ("removable", "1\n"),
        ];
        files.extend(more);
        host.device(&format!("virtual/block/{name}"), "class/block", &files);
    };
    block("vda", 0, &[]);
    block("loop0", 1, &[]);
    block("sr0", 2, &[("device/vendor", "QEMU    \n")]);
    host.write(
        "run/udev/data/b8:2",
        "S:cdrom\nS:disk/by-id/x\nE:ID_TYPE=cd\nE:ID_SERIAL=A-1\nE:ID_CDROM_MEDIA=1\nE:ID_BUS=ata\n",
    );
    let disk = host.xml("block_vda");
    assert!(disk.contains("<drive_type>disk</drive_type>\n    <size>1048576</size>"), "{disk}");
    let drive = host.xml("block_sr0_A_1");
    for part in [
        "<devnode type='dev'>/dev/sr0</devnode>",
        "<devnode type='link'>/dev/cdrom</devnode>",
        "<bus>ata</bus>",
        "<drive_type>cdrom</drive_type>",
        "<vendor>QEMU</vendor>",
        "<media_available>1</media_available>",
    ] {
        assert!(drive.contains(part), "{part} in {drive}");
    }
    assert!(!scan(&host.0).iter().any(|device| device.name.contains("loop")));
}

#[test]
fn usb_and_scsi_are_found() {
    let host = Host::new("usb");
    let usb = [
        ("uevent", "DEVTYPE=usb_device\nBUSNUM=001\nDEVNUM=002\n"),
        ("idVendor", "1d6b\n"),
        ("idProduct", "0002\n"),
        ("product", "hub\n"),
    ];
    host.device("pci0000:00/usb1", "bus/usb/devices", &usb);
    host.device(
        "pci0000:00/usb1/1-0:1.0",
        "bus/usb/devices",
        &[
            ("uevent", "DEVTYPE=usb_interface\n"),
            ("bInterfaceNumber", "00\n"),
            ("bInterfaceClass", "09\n"),
            ("bInterfaceSubClass", "00\n"),
            ("bInterfaceProtocol", "00\n"),
        ],
    );
    host.device("virtual/host3", "bus/scsi/devices", &[("uevent", "DEVTYPE=scsi_host\n")]);
    host.write("sys/class/scsi_host/host3/unique_id", "7\n");
    let scsi = [("uevent", "DEVTYPE=scsi_device\n"), ("type", "5\n")];
    host.device("virtual/host3/target3:0:0/3:0:0:1", "bus/scsi/devices", &scsi);
    assert!(host.xml("usb_usb1").contains("<product id='0x0002'>hub</product>"));
    assert!(host.xml("usb_1_0_1_0").contains("<parent>usb_usb1</parent>"));
    assert!(host.xml("scsi_host3").contains("<unique_id>7</unique_id>"));
    let cdrom = host.xml("scsi_3_0_0_1");
    assert!(cdrom.contains("<parent>scsi_host3</parent>") && cdrom.contains("<type>cdrom</type>"), "{cdrom}");
}

#[tokio::test]
async fn changes_are_told() {
    let host = Host::new("events");
    host.card("0000:00:03.0");
    let devices = HostDevices::below(&host.0);
    let mut events = NodeDevices::subscribe(&devices, ObjectEventFilter::default(), 8).await.unwrap();
    host.card("0000:00:04.0");
    devices.look().await.unwrap();
    host.write("sys/devices/pci0000:00/0000:00:04.0/class", "0x030000\n");
    devices.look().await.unwrap();
    fs::remove_file(host.0.join("sys/bus/pci/devices/0000:00:04.0")).unwrap();
    devices.look().await.unwrap();
    devices.look().await.unwrap();
    for kind in
        [NodeDeviceEventKind::Lifecycle(0), NodeDeviceEventKind::Update, NodeDeviceEventKind::Lifecycle(1)]
    {
        let Some(Delivery::Event(event)) = events.try_next() else { panic!("no {kind:?}") };
        assert_eq!((event.device.as_str(), event.kind), ("pci_0000_00_04_0", kind));
    }
    assert!(events.try_next().is_none());
}

#[tokio::test]
async fn calls_answer_and_refuse_as_libvirt_does() {
    let host = Host::new("calls");
    host.card("0000:00:03.0");
    let devices = HostDevices::below(&host.0);
    let pci = "pci_0000_00_03_0";
    assert_eq!(devices.list(0).await.unwrap(), ["computer", pci]);
    assert_eq!(devices.list(2).await.unwrap(), [pci]);
    assert!(devices.list(1 << 30).await.unwrap().is_empty());
    assert_eq!(devices.list_with_capability(Some("system"), 0).await.unwrap(), ["computer"]);
    assert_eq!(devices.parent(pci).await.unwrap().as_deref(), Some("computer"));
    assert_eq!(devices.capabilities(pci).await.unwrap(), ["pci"]);
    assert!(devices.is_active(pci).await.unwrap() && !devices.is_persistent(pci).await.unwrap());
    let mdev = |parent: &str| {
        format!("<device>{parent}<capability type='mdev'><type id='x'/></capability></device>")
    };
    for (error, code, words) in [
        (
            devices.lookup_by_name("nosuch").await.unwrap_err(),
            ErrorCode::NoNodeDevice,
            "no node device with matching name 'nosuch'",
        ),
        (
            devices.parent("computer").await.unwrap_err(),
            ErrorCode::InternalError,
            "no parent for this device",
        ),
        (
            devices.create_xml(&mdev(""), 0).await.unwrap_err(),
            ErrorCode::ConfigUnsupported,
            "missing parent device",
        ),
        (
            devices.create_xml(&mdev("<parent>nosuch</parent>"), 0).await.unwrap_err(),
            ErrorCode::ConfigUnsupported,
            "invalid parent device 'nosuch'",
        ),
        (devices.destroy(pci).await.unwrap_err(), ErrorCode::ConfigUnsupported, "Unsupported device type"),
        (
            devices.reset("computer").await.unwrap_err(),
            ErrorCode::InvalidArg,
            "device computer is not a PCI device",
        ),
        (devices.create(pci, 0).await.unwrap_err(), ErrorCode::OperationInvalid, "Device is already active"),
    ] {
        assert_eq!((error.code(), error.detail()), (code, words));
    }
    let parent = mdev(&format!("<parent>{pci}</parent>"));
    assert_eq!(devices.create_xml(&parent, 0).await.unwrap_err().code(), ErrorCode::NoSupport);
    assert_eq!(devices.detach(pci, None, 0).await.unwrap_err().code(), ErrorCode::NoSupport);
}
