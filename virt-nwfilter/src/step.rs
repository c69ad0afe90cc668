//! What is run, step by step, to change the host's tables.

use std::fmt;

/// Which tables a command changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// Those of frames on bridges.
    Ethernet,
    /// Those of IPv4.
    Ipv4,
    /// Those of IPv6.
    Ipv6,
}

impl Layer {
    /// The program that changes them.
    #[must_use]
    pub const fn program(self) -> &'static str {
        match self {
            Self::Ethernet => "ebtables",
            Self::Ipv4 => "iptables",
            Self::Ipv6 => "ip6tables",
        }
    }
}

/// What becomes of the answer of a command that lists a chain: commands for each chain that the listed one leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// Those whose names begin with one of these letters and a dash are removed, and what they lead to.
    Remove([char; 2]),
    /// Those with temporary names get their final ones.
    Rename,
}

/// One command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Which program.
    pub layer: Layer,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Whether it is no failure if there was nothing to do.
    pub may_fail: bool,
    /// What becomes of its answer.
    pub listed: Option<Listed>,
}

impl Step {
    /// A command that has to succeed.
    pub(crate) fn new<S: Into<String>>(layer: Layer, arguments: impl IntoIterator<Item = S>) -> Self {
        let arguments = arguments.into_iter().map(Into::into).collect();
        Self { layer, arguments, may_fail: false, listed: None }
    }

    /// A command that may find nothing to do.
    pub(crate) fn tolerant<S: Into<String>>(layer: Layer, arguments: impl IntoIterator<Item = S>) -> Self {
        Self::new(layer, arguments).or_nothing()
    }

    /// The same, which may find nothing to do.
    pub(crate) fn or_nothing(self) -> Self {
        Self { may_fail: true, ..self }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.layer.program())?;
        self.arguments.iter().try_for_each(|argument| {
            f.write_str(" ")?;
            quoted(f, argument)
        })
    }
}

/// An argument as a shell reads it.
fn quoted(f: &mut fmt::Formatter<'_>, argument: &str) -> fmt::Result {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-+=.,/:@%^".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        return f.write_str(argument);
    }
    write!(f, "'{}'", argument.replace('\'', "'\\''"))
}

/// Commands that belong together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transaction {
    /// Whether each is run whatever became of the others.
    pub ignore_failures: bool,
    /// In their order.
    pub steps: Vec<Step>,
    /// What takes back what was done when one of them failed.
    pub undo: Vec<Step>,
}

impl Transaction {
    /// Commands that are all run.
    pub(crate) const fn ignoring(steps: Vec<Step>) -> Self {
        Self { ignore_failures: true, steps, undo: Vec::new() }
    }

    /// Commands that end with the first that fails.
    pub(crate) const fn strict(steps: Vec<Step>) -> Self {
        Self { ignore_failures: false, steps, undo: Vec::new() }
    }
}
