//! `key = value`, a line each; a key may be there several times.

use virt_conf::Result;
use virt_types::{Error, ErrorCode, ErrorDomain};

/// The settings of a file, in its order.
#[derive(Debug)]
pub(super) struct Settings<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Settings<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self> {
        let mut settings = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim_start();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |what: &str| {
                let detail = format!("memory conf:{}: {what}", number + 1);
                Error::new(ErrorCode::ConfSyntax, ErrorDomain::Conf, detail)
            };
            let end = line.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '.'));
            let (key, rest) = line.split_at(end.unwrap_or(line.len()));
            if !key.starts_with(|c: char| c.is_ascii_alphabetic()) {
                return Err(wrong("expecting a name"));
            }
            let value =
                rest.trim_start().strip_prefix('=').ok_or_else(|| wrong("expecting an assignment"))?;
            settings.push((key, value.trim_start_matches([' ', '\t'])));
        }
        Ok(Self(settings))
    }

    /// The value of the first of these keys that is there: the new name of a setting comes before its old one.
    pub(super) fn first(&self, keys: &[&str]) -> Option<&'a str> {
        keys.iter().find_map(|key| self.0.iter().find(|(name, _)| name == key)).map(|(_, value)| *value)
    }

    /// Every setting of one of these keys.
    pub(super) fn all<'b>(&'b self, keys: &'b [&str]) -> impl Iterator<Item = (&'a str, &'a str)> + 'b {
        self.0.iter().copied().filter(move |(name, _)| keys.contains(name))
    }

    /// Every setting whose key begins so, with the rest of the key.
    pub(super) fn below<'b>(&'b self, prefix: &'b str) -> impl Iterator<Item = (&'a str, &'a str)> + 'b {
        self.0.iter().filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, *value)))
    }
}
