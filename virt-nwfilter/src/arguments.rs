//! The arguments of one rule, from its attributes and the values of its variables.

use virt_conf::nwfilter::{Rule, RuleItem, RuleValue};
use virt_types::Result;

use crate::error::internal;
use crate::variables::Binding;

/// A rule whose variables have values.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bound<'a> {
    pub(crate) rule: &'a Rule,
    pub(crate) binding: &'a Binding<'a>,
}

impl<'a> Bound<'a> {
    pub(crate) fn item(&self, name: &str) -> Option<&'a RuleItem> {
        self.rule.item(name)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.item(name).is_some()
    }

    pub(crate) fn is_negated(&self, name: &str) -> bool {
        self.item(name).is_some_and(|item| item.negated)
    }

    /// An attribute's value as the programs read it: numbers in decimal.
    pub(crate) fn text(&self, name: &str) -> Result<Option<String>> {
        let Some(item) = self.item(name) else { return Ok(None) };
        let text = match &item.value {
            RuleValue::Variable(access) => self.binding.value(access)?.to_owned(),
            RuleValue::Number { number, .. } => number.to_string(),
            value @ (RuleValue::Mac(_)
            | RuleValue::Address(_)
            | RuleValue::Mask(_)
            | RuleValue::IpSet(_)
            | RuleValue::Comment(_)) => value.to_string(),
            RuleValue::Boolean(_)
            | RuleValue::States(_)
            | RuleValue::TcpFlags { .. }
            | RuleValue::IpSetDirections(_) => {
                return Err(internal(format!("Cannot print data type of '{name}'")));
            }
        };
        Ok(Some(text))
    }

    /// The same, numbers in hexadecimal.
    pub(crate) fn hex(&self, name: &str) -> Result<Option<String>> {
        match self.item(name).map(|item| &item.value) {
            Some(RuleValue::Number { number, .. }) => Ok(Some(format!("{number:#x}"))),
            _ => self.text(name),
        }
    }

    /// A value, and where the second attribute is there, that one behind the separator.
    pub(crate) fn joined(&self, first: &str, separator: &str, second: &str) -> Result<Option<String>> {
        let Some(text) = self.text(first)? else { return Ok(None) };
        Ok(Some(match self.text(second)? {
            Some(other) => format!("{text}{separator}{other}"),
            None => text,
        }))
    }
}
