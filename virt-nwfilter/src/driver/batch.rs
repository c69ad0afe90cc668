//! Many steps as one transaction of a layer's `-restore` program.
//!
//! Steps that may find nothing to do depend on what is there. So the table is listed once, every step is done to the listing
//! first, and what has an effect there is written into one script. Whatever the listing does not explain is left to the
//! steps themselves, one process each.

use std::collections::{BTreeMap, VecDeque};

use virt_firewall::{Command, Runner};

use super::tables::following;
use crate::step::{Layer, Step, Transaction};

/// Rules of a chain, as words.
type Rules = Vec<Vec<String>>;

/// The chains of one table.
#[derive(Debug, Clone, Default)]
struct Table {
    /// The kernel's own chains are there, whether listed or not.
    chains: BTreeMap<String, Rules>,
}

/// The kernel's chains in the tables that are changed.
const BUILT_IN: [&str; 5] = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"];

/// Why steps can not be one script.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unexplained;

impl Layer {
    const fn table(self) -> &'static str {
        match self {
            Self::Ethernet => "nat",
            Self::Ipv4 | Self::Ipv6 => "filter",
        }
    }

    fn list(self) -> Command {
        match self {
            Self::Ethernet => Command::new("ebtables-save", &[]),
            Self::Ipv4 => Command::new("iptables-save", &["-t", "filter"]),
            Self::Ipv6 => Command::new("ip6tables-save", &["-t", "filter"]),
        }
    }

    fn restore(self) -> Command {
        match self {
            Self::Ethernet => Command::new("ebtables-restore", &["--noflush"]),
            Self::Ipv4 => Command::new("iptables-restore", &["--noflush", "-w"]),
            Self::Ipv6 => Command::new("ip6tables-restore", &["--noflush", "-w"]),
        }
    }
}

impl Table {
    /// Reads what the layer's `-save` program says.
    fn parse(listing: &str, name: &str) -> Self {
        let mut table = Self { chains: BUILT_IN.map(|chain| (chain.to_owned(), Rules::new())).into() };
        let mut inside = false;
        for line in listing.lines() {
            if let Some(of) = line.strip_prefix('*') {
                inside = of == name;
            } else if !inside {
            } else if let Some(chain) = line.strip_prefix(':') {
                let chain = chain.split(' ').next().unwrap_or_default();
                table.chains.entry(chain.to_owned()).or_default();
            } else if let Some(rule) = line.strip_prefix("-A ") {
                let mut words = rule.split_whitespace().map(str::to_owned);
                let chain = words.next().unwrap_or_default();
                table.chains.entry(chain).or_default().push(words.collect());
            }
        }
        table
    }

    /// Does a command, and tells whether it would have succeeded.
    fn run(&mut self, arguments: &[String]) -> Option<()> {
        let [verb, chain, rest @ ..] = arguments else { return None };
        match verb.as_str() {
            "-N" if !self.chains.contains_key(chain) => {
                self.chains.insert(chain.clone(), Rules::new());
            }
            "-F" => self.chains.get_mut(chain)?.clear(),
            "-X" if self.chains.get(chain)?.is_empty() && !self.is_led_to(chain) => {
                self.chains.remove(chain);
            }
            "-E" => {
                let new = rest.first().filter(|new| !self.chains.contains_key(*new))?;
                let rules = self.chains.remove(chain)?;
                self.chains.insert(new.clone(), rules);
                for word in self.chains.values_mut().flatten().flatten().filter(|word| *word == chain) {
                    word.clone_from(new);
                }
            }
            "-A" => self.chains.get_mut(chain)?.push(rest.to_vec()),
            "-I" => {
                let (place, rule) = match rest {
                    [place, rule @ ..] if place.parse::<usize>().is_ok() => (place.parse().ok()?, rule),
                    rule => (1, rule),
                };
                let rules = self.chains.get_mut(chain)?;
                let at = usize::checked_sub(place, 1).filter(|at| *at <= rules.len())?;
                rules.insert(at, rule.to_vec());
            }
            "-D" => {
                let rules = self.chains.get_mut(chain)?;
                let at = rules.iter().position(|rule| same(rule, rest))?;
                rules.remove(at);
            }
            _ => return None,
        }
        Some(())
    }

    fn is_led_to(&self, chain: &str) -> bool {
        self.chains.values().flatten().any(|rule| target(rule) == Some(chain))
    }

    /// The lines of a chain, as far as they lead elsewhere.
    fn list(&self, chain: &str) -> Vec<String> {
        let rules = self.chains.get(chain).into_iter().flatten();
        rules.filter_map(|rule| Some(format!("-j {}", target(rule)?))).collect()
    }
}

fn target(rule: &[String]) -> Option<&str> {
    let at = rule.iter().position(|word| word == "-j" || word == "-g")?;
    rule.get(at + 1).map(String::as_str)
}

/// Whether two rules have the same words: programs list them in an order of their own.
fn same(one: &[String], other: &[String]) -> bool {
    let sorted = |rule: &[String]| {
        let mut words = rule.to_vec();
        words.sort_unstable();
        words
    };
    one.len() == other.len() && sorted(one) == sorted(other)
}

/// A word as the `-restore` programs read it.
fn quoted(word: &str) -> String {
    if !word.is_empty() && !word.contains(|c: char| c.is_whitespace() || c == '"' || c == '\\' || c == '\'') {
        return word.to_owned();
    }
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The commands of transactions for one layer that have an effect on a listing of its table, as one script.
fn script(listing: &str, layer: Layer, transactions: &[Transaction]) -> Result<Option<String>, Unexplained> {
    let mut table = Table::parse(listing, layer.table());
    let mut lines = String::new();
    for transaction in transactions {
        let of_layer = transaction.steps.iter().filter(|step| step.layer == layer);
        let mut steps: VecDeque<Step> = of_layer.cloned().collect();
        while let Some(step) = steps.pop_front() {
            let arguments = match step.arguments.as_slice() {
                [flag, table, rest @ ..] if flag == "-t" && table == layer.table() => rest,
                [flag, ..] if flag == "-t" => return Err(Unexplained),
                rest => rest,
            };
            if let Some(listed) = step.listed {
                let [_, chain] = arguments else { return Err(Unexplained) };
                table.list(chain).iter().for_each(|line| steps.extend(following(listed, line)));
                continue;
            }
            let succeeds = table.run(arguments).is_some();
            if succeeds {
                let words: Vec<_> = arguments.iter().map(|word| quoted(word)).collect();
                lines.push_str(&words.join(" "));
                lines.push('\n');
            } else if !step.may_fail && !transaction.ignore_failures {
                return Err(Unexplained);
            }
        }
    }
    Ok((!lines.is_empty()).then(|| format!("*{}\n{lines}COMMIT\n", layer.table())))
}

/// Runs the transactions' steps of one layer as one, all or nothing.
pub(super) fn run(
    runner: &dyn Runner,
    layer: Layer,
    transactions: &[Transaction],
) -> Result<(), Unexplained> {
    let unexplained = |error: virt_firewall::Error| {
        log::debug!("step by step, since {error}");
        Unexplained
    };
    let listing = runner.run(&layer.list(), "").map_err(unexplained)?;
    match script(&listing, layer, transactions)? {
        Some(script) => runner.run(&layer.restore(), &script).map(drop).map_err(unexplained),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step::Listed;

    const LISTING: &str = "# comment\n*filter\n:INPUT ACCEPT\n*nat\n:PREROUTING ACCEPT\n:libvirt-I-vnet0 ACCEPT\n\
        :I-vnet0-mac ACCEPT\n-A PREROUTING -i vnet0 -j libvirt-I-vnet0\n-A libvirt-I-vnet0 -p IPv4 -j I-vnet0-mac\n\
        -A I-vnet0-mac -j DROP\n";

    fn step(text: &str) -> Step {
        Step::new(Layer::Ethernet, "-t nat".split(' ').chain(text.split(' ')))
    }

    fn written(transactions: &[Transaction]) -> Result<String, Unexplained> {
        Ok(script(LISTING, Layer::Ethernet, transactions)?.unwrap_or_default())
    }

    #[test]
    fn only_what_has_an_effect_is_written() {
        let removal = Step { listed: Some(Listed::Remove(['I', 'O'])), ..step("-L libvirt-I-vnet0") };
        let before = Transaction::ignoring(vec![
            step("-D PREROUTING -j libvirt-I-vnet0 -i vnet0"),
            step("-D PREROUTING -i vnet1 -j libvirt-I-vnet1"),
            removal,
            step("-F libvirt-I-vnet0"),
            step("-X libvirt-I-vnet0"),
            step("-X libvirt-O-vnet0"),
        ]);
        let then = Transaction::strict(vec![
            step("-N libvirt-I-vnet0"),
            step("-A libvirt-I-vnet0 -j DROP"),
            step("-X absent").or_nothing(),
            step("-I PREROUTING 1 -i vnet0 -j libvirt-I-vnet0"),
            Step::new(Layer::Ipv4, ["-F", "FORWARD"]),
        ]);
        assert_eq!(
            written(&[before, then]).unwrap(),
            "*nat\n-D PREROUTING -j libvirt-I-vnet0 -i vnet0\n-F libvirt-I-vnet0\n-X libvirt-I-vnet0\n-F I-vnet0-mac\n\
             -X I-vnet0-mac\n-N libvirt-I-vnet0\n-A libvirt-I-vnet0 -j DROP\n\
             -I PREROUTING 1 -i vnet0 -j libvirt-I-vnet0\nCOMMIT\n"
        );
    }

    #[test]
    fn names_that_change_change_in_what_leads_to_them() {
        let renamed = Transaction::strict(vec![
            step("-E I-vnet0-mac J-vnet0-mac"),
            step("-D libvirt-I-vnet0 -p IPv4 -j J-vnet0-mac"),
            step("-F J-vnet0-mac"),
            step("-X J-vnet0-mac"),
        ]);
        assert_eq!(written(&[renamed]).unwrap().lines().count(), 6);
    }

    #[test]
    fn what_would_fail_is_left_to_the_steps_themselves() {
        for text in ["-N libvirt-I-vnet0", "-A absent -j DROP", "-X I-vnet0-mac", "-E absent new", "-Z chain"]
        {
            assert_eq!(written(&[Transaction::strict(vec![step(text)])]), Err(Unexplained), "{text}");
        }
        assert_eq!(written(&[]).unwrap(), "");
    }

    #[test]
    fn words_survive_the_script() {
        for (word, expected) in
            [("plain", "plain"), ("", "\"\""), ("two words", "\"two words\""), ("a\"b", "\"a\\\"b\"")]
        {
            assert_eq!(quoted(word), expected);
        }
    }
}
