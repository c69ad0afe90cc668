//! The values that an interface gives to a filter's variables, and the ways to fill them into a rule.

use std::collections::{BTreeMap, BTreeSet};

use virt_conf::nwfilter::{Rule, RuleValue, VariableAccess, VariableIndex};
use virt_types::{Error, Result};

use crate::error::internal;

/// Names of variables, each with its values.
pub type Variables = BTreeMap<String, Vec<String>>;

/// The variables that a rule uses, each way of use once, in the order of the rule's attributes.
pub(crate) fn accesses(rule: &Rule) -> Vec<&VariableAccess> {
    let mut accesses: Vec<&VariableAccess> = Vec::new();
    for item in &rule.items {
        if let RuleValue::Variable(access) = &item.value
            && !accesses.contains(&access)
        {
            accesses.push(access);
        }
    }
    accesses
}

/// Whether there is a value for this use of a variable.
pub(crate) fn is_available(access: &VariableAccess, variables: &Variables) -> bool {
    match (variables.get(&access.name), access.index) {
        (None, _) => false,
        (Some(values), VariableIndex::Element(index)) => (index as usize) < values.len(),
        (Some(_), VariableIndex::Iterator(_)) => true,
    }
}

/// One way to fill a rule's variables in.
#[derive(Debug, Clone)]
pub(crate) struct Binding<'a> {
    variables: &'a Variables,
    positions: BTreeMap<u32, usize>,
}

impl<'a> Binding<'a> {
    /// Every way to fill a rule's variables in: variables of one iterator go together, value by value, those of several
    /// in every combination, the first fastest. What an iterator had already is left out.
    ///
    /// # Errors
    /// For a variable without a value, and for variables of one iterator that have different numbers of values.
    pub(crate) fn all(rule: &Rule, variables: &'a Variables) -> Result<Vec<Self>> {
        let mut iterators: Vec<(u32, Vec<&[String]>)> = vec![(0, Vec::new())];
        for access in accesses(rule) {
            let values = variables.get(&access.name).ok_or_else(|| no_value(&access.name))?;
            let VariableIndex::Iterator(number) = access.index else { continue };
            let together = match iterators.iter().position(|(known, _)| *known == number) {
                Some(position) => &mut iterators[position].1,
                None => {
                    iterators.push((number, Vec::new()));
                    let last = iterators.len() - 1;
                    &mut iterators[last].1
                }
            };
            if together.first().is_some_and(|first| first.len() != values.len()) {
                let detail = "Cardinality of list items must be the same for processing them in parallel";
                return Err(internal(detail));
            }
            together.push(values);
        }
        let mut bindings = vec![Self { variables, positions: BTreeMap::new() }];
        // The first iterator is the fastest, so it is the last to multiply.
        for (number, together) in iterators.iter().rev() {
            let positions = distinct(together);
            bindings = bindings
                .iter()
                .flat_map(|outer| {
                    positions.iter().map(|position| {
                        let mut binding = outer.clone();
                        binding.positions.insert(*number, *position);
                        binding
                    })
                })
                .collect();
        }
        Ok(bindings)
    }

    /// The value of a variable.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) fn value(&self, access: &VariableAccess) -> Result<&'a str> {
        let values = self.variables.get(&access.name).ok_or_else(|| no_value(&access.name))?;
        let position = match access.index {
            VariableIndex::Element(index) => index as usize,
            VariableIndex::Iterator(number) => self.positions.get(&number).copied().unwrap_or_default(),
        };
        values.get(position).map(String::as_str).ok_or_else(|| {
            internal(format!("Could not get nth ({position}) value of variable '{}'", access.name))
        })
    }
}

/// The positions at which lists of the same length have values, together, that they had nowhere before.
fn distinct(together: &[&[String]]) -> Vec<usize> {
    let length = together.first().map_or(1, |first| first.len());
    let mut seen = BTreeSet::new();
    (0..length).filter(|position| seen.insert(values_at(together, *position))).collect()
}

fn values_at<'a>(together: &[&'a [String]], position: usize) -> Vec<&'a str> {
    together.iter().filter_map(|values| values.get(position)).map(String::as_str).collect()
}

fn no_value(name: &str) -> Error {
    internal(format!("Could not find value for variable '{name}'"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use virt_conf::nwfilter::{Filter, FilterEntry};

    fn ways(attributes: &str, values: &[(&str, &[&str])]) -> Result<Vec<String>> {
        let xml = format!(
            "<filter name='f'><rule action='drop' direction='in'><tcp {attributes}/></rule></filter>"
        );
        let filter = Filter::parse(&xml)?;
        let FilterEntry::Rule(rule) = &filter.entries[0] else { panic!("no rule") };
        let strings = |list: &[&str]| list.iter().map(|value| (*value).to_owned()).collect();
        let variables: Variables =
            values.iter().map(|(name, list)| ((*name).to_owned(), strings(list))).collect();
        let bindings = Binding::all(rule, &variables)?;
        bindings
            .iter()
            .map(|binding| {
                let values: Result<Vec<_>> =
                    accesses(rule).into_iter().map(|access| binding.value(access)).collect();
                Ok(values?.join("-"))
            })
            .collect()
    }

    #[test]
    fn lists_are_taken_together_or_in_every_combination() {
        let lists: &[(&str, &[&str])] =
            &[("A", &["1.1.1.1", "1.1.1.2"]), ("B", &["80", "90"]), ("C", &["7"])];
        for (attributes, expected) in [
            ("", &[""][..]),
            ("srcipaddr='$A' srcportstart='$B'", &["1.1.1.1-80", "1.1.1.2-90"]),
            (
                "srcipaddr='$A' srcportstart='$B[@1]'",
                &["1.1.1.1-80", "1.1.1.2-80", "1.1.1.1-90", "1.1.1.2-90"],
            ),
            ("srcipaddr='$A[1]' srcportstart='$C'", &["1.1.1.2-7"]),
        ] {
            assert_eq!(ways(attributes, lists).unwrap(), expected, "{attributes}");
        }
    }

    #[test]
    fn a_pair_that_was_there_before_is_left_out() {
        let lists: &[(&str, &[&str])] = &[("A", &["1", "2", "1", "1"]), ("B", &["80", "90", "80", "81"])];
        let found = ways("dscp='$A' srcportstart='$B'", lists).unwrap();
        assert_eq!(found, ["1-80", "2-90", "1-81"]);
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        for (attributes, words) in [
            ("srcportstart='$A' dstportstart='$B'", "Cardinality of list items"),
            ("srcportstart='$X'", "Could not find value for variable 'X'"),
            ("srcportstart='$A[5]'", "Could not get nth (5) value of variable 'A'"),
        ] {
            let error = ways(attributes, &[("A", &["1", "2"]), ("B", &["1"])]).unwrap_err();
            assert!(error.detail().starts_with(words), "{attributes}: {error}");
        }
    }
}
