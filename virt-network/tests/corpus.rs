//! Families of the external corpus that this crate answers.

use std::path::Path;

use virt_conf::network::Network;
use virt_firewall::{iptables, nftables};
use virt_network::dnsmasq::{self, Capabilities, Files};
use virt_network::names::{Family, NameOf, Names};
use virt_network::{MacMap, rules};
use virt_testkit::corpus::{self, Case, same};

fn network(case: &Case) -> Result<Network, String> {
    let xml = case.read("/input").ok_or("no input")?;
    Network::parse(&xml).map_err(|error| error.to_string())
}

#[test]
fn networkxml2conf() {
    corpus::check("networkxml2conf", |case| {
        let network = network(case)?;
        let dir = Path::new("/var/lib/libvirt/dnsmasq");
        let files = Files::new(&network.name, dir, Path::new("/run/libvirt/network"));
        let capabilities = Capabilities::read(case.text("dnsmasq"));
        let text = dnsmasq::configuration(&network, &files, false, capabilities);
        let text = text.map_err(|error| error.to_string())?;
        same(&text, &case.read("/expected/conf").ok_or("no configuration")?)?;
        match case.read("/expected/hostsfile") {
            Some(hosts) => same(&dnsmasq::static_hosts(&network), &hosts),
            None => same(&dnsmasq::static_hosts(&network), ""),
        }
    });
}

#[test]
fn networkxml2firewall() {
    corpus::check("networkxml2firewall", |case| {
        let rules = rules::of(&network(case)?).map_err(|error| error.to_string())?;
        let expected = case.read("/expected").ok_or("no commands")?;
        let commands = match case.text("backend") {
            "iptables" => iptables::insert(&rules),
            "nftables" => nftables::insert(&rules),
            other => return Err(format!("back end {other} is not answered")),
        };
        let commands = commands.iter().map(|command| format!("{command}\n")).collect::<String>();
        same(&commands, &unquoted(&expected))
    });
}

/// The commands of a shell script on a line each, without quotes; no word has a blank in it.
fn unquoted(script: &str) -> String {
    let lines = script.replace("\\\n", " ");
    let words = |line: &str| line.replace('\'', "").split_whitespace().collect::<Vec<_>>().join(" ");
    lines.lines().map(words).collect::<Vec<_>>().join("\n")
}

#[test]
fn virmacmap() {
    corpus::check("virmacmap", |case| {
        let text = case.read("/input").ok_or("no input")?;
        let map = MacMap::parse(&text).map_err(|error| error.to_string())?;
        match case.text("op") {
            "lookup" => {
                let expected: Vec<_> = case.row["macs"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(|mac| mac.as_str())
                    .collect();
                (map.lookup(case.text("domain")) == expected).then_some(()).ok_or_else(|| format!("{map:?}"))
            }
            "flush-end" => same(&map.to_text().map_err(|error| error.to_string())?, &text),
            other => Err(format!("{other} is not answered")),
        }
    });
}

#[test]
fn nss() {
    // The leases that count end in 2030 or later, the others before 2020.
    const NOW: i64 = 1_750_000_000;
    corpus::check("nss", |case| {
        let of = match case.text("module") {
            "libvirt" => NameOf::Host,
            "libvirt_guest" => NameOf::Guest,
            module => return Err(format!("module {module}")),
        };
        let family = match case.text("family") {
            "AF_INET" => Family::Ipv4,
            "AF_INET6" => Family::Ipv6,
            "AF_UNSPEC" => Family::Any,
            family => return Err(format!("family {family}")),
        };
        let names = Names::read(&case.dir().join("data"));
        let lines = |addresses: Vec<String>| addresses.join("\n");
        let found = names.addresses(case.text("name"), of, family, NOW);
        let expected = case.row["addresses"].as_array().into_iter().flatten();
        let expected = expected.filter_map(|address| address.as_str()).map(str::to_owned).collect();
        same(&lines(found.iter().map(ToString::to_string).collect()), &lines(expected))
    });
}
