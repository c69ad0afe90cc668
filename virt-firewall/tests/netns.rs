//! Rules in the kernel, in a network namespace of their own.
#![allow(clippy::print_stderr)] // a skipped test says so

use std::process::Command;
use std::sync::Arc;

use virt_firewall::{Backend, Firewall, Layer, Protocol, Rule, RuleSet, Subnet, System};

fn run(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn rules(bridge: &str) -> RuleSet {
    let source = Subnet::new("10.9.0.1".parse().unwrap(), 24);
    let v6 = Subnet::new("fd00:9::1".parse().unwrap(), 64);
    let mut rules = RuleSet::new(bridge);
    rules.push(Layer::Ipv4, Rule::Serve { protocol: Protocol::Udp, port: 67 });
    rules.push(Layer::Ipv4, Rule::RejectOut);
    rules.push(Layer::Ipv4, Rule::AllowOut { source, device: None });
    rules.push(Layer::Ipv4, Rule::AllowRelatedIn { destination: source, device: None });
    for protocol in [None, Some(Protocol::Tcp)] {
        let (device, addresses, ports) = (None, None, (1024, 65535));
        rules.push(Layer::Ipv4, Rule::Masquerade { source, device, protocol, addresses, ports });
    }
    rules.push(Layer::Ipv6, Rule::AllowCross);
    rules.push(Layer::Ipv6, Rule::AllowIn { destination: v6, device: None });
    rules.push(Layer::Ipv4, Rule::FillChecksum { port: 68 });
    rules
}

#[test]
fn rules_are_laid_and_taken_away() {
    if std::env::var_os("VIRT_NETNS").is_none() {
        eprintln!("skipped: run by `cargo xtask netns`");
        return;
    }
    run("ip", &["link", "add", "fw-br0", "type", "bridge"]).expect("a bridge");
    for (backend, program, args) in [
        (Backend::Iptables, "iptables-save", &[][..]),
        (Backend::Nftables, "nft", &["list", "table", "ip", "libvirt_network"]),
    ] {
        let firewall = Firewall::new(backend, Arc::new(System));
        let list = || run(program, args).unwrap_or_default();
        match firewall.apply(&rules("fw-br0")) {
            Ok(()) => {}
            Err(virt_firewall::Error::Missing(program)) => {
                eprintln!("skipped: {program} is not installed");
                continue;
            }
            Err(error) => panic!("{error}"),
        }
        let laid = list();
        assert!(laid.contains("fw-br0") && laid.to_uppercase().contains("MASQUERADE"), "{laid}");
        firewall.renew(&rules("fw-br0")).unwrap();
        assert_eq!(list().matches("10.9.0.0/24").count(), laid.matches("10.9.0.0/24").count(), "{}", list());
        firewall.remove(&rules("fw-br0")).unwrap();
        let left = list();
        assert!(!left.contains("fw-br0") && !left.contains("10.9.0.0"), "{left}");
        firewall.remove(&rules("fw-br0")).unwrap();
    }
    run("ip", &["link", "del", "fw-br0"]).expect("the bridge goes");
}

#[test]
fn a_policy_that_drops_is_found() {
    if std::env::var_os("VIRT_NETNS").is_none() {
        eprintln!("skipped: run by `cargo xtask netns`");
        return;
    }
    let chain = "{ type filter hook forward priority 5; policy drop; }";
    if run("nft", &["add", "table", "inet", "others"]).is_none() {
        eprintln!("skipped: no nft");
        return;
    }
    run("nft", &["add", "chain", "inet", "others", "fence", chain]).expect("a chain");
    let found = Firewall::new(Backend::Nftables, Arc::new(System)).blockers();
    run("nft", &["delete", "table", "inet", "others"]).expect("the table goes");
    assert!(found.iter().any(|found| found.table == "others" && found.chain == "fence"), "{found:?}");
}
