//! Everything that is run for an interface: its chains, built aside and put in place of those before.

use virt_conf::nwfilter::RuleDirection;
use virt_types::{MacAddr, Result};

use crate::chain::{self, Hook, Side};
use crate::ebtables::{self, BRIDGE_GROUP};
use crate::iptables::{self, StateMatch};
use crate::protocol::layer;
use crate::resolve::{BoundRule, ROOT, arrange};
use crate::step::{Layer, Listed, Step, Transaction};

/// The chains about packets of each interface, where each is entered from, and whether that is by the bridge's port
/// that a packet came in by.
const PACKET_CHAINS: [(&str, Hook, bool); 3] = [
    ("libvirt-out", Hook::Forward, false),
    ("libvirt-in", Hook::Forward, true),
    ("libvirt-host-in", Hook::Host, true),
];

/// What names of chains begin with, and which frames are led into them; the first that fits counts.
const SUB_CHAINS: &[(&str, Frames)] = &[
    ("ipv4", Frames::OfType("0x0800")),
    ("ipv6", Frames::OfType("0x86dd")),
    ("arp", Frames::OfType("0x0806")),
    ("rarp", Frames::OfType("0x8035")),
    ("mac", Frames::All),
    ("vlan", Frames::OfType("0x8100")),
    ("stp", Frames::SpanningTree),
];

#[derive(Debug, Clone, Copy)]
enum Frames {
    All,
    OfType(&'static str),
    SpanningTree,
}

/// The frames and packets of one interface.
#[derive(Debug, Clone, Copy)]
pub struct Interface<'a> {
    name: &'a str,
}

impl<'a> Interface<'a> {
    /// The interface with this name.
    #[must_use]
    pub const fn new(name: &'a str) -> Self {
        Self { name }
    }

    /// Builds chains for rules beside those in use, and leads frames and packets into both.
    ///
    /// # Errors
    /// For variables without values or with numbers of them that do not fit together, and rules that can not be had.
    pub fn build(self, mut rules: Vec<BoundRule>, states: StateMatch) -> Result<Vec<Transaction>> {
        arrange(&mut rules);
        let mut steps = Vec::new();
        let used = self.frames(&rules, &mut steps)?;
        let layers: Vec<_> = iptables::layers(&rules).collect();
        for wanted in &layers {
            self.unlink_packets(*wanted, true, &mut steps);
            self.remove_packets(*wanted, true, &mut steps);
            base_chains(*wanted, &mut steps);
            self.create_packets(*wanted, &mut steps);
            for rule in rules.iter().filter(|rule| layer(rule.rule.protocol) == *wanted) {
                iptables::steps(rule, self.name, states, &mut steps)?;
            }
        }
        steps.extend(used.into_iter().map(|side| self.link_frames(side)));
        let mut undo = self.unlink_frames(true);
        for layer in layers.iter().rev() {
            self.unlink_packets(*layer, true, &mut undo);
            self.remove_packets(*layer, true, &mut undo);
        }
        undo.extend(self.remove_frames(true));
        let mut before = self.unlink_frames(true);
        before.extend(self.remove_frames(true));
        Ok(vec![Transaction::ignoring(before), Transaction { ignore_failures: false, steps, undo }])
    }

    /// The rules about frames, each chain before what is in it. Tells which sides have any.
    fn frames(self, rules: &[BoundRule], steps: &mut Vec<Step>) -> Result<Vec<Side>> {
        let frames: Vec<_> = rules.iter().filter(|rule| rule.is_ethernet()).collect();
        let mut chains = Vec::new();
        let mut used = Vec::new();
        for (side, other) in [(Side::NewFrom, RuleDirection::In), (Side::NewTo, RuleDirection::Out)] {
            let mut names: Vec<(&str, i32)> = Vec::new();
            for rule in frames.iter().filter(|rule| rule.rule.direction != other) {
                match names.iter_mut().find(|(name, _)| **name == *rule.chain) {
                    Some((_, priority)) => *priority = rule.chain_priority,
                    None => names.push((&rule.chain, rule.chain_priority)),
                }
            }
            if names.is_empty() {
                continue;
            }
            used.push(side);
            steps.push(self.create_frames(side));
            let lead = |name: &str| SUB_CHAINS.iter().find(|(prefix, _)| name.starts_with(prefix));
            chains.extend(names.into_iter().filter_map(|(name, priority)| {
                lead(name).map(|(_, frames)| (priority, side, name, *frames))
            }));
        }
        chains.sort_by_key(|(priority, ..)| *priority);
        let mut chains = chains.into_iter().peekable();
        for rule in frames {
            while let Some((_, side, name, frames)) = chains.next_if(|chain| chain.0 <= rule.priority) {
                self.sub_chain(side, name, frames, steps);
            }
            ebtables::steps(rule, self.name, steps)?;
        }
        for (_, side, name, frames) in chains {
            self.sub_chain(side, name, frames, steps);
        }
        Ok(used)
    }

    fn sub_chain(self, side: Side, name: &str, frames: Frames, steps: &mut Vec<Step>) {
        let root = chain::ethernet(side, self.name, ROOT);
        let chain = chain::ethernet(side, self.name, name);
        steps.push(frame_step(["-F", &chain]).or_nothing());
        steps.push(frame_step(["-X", &chain]).or_nothing());
        steps.push(frame_step(["-N", &chain]));
        let mut lead = vec!["-A", &root];
        match frames {
            Frames::All => {}
            Frames::OfType(number) => lead.extend(["-p", number]),
            Frames::SpanningTree => lead.extend(["-d", BRIDGE_GROUP]),
        }
        lead.extend(["-j", &chain]);
        steps.push(frame_step(lead));
    }

    /// Puts the chains that were built for these rules in place of those in use. What has to be there afterwards has to
    /// succeed: no guest goes without its filter unnoticed.
    #[must_use]
    pub fn replace(self, rules: &[BoundRule]) -> Vec<Transaction> {
        let mut steps = Vec::new();
        for layer in [Layer::Ipv4, Layer::Ipv6] {
            self.unlink_packets(layer, false, &mut steps);
            self.remove_packets(layer, false, &mut steps);
            let built = iptables::layers(rules).any(|used| used == layer);
            for (_, hook, from_guest) in PACKET_CHAINS {
                let [new, old] =
                    [true, false].map(|new| chain::packets(hook, packet_side(from_guest, new), self.name));
                let step = Step::new(layer, ["-E", &new, &old]);
                steps.push(if built { step } else { step.or_nothing() });
            }
        }
        steps.extend(self.unlink_frames(false));
        steps.extend(self.remove_frames(false));
        for side in Side::pair(true) {
            steps.push(Step {
                listed: Some(Listed::Rename),
                ..frame_step(["-L", &chain::ethernet(side, self.name, ROOT)])
            });
        }
        let [from, to] = Side::pair(true).map(|side| self.rename_frames(side));
        let frames = || rules.iter().filter(|rule| rule.is_ethernet());
        for (step, other) in [(from, RuleDirection::In), (to, RuleDirection::Out)] {
            let built = frames().any(|rule| rule.rule.direction != other);
            steps.push(if built { step } else { step.or_nothing() });
        }
        vec![Transaction::strict(steps)]
    }

    /// Removes the chains that were built.
    #[must_use]
    pub fn discard(self) -> Vec<Transaction> {
        vec![Transaction::ignoring(self.discarding())]
    }

    fn discarding(self) -> Vec<Step> {
        let mut steps = Vec::new();
        for layer in [Layer::Ipv4, Layer::Ipv6] {
            self.unlink_packets(layer, true, &mut steps);
            self.remove_packets(layer, true, &mut steps);
        }
        steps.extend(self.unlink_frames(true));
        steps.extend(self.remove_frames(true));
        steps
    }

    /// Removes everything of the interface.
    #[must_use]
    pub fn remove(self) -> Vec<Transaction> {
        let mut steps = self.discarding();
        for layer in [Layer::Ipv4, Layer::Ipv6] {
            self.unlink_packets(layer, false, &mut steps);
            steps.push(Step::tolerant(layer, self.after_from_guest("-D")));
            self.remove_packets(layer, false, &mut steps);
        }
        steps.extend(self.unlink_frames(false));
        steps.extend(self.remove_frames(false));
        vec![Transaction::ignoring(steps)]
    }

    /// In place of everything, while the guest's address is looked for in what it sends: its IPv4 and ARP from its own
    /// Ethernet address.
    #[must_use]
    pub fn only_own_address(self, mac: MacAddr) -> Vec<Transaction> {
        let side = Side::NewFrom;
        let chain = chain::ethernet(side, self.name, ROOT);
        let mac = mac.to_string();
        let rule = |what: &[&str]| frame_step(["-A", &chain].iter().chain(what).copied());
        let steps = vec![
            self.create_frames(side),
            rule(&["-s", "!", &mac, "-j", "DROP"]),
            rule(&["-p", "IPv4", "-j", "ACCEPT"]),
            rule(&["-p", "ARP", "-j", "ACCEPT"]),
            rule(&["-j", "DROP"]),
            self.link_frames(side),
            self.rename_frames(side),
        ];
        self.in_place_of_all(steps)
    }

    /// In place of everything, while the guest's address is looked for in answers of DHCP servers: only DHCP, with these
    /// servers, or with any if none is named.
    #[must_use]
    pub fn only_dhcp(self, mac: MacAddr, servers: &[String]) -> Vec<Transaction> {
        let [from, to] = Side::pair(true).map(|side| chain::ethernet(side, self.name, ROOT));
        let mac = mac.to_string();
        let mut steps: Vec<_> = Side::pair(true).map(|side| self.create_frames(side)).into();
        steps.push(frame_step([
            "-A",
            &from,
            "-s",
            &mac,
            "-p",
            "ipv4",
            "--ip-protocol",
            "udp",
            "--ip-sport",
            "68",
            "--ip-dport",
            "67",
            "-j",
            "ACCEPT",
        ]));
        steps.push(frame_step(["-A", &from, "-j", "DROP"]));
        let servers: Vec<Option<&str>> = match servers {
            [] => vec![None],
            servers => servers.iter().map(|server| Some(server.as_str())).collect(),
        };
        for server in servers {
            for destination in [mac.as_str(), "ff:ff:ff:ff:ff:ff"] {
                let mut rule = vec!["-A", &to, "-d", destination, "-p", "ipv4", "--ip-protocol", "udp"];
                rule.extend(server.iter().flat_map(|server| ["--ip-src", *server]));
                rule.extend(["--ip-sport", "67", "--ip-dport", "68", "-j", "ACCEPT"]);
                steps.push(frame_step(rule));
            }
        }
        steps.push(frame_step(["-A", &to, "-j", "DROP"]));
        steps.extend(Side::pair(true).map(|side| self.link_frames(side)));
        steps.extend(Side::pair(true).map(|side| self.rename_frames(side)));
        self.in_place_of_all(steps)
    }

    /// In place of everything: nothing.
    #[must_use]
    pub fn nothing(self) -> Vec<Transaction> {
        let sides = Side::pair(true);
        let mut steps: Vec<_> = sides.map(|side| self.create_frames(side)).into();
        steps.extend(
            sides.map(|side| frame_step(["-A", &chain::ethernet(side, self.name, ROOT), "-j", "DROP"])),
        );
        steps.extend(sides.map(|side| self.link_frames(side)));
        steps.extend(sides.map(|side| self.rename_frames(side)));
        self.in_place_of_all(steps)
    }

    fn in_place_of_all(self, steps: Vec<Step>) -> Vec<Transaction> {
        let mut transactions = self.remove();
        let mut undo = Vec::new();
        for new in [false, true] {
            undo.extend(self.unlink_frames(new));
            undo.extend(self.remove_frames(new));
        }
        transactions.push(Transaction { undo, ..Transaction::strict(steps) });
        transactions
    }

    fn create_frames(self, side: Side) -> Step {
        frame_step(["-N", &chain::ethernet(side, self.name, ROOT)])
    }

    fn rename_frames(self, new: Side) -> Step {
        let old = if new.is_from_guest() { Side::From } else { Side::To };
        let [new, old] = [new, old].map(|side| chain::ethernet(side, self.name, ROOT));
        frame_step(["-E", &new, &old])
    }

    fn link_frames(self, side: Side) -> Step {
        self.frame_link("-A", side)
    }

    fn unlink_frames(self, new: bool) -> Vec<Step> {
        Side::pair(new).map(|side| self.frame_link("-D", side).or_nothing()).into()
    }

    fn frame_link(self, verb: &str, side: Side) -> Step {
        let chain = chain::ethernet(side, self.name, ROOT);
        let (hook, port) = if side.is_from_guest() { ("PREROUTING", "-i") } else { ("POSTROUTING", "-o") };
        frame_step([verb, hook, port, self.name, "-j", &chain])
    }

    /// Removes chains about frames: what the first ones lead to, and those.
    fn remove_frames(self, new: bool) -> Vec<Step> {
        let sides = Side::pair(new);
        let chains = sides.map(|side| chain::ethernet(side, self.name, ROOT));
        let listed = Some(Listed::Remove(sides.map(Side::letter)));
        let mut steps: Vec<_> =
            chains.iter().map(|chain| Step { listed, ..frame_step(["-L", chain]) }).collect();
        for chain in &chains {
            steps.push(frame_step(["-F", chain]).or_nothing());
            steps.push(frame_step(["-X", chain]).or_nothing());
        }
        steps
    }

    fn create_packets(self, layer: Layer, steps: &mut Vec<Step>) {
        let chain = |hook, from_guest| chain::packets(hook, packet_side(from_guest, true), self.name);
        for (_, hook, from_guest) in PACKET_CHAINS {
            steps.push(Step::new(layer, ["-N", &chain(hook, from_guest)]));
        }
        for (base, hook, from_guest) in PACKET_CHAINS {
            let chain = chain(hook, from_guest);
            steps.push(Step::new(layer, self.packet_link("-A", base, from_guest, &chain)));
        }
        steps.push(Step::tolerant(layer, self.after_from_guest("-D")));
        steps.push(Step::new(layer, self.after_from_guest("-A")));
    }

    /// What the chains of a guest did not refuse is let through.
    fn after_from_guest<'b>(self, verb: &'b str) -> [&'b str; 8]
    where
        'a: 'b,
    {
        [verb, "libvirt-in-post", "-m", "physdev", "--physdev-in", self.name, "-j", "ACCEPT"]
    }

    fn packet_link<'b>(self, verb: &'b str, base: &'b str, from_guest: bool, chain: &'b str) -> Vec<&'b str>
    where
        'a: 'b,
    {
        let mut arguments = vec![verb, base, "-m", "physdev"];
        arguments.extend(if from_guest {
            &["--physdev-in"][..]
        } else {
            &["--physdev-is-bridged", "--physdev-out"]
        });
        arguments.extend([self.name, "-g", chain]);
        arguments
    }

    fn unlink_packets(self, layer: Layer, new: bool, steps: &mut Vec<Step>) {
        for (base, hook, from_guest) in PACKET_CHAINS {
            let chain = chain::packets(hook, packet_side(from_guest, new), self.name);
            steps.push(Step::tolerant(layer, self.packet_link("-D", base, from_guest, &chain)));
            if !from_guest {
                // A libvirt of before 2014 did not ask whether the packet is bridged.
                let arguments = ["-D", base, "-m", "physdev", "--physdev-out", self.name, "-g", &chain];
                steps.push(Step::tolerant(layer, arguments));
            }
        }
    }

    fn remove_packets(self, layer: Layer, new: bool, steps: &mut Vec<Step>) {
        for (_, hook, from_guest) in PACKET_CHAINS {
            let chain = chain::packets(hook, packet_side(from_guest, new), self.name);
            steps.push(Step::tolerant(layer, ["-F", &chain]));
            steps.push(Step::tolerant(layer, ["-X", &chain]));
        }
    }
}

const fn packet_side(from_guest: bool, new: bool) -> Side {
    let [from, to] = Side::pair(new);
    if from_guest { from } else { to }
}

/// Makes the chains that every interface's hang from, and puts them first.
fn base_chains(layer: Layer, steps: &mut Vec<Step>) {
    const CHAINS: [(&str, &str, &str); 4] = [
        ("libvirt-in", "FORWARD", "1"),
        ("libvirt-out", "FORWARD", "2"),
        ("libvirt-in-post", "FORWARD", "3"),
        ("libvirt-host-in", "INPUT", "1"),
    ];
    steps.extend(CHAINS.map(|(chain, ..)| Step::tolerant(layer, ["-N", chain])));
    steps.extend(CHAINS.map(|(chain, hook, _)| Step::tolerant(layer, ["-D", hook, "-j", chain])));
    steps.extend(CHAINS.map(|(chain, hook, place)| Step::new(layer, ["-I", hook, place, "-j", chain])));
}

fn frame_step<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Step {
    Step::new(Layer::Ethernet, ["-t", "nat"].into_iter().chain(arguments))
}
