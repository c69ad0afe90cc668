//! The configuration file.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use virt_conf::common::socket_address::format as show;
use virt_conf::network::{Dns, DnsSrv, ForwardMode, Network, NetworkIp};
use virt_types::{Error, ErrorCode, ErrorDomain, Result};

use super::Capabilities;
use super::hosts::lease_time;

/// The files of one network's dnsmasq.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// The configuration.
    pub configuration: PathBuf,
    /// Guests with fixed addresses.
    pub hosts: PathBuf,
    /// Names.
    pub names: PathBuf,
    /// The process's number.
    pub pid: PathBuf,
}

impl Files {
    /// The files in libvirt's places.
    #[must_use]
    pub fn new(network: &str, dir: &Path, pid_dir: &Path) -> Self {
        // libvirt writes two of the names as if they stood in a document.
        let escaped = virt_xml::escape(network);
        Self {
            configuration: dir.join(format!("{network}.conf")),
            hosts: dir.join(format!("{escaped}.hostsfile")),
            names: dir.join(format!("{escaped}.addnhosts")),
            pid: pid_dir.join(format!("{network}.pid")),
        }
    }
}

/// Whether a network has anything for dnsmasq to do.
#[must_use]
pub fn is_needed(network: &Network) -> bool {
    let serves = |ip: &NetworkIp| ip.has_dhcp() || ip.tftp_root.is_some();
    !network.ips.is_empty() && (network.dns.enable != Some(false) || network.ips.iter().any(serves))
}

/// The lines of a file; a value with a line break in it would become more of them.
#[derive(Default)]
struct Lines {
    text: String,
    broken: bool,
}

impl Lines {
    fn add(&mut self, line: impl AsRef<str>) {
        let line = line.as_ref();
        self.broken |= line.contains(['\n', '\r', '\0']);
        self.text.push_str(line);
        self.text.push('\n');
    }
}

/// The configuration of a network's dnsmasq. Without a file for the process's number dnsmasq is not told where to write it.
///
/// # Errors
/// For more than one DHCP server of a family, for reverse lookups that no name stands for, and for line breaks in values.
pub fn configuration(
    network: &Network,
    files: &Files,
    with_pid: bool,
    capabilities: Capabilities,
) -> Result<String> {
    let dns = &network.dns;
    let with_dns = dns.enable != Some(false);
    let mut lines = Lines::default();
    for line in [
        "##WARNING:  THIS IS AN AUTO-GENERATED FILE. CHANGES TO IT ARE LIKELY TO BE",
        "##OVERWRITTEN AND LOST.  Changes to this configuration should be made using:",
        &format!("##    virsh net-edit {}", network.name),
        "## or other application using the libvirt API.",
        "##",
        "## dnsmasq conf file created by libvirt",
        "strict-order",
    ] {
        lines.add(line);
    }
    if with_dns {
        forwarders(dns, &mut lines);
    } else {
        lines.add("port=0");
    }
    domain(network, with_dns, &mut lines)?;
    if with_pid {
        lines.add(format!("pid-file={}", files.pid.display()));
    }
    listen(network, capabilities, &mut lines);
    if with_dns {
        dns.txts.iter().for_each(|txt| {
            lines.add(format!("txt-record={},{}", txt.name, txt.value.as_deref().unwrap_or_default()));
        });
        dns.srvs.iter().for_each(|srv| lines.add(service(srv)));
    }
    let serving = serving(network)?;
    tftp(network, &mut lines);
    let mut leases = 0;
    for ip in serving.iter().flatten() {
        leases += dhcp(ip, network, &mut lines)?;
    }
    if leases > 0 {
        lines.add(format!("dhcp-lease-max={leases}"));
    }
    if serving.iter().any(Option::is_some) {
        lines.add(format!("dhcp-hostsfile={}", files.hosts.display()));
    }
    if with_dns {
        lines.add(format!("addn-hosts={}", files.names.display()));
    }
    if network.mtu > 0 {
        lines.add(format!("dhcp-option=option:mtu,{}", network.mtu));
    }
    if serving[1].is_some() {
        lines.add("enable-ra");
    } else if capabilities.router {
        for ip in network.ips.iter().filter(|ip| ip.address.is_ipv6()) {
            lines.add(format!("dhcp-range={},ra-only", show(ip.address)));
        }
    }
    network.dnsmasq_options.iter().for_each(|option| lines.add(option));
    if lines.broken {
        return Err(unsupported(format!(
            "a value of network '{}' has a line break, which the configuration of dnsmasq can not have",
            network.name
        )));
    }
    Ok(lines.text)
}

fn unsupported(detail: String) -> Error {
    Error::new(ErrorCode::ConfigUnsupported, ErrorDomain::Network, detail)
}

fn forwarders(dns: &Dns, lines: &mut Lines) {
    for forwarder in &dns.forwarders {
        let domain = forwarder.domain.as_ref().map(|domain| format!("/{domain}/")).unwrap_or_default();
        let server = forwarder.address.map_or_else(|| "#".to_owned(), show);
        lines.add(format!("server={domain}{server}"));
    }
    // Who answers for everything leaves nothing to the host's own servers.
    if dns.forwarders.iter().any(|forwarder| forwarder.domain.is_none() && forwarder.address.is_some()) {
        lines.add("no-resolv");
    }
}

fn domain(network: &Network, with_dns: bool, lines: &mut Lines) -> Result<()> {
    if let Some(domain) = &network.domain {
        if network.domain_local_only == Some(true) {
            lines.add(format!("local=/{domain}/"));
        }
        lines.add(format!("domain={domain}"));
        lines.add("expand-hosts");
    }
    if !with_dns {
        return Ok(());
    }
    for ip in network.ips.iter().filter(|ip| ip.local_ptr == Some(true)) {
        lines.add(format!("local=/{}/", reverse_domain(ip)?));
    }
    if network.dns.forward_plain_names == Some(false) {
        lines.add("domain-needed");
        lines.add("local=//");
    }
    Ok(())
}

/// The domain of a network's reverse lookups, which ends at whole labels only.
fn reverse_domain(ip: &NetworkIp) -> Result<String> {
    let prefix = ip.prefix_bits().unwrap_or_default();
    let (family, step, bits) = if ip.address.is_ipv4() { ("IPv4", 8, 32) } else { ("IPv6", 4, 128) };
    if prefix == 0 || prefix >= bits || !prefix.is_multiple_of(step) {
        return Err(unsupported(format!(
            "PTR domain for {family} network with prefix {prefix} cannot be automatically created"
        )));
    }
    let labels = usize::try_from(prefix / step).unwrap_or_default();
    let mut labels: Vec<String> = match ip.address {
        IpAddr::V4(address) => address.octets()[..labels].iter().map(u8::to_string).collect(),
        IpAddr::V6(address) => {
            let nibbles = address.octets().into_iter().flat_map(|octet| [octet >> 4, octet & 15]);
            nibbles.take(labels).map(|nibble| format!("{nibble:x}")).collect()
        }
    };
    labels.reverse();
    let root = if ip.address.is_ipv4() { "in-addr.arpa" } else { "ip6.arpa" };
    Ok(format!("{}.{root}", labels.join(".")))
}

fn listen(network: &Network, capabilities: Capabilities, lines: &mut Lines) {
    lines.add("except-interface=lo");
    if capabilities.bind_dynamic {
        lines.add("bind-dynamic");
        lines.add(format!("interface={}", network.bridge.name.as_deref().unwrap_or_default()));
    } else {
        lines.add("bind-interfaces");
        network.ips.iter().for_each(|ip| lines.add(format!("listen-address={}", show(ip.address))));
    }
    // An isolated network leads nowhere: no default route, and no questions to the host's name servers.
    if network.forward.mode == ForwardMode::None {
        lines.add("dhcp-option=3");
        lines.add("no-resolv");
        if capabilities.ra_param {
            lines.add("ra-param=*,0,0");
        }
    }
}

fn service(srv: &DnsSrv) -> String {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    let mut line = format!("srv-host=_{}._{}", text(&srv.service), text(&srv.protocol));
    if let Some(domain) = &srv.domain {
        line.push_str(&format!(".{domain}"));
    }
    // A dot says that there is no such service (RFC 2782), so that nothing else matters.
    if let Some(target) = srv.target.as_deref().filter(|target| *target != ".") {
        let fields = [srv.port, srv.priority, srv.weight];
        let given = fields.iter().rposition(|field| *field > 0).map_or(0, |last| last + 1);
        line.push_str(&format!(",{target}"));
        for (i, field) in fields[..given].iter().enumerate() {
            let field = if i == 0 { (*field).max(1) } else { *field };
            line.push_str(&format!(",{field}"));
        }
    }
    line
}

/// The addresses on which DHCP is served: of IPv4, and of IPv6.
fn serving(network: &Network) -> Result<[Option<&NetworkIp>; 2]> {
    let one = |ipv4: bool, family: &str| {
        let mut found = network.ips.iter().filter(|ip| ip.address.is_ipv4() == ipv4 && ip.has_dhcp());
        let first = found.next();
        match found.next() {
            Some(_) => {
                Err(unsupported(format!("For {family}, multiple DHCP definitions cannot be specified.")))
            }
            None => Ok(first),
        }
    };
    Ok([one(true, "IPv4")?, one(false, "IPv6")?])
}

fn tftp(network: &Network, lines: &mut Lines) {
    let roots = network.ips.iter().filter_map(|ip| ip.tftp_root.as_ref());
    for (i, root) in roots.enumerate() {
        if i == 0 {
            lines.add("enable-tftp");
        }
        lines.add(format!("tftp-root={root}"));
    }
}

/// The server of an address; how many leases it may give.
fn dhcp(ip: &NetworkIp, network: &Network, lines: &mut Lines) -> Result<u64> {
    let bridge = network.bridge.name.as_deref().unwrap_or_default();
    let invalid = || {
        let detail = format!("bridge '{bridge}' has an invalid prefix");
        Error::new(ErrorCode::InternalError, ErrorDomain::Network, detail)
    };
    let prefix = ip.prefix_bits().ok_or_else(invalid)?;
    let mut leases = 0;
    for range in &ip.ranges {
        let size = match ip.address {
            IpAddr::V4(_) => Ipv4Addr::from_bits(u32::MAX.checked_shl(32 - prefix).unwrap_or(0)).to_string(),
            IpAddr::V6(_) => prefix.to_string(),
        };
        let time = range.lease.map(|lease| format!(",{}", lease_time(lease))).unwrap_or_default();
        lines.add(format!("dhcp-range={},{},{size}{time}", show(range.start), show(range.end)));
        leases += addresses(range.start, range.end);
    }
    if ip.ranges.is_empty() {
        let size = if ip.address.is_ipv6() { format!(",{prefix}") } else { String::new() };
        lines.add(format!("dhcp-range={},static{size}", show(ip.address)));
    }
    if ip.address.is_ipv4() {
        lines.add("dhcp-no-override");
        lines.add("dhcp-authoritative");
        if let Some(bootp) = &ip.bootp {
            let server = bootp.server.map(|server| format!(",,{}", show(server))).unwrap_or_default();
            lines.add(format!("dhcp-boot={}{server}", bootp.file));
        }
    }
    Ok(leases)
}

/// How many addresses a range has, which is never more than 65536.
fn addresses(start: IpAddr, end: IpAddr) -> u64 {
    match (start, end) {
        (IpAddr::V4(start), IpAddr::V4(end)) => u64::from(end.to_bits().saturating_sub(start.to_bits())) + 1,
        (IpAddr::V6(start), IpAddr::V6(end)) => {
            u64::try_from(end.to_bits().saturating_sub(start.to_bits())).unwrap_or(u64::MAX - 1) + 1
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(xml: &str) -> Result<String> {
        let network = Network::parse(xml).unwrap();
        let files = Files::new(&network.name, Path::new("/d"), Path::new("/p"));
        configuration(&network, &files, true, Capabilities::CURRENT)
    }

    #[test]
    fn an_isolated_network_is_no_way_out() {
        let text = made(
            "<network><name>a&quot;b</name><bridge name='br'/><ip address='10.0.0.1' prefix='8'/></network>",
        );
        assert_eq!(
            text.unwrap().lines().skip(6).collect::<Vec<_>>(),
            [
                "strict-order",
                "pid-file=/p/a\"b.pid",
                "except-interface=lo",
                "bind-dynamic",
                "interface=br",
                "dhcp-option=3",
                "no-resolv",
                "ra-param=*,0,0",
                "addn-hosts=/d/a&quot;b.addnhosts"
            ]
        );
    }

    #[test]
    fn what_dnsmasq_would_misread_is_refused() {
        for (content, expected) in [
            (
                "<dns><txt name='a' value='b&#10;dhcp-script=/x'/></dns><ip address='10.0.0.1' prefix='8'/>",
                "line break",
            ),
            (
                "<ip address='10.0.0.1' prefix='9' localPtr='yes'/>",
                "PTR domain for IPv4 network with prefix 9",
            ),
            (
                "<ip address='10.0.0.1' prefix='8'><dhcp><host name='a' ip='10.0.0.2'/></dhcp></ip>
                 <ip address='11.0.0.1' prefix='8'><dhcp><host name='a' ip='11.0.0.2'/></dhcp></ip>",
                "For IPv4, multiple",
            ),
        ] {
            let error = made(&format!("<network><name>n</name>{content}</network>")).unwrap_err();
            assert!(error.detail().contains(expected), "{error}");
        }
    }

    #[test]
    fn dnsmasq_runs_only_where_it_has_work() {
        for (content, expected) in [
            ("", false),
            ("<ip address='10.0.0.1' prefix='8'/>", true),
            ("<dns enable='no'/><ip address='10.0.0.1' prefix='8'/>", false),
            ("<dns enable='no'/><ip address='10.0.0.1' prefix='8'><tftp root='/t'/></ip>", true),
        ] {
            let network = Network::parse(&format!("<network><name>n</name>{content}</network>")).unwrap();
            assert_eq!(is_needed(&network), expected, "{content}");
        }
    }
}
