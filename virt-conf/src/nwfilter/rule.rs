//! `<rule>`: what happens to packets of one kind.

use virt_types::{ErrorCode, ErrorDomain, TextEnum, text_enum};
use virt_xml::number::{Base, parse_i32};
use virt_xml::{Element, Writer};

use super::REFUSE;
use super::table::RuleProtocol;
use super::value::RuleValue;
use crate::Result;

/// The priorities of rules are within this on both sides of 0.
const PRIORITY_LIMIT: i32 = 1000;

text_enum! {
    /// What happens to a packet.
    pub enum RuleAction {
        Drop = "drop", Accept = "accept", Reject = "reject", Return = "return", Continue = "continue",
    }
}

text_enum! {
    /// Which way packets go, as the guest sees it.
    pub enum RuleDirection { In = "in", Out = "out", InOut = "inout" }
}

/// What happens to packets of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// `action`
    pub action: RuleAction,
    /// `direction`
    pub direction: RuleDirection,
    /// `priority`: rules with lower ones come first.
    pub priority: i32,
    /// `statematch='false'`: answers are not let through for themselves.
    pub no_state_match: bool,
    /// The element within: what packets it is about; all, where there is none.
    pub protocol: Option<RuleProtocol>,
    /// The element's attributes, in the order in which they are written.
    pub items: Vec<RuleItem>,
}

/// An attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleItem {
    /// Its name.
    pub name: &'static str,
    /// Whether packets are meant that do not have it.
    pub negated: bool,
    /// Its value.
    pub value: RuleValue,
}

impl Rule {
    pub(super) fn parse(el: Element<'_>) -> Result<Self> {
        // What is no number is as good as none.
        let priority = el.attr("priority").and_then(|text| parse_i32(text, Base::Ten));
        let within = |priority: &i32| (-PRIORITY_LIMIT..=PRIORITY_LIMIT).contains(priority);
        let state_match = el.attr("statematch").unwrap_or_default();
        let mut rule = Self {
            action: spelled(el, "action")?,
            direction: spelled(el, "direction")?,
            priority: priority.filter(within).unwrap_or(PRIORITY_LIMIT / 2),
            no_state_match: state_match == "0" || state_match.eq_ignore_ascii_case("false"),
            protocol: None,
            items: Vec::new(),
        };
        // Only elements like the first that is known count.
        let protocols = RuleProtocol::SPELLINGS;
        let Some((protocol, name)) =
            el.children().find_map(|child| protocols.iter().find(|(_, name)| child.is(name)))
        else {
            return Ok(rule);
        };
        rule.protocol = Some(*protocol);
        for child in el.children_named(name) {
            rule.parse_items(child, *protocol)?;
        }
        rule.check_ports().map_err(|error| error.at(el.place()))?;
        rule.settle(*protocol);
        Ok(rule)
    }

    /// Reads the attributes of an element; those of a later one take the place of an earlier one's.
    fn parse_items(&mut self, el: Element<'_>, protocol: RuleProtocol) -> Result<()> {
        let negated = el.attr("match") == Some("no");
        let mut refusal = None;
        for (order, attribute) in protocol.attributes().enumerate() {
            let Some(text) = el.attr(attribute.name) else { continue };
            match RuleValue::parse(attribute, text) {
                Ok(value) => {
                    let item = RuleItem { name: attribute.name, negated, value };
                    let before = |other: &RuleItem| {
                        protocol.attributes().take(order).any(|earlier| earlier.name == other.name)
                    };
                    self.items.retain(|other| other.name != item.name);
                    let position = self.items.iter().filter(|other| before(other)).count();
                    self.items.insert(position, item);
                }
                // The last one is told of.
                Err(error) => {
                    let place = el.attr_error(attribute.name, error.code(), error.domain(), "");
                    refusal = Some(match place.place() {
                        Some(place) => error.at(place.clone()),
                        None => error,
                    });
                }
            }
        }
        refusal.map_or(Ok(()), Err)
    }

    /// The attribute of this name.
    #[must_use]
    pub fn item(&self, name: &str) -> Option<&RuleItem> {
        self.items.iter().find(|item| item.name == name)
    }

    /// Ports need a protocol that has some.
    fn check_ports(&self) -> Result<()> {
        let name = match self.protocol {
            Some(RuleProtocol::Ip) => "IP",
            Some(RuleProtocol::Ipv6) => "IPv6",
            _ => return Ok(()),
        };
        let has_ports = ["srcportstart", "srcportend", "dstportstart", "dstportend"]
            .iter()
            .any(|name| self.item(name).is_some());
        // tcp, udp, dccp, sctp
        let carries = match self.item("protocol").map(|item| &item.value) {
            Some(RuleValue::Number { number, .. }) => matches!(number, 6 | 17 | 33 | 132),
            _ => false,
        };
        if has_ports && !carries {
            return Err(REFUSE.internal(format!(
                "{name} rule with port specification requires protocol specification with protocol to be either one of tcp(6), udp(17), dccp(33), or sctp(132)"
            )));
        }
        Ok(())
    }

    /// Settles what follows from other attributes: negation, and the directions of IP sets.
    fn settle(&mut self, protocol: RuleProtocol) {
        let leaders: Vec<_> = protocol.attributes().filter_map(|a| a.leader.map(|l| (a.name, l))).collect();
        for (name, leader) in leaders {
            let negated = self.item(leader).is_some_and(|leader| leader.negated);
            if let Some(item) = self.items.iter_mut().find(|item| item.name == name) {
                item.negated = negated;
            }
        }
        if matches!(protocol, RuleProtocol::All | RuleProtocol::AllIpv6) {
            return;
        }
        // As libvirt has it, a set with directions is as good as none.
        let position = self.items.iter().position(|item| item.name == "ipset");
        match position {
            Some(position) if self.item("ipsetflags").is_none() => {
                let value = RuleValue::IpSetDirections(vec![true]);
                self.items.insert(position + 1, RuleItem { name: "ipsetflags", negated: false, value });
            }
            _ => self.items.retain(|item| item.name != "ipset" && item.name != "ipsetflags"),
        }
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.element("rule", |w| {
            w.attr("action", self.action);
            w.attr("direction", self.direction);
            w.attr("priority", self.priority);
            w.attr_opt("statematch", self.no_state_match.then_some("false"));
            let Some(protocol) = self.protocol else { return };
            if self.items.is_empty() {
                w.element(protocol.text(), |_| {});
            }
            // An element ends where negation begins or ends.
            for items in self.items.chunk_by(|one, next| one.negated == next.negated) {
                w.element(protocol.text(), |w| {
                    w.attr_opt("match", items[0].negated.then_some("no"));
                    items.iter().for_each(|item| w.attr(item.name, &item.value));
                });
            }
        });
    }
}

fn spelled<T: TextEnum>(el: Element<'_>, name: &'static str) -> Result<T> {
    let missing = || REFUSE.internal(format!("rule node requires {name} attribute")).at(el.place());
    let text = el.attr(name).ok_or_else(missing)?;
    T::from_text(text).ok_or_else(|| {
        let detail = format!("unknown rule {name} attribute value");
        let error = el.attr_error(name, ErrorCode::ConfigUnsupported, ErrorDomain::Nwfilter, detail);
        error.with_hint(T::hint(text))
    })
}
