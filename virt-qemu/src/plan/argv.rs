//! The plan as a command line.

use super::{Part, Plan, Props, keyval};

impl Plan {
    /// The arguments after the program's name.
    #[must_use]
    pub fn argv(&self) -> Vec<String> {
        self.parts.iter().flat_map(Part::argv).collect()
    }

    /// Environment, program and arguments as one line that a shell takes.
    #[must_use]
    pub fn to_shell(&self) -> String {
        let env = self.env.iter().map(|(name, value)| format!("{name}={}", shell_word(value)));
        let words = [self.program.clone()].into_iter().chain(self.argv());
        let words: Vec<String> = env.chain(words.map(|word| shell_word(&word))).collect();
        words.join(" ")
    }

    /// Environment, program and arguments, one a line; `\` and line breaks are escaped.
    #[must_use]
    pub fn to_lines(&self) -> String {
        let env = self.env.iter().map(|(name, value)| format!("{name}={value}"));
        let words = env.chain([self.program.clone()]).chain(self.argv());
        words.map(|word| word.replace('\\', "\\\\").replace('\n', "\\n") + "\n").collect()
    }
}

impl Part {
    /// The part's arguments.
    #[must_use]
    pub fn argv(&self) -> Vec<String> {
        match self {
            Self::Flag(name) => vec![(*name).to_owned()],
            Self::Raw(argument) => vec![argument.clone()],
            Self::Option(name, value) => vec![(*name).to_owned(), value.clone()],
            Self::FdSet { set, fd, opaque } => {
                vec!["-add-fd".to_owned(), format!("set={set},fd={fd},opaque={}", keyval(opaque))]
            }
            Self::Object(props) => vec!["-object".to_owned(), props.to_string()],
            // What is shown of a secret is only that there is one.
            Self::Secret { id, .. } => {
                vec!["-object".to_owned(), secret_props(id, "@SECRET@", "@IV@").to_string()]
            }
            Self::Chardev(value) => vec!["-chardev".to_owned(), value.clone()],
            Self::Blockdev(props) => vec!["-blockdev".to_owned(), props.to_string()],
            Self::Netdev(props) => vec!["-netdev".to_owned(), props.to_string()],
            Self::Audiodev(props) => vec!["-audiodev".to_owned(), props.to_string()],
            Self::Device(props) => vec!["-device".to_owned(), props.to_string()],
        }
    }
}

/// The object of a secret that is encrypted with the guest's master key; both texts in base64.
#[must_use]
pub fn secret_props(id: &str, data: &str, iv: &str) -> Props {
    Props::new()
        .str("qom-type", "secret")
        .str("id", id)
        .str("data", data)
        .str("keyid", "masterKey0")
        .str("iv", iv)
        .str("format", "base64")
}

/// A word as a shell takes it.
#[must_use]
pub fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=,./:+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod shell_tests {
    use super::*;

    #[test]
    fn words_can_be_pasted_into_a_shell() {
        for (word, expected) in [("-m", "-m"), ("a b", "'a b'"), ("it's", "'it'\\''s'"), ("", "''")] {
            assert_eq!(shell_word(word), expected);
        }
    }
}
