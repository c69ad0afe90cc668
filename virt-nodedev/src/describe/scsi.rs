//! SCSI: hosts, what is on them, and Fibre Channel.

use virt_conf::nodedev::{Capability, FcHost, RemotePort, Scsi, ScsiHost, ScsiTarget, VportOps};

use crate::sysfs::{Entry, names_in};

/// Names of types of devices, by their numbers (`scsi/scsi_proto.h`).
const TYPES: &[(u32, &str)] = &[
    (0x00, "disk"),
    (0x01, "tape"),
    (0x03, "processor"),
    (0x04, "worm"),
    (0x05, "cdrom"),
    (0x06, "scanner"),
    (0x07, "mod"),
    (0x08, "changer"),
    (0x0d, "enclosure"),
    (0x0e, "rbc"),
];

pub(super) fn host(entry: &Entry<'_>) -> Option<Capability> {
    let number = entry.name().strip_prefix("host")?.parse().ok()?;
    let class = |class: &str| {
        let dir = entry.root().join("sys/class").join(class).join(entry.name());
        dir.is_dir().then(|| Entry::open(entry.root(), dir))
    };
    let unique_id = class("scsi_host").and_then(|host| host.number("unique_id"));
    let fc = class("fc_host");
    let hex = |host: &Entry<'_>, name: &str| {
        host.attribute(name).map(|text| text.trim_start_matches("0x").to_owned())
    };
    let fc_host = fc.as_ref().map(|host| FcHost {
        wwnn: hex(host, "node_name"),
        wwpn: hex(host, "port_name"),
        fabric_wwn: hex(host, "fabric_name"),
    });
    let vport_ops = fc.as_ref().filter(|host| host.has("vport_create")).and_then(|host| {
        Some(VportOps {
            max_vports: host.number("max_npiv_vports")?,
            vports: host.number("npiv_vports_inuse")?,
        })
    });
    Some(Capability::ScsiHost(ScsiHost { host: number, unique_id, fc_host, vport_ops }))
}

pub(super) fn target(entry: &Entry<'_>) -> Capability {
    // A target behind Fibre Channel has the remote port's name in its path.
    let rport = entry.dir().ancestors().filter_map(|dir| dir.file_name()?.to_str());
    let rport = rport.into_iter().find(|name| name.starts_with("rport-"));
    let remote_port = rport.and_then(|rport| {
        let ports = entry.root().join("sys/class/fc_remote_ports");
        names_in(&ports).iter().find(|name| *name == rport)?;
        let wwpn = Entry::open(entry.root(), ports.join(rport)).attribute("port_name")?;
        Some(RemotePort { rport: rport.to_owned(), wwpn: wwpn.trim_start_matches("0x").to_owned() })
    });
    Capability::ScsiTarget(ScsiTarget { target: entry.name().to_owned(), remote_port })
}

pub(super) fn device(entry: &Entry<'_>) -> Option<Capability> {
    let numbers: Option<Vec<u32>> = entry.name().split(':').map(|part| part.parse().ok()).collect();
    let [host, bus, target, lun] = numbers?.try_into().ok()?;
    let kind = entry.number::<u32>("type").and_then(|number| {
        TYPES.iter().find(|(known, _)| *known == number).map(|(_, name)| (*name).to_owned())
    });
    Some(Capability::Scsi(Scsi { host, bus, target, lun, kind }))
}
