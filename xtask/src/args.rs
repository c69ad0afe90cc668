//! The words after a verb.

use crate::process::{Failure, Result};

/// Arguments that have not been taken yet.
#[derive(Debug, Default)]
pub(crate) struct Args(Vec<String>);

impl Args {
    pub(crate) fn new(words: impl Iterator<Item = String>) -> Self {
        Self(words.collect())
    }

    /// Takes `name` if it is there.
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|word| word != name);
        self.0.len() != before
    }

    /// Takes `name VALUE` or `name=VALUE`.
    pub(crate) fn value(&mut self, name: &str) -> Result<Option<String>> {
        let Some(at) = self.0.iter().position(|word| {
            word == name || word.strip_prefix(name).is_some_and(|rest| rest.starts_with('='))
        }) else {
            return Ok(None);
        };
        let word = self.0.remove(at);
        if let Some((_, value)) = word.split_once('=') {
            return Ok(Some(value.to_owned()));
        }
        if at == self.0.len() {
            return Err(Failure::new(format!("{name} needs a value")));
        }
        Ok(Some(self.0.remove(at)))
    }

    /// Takes the next word that is not an option.
    pub(crate) fn word(&mut self) -> Option<String> {
        let at = self.0.iter().position(|word| !word.starts_with('-'))?;
        Some(self.0.remove(at))
    }

    /// Refuses whatever is left.
    pub(crate) fn end(&self) -> Result<()> {
        match self.0.first() {
            None => Ok(()),
            Some(word) => Err(Failure::new(format!("does not understand `{word}`; see cargo xtask help"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_is_asked_for_and_refuses_the_rest() {
        let words = ["name", "--seconds", "5", "--fast", "--dir=a=b", "--odd"];
        let mut args = Args::new(words.into_iter().map(str::to_owned));
        assert!(args.flag("--fast"));
        assert!(!args.flag("--fast"));
        assert_eq!(args.value("--seconds").unwrap().as_deref(), Some("5"));
        assert_eq!(args.value("--dir").unwrap().as_deref(), Some("a=b"));
        assert_eq!(args.word().as_deref(), Some("name"));
        assert_eq!(args.word(), None);
        assert!(args.end().unwrap_err().to_string().contains("--odd"));
        assert!(Args::new(["--seconds".to_owned()].into_iter()).value("--seconds").is_err());
    }
}
