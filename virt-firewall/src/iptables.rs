//! Rules as iptables and ip6tables know them, in the private chains of libvirt 9.0.0.

use crate::command::Command;
use crate::rule::{Layer, Rule, RuleSet};

/// A chain of the kernel and the private ones that it jumps to, in the order in which they are made.
const FILTER: &[(&str, &str)] = &[
    ("INPUT", "LIBVIRT_INP"),
    ("OUTPUT", "LIBVIRT_OUT"),
    ("FORWARD", "LIBVIRT_FWO"),
    ("FORWARD", "LIBVIRT_FWI"),
    ("FORWARD", "LIBVIRT_FWX"),
];
const POSTROUTING: &[(&str, &str)] = &[("POSTROUTING", "LIBVIRT_PRT")];

/// The tables with private chains.
pub(crate) const TABLES: &[(&str, &[(&str, &str)])] =
    &[("filter", FILTER), ("nat", POSTROUTING), ("mangle", POSTROUTING)];

impl Layer {
    pub(crate) const fn iptables(self) -> &'static str {
        match self {
            Self::Ipv4 => "iptables",
            Self::Ipv6 => "ip6tables",
        }
    }
}

/// The commands that lay the rules, in order.
#[must_use]
pub fn insert(rules: &RuleSet) -> Vec<Command> {
    let commands = rules.rules.iter();
    commands.map(|(layer, rule)| command(&rules.bridge, *layer, rule, "--insert")).collect()
}

/// The commands that take the rules away, the last one first.
#[must_use]
pub fn delete(rules: &RuleSet) -> Vec<Command> {
    let commands = rules.rules.iter().rev();
    commands.map(|(layer, rule)| command(&rules.bridge, *layer, rule, "--delete")).collect()
}

/// The commands that make the private chains of a layer, as far as `listing` does not show them; it gives what
/// `--list-rules` says of a table.
#[must_use]
pub fn chains(layer: Layer, listing: &dyn Fn(&str) -> String) -> Vec<Command> {
    let mut commands = Vec::new();
    for (table, chains) in TABLES {
        let listed = listing(table);
        for (parent, chain) in *chains {
            let mut add = |words: &[&str]| {
                let mut command = Command::new(layer.iptables(), &["--table", table]);
                command.words(words);
                commands.push(command);
            };
            if !listed.lines().any(|line| line.strip_prefix("-N ") == Some(chain)) {
                add(&["--new-chain", chain]);
            }
            if !listed.lines().any(|line| line == format!("-A {parent} -j {chain}")) {
                add(&["--insert", parent, "--jump", chain]);
            }
        }
    }
    commands
}

fn command(bridge: &str, layer: Layer, rule: &Rule, action: &str) -> Command {
    let (table, chain) = match rule {
        Rule::Serve { .. } => ("filter", "LIBVIRT_INP"),
        Rule::Answer { .. } => ("filter", "LIBVIRT_OUT"),
        Rule::RejectOut | Rule::AllowOut { .. } => ("filter", "LIBVIRT_FWO"),
        Rule::RejectIn | Rule::AllowRelatedIn { .. } | Rule::AllowIn { .. } => ("filter", "LIBVIRT_FWI"),
        Rule::AllowCross => ("filter", "LIBVIRT_FWX"),
        Rule::Masquerade { .. } | Rule::Keep { .. } => ("nat", "LIBVIRT_PRT"),
        Rule::FillChecksum { .. } => ("mangle", "LIBVIRT_PRT"),
    };
    let mut command = Command::new(layer.iptables(), &["--table", table, action, chain]);
    let accept = ["--jump", "ACCEPT"];
    match rule {
        Rule::Serve { protocol, port } => {
            command.words(&["--in-interface", bridge, "--protocol", protocol.as_str(), "--destination-port"]);
            command.word(port).words(&accept);
        }
        Rule::Answer { protocol, port } => {
            command.words(&["--out-interface", bridge, "--protocol", protocol.as_str()]);
            command.words(&["--destination-port"]).word(port).words(&accept);
        }
        Rule::RejectOut => {
            command.words(&["--in-interface", bridge, "--jump", "REJECT"]);
        }
        Rule::RejectIn => {
            command.words(&["--out-interface", bridge, "--jump", "REJECT"]);
        }
        Rule::AllowCross => {
            command.words(&["--in-interface", bridge, "--out-interface", bridge]).words(&accept);
        }
        Rule::AllowOut { source, device } => {
            command.words(&["--source"]).word(source).words(&["--in-interface", bridge]);
            device_word(&mut command, "--out-interface", device.as_deref()).words(&accept);
        }
        Rule::AllowRelatedIn { destination, device } | Rule::AllowIn { destination, device } => {
            command.words(&["--destination"]).word(destination);
            device_word(&mut command, "--in-interface", device.as_deref());
            command.words(&["--out-interface", bridge]);
            if matches!(rule, Rule::AllowRelatedIn { .. }) {
                command.words(&["--match", "conntrack", "--ctstate", "ESTABLISHED,RELATED"]);
            }
            command.words(&accept);
        }
        Rule::Masquerade { source, device, protocol, addresses, ports: (first, last) } => {
            command.words(&["--source"]).word(source);
            if let Some(protocol) = protocol {
                command.words(&["-p", protocol.as_str()]);
            }
            command.words(&["!", "--destination"]).word(source);
            device_word(&mut command, "--out-interface", device.as_deref());
            let ports = protocol.map(|_| format!("{first}-{last}"));
            if let Some((start, end)) = addresses {
                let ports = ports.map(|ports| format!(":{ports}")).unwrap_or_default();
                command.words(&["--jump", "SNAT", "--to-source"]).word(&format!("{start}-{end}{ports}"));
            } else {
                command.words(&["--jump", "MASQUERADE"]);
                if let Some(ports) = ports {
                    command.words(&["--to-ports", &ports]);
                }
            }
        }
        Rule::Keep { source, device, destination } => {
            device_word(&mut command, "--out-interface", device.as_deref());
            command.words(&["--source"]).word(source).words(&["--destination"]).word(destination);
            command.words(&["--jump", "RETURN"]);
        }
        Rule::FillChecksum { port } => {
            command.words(&["--out-interface", bridge, "--protocol", "udp", "--destination-port"]);
            command.word(port).words(&["--jump", "CHECKSUM", "--checksum-fill"]);
        }
    }
    command
}

fn device_word<'a>(command: &'a mut Command, option: &str, device: Option<&str>) -> &'a mut Command {
    if let Some(device) = device {
        command.words(&[option, device]);
    }
    command
}

/// What `iptables-restore --noflush` reads to do the same as commands of one layer, each table at once.
pub(crate) fn restore_script(commands: &[Command]) -> String {
    let mut script = String::new();
    for (table, _) in TABLES {
        let of_table = |command: &&Command| command.args.get(1).map(String::as_str) == Some(*table);
        let mut lines = commands.iter().filter(of_table).peekable();
        if lines.peek().is_none() {
            continue;
        }
        script.push_str(&format!("*{table}\n"));
        for command in lines {
            script.push_str(&command.args[2..].join(" "));
            script.push('\n');
        }
        script.push_str("COMMIT\n");
    }
    script
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::{Protocol, Subnet};

    fn rules() -> RuleSet {
        let source = Subnet::new("10.1.0.1".parse().unwrap(), 16);
        let mut rules = RuleSet::new("br7");
        rules.push(Layer::Ipv4, Rule::Serve { protocol: Protocol::Udp, port: 53 });
        let addresses = Some(("1.2.3.4".parse().unwrap(), "1.2.3.5".parse().unwrap()));
        let (device, protocol) = (Some("eth0".to_owned()), Some(Protocol::Tcp));
        rules.push(Layer::Ipv4, Rule::Masquerade { source, device, protocol, addresses, ports: (500, 1000) });
        rules
    }

    #[test]
    fn rules_become_commands_and_are_taken_back_in_reverse() {
        let serve = "--in-interface br7 --protocol udp --destination-port 53 --jump ACCEPT";
        let nat = "--source 10.1.0.0/16 -p tcp ! --destination 10.1.0.0/16 --out-interface eth0 --jump SNAT --to-source 1.2.3.4-1.2.3.5:500-1000";
        let shown =
            |commands: Vec<Command>| -> Vec<String> { commands.iter().map(Command::to_string).collect() };
        assert_eq!(
            shown(insert(&rules())),
            [
                format!("iptables --table filter --insert LIBVIRT_INP {serve}"),
                format!("iptables --table nat --insert LIBVIRT_PRT {nat}")
            ]
        );
        assert_eq!(
            shown(delete(&rules())),
            [
                format!("iptables --table nat --delete LIBVIRT_PRT {nat}"),
                format!("iptables --table filter --delete LIBVIRT_INP {serve}")
            ]
        );
        assert_eq!(
            restore_script(&insert(&rules())),
            format!(
                "*filter\n--insert LIBVIRT_INP {serve}\nCOMMIT\n*nat\n--insert LIBVIRT_PRT {nat}\nCOMMIT\n"
            )
        );
    }

    #[test]
    fn only_missing_chains_are_made() {
        let listing = |table: &str| {
            match table {
            "filter" => "-P INPUT ACCEPT\n-N LIBVIRT_INP\n-N LIBVIRT_OUT\n-A INPUT -j LIBVIRT_INP\n-A OUTPUT -j LIBVIRT_OUT\n-N LIBVIRT_FWI\n-N LIBVIRT_FWO\n-A FORWARD -j LIBVIRT_FWO\n".to_owned(),
            _ => "-N LIBVIRT_PRT\n-A POSTROUTING -j LIBVIRT_PRT\n".to_owned(),
        }
        };
        let made: Vec<_> = chains(Layer::Ipv6, &listing).iter().map(Command::to_string).collect();
        assert_eq!(
            made,
            [
                "ip6tables --table filter --insert FORWARD --jump LIBVIRT_FWI",
                "ip6tables --table filter --new-chain LIBVIRT_FWX",
                "ip6tables --table filter --insert FORWARD --jump LIBVIRT_FWX"
            ]
        );
    }
}
