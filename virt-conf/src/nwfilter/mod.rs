//! `<filter>`: a network filter, and `<filterbinding>`: the use of one by an interface.

mod binding;
mod rule;
mod table;
#[cfg(test)]
mod tests;
mod value;

use virt_types::{Error, ErrorCode, ErrorDomain, Uuid};
use virt_xml::number::{Base, parse_i32};
use virt_xml::{Document, Element, Writer};

pub use binding::FilterBinding;
pub use rule::{Rule, RuleAction, RuleDirection, RuleItem};
pub use table::{Names, RuleProtocol};
pub use value::{RuleValue, VariableAccess, VariableIndex};

use crate::Result;
use crate::common::FilterRef;
use crate::error::Refuse;

pub(super) const REFUSE: Refuse = Refuse(ErrorDomain::Nwfilter);

/// The priorities of chains are within this on both sides of 0.
const PRIORITY_LIMIT: i32 = 1000;
/// The most bytes of a chain's name.
const CHAIN_LIMIT: usize = 12;

/// What names of chains begin with, and the priorities that follow from it. The first is a whole name.
const CHAINS: &[(&str, i32)] = &[
    ("root", 0),
    ("mac", -800),
    ("vlan", -750),
    ("stp", 0),
    ("arp", -500),
    ("rarp", -400),
    ("ipv4", -700),
    ("ipv6", -600),
];

/// A network filter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// `name`
    pub name: String,
    /// `chain`: where its rules stand.
    pub chain: String,
    /// `priority` of the chain.
    pub priority: i32,
    /// `<uuid>`; absent until the engine gives one.
    pub uuid: Option<Uuid>,
    /// `<rule>` and `<filterref>`
    pub entries: Vec<FilterEntry>,
}

/// A part of a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilterEntry {
    /// `<rule>`
    Rule(Rule),
    /// `<filterref>`: all of another filter.
    Reference(FilterRef),
}

impl Filter {
    /// Reads a document.
    ///
    /// # Errors
    /// For what is no XML, no filter, or wrong in itself; with the place.
    pub fn parse(xml: &str) -> Result<Self> {
        Self::parse_element(Document::parse(xml)?.root_named("filter")?)
    }

    /// Reads a `<filter>` element, of its own document or within another.
    ///
    /// # Errors
    /// As [`Filter::parse`].
    pub fn parse_element(el: Element<'_>) -> Result<Self> {
        let name =
            el.attr_filled("name").ok_or_else(|| REFUSE.internal("filter has no name").at(el.place()))?;
        let given = parse_priority(el)?;
        let (chain, priority) = match el.attr_filled("chain") {
            // Without a chain, a priority has nothing to be of.
            None => ("root", 0),
            Some(chain) => (chain, given.unwrap_or(chain_priority(el, chain)?)),
        };
        let uuid = match el.child_text("uuid") {
            None => None,
            Some(text) => {
                Some(text.parse().map_err(|_| REFUSE.xml("malformed uuid element").at(el.place()))?)
            }
        };
        let entries = el.children_in(&["rule", "filterref"]).map(|entry| {
            if entry.is("rule") {
                return Rule::parse(entry).map(FilterEntry::Rule);
            }
            // These are libvirt's words, though it is a reference.
            let missing = || REFUSE.internal("rule node requires action attribute").at(entry.place());
            FilterRef::parse(entry).map(FilterEntry::Reference).ok_or_else(missing)
        });
        let entries = entries.collect::<Result<_>>()?;
        Ok(Self { name: name.to_owned(), chain: chain.to_owned(), priority, uuid, entries })
    }

    /// The names of the filters that it refers to.
    pub fn references(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().filter_map(|entry| match entry {
            FilterEntry::Reference(reference) => Some(reference.filter.as_str()),
            FilterEntry::Rule(_) => None,
        })
    }

    /// Writes the document.
    #[must_use]
    pub fn format(&self) -> String {
        let mut w = Writer::new();
        w.open_element("filter", |w| {
            w.attr("name", &self.name);
            w.attr("chain", &self.chain);
            w.attr_opt("priority", Some(self.priority).filter(|priority| *priority != 0));
            w.text_element_opt("uuid", self.uuid);
            for entry in &self.entries {
                match entry {
                    FilterEntry::Rule(rule) => rule.format(w),
                    FilterEntry::Reference(reference) => reference.format(w),
                }
            }
        });
        w.finish()
    }
}

fn invalid(el: Element<'_>, detail: impl Into<String>) -> Error {
    el.error(ErrorCode::InvalidArg, ErrorDomain::Nwfilter, detail)
}

fn parse_priority(el: Element<'_>) -> Result<Option<i32>> {
    let Some(text) = el.attr_filled("priority") else { return Ok(None) };
    let priority = parse_i32(text, Base::Ten)
        .ok_or_else(|| invalid(el, format!("Could not parse chain priority '{text}'")))?;
    if !(-PRIORITY_LIMIT..=PRIORITY_LIMIT).contains(&priority) {
        let detail =
            format!("Priority '{priority}' is outside valid range of [-{PRIORITY_LIMIT},{PRIORITY_LIMIT}]");
        return Err(invalid(el, detail));
    }
    Ok(Some(priority))
}

/// The priority that a chain has by its name.
fn chain_priority(el: Element<'_>, chain: &str) -> Result<i32> {
    if chain.len() > CHAIN_LIMIT {
        return Err(invalid(el, format!("Name of chain is longer than {CHAIN_LIMIT} characters")));
    }
    if !chain.chars().all(|c| c.is_ascii_alphanumeric() || "_.:-".contains(c)) {
        return Err(invalid(el, "Chain name contains invalid characters"));
    }
    let known = CHAINS.iter().find(|(prefix, _)| match *prefix {
        "root" => chain == "root",
        prefix => chain.starts_with(prefix),
    });
    known.map(|(_, priority)| *priority).ok_or_else(|| {
        let prefixes: Vec<_> = CHAINS[1..].iter().map(|(prefix, _)| *prefix).collect();
        let detail = format!(
            "Invalid chain name '{chain}'. Please use a chain name called 'root' or any of the following prefixes: {}",
            prefixes.join(", ")
        );
        invalid(el, detail)
    })
}
