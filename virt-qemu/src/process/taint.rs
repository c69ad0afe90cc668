//! Why a guest is tainted from its start on, in libvirt's words.

use virt_conf::common::storage_source::Location;
use virt_conf::domain::device::{DiskDevice, InterfaceSource};
use virt_conf::domain::{CpuMode, Domain};

/// The words for what the domain has, and for the user who runs it.
pub(super) fn of(live: &Domain, privileged: bool) -> Vec<&'static str> {
    let qemu = live.namespace.qemu();
    let scripted = |source: &InterfaceSource| matches!(source, InterfaceSource::Ethernet);
    let from_host = |location: &Location| matches!(location, Location::Block { path: Some(_) });
    let found = [
        ("custom-argv", qemu.is_some_and(|qemu| !qemu.args.is_empty() || !qemu.env.is_empty())),
        ("high-privileges", privileged),
        (
            "shell-scripts",
            live.devices.interfaces.iter().any(|nic| nic.script.is_some() && scripted(&nic.source)),
        ),
        ("host-cpu", live.cpu.as_ref().is_some_and(|cpu| cpu.mode == CpuMode::HostPassthrough)),
        (
            "cdrom-passthrough",
            live.devices
                .disks
                .iter()
                .any(|disk| disk.device == DiskDevice::Cdrom && from_host(disk.source.location.actual())),
        ),
        ("custom-dtb", live.os.dtb.is_some()),
    ];
    found.into_iter().filter(|(_, is)| *is).map(|(word, _)| word).collect()
}

#[cfg(test)]
mod tests {
    use virt_conf::ParseFlags;

    use super::*;

    #[test]
    fn what_taints_is_named() {
        let xml = "<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>t</name>\
            <memory>1024</memory><os><type>hvm</type></os><cpu mode='host-passthrough'/><devices>\
            <disk type='block' device='cdrom'><source dev='/dev/sr0'/><target dev='hda' bus='ide'/></disk></devices>\
            <qemu:commandline><qemu:arg value='-snapshot'/></qemu:commandline></domain>";
        let domain = Domain::parse(xml, ParseFlags::INACTIVE).unwrap();
        assert_eq!(of(&domain, true), ["custom-argv", "high-privileges", "host-cpu", "cdrom-passthrough"]);
        assert!(of(&Domain::default(), false).is_empty());
    }
}
