//! Rules about frames, as ebtables takes them.

use virt_conf::nwfilter::{RuleAction, RuleDirection, RuleProtocol, RuleValue};
use virt_types::{Result, TextEnum};

use crate::arguments::Bound;
use crate::chain::{self, Side};
use crate::error::internal;
use crate::resolve::BoundRule;
use crate::step::{Layer, Step};
use crate::variables::Binding;

/// The group address of the spanning tree protocol (IEEE 802.1D).
pub(crate) const BRIDGE_GROUP: &str = "01:80:c2:00:00:00";

/// The attributes of the spanning tree protocol, each with what it ends with, how the two are joined, and the option.
const SPANNING_TREE: &[(&str, &str, &str, &str)] = &[
    ("type", "", "", "--stp-type"),
    ("flags", "", "", "--stp-flags"),
    ("root-priority", "root-priority-hi", ":", "--stp-root-pri"),
    ("root-address", "root-address-mask", "/", "--stp-root-addr"),
    ("root-cost", "root-cost-hi", ":", "--stp-root-cost"),
    ("sender-priority", "sender-priority-hi", ":", "--stp-sender-prio"),
    ("sender-address", "sender-address-mask", "/", "--stp-sender-addr"),
    ("port", "port-hi", ":", "--stp-port"),
    ("age", "age-hi", ":", "--stp-msg-age"),
    ("max-age", "max-age-hi", ":", "--stp-max-age"),
    ("hello-time", "hello-time-hi", ":", "--stp-hello-time"),
    ("forward-delay", "forward-delay-hi", ":", "--stp-forward-delay"),
];

/// The steps for a rule, with each of the values that its variables have.
pub(crate) fn steps(bound: &BoundRule, interface: &str, steps: &mut Vec<Step>) -> Result<()> {
    for binding in Binding::all(&bound.rule, &bound.variables)? {
        let frame = Frame { bound: Bound { rule: &bound.rule, binding: &binding }, reverse: false };
        let chain = |side| chain::ethernet(side, interface, &bound.chain);
        let both = bound.rule.direction == RuleDirection::InOut;
        if bound.rule.direction != RuleDirection::In {
            steps.push(Frame { reverse: both, ..frame }.step(&chain(Side::NewFrom))?);
        }
        if bound.rule.direction != RuleDirection::Out {
            steps.push(frame.step(&chain(Side::NewTo))?);
        }
    }
    Ok(())
}

/// A rule for one direction.
#[derive(Clone, Copy)]
struct Frame<'a> {
    bound: Bound<'a>,
    /// Whether source and destination change places: the rule is for both directions.
    reverse: bool,
}

impl Frame<'_> {
    fn step(self, chain: &str) -> Result<Step> {
        let mut arguments = Arguments {
            frame: self,
            list: ["-t", "nat", "-A", chain].into_iter().map(str::to_owned).collect(),
        };
        if let Some(protocol) = self.bound.rule.protocol {
            arguments.protocol(protocol)?;
        }
        arguments.push("-j");
        arguments.push(target(self.bound.rule.action));
        Ok(Step::new(Layer::Ethernet, arguments.list))
    }

    const fn either(self, straight: &'static str, reversed: &'static str) -> &'static str {
        if self.reverse { reversed } else { straight }
    }
}

/// Frames can not be rejected.
fn target(action: RuleAction) -> String {
    let action = if action == RuleAction::Reject { RuleAction::Drop } else { action };
    action.text().to_ascii_uppercase()
}

struct Arguments<'a> {
    frame: Frame<'a>,
    list: Vec<String>,
}

impl Arguments<'_> {
    fn push(&mut self, argument: impl Into<String>) {
        self.list.push(argument.into());
    }

    /// An option, whether it is negated, and its value if there is one.
    fn option(&mut self, option: &str, name: &str, value: Option<String>) {
        let Some(value) = value else { return };
        self.push(option);
        if self.frame.bound.is_negated(name) {
            self.push("!");
        }
        self.push(value);
    }

    fn plain(&mut self, option: &str, name: &str) -> Result<()> {
        let value = self.frame.bound.text(name)?;
        self.option(option, name, value);
        Ok(())
    }

    fn hex(&mut self, option: &str, name: &str) -> Result<()> {
        let value = self.frame.bound.hex(name)?;
        self.option(option, name, value);
        Ok(())
    }

    fn joined(&mut self, option: &str, first: &str, separator: &str, second: &str) -> Result<()> {
        let value = self.frame.bound.joined(first, separator, second)?;
        self.option(option, first, value);
        Ok(())
    }

    fn ethernet(&mut self) -> Result<()> {
        self.joined(self.frame.either("-s", "-d"), "srcmacaddr", "/", "srcmacmask")?;
        self.joined(self.frame.either("-d", "-s"), "dstmacaddr", "/", "dstmacmask")
    }

    fn protocol(&mut self, protocol: RuleProtocol) -> Result<()> {
        if protocol == RuleProtocol::Stp {
            return self.spanning_tree();
        }
        self.ethernet()?;
        match protocol {
            RuleProtocol::Mac => self.hex("-p", "protocolid"),
            RuleProtocol::Vlan => {
                self.list.extend(["-p".to_owned(), "0x8100".to_owned()]);
                self.plain("--vlan-id", "vlanid")?;
                self.plain("--vlan-encap", "encap-protocol")
            }
            RuleProtocol::Arp => self.arp("0x806"),
            RuleProtocol::Rarp => self.arp("0x8035"),
            RuleProtocol::Ip => {
                self.list.extend(["-p".to_owned(), "ipv4".to_owned()]);
                self.addresses("ip")?;
                self.hex("--ip-tos", "dscp")
            }
            RuleProtocol::Ipv6 => {
                self.list.extend(["-p".to_owned(), "ipv6".to_owned()]);
                self.addresses("ip6")?;
                self.icmp_ranges()
            }
            other => Err(internal(format!("Unexpected rule protocol {}", other.text()))),
        }
    }

    fn spanning_tree(&mut self) -> Result<()> {
        // Frames of the protocol go to an address of their own, which a source would take the place of.
        if self.frame.reverse && self.frame.bound.has("srcmacaddr") {
            let detail = "STP filtering in inout direction with source MAC address set is not supported";
            return Err(internal(detail));
        }
        self.ethernet()?;
        self.list.extend(["-d".to_owned(), BRIDGE_GROUP.to_owned()]);
        for (first, second, separator, option) in SPANNING_TREE {
            self.joined(option, first, separator, second)?;
        }
        Ok(())
    }

    fn arp(&mut self, protocol: &str) -> Result<()> {
        self.list.extend(["-p".to_owned(), protocol.to_owned()]);
        self.plain("--arp-htype", "hwtype")?;
        self.plain("--arp-opcode", "opcode")?;
        self.hex("--arp-ptype", "protocoltype")?;
        let source = self.frame.either("--arp-ip-src", "--arp-ip-dst");
        self.arp_address(source, "arpsrcipaddr", "arpsrcipmask")?;
        let destination = self.frame.either("--arp-ip-dst", "--arp-ip-src");
        self.arp_address(destination, "arpdstipaddr", "arpdstipmask")?;
        self.plain(self.frame.either("--arp-mac-src", "--arp-mac-dst"), "arpsrcmacaddr")?;
        self.plain(self.frame.either("--arp-mac-dst", "--arp-mac-src"), "arpdstmacaddr")?;
        let gratuitous = self.frame.bound.item("gratuitous");
        if let Some(item) = gratuitous.filter(|item| item.value == RuleValue::Boolean(true)) {
            if item.negated {
                self.push("!");
            }
            self.push("--arp-gratuitous");
        }
        Ok(())
    }

    fn arp_address(&mut self, option: &str, address: &str, mask: &str) -> Result<()> {
        let Some(text) = self.frame.bound.text(address)? else { return Ok(()) };
        let bits = self.frame.bound.text(mask)?.unwrap_or_else(|| "32".to_owned());
        self.option(option, address, Some(format!("{text}/{bits}")));
        Ok(())
    }

    /// Addresses, protocol and ports within a packet of this family.
    fn addresses(&mut self, family: &str) -> Result<()> {
        let (source, destination) =
            if self.frame.reverse { ("destination", "source") } else { ("source", "destination") };
        self.joined(&format!("--{family}-{source}"), "srcipaddr", "/", "srcipmask")?;
        self.joined(&format!("--{family}-{destination}"), "dstipaddr", "/", "dstipmask")?;
        self.plain(&format!("--{family}-protocol"), "protocol")?;
        self.joined(&format!("--{family}-{source}-port"), "srcportstart", ":", "srcportend")?;
        self.joined(&format!("--{family}-{destination}-port"), "dstportstart", ":", "dstportend")
    }

    fn icmp_ranges(&mut self) -> Result<()> {
        let names = ["type", "typeend", "code", "codeend"];
        if !names.iter().any(|name| self.frame.bound.has(name)) {
            return Ok(());
        }
        let types = self.range("type", "typeend")?;
        let codes = self.range("code", "codeend")?;
        self.option("--ip6-icmp-type", "type", Some(format!("{types}/{codes}")));
        Ok(())
    }

    /// A range, where a missing end is that of all numbers, or the start where only that is there.
    fn range(&self, first: &str, last: &str) -> Result<String> {
        let first = self.frame.bound.text(first)?;
        let last = self.frame.bound.text(last)?.or_else(|| first.clone());
        Ok(format!("{}:{}", first.as_deref().unwrap_or("0"), last.as_deref().unwrap_or("255")))
    }
}
