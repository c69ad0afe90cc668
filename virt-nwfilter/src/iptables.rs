//! Rules about packets, as iptables and ip6tables take them.

use virt_conf::nwfilter::{RuleAction, RuleDirection, RuleProtocol, RuleValue};
use virt_types::{Result, TextEnum};

use crate::arguments::Bound;
use crate::chain::{self, Hook, Side};
use crate::error::internal;
use crate::protocol::layer;
use crate::resolve::BoundRule;
use crate::step::{Layer, Step};
use crate::variables::Binding;

/// How the state of a connection is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StateMatch {
    /// By the match `conntrack`, and with the direction of the connection: what libvirt 9.0.0 writes.
    #[default]
    Conntrack,
    /// By the match `state`, which knows no directions: what libvirt wrote before, and programs of before 2011 read.
    State,
}

/// The steps for a rule, with each of the values that its variables have.
pub(crate) fn steps(
    bound: &BoundRule,
    interface: &str,
    states: StateMatch,
    steps: &mut Vec<Step>,
) -> Result<()> {
    for binding in Binding::all(&bound.rule, &bound.variables)? {
        let packet = Bound { rule: &bound.rule, binding: &binding };
        for view in views(&packet) {
            steps.extend(view.command(packet, interface, states)?);
        }
    }
    Ok(())
}

/// A rule as one of its three chains has it.
struct View {
    hook: Hook,
    side: Side,
    /// Whether source and destination change places: the packets are answers.
    reverse: bool,
    /// The states of a connection that it is about.
    states: Option<String>,
    /// Whether these are not written in the document.
    implied: bool,
    /// Where a packet goes that is let through.
    accept: &'static str,
    /// Whether a rule about a type of ICMP has no place here: an answer has another type.
    skips_icmp: bool,
}

fn views(packet: &Bound<'_>) -> Vec<View> {
    let rule = packet.rule;
    let inward = rule.direction != RuleDirection::Out;
    let both = rule.direction == RuleDirection::InOut;
    let written = match rule.item("state").map(|item| &item.value) {
        Some(RuleValue::States(states)) if !rule.no_state_match && *states != 0 => {
            Some(RuleValue::States(*states))
        }
        _ => None,
    };
    let implied = written.is_none();
    // Written states are about the rule's own direction only.
    let from_guest = implied || !inward || both;
    let to_guest = implied || inward;
    let states = |first: bool| match &written {
        // No state at all.
        Some(RuleValue::States(states)) if states & 32 != 0 => None,
        Some(states) => Some(states.to_string()),
        None if both || rule.no_state_match => None,
        None => Some(if first { "NEW,ESTABLISHED" } else { "ESTABLISHED" }.to_owned()),
    };
    let mut views = Vec::new();
    let view = |hook, side, reverse, first, accept, skips_icmp| View {
        hook,
        side,
        reverse,
        states: states(first),
        implied,
        accept,
        skips_icmp,
    };
    if from_guest {
        views.push(view(Hook::Forward, Side::NewFrom, inward, !inward, "RETURN", inward));
    }
    if to_guest {
        views.push(view(Hook::Forward, Side::NewTo, !inward, inward, "ACCEPT", !inward || both));
    }
    if from_guest {
        views.push(view(Hook::Host, Side::NewFrom, inward, !inward, "RETURN", inward));
    }
    views
}

impl View {
    /// The command, or none where the rule has no place here.
    fn command(&self, packet: Bound<'_>, interface: &str, match_: StateMatch) -> Result<Option<Step>> {
        let protocol = packet.rule.protocol;
        let chain = chain::packets(self.hook, self.side, interface);
        let mut arguments = Arguments {
            packet,
            reverse: self.reverse,
            list: vec!["-A".to_owned(), chain, "-p".to_owned(), program_name(protocol)?.to_owned()],
        };
        let before = arguments.list.len();
        let without_source = arguments.source()?;
        arguments.addresses()?;
        if packet.has("type") && self.skips_icmp {
            return Ok(None);
        }
        arguments.protocol(protocol)?;
        let limited = packet.has("connlimit-above");
        if (without_source && arguments.list.len() == before) || (limited && self.reverse) {
            return Ok(None);
        }
        let accepts = packet.rule.action == RuleAction::Accept;
        // What is not let through is so in every state, unless states are written.
        let stateless = if accepts { limited } else { self.implied };
        if let Some(states) = self.states.as_ref().filter(|_| !stateless) {
            match match_ {
                StateMatch::Conntrack => arguments.extend(["-m", "conntrack", "--ctstate", states]),
                StateMatch::State => arguments.extend(["-m", "state", "--state", states]),
            }
            let directed = packet.rule.direction != RuleDirection::InOut && self.implied;
            if match_ == StateMatch::Conntrack && directed && !packet.has("type") {
                let direction = if self.reverse { "Reply" } else { "Original" };
                arguments.extend(["-m", "conntrack", "--ctdir", direction]);
            }
        }
        arguments.rest()?;
        let target =
            if accepts { self.accept.to_owned() } else { packet.rule.action.text().to_ascii_uppercase() };
        arguments.extend(["-j", &target]);
        Ok(Some(Step::new(layer(protocol), arguments.list)))
    }
}

fn program_name(protocol: Option<RuleProtocol>) -> Result<&'static str> {
    use RuleProtocol as P;
    Ok(match protocol {
        Some(P::Tcp | P::TcpIpv6) => "tcp",
        Some(P::Udp | P::UdpIpv6) => "udp",
        Some(P::UdpLite | P::UdpLiteIpv6) => "udplite",
        Some(P::Esp | P::EspIpv6) => "esp",
        Some(P::Ah | P::AhIpv6) => "ah",
        Some(P::Sctp | P::SctpIpv6) => "sctp",
        Some(P::Icmp) => "icmp",
        Some(P::Icmpv6) => "icmpv6",
        Some(P::Igmp) => "igmp",
        Some(P::All | P::AllIpv6) => "all",
        other => {
            return Err(internal(format!("Unexpected protocol {}", other.map_or("none", |p| p.text()))));
        }
    })
}

struct Arguments<'a> {
    packet: Bound<'a>,
    reverse: bool,
    list: Vec<String>,
}

impl Arguments<'_> {
    fn extend<'a>(&mut self, arguments: impl IntoIterator<Item = &'a str>) {
        self.list.extend(arguments.into_iter().map(str::to_owned));
    }

    /// An option and its value, if there is one, and before them whether they are negated.
    fn option(&mut self, option: &str, name: &str, value: Option<String>) {
        let Some(value) = value else { return };
        if self.packet.is_negated(name) {
            self.extend(["!"]);
        }
        self.extend([option]);
        self.list.push(value);
    }

    /// The same, of a match that has to be named.
    fn of_match(&mut self, match_: &str, option: &str, name: &str, value: Option<String>) {
        if value.is_some() {
            self.extend(["-m", match_]);
        }
        self.option(option, name, value);
    }

    /// The source's Ethernet address; what tells whether it had to be left out, since answers come from elsewhere.
    fn source(&mut self) -> Result<bool> {
        if self.reverse {
            return Ok(self.packet.has("srcmacaddr"));
        }
        let value = self.packet.text("srcmacaddr")?;
        self.of_match("mac", "--mac-source", "srcmacaddr", value);
        Ok(false)
    }

    fn addresses(&mut self) -> Result<()> {
        let sides = if self.reverse {
            [("src", "--destination", "--dst-range"), ("dst", "--source", "--src-range")]
        } else {
            [("src", "--source", "--src-range"), ("dst", "--destination", "--dst-range")]
        };
        for (side, option, range) in sides {
            let name = |end: &str| format!("{side}ip{end}");
            if self.packet.has(&name("addr")) {
                let value = self.packet.joined(&name("addr"), "/", &name("mask"))?;
                self.option(option, &name("addr"), value);
            } else {
                let value = self.packet.joined(&name("from"), "-", &name("to"))?;
                self.of_match("iprange", range, &name("from"), value);
            }
        }
        let value = self.packet.text("dscp")?;
        self.of_match("dscp", "--dscp", "dscp", value);
        Ok(())
    }

    /// What only some protocols have.
    fn protocol(&mut self, protocol: Option<RuleProtocol>) -> Result<()> {
        if let Some(item) = self.packet.item("flags")
            && let RuleValue::TcpFlags { .. } = item.value
        {
            let text = item.value.to_string();
            let (mask, flags) = text.split_once('/').unwrap_or((&text, ""));
            self.option("--tcp-flags", "flags", Some(mask.to_owned()));
            self.extend([flags]);
        }
        let (source, destination) =
            if self.reverse { ("--dport", "--sport") } else { ("--sport", "--dport") };
        let value = self.packet.joined("srcportstart", ":", "srcportend")?;
        self.option(source, "srcportstart", value);
        let value = self.packet.joined("dstportstart", ":", "dstportend")?;
        self.option(destination, "dstportstart", value);
        let value = self.packet.text("option")?;
        self.option("--tcp-option", "option", value);
        let icmp = if protocol == Some(RuleProtocol::Icmpv6) { "--icmpv6-type" } else { "--icmp-type" };
        let value = self.packet.joined("type", "/", "code")?;
        self.option(icmp, "type", value);
        Ok(())
    }

    /// What stands behind the states: sets, limits and comments.
    fn rest(&mut self) -> Result<()> {
        if let (Some(set), Some(item)) = (self.packet.text("ipset")?, self.packet.item("ipsetflags")) {
            let directions = match &item.value {
                RuleValue::IpSetDirections(directions) => self.set_directions(directions),
                _ => self.packet.text("ipsetflags")?.unwrap_or_default(),
            };
            self.extend(["-m", "set", "--match-set", &set, &directions]);
        }
        if !self.reverse {
            let value = self.packet.text("connlimit-above")?;
            self.of_match("connlimit", "--connlimit-above", "connlimit-above", value);
        }
        if let Some(RuleValue::Comment(text)) = self.packet.item("comment").map(|item| &item.value) {
            self.extend(["-m", "comment", "--comment", text]);
        }
        Ok(())
    }

    fn set_directions(&self, directions: &[bool]) -> String {
        let names = directions.iter().map(|source| if *source == self.reverse { "dst" } else { "src" });
        names.collect::<Vec<_>>().join(",")
    }
}

/// The layers that a list of rules looks at packets of.
pub(crate) fn layers(rules: &[BoundRule]) -> impl Iterator<Item = Layer> {
    [Layer::Ipv4, Layer::Ipv6]
        .into_iter()
        .filter(|wanted| rules.iter().any(|rule| layer(rule.rule.protocol) == *wanted))
}
