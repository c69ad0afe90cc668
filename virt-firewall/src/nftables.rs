//! Rules as nftables knows them, in the table `libvirt_network` of libvirt since 10.4.
//!
//! Packets between the host and guests are not looked at here: a table can only refuse what others let through, not let
//! through what others refuse.

use crate::command::Command;
use crate::rule::{Layer, Rule, RuleSet};

/// The table, of each layer.
pub(crate) const TABLE: &str = "libvirt_network";

const FORWARD: &str = "{ type filter hook forward priority 0; policy accept; }";
const NAT: &str = "{ type nat hook postrouting priority 100; policy accept; }";

impl Layer {
    pub(crate) const ALL: [Self; 2] = [Self::Ipv4, Self::Ipv6];

    pub(crate) const fn nft(self) -> &'static str {
        match self {
            Self::Ipv4 => "ip",
            Self::Ipv6 => "ip6",
        }
    }
}

/// The commands that lay the rules, in order. Rules that nftables has no use for are left out.
#[must_use]
pub fn insert(rules: &RuleSet) -> Vec<Command> {
    let words = rules.rules.iter().filter_map(|(layer, rule)| rule_words(&rules.bridge, *layer, rule));
    words
        .map(|words| {
            let mut args = vec!["-ae".to_owned()];
            args.extend(words);
            Command { program: "nft", args }
        })
        .collect()
}

/// The commands that make a layer's table and chains, where `nft list table` does not show them.
#[must_use]
pub fn chains(layer: Layer) -> Vec<Command> {
    base(layer).iter().map(|words| Command::new("nft", words)).collect()
}

fn base(layer: Layer) -> Vec<Vec<&'static str>> {
    let family = layer.nft();
    let mut commands =
        vec![vec!["add", "table", family, TABLE], vec!["add", "chain", family, TABLE, "forward", FORWARD]];
    for chain in ["guest_output", "guest_input", "guest_cross"] {
        commands.push(vec!["add", "chain", family, TABLE, chain]);
        commands.push(vec!["insert", "rule", family, TABLE, "forward", "counter", "jump", chain]);
    }
    commands.push(vec!["add", "chain", family, TABLE, "guest_nat", NAT]);
    commands
}

/// What `nft -f` reads to lay the rules at once, with tables and chains as far as they are missing. Each rule bears the
/// bridge's name as its comment, by which it is found again.
pub(crate) fn script(rules: &RuleSet) -> String {
    let mut script = String::new();
    let mut line = |words: &[&str]| {
        script.push_str(&words.join(" "));
        script.push('\n');
    };
    for layer in Layer::ALL {
        let base = base(layer);
        let (jumps, makes): (Vec<_>, Vec<_>) = base.iter().partition(|words| words[0] == "insert");
        makes.iter().for_each(|words| line(words));
        // Nothing else is in it, and so there are never two jumps to one chain.
        line(&["flush", "chain", layer.nft(), TABLE, "forward"]);
        jumps.iter().for_each(|words| line(words));
    }
    let comment = format!("comment \"{}\"", rules.bridge);
    for (layer, rule) in &rules.rules {
        if let Some(words) = rule_words(&rules.bridge, *layer, rule) {
            let mut quoted: Vec<String> = Vec::with_capacity(words.len());
            for word in words {
                let is_device = quoted
                    .last()
                    .is_some_and(|last| matches!(last.as_str(), "iif" | "oif" | "iifname" | "oifname"));
                quoted.push(if is_device { format!("\"{word}\"") } else { word });
            }
            quoted.push(comment.clone());
            line(&quoted.iter().map(String::as_str).collect::<Vec<_>>());
        }
    }
    script
}

fn rule_words(bridge: &str, layer: Layer, rule: &Rule) -> Option<Vec<String>> {
    let chain = match rule {
        Rule::Serve { .. } | Rule::Answer { .. } | Rule::FillChecksum { .. } => return None,
        Rule::RejectOut | Rule::AllowOut { .. } => "guest_output",
        Rule::RejectIn | Rule::AllowRelatedIn { .. } | Rule::AllowIn { .. } => "guest_input",
        Rule::AllowCross => "guest_cross",
        Rule::Masquerade { .. } | Rule::Keep { .. } => "guest_nat",
    };
    let family = layer.nft();
    let mut words = Words(Vec::new());
    words.add(&["insert", "rule", family, TABLE, chain]);
    match rule {
        Rule::Serve { .. } | Rule::Answer { .. } | Rule::FillChecksum { .. } => {}
        Rule::RejectOut => words.add(&["iif", bridge, "counter", "reject"]),
        Rule::RejectIn => words.add(&["oif", bridge, "counter", "reject"]),
        Rule::AllowCross => words.add(&["iif", bridge, "oif", bridge, "counter", "accept"]),
        Rule::AllowOut { source, device } => {
            words.add(&[family, "saddr", &source.to_string(), "iif", bridge]);
            words.device("oifname", device.as_deref());
            words.add(&["counter", "accept"]);
        }
        Rule::AllowRelatedIn { destination, device } => {
            words.device("iifname", device.as_deref());
            words.add(&["oif", bridge, family, "daddr", &destination.to_string()]);
            words.add(&["ct", "state", "related,established", "counter", "accept"]);
        }
        Rule::AllowIn { destination, device } => {
            words.add(&[family, "daddr", &destination.to_string()]);
            words.device("iifname", device.as_deref());
            words.add(&["oif", bridge, "counter", "accept"]);
        }
        Rule::Masquerade { source, device, protocol, addresses, ports: (first, last) } => {
            if let Some(protocol) = protocol {
                words.add(&["meta", "l4proto", protocol.as_str()]);
            }
            let source = source.to_string();
            words.add(&[family, "saddr", &source, family, "daddr", "!=", &source]);
            words.device("oifname", device.as_deref());
            let ports = protocol.map(|_| format!(":{first}-{last}"));
            if let Some((start, end)) = addresses {
                let ports = ports.unwrap_or_default();
                words.add(&["counter", "snat", "to", &format!("{start}-{end}{ports}")]);
            } else {
                words.add(&["counter", "masquerade"]);
                if let Some(ports) = ports {
                    words.add(&["to", &ports]);
                }
            }
        }
        Rule::Keep { source, device, destination } => {
            words.device("oifname", device.as_deref());
            words.add(&[family, "saddr", &source.to_string(), family, "daddr", &destination.to_string()]);
            words.add(&["counter", "return"]);
        }
    }
    Some(words.0)
}

struct Words(Vec<String>);

impl Words {
    fn add(&mut self, words: &[&str]) {
        self.0.extend(words.iter().map(|&word| word.to_owned()));
    }

    fn device(&mut self, word: &str, device: Option<&str>) {
        if let Some(device) = device {
            self.add(&[word, device]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::Subnet;

    #[test]
    fn a_script_makes_what_is_missing_and_marks_what_it_lays() {
        let mut rules = RuleSet::new("br7");
        let source = Subnet::new("fd00::1".parse().unwrap(), 64);
        let device = Some("wan.5".to_owned());
        rules.push(Layer::Ipv4, Rule::FillChecksum { port: 68 });
        rules.push(Layer::Ipv6, Rule::AllowRelatedIn { destination: source, device });
        let script = script(&rules);
        let lines: Vec<_> = script.lines().collect();
        assert_eq!(lines[0], "add table ip libvirt_network");
        let flushed =
            lines.iter().position(|line| *line == "flush chain ip6 libvirt_network forward").unwrap();
        assert_eq!(lines[flushed + 1], "insert rule ip6 libvirt_network forward counter jump guest_output");
        assert_eq!(
            lines.last().copied(),
            Some(
                "insert rule ip6 libvirt_network guest_input iifname \"wan.5\" oif \"br7\" ip6 daddr fd00::/64 \
                 ct state related,established counter accept comment \"br7\""
            )
        );
    }
}
