//! The files that a running dnsmasq reads anew when it is told to: guests with a fixed address, and names.

use std::fmt::Write as _;
use std::net::IpAddr;

use virt_conf::common::socket_address::format as show;
use virt_conf::network::{DhcpHost, Lease, LeaseUnit, Network};

/// A lease's length as dnsmasq writes it.
pub(super) fn lease_time(lease: Lease) -> String {
    if lease.expiry == 0 {
        return "infinite".to_owned();
    }
    let unit = match lease.unit {
        LeaseUnit::Seconds => 's',
        LeaseUnit::Minutes => 'm',
        LeaseUnit::Hours => 'h',
    };
    format!("{}{unit}", lease.expiry)
}

/// The file of guests with fixed addresses (`dhcp-hostsfile`), a line each, those of IPv4 first.
#[must_use]
pub fn static_hosts(network: &Network) -> String {
    let mut text = String::new();
    for ipv4 in [true, false] {
        let serving = network.ips.iter().find(|ip| ip.address.is_ipv4() == ipv4 && ip.has_dhcp());
        for host in serving.iter().flat_map(|ip| &ip.hosts) {
            if let Some(line) = static_host(host) {
                text.push_str(&line);
                text.push('\n');
            }
        }
    }
    text
}

fn static_host(host: &DhcpHost) -> Option<String> {
    let (ip, name) = (host.ip?, host.name.as_deref());
    let mut line = match (ip, &host.id, &host.mac, name) {
        (IpAddr::V6(_), Some(id), _, Some(name)) => format!("id:{id},{name},[{ip}]"),
        (IpAddr::V6(_), Some(id), _, None) => format!("id:{id},[{ip}]"),
        (IpAddr::V6(_), None, _, name) => format!("{},[{ip}]", name.unwrap_or_default()),
        (IpAddr::V4(_), _, Some(mac), Some(name)) => format!("{mac},{ip},{name}"),
        (IpAddr::V4(_), _, None, Some(name)) => format!("{name},{ip}"),
        (IpAddr::V4(_), _, mac, None) => format!("{},{ip}", mac.as_deref().unwrap_or_default()),
    };
    if let Some(lease) = host.lease {
        line.push(',');
        line.push_str(&lease_time(lease));
    }
    Some(line)
}

/// The file of names (`addn-hosts`): a line for each address, with all its names.
#[must_use]
pub fn names_file(network: &Network) -> String {
    let mut lines: Vec<(String, Vec<&str>)> = Vec::new();
    for host in &network.dns.hosts {
        let Some(ip) = host.ip.map(show) else { continue };
        let names = host.names.iter().map(String::as_str);
        match lines.iter_mut().find(|(known, _)| *known == ip) {
            Some((_, known)) => known.extend(names),
            None => lines.push((ip, names.collect())),
        }
    }
    lines.iter().fold(String::new(), |mut text, (ip, names)| {
        let _ = writeln!(text, "{ip}\t{}\t", names.join("\t"));
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_of_host_has_its_line() {
        let network = Network::parse(
            "<network><name>n</name><dns><host ip='10.0.0.9'><hostname>a</hostname><hostname>b</hostname></host>
             <host ip='fd00::9'><hostname>c</hostname></host><host ip='10.0.0.9'><hostname>d</hostname></host></dns>
             <ip family='ipv6' address='fd00::1' prefix='64'><dhcp><host name='p' ip='fd00::2'/><host id='0:1' ip='fd00::3'/>
             <host id='0:2' name='q' ip='fd00::4'><lease expiry='0'/></host></dhcp></ip>
             <ip address='10.0.0.1' prefix='24'><dhcp><host mac='52:54:00:00:00:01' ip='10.0.0.2'/>
             <host name='r' ip='10.0.0.3'><lease expiry='2' unit='hours'/></host>
             <host mac='52:54:00:00:00:02' name='s' ip='10.0.0.4'/></dhcp></ip></network>",
        )
        .unwrap();
        assert_eq!(
            static_hosts(&network),
            "52:54:00:00:00:01,10.0.0.2\nr,10.0.0.3,2h\n52:54:00:00:00:02,10.0.0.4,s\n\
             p,[fd00::2]\nid:0:1,[fd00::3]\nid:0:2,q,[fd00::4],infinite\n"
        );
        assert_eq!(names_file(&network), "10.0.0.9\ta\tb\td\t\nfd00::9\tc\t\n");
    }
}
