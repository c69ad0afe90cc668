use std::collections::BTreeSet;

use virt_conf::ParseFlags;
use virt_conf::common::Address;
use virt_conf::domain::Domain;
use virt_types::{Arch, TextEnum};

use crate::caps::{Accelerated, Cap, Capabilities, Machine};
use crate::config::Config;
use crate::host::Host;
use crate::policy::QemuPolicy;

/// Fills a document on a binary that has one machine and these capabilities.
fn filled(arch: Arch, machine: &str, caps: &[Cap], devices: &str) -> Domain {
    let accelerated = Accelerated {
        machines: vec![Machine { name: machine.to_owned(), max_cpus: 1, ..Machine::default() }],
        ..Accelerated::default()
    };
    let caps = Capabilities {
        binary: "/usr/bin/qemu".to_owned(),
        arch,
        caps: caps.iter().copied().collect::<BTreeSet<_>>(),
        tcg: Some(accelerated),
        ..Capabilities::default()
    };
    let (config, host) = (Config::system(), Host { arch: Arch::X86_64, ..Host::default() });
    let policy = QemuPolicy { caps: &caps, config: &config, host: &host };
    let xml = format!(
        "<domain type='qemu'><name>t</name><memory>65536</memory><os><type arch='{}' machine='{machine}'>hvm</type></os>
        <devices>{devices}</devices></domain>",
        arch.text()
    );
    let flags = ParseFlags::INACTIVE | ParseFlags::ABI_UPDATE;
    let mut domain = Domain::parse(&xml, flags).unwrap();
    domain.fill(&policy, flags).unwrap();
    domain
}

/// Each device that has a place: its element, and the place as it is written.
fn places(domain: &Domain) -> Vec<String> {
    let place = |address: &Address| match address {
        Address::Pci(pci) => pci.at.to_string(),
        Address::Ccw(ccw) => format!("{:x?}", ccw.at.unwrap()),
        Address::SpaprVio(vio) => format!("{:#x}", vio.reg.unwrap()),
        Address::Usb(usb) => usb.to_string(),
        other => other.kind().to_string(),
    };
    domain
        .devices
        .iter()
        .filter_map(|device| Some((device.kind().element(), &device.info()?.address)))
        .filter(|(_, address)| **address != Address::None)
        .map(|(element, address)| format!("{element} {}", place(address)))
        .collect()
}

fn scsi(count: usize) -> String {
    (0..count).map(|index| format!("<controller type='scsi' index='{index}' model='virtio-scsi'/>")).collect()
}

#[test]
fn pseries_guests_grow_by_host_bridges() {
    let caps = [Cap::QemuXhci, Cap::SpaprPciHostBridge];
    let domain = filled(Arch::Ppc64, "pseries-7.2", &caps, &scsi(30));
    let bridges: Vec<_> = domain
        .devices
        .controllers
        .iter()
        .filter(|controller| controller.is_pseries_host_bridge())
        .map(|controller| (controller.index.unwrap(), controller.pci().unwrap().target_index.unwrap()))
        .collect();
    assert_eq!(bridges, [(0, 0), (1, 1)]);
}

#[test]
fn registers_of_pseries_devices_differ_and_given_ones_are_left_out() {
    let devices = "<controller type='usb' model='none'/><memballoon model='none'/>
        <controller type='scsi' index='0'/>
        <controller type='scsi' index='1'><address type='spapr-vio' reg='0x2000'/></controller>
        <interface type='user'><mac address='52:54:00:00:00:01'/><model type='spapr-vlan'/></interface>
        <serial type='pty'/><serial type='pty'/>";
    let domain = filled(Arch::Ppc64, "pseries-7.2", &[], devices);
    assert_eq!(
        places(&domain),
        [
            "controller 0x3000",
            "controller 0x2000",
            "interface 0x1000",
            "serial 0x30000000",
            "serial 0x30001000"
        ]
    );
}

#[test]
fn s390_guests_have_channel_devices_in_the_order_of_visits() {
    let devices = "<controller type='virtio-serial'/>
        <interface type='user'><mac address='52:54:00:00:00:01'/></interface>
        <disk type='file'><source file='/a'/><target dev='vda'/><address type='ccw' cssid='0xfe' ssid='0' devno='0x0001'/></disk>";
    let domain = filled(Arch::S390x, "s390-ccw-virtio-7.2", &[], devices);
    assert_eq!(
        places(&domain),
        ["disk (fe, 0, 1)", "controller (fe, 0, 2)", "interface (fe, 0, 0)", "memballoon (fe, 0, 3)"]
    );
}

#[test]
fn pci_devices_of_s390_guests_get_identifiers() {
    let devices = "<controller type='scsi' model='virtio-scsi'><address type='pci'/></controller>
        <controller type='scsi' model='virtio-scsi'><address type='pci'><zpci uid='0x0001'/></address></controller>
        <memballoon model='none'/>";
    let domain = filled(Arch::S390x, "s390-ccw-virtio-7.2", &[Cap::Zpci], devices);
    let identifiers: Vec<_> = domain
        .devices
        .controllers
        .iter()
        .filter_map(|controller| Some(controller.info.address.pci()?.zpci))
        .map(|zpci| (zpci.uid.unwrap(), zpci.fid.unwrap()))
        .collect();
    assert_eq!(identifiers, [(2, 1), (1, 0)]);
}

#[test]
fn arm_boards_use_pci_where_they_can() {
    let disk = "<disk type='file'><source file='/a'/><target dev='vda'/></disk>";
    let old = "<disk type='file'><source file='/b'/><target dev='vdb'/><address type='virtio-mmio'/></disk>";
    let pcie = [Cap::Gpex, Cap::PcieRootPort, Cap::VirtioMmio];
    for (machine, caps, devices, expected) in [
        ("virt-7.2", &pcie[..], disk.to_owned(), "disk 0000:01:00.0"),
        ("virt-7.2", &pcie, format!("{disk}{old}"), "disk virtio-mmio"),
        ("virt-7.2", &[Cap::VirtioMmio], disk.to_owned(), "disk virtio-mmio"),
        ("vexpress-a15", &pcie, disk.to_owned(), "disk virtio-mmio"),
    ] {
        let domain = filled(Arch::Aarch64, machine, caps, &devices);
        assert_eq!(places(&domain)[0], expected, "{machine} {devices}");
    }
}

#[test]
fn usb_devices_of_a_guest_that_exists_are_left_alone() {
    let mut domain = filled(Arch::X86_64, "pc-i440fx-7.2", &[Cap::Piix3UsbUhci], "");
    let tablet = "<input type='tablet' bus='usb'/>";
    let given = filled(Arch::X86_64, "pc-i440fx-7.2", &[Cap::Piix3UsbUhci], tablet);
    assert!(places(&given).contains(&"input 0:1".to_owned()));
    domain.devices.inputs = given.devices.inputs;
    domain.devices.inputs[0].info.address = Address::None;
    let caps = Capabilities::default();
    let (config, host) = (Config::system(), Host::default());
    let policy = QemuPolicy { caps: &caps, config: &config, host: &host };
    super::assign(&mut domain, &policy, false).unwrap();
    assert_eq!(domain.devices.inputs[0].info.address, Address::None);
}
