//! Which keys a file may have, and which values they take.

use super::{Problem, Setting, Settings, Value};

/// What a key takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 0 or 1.
    Flag,
    /// A number from 0 on.
    Count,
    /// A number of this range.
    Within(i64, i64),
    /// A number that may be negative.
    Signed,
    /// A string.
    Text,
    /// One of these strings.
    OneOf(&'static [&'static str]),
    /// Permission bits, as a string of octal digits.
    Mode,
    /// A list of strings.
    Texts,
    /// A string or a list of strings.
    TextOrTexts,
    /// A number from 0 on, or a string.
    CountOrText,
}

/// What a key does here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// What it does in libvirt.
    Used,
    /// Nothing, for this reason.
    Ignored(&'static str),
}

/// A key that a file may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// The key.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// What it does.
    pub meaning: Meaning,
}

impl Key {
    /// A key that does what it does in libvirt.
    #[must_use]
    pub const fn used(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, meaning: Meaning::Used }
    }

    /// A key that is accepted and does nothing, for this reason.
    #[must_use]
    pub const fn ignored(name: &'static str, kind: Kind, why: &'static str) -> Self {
        Self { name, kind, meaning: Meaning::Ignored(why) }
    }
}

/// What a file has beside what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Remarks {
    /// Keys that nobody knows, as problems: whether they are is the caller's choice.
    pub unknown: Vec<Problem>,
    /// Keys that do nothing, and keys that stand there a second time.
    pub idle: Vec<Problem>,
}

impl Settings {
    /// Compares the file with the keys that it may have.
    ///
    /// # Errors
    /// For a value that its key does not take.
    pub fn check(&self, keys: &[Key]) -> Result<Remarks, Problem> {
        let mut remarks = Remarks::default();
        for (at, setting) in self.iter().enumerate() {
            let name = &setting.key;
            let Some(key) = keys.iter().find(|key| key.name == name) else {
                let near = virt_types::did_you_mean(name, keys.iter().map(|key| key.name));
                let near = near.map(|near| format!("; {near}")).unwrap_or_default();
                remarks.unknown.push(self.problem(setting.line, format!("unknown key '{name}'{near}")));
                continue;
            };
            if let Some(first) = self.iter().take(at).find(|other| other.key == *name) {
                let what = format!("{name} was set in line {} already, which counts", first.line);
                remarks.idle.push(self.problem(setting.line, what));
                continue;
            }
            self.check_value(setting, key.kind)?;
            if let Meaning::Ignored(why) = key.meaning {
                remarks.idle.push(self.problem(setting.line, format!("{name} does nothing: {why}")));
            }
        }
        Ok(remarks)
    }

    fn check_value(&self, setting: &Setting, kind: Kind) -> Result<(), Problem> {
        let Setting { key, value, line } = setting;
        let refuse = |expected: String| {
            Err(self.problem(*line, format!("{key} is {value}, but has to be {expected}")))
        };
        let range = |least: i64, most: i64| match value {
            Value::Number(number) if (least..=most).contains(number) => Ok(()),
            _ => refuse(format!("a number from {least} to {most}")),
        };
        let all_text = |values: &[Value]| values.iter().all(|value| matches!(value, Value::Text(_)));
        match (kind, value) {
            (Kind::Flag, Value::Number(0 | 1)) | (Kind::Text | Kind::TextOrTexts, Value::Text(_)) => Ok(()),
            (Kind::Flag, _) => refuse("0 or 1".into()),
            (Kind::CountOrText, Value::Text(_)) => Ok(()),
            (Kind::Count | Kind::CountOrText, _) => range(0, u32::MAX.into()),
            (Kind::Within(least, most), _) => range(least, most),
            (Kind::Signed, _) => range(i32::MIN.into(), i32::MAX.into()),
            (Kind::Text, _) => refuse("a string between quotes".into()),
            (Kind::OneOf(words), Value::Text(text)) if words.contains(&text.as_str()) => Ok(()),
            (Kind::OneOf(words), value) => {
                let near = match value {
                    Value::Text(text) => virt_types::did_you_mean(text, words.iter().copied()),
                    _ => None,
                };
                let words: Vec<_> = words.iter().map(|word| format!("'{word}'")).collect();
                let near = near.map(|near| format!("; {near}")).unwrap_or_default();
                refuse(format!("one of {}{near}", words.join(", ")))
            }
            (Kind::Mode, Value::Text(text)) if octal(text).is_some() => Ok(()),
            (Kind::Mode, _) => refuse("permission bits as a string of octal digits, such as \"0770\"".into()),
            (Kind::Texts | Kind::TextOrTexts, Value::List(values)) if all_text(values) => Ok(()),
            (Kind::Texts, _) => refuse("a list of strings, such as [\"one\", \"two\"]".into()),
            (Kind::TextOrTexts, _) => refuse("a string or a list of strings".into()),
        }
    }

    /// The permission bits that a key has.
    #[must_use]
    pub fn mode(&self, key: &str) -> Option<u32> {
        octal(self.text(key)?)
    }
}

fn octal(text: &str) -> Option<u32> {
    u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o7777 && !text.starts_with('+'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: &[Key] = &[
        Key::used("flag", Kind::Flag),
        Key::used("count", Kind::Count),
        Key::used("range", Kind::Within(1, 4)),
        Key::used("signed", Kind::Signed),
        Key::used("text", Kind::Text),
        Key::used("word", Kind::OneOf(&["none", "polkit"])),
        Key::used("mode", Kind::Mode),
        Key::used("texts", Kind::Texts),
        Key::used("either", Kind::TextOrTexts),
        Key::ignored("core", Kind::CountOrText, "it is so"),
    ];

    fn checked(text: &str) -> Result<Remarks, String> {
        Settings::parse("f", text).unwrap().check(KEYS).map_err(|problem| problem.to_string())
    }

    #[test]
    fn right_values_are_taken() {
        for line in [
            "flag = 0",
            "count = 4294967295",
            "range = 4",
            "signed = -1",
            "text = ''",
            "word = 'none'",
            "mode = '0770'",
            "texts = []",
            "either = 'a'",
            "either = ['a', 'b']",
            "core = 0",
            "core = 'unlimited'",
        ] {
            checked(line).unwrap_or_else(|problem| panic!("{line}: {problem}"));
        }
    }

    #[test]
    fn wrong_values_are_refused_with_what_is_allowed() {
        for (line, expected) in [
            ("flag = 2", "f:1: flag is 2, but has to be 0 or 1"),
            ("flag = 'yes'", "flag is 'yes', but has to be 0 or 1"),
            ("count = -1", "a number from 0 to 4294967295"),
            ("count = '5'", "count is '5', but has to be a number"),
            ("range = 5", "a number from 1 to 4"),
            ("text = 5", "text is 5, but has to be a string between quotes"),
            ("word = 'nine'", "word is 'nine', but has to be one of 'none', 'polkit'; did you mean 'none'?"),
            ("word = 1", "one of 'none', 'polkit'"),
            ("mode = '0990'", "octal"),
            ("mode = 770", "octal"),
            ("texts = 'a'", "a list of strings"),
            ("texts = ['a', 1]", "texts is ['a', 1], but has to be a list of strings"),
            ("either = 1", "a string or a list of strings"),
            ("core = []", "a number from 0"),
        ] {
            let problem = checked(line).unwrap_err();
            assert!(problem.contains(expected), "{line}: {problem}");
        }
    }

    #[test]
    fn what_is_not_used_is_remarked() {
        let remarks = checked("flg = 1\ncount = 1\ncount = 'x'\ncore = 1").unwrap();
        assert_eq!(remarks.unknown[0].to_string(), "f:1: unknown key 'flg'; did you mean 'flag'?");
        let idle: Vec<_> = remarks.idle.iter().map(ToString::to_string).collect();
        assert_eq!(
            idle,
            ["f:3: count was set in line 2 already, which counts", "f:4: core does nothing: it is so"]
        );
    }
}
