//! A filter with all that it refers to, as one list of rules.

use std::collections::BTreeSet;
use std::sync::Arc;

use virt_conf::nwfilter::{Filter, FilterEntry, Rule};
use virt_types::Result;

use crate::protocol::is_ethernet;
use crate::variables::{Variables, accesses, is_available};

/// The name of the chain that every other hangs from.
pub(crate) const ROOT: &str = "root";

/// Where filters are found by their names.
pub trait Filters {
    /// The filter with this name.
    ///
    /// # Errors
    /// If there is none, or none that may be used now.
    fn find(&self, name: &str) -> Result<Arc<Filter>>;
}

/// A rule of an interface: of its filter, or of one that this refers to.
#[derive(Debug, Clone)]
pub struct BoundRule {
    /// The chain where it stands.
    pub chain: Arc<str>,
    /// The priority of that chain.
    pub chain_priority: i32,
    /// Its own.
    pub priority: i32,
    /// The rule.
    pub rule: Arc<Rule>,
    /// The values of the variables at its place.
    pub variables: Arc<Variables>,
}

/// The rules of a filter and of all that it refers to, in the order of the documents. What an interface says of a variable
/// outweighs what a reference says.
///
/// # Errors
/// For a filter that is missing.
pub fn resolve(filter: &Filter, variables: &Variables, filters: &dyn Filters) -> Result<Vec<BoundRule>> {
    let mut rules = Vec::new();
    collect(filter, &Arc::new(variables.clone()), filters, &mut rules)?;
    Ok(rules)
}

fn collect(
    filter: &Filter,
    variables: &Arc<Variables>,
    filters: &dyn Filters,
    rules: &mut Vec<BoundRule>,
) -> Result<()> {
    let chain: Arc<str> = filter.chain.as_str().into();
    for entry in &filter.entries {
        match entry {
            FilterEntry::Rule(rule) => rules.push(BoundRule {
                chain: Arc::clone(&chain),
                chain_priority: filter.priority,
                priority: rule.priority,
                rule: Arc::new(rule.clone()),
                variables: Arc::clone(variables),
            }),
            FilterEntry::Reference(reference) => {
                let inner = below(&reference.parameters, variables);
                collect(&*filters.find(&reference.filter)?, &Arc::new(inner), filters, rules)?;
            }
        }
    }
    Ok(())
}

/// The variables within a reference.
fn below(parameters: &Variables, variables: &Variables) -> Variables {
    let mut inner = parameters.clone();
    inner.extend(variables.iter().map(|(name, values)| (name.clone(), values.clone())));
    inner
}

/// How rules use variables for which there is no value: names, with what follows them.
///
/// # Errors
/// As [`resolve`].
pub fn missing_variables(
    filter: &Filter,
    variables: &Variables,
    filters: &dyn Filters,
) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    look(filter, variables, filters, &mut found)?;
    Ok(found)
}

fn look(
    filter: &Filter,
    variables: &Variables,
    filters: &dyn Filters,
    found: &mut BTreeSet<String>,
) -> Result<()> {
    for entry in &filter.entries {
        match entry {
            FilterEntry::Rule(rule) => found.extend(
                accesses(rule)
                    .into_iter()
                    .filter(|access| !is_available(access, variables))
                    .map(ToString::to_string),
            ),
            FilterEntry::Reference(reference) => {
                let inner = below(&reference.parameters, variables);
                look(&*filters.find(&reference.filter)?, &inner, filters, found)?;
            }
        }
    }
    Ok(())
}

/// Puts rules into the order in which they apply: those of the root chain first, which lead into the others; then by
/// priority. A rule never comes before its chain.
pub(crate) fn arrange(rules: &mut [BoundRule]) {
    rules.sort_by_key(|rule| (&*rule.chain != ROOT, rule.priority));
    for rule in rules {
        if &*rule.chain != ROOT {
            rule.priority = rule.priority.max(rule.chain_priority);
        }
    }
}

impl BoundRule {
    /// Whether it looks at frames rather than at packets.
    pub(crate) fn is_ethernet(&self) -> bool {
        is_ethernet(self.rule.protocol)
    }
}
