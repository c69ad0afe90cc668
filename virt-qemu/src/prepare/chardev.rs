//! What the host ends of character devices are, where their documents leave it to the engine.

use virt_conf::common::chardev::TcpSource;
use virt_conf::common::{Address, ChardevSource, DeviceInfo};
use virt_conf::domain::Domain;
use virt_conf::domain::device::{ChannelTarget, SmartcardSource};

use crate::config::Config;
use crate::plan::channel_dir;

/// Names the sockets of channels, and secures TCP connections as the settings have it.
pub(crate) fn complete(domain: &mut Domain, config: &Config) {
    name_channels(domain, config);
    let devices = &mut domain.devices;
    let serials = devices.serials.iter_mut().map(|device| &mut device.chardev);
    let parallels = devices.parallels.iter_mut().map(|device| &mut device.chardev);
    let consoles = devices.consoles.iter_mut().map(|device| &mut device.chardev);
    let channels = devices.channels.iter_mut().map(|device| &mut device.chardev);
    let redirdevs = devices.redirdevs.iter_mut().map(|device| &mut device.chardev);
    let smartcards = devices.smartcards.iter_mut().filter_map(|card| match &mut card.source {
        SmartcardSource::Passthrough(chardev) => Some(chardev),
        SmartcardSource::Host | SmartcardSource::HostCertificates { .. } => None,
    });
    let all = serials.chain(parallels).chain(consoles).chain(channels).chain(redirdevs).chain(smartcards);
    for chardev in all {
        if let ChardevSource::Tcp(tcp @ TcpSource { tls: None, .. }) = &mut chardev.source {
            tcp.tls = Some(config.chardev_tls);
            tcp.tls_from_config = true;
        }
    }
}

/// A channel is found on the host by the name that it has in the guest, or else by its port.
fn name_channels(domain: &mut Domain, config: &Config) {
    let dir = channel_dir(config, domain);
    for channel in &mut domain.devices.channels {
        let ChannelTarget::Virtio { name, .. } = &channel.target else { continue };
        let ChardevSource::Unix(unix) = &mut channel.chardev.source else { continue };
        if unix.path.is_none() {
            let file = name.clone().unwrap_or_else(|| port_name(&channel.info));
            unix.path = Some(dir.join(file).to_string_lossy().into_owned());
            // Nobody else could be there yet.
            unix.listen = true;
        }
    }
}

fn port_name(info: &DeviceInfo) -> String {
    let (controller, bus, port) = match &info.address {
        Address::VirtioSerial(at) => (at.controller, at.bus, at.port),
        _ => (0, 0, 0),
    };
    format!("vioser-{controller:02}-{bus:02}-{port:02}.sock")
}

#[cfg(test)]
mod tests {
    use virt_conf::ParseFlags;

    use super::*;

    #[test]
    fn sockets_are_named_by_name_or_port() {
        let channel = |target: &str| {
            format!(
                "<channel type='unix'><target type='virtio' {target}/><address type='virtio-serial' port='2'/></channel>"
            )
        };
        let devices = channel("name='org.example'") + &channel("") + "<serial type='tcp'/>";
        let xml = format!(
            "<domain type='qemu' id='7'><name>web</name><memory>1</memory><os><type>hvm</type></os><devices>{devices}</devices></domain>"
        );
        let mut domain = Domain::parse(&xml, ParseFlags::empty()).unwrap();
        complete(&mut domain, &Config::system());
        let paths: Vec<_> =
            domain.devices.channels.iter().filter_map(|channel| channel.chardev.source.path()).collect();
        assert_eq!(
            paths,
            [
                "/var/lib/libvirt/qemu/channel/target/domain-7-web/org.example",
                "/var/lib/libvirt/qemu/channel/target/domain-7-web/vioser-00-00-02.sock"
            ]
        );
        let listens = |channel: &virt_conf::domain::device::Channel| matches!(&channel.chardev.source, ChardevSource::Unix(unix) if unix.listen);
        assert!(domain.devices.channels.iter().all(listens));
        let ChardevSource::Tcp(tcp) = &domain.devices.serials[0].chardev.source else { panic!() };
        assert_eq!((tcp.tls, tcp.tls_from_config), (Some(false), true));
    }
}
