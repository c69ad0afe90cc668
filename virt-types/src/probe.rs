//! What a look at a host found: whether it can run guests of a kind, and if not, why and what to do.

use std::fmt;

/// How much a [`Check`] matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Need {
    /// No guest runs without it.
    Required,
    /// Guests run without it, but not all, or with less.
    Optional,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What was looked at, such as `mount namespaces`.
    pub name: String,
    /// How much it matters.
    pub need: Need,
    /// Whether it is as guests need it.
    pub ok: bool,
    /// What was found, as half a sentence.
    pub detail: String,
    /// What to do about it.
    pub fix: Option<String>,
}

impl Check {
    /// Something that is as it should be.
    pub fn passed(name: impl Into<String>, need: Need, detail: impl Into<String>) -> Self {
        Self { name: name.into(), need, ok: true, detail: detail.into(), fix: None }
    }

    /// Something that is not.
    pub fn failed(
        name: impl Into<String>,
        need: Need,
        detail: impl Into<String>,
        fix: impl Into<Option<String>>,
    ) -> Self {
        Self { name: name.into(), need, ok: false, detail: detail.into(), fix: fix.into() }
    }
}

/// The conclusion from all checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Every check passed.
    Runnable,
    /// Guests run, but something optional is missing.
    Limited,
    /// Something required is missing.
    NotRunnable,
}

/// The checks of a host for guests of one kind.
///
/// ```
/// use virt_types::probe::{Check, Need, Probe, Verdict};
///
/// let probe = Probe {
///     subject: "containers".to_owned(),
///     checks: vec![
///         Check::passed("mount namespaces", Need::Required, "the kernel has them"),
///         Check::failed("memory controller", Need::Optional, "no hierarchy has it", "mount cgroup2".to_owned()),
///     ],
/// };
/// assert_eq!(probe.verdict(), Verdict::Limited);
/// assert_eq!(
///     probe.to_string(),
///     "containers can run on this host, with limits\n\
///      \x20 ok    mount namespaces: the kernel has them\n\
///      \x20 warn  memory controller: no hierarchy has it\n\
///      \x20       fix: mount cgroup2\n"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The kind of guests, in the plural.
    pub subject: String,
    /// What was looked at, in the order in which it should be put right.
    pub checks: Vec<Check>,
}

impl Probe {
    /// The conclusion.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.failures().fold(Verdict::Runnable, |verdict, check| match (verdict, check.need) {
            (_, Need::Required) | (Verdict::NotRunnable, _) => Verdict::NotRunnable,
            (_, Need::Optional) => Verdict::Limited,
        })
    }

    /// Whether guests run at all.
    #[must_use]
    pub fn runnable(&self) -> bool {
        self.verdict() != Verdict::NotRunnable
    }

    /// The checks that did not pass.
    pub fn failures(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| !check.ok)
    }
}

impl fmt::Display for Probe {
    /// The conclusion on the first line, then a line for each check, each with its end of line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict() {
            Verdict::Runnable => "can run on this host",
            Verdict::Limited => "can run on this host, with limits",
            Verdict::NotRunnable => "can not run on this host",
        };
        writeln!(f, "{} {verdict}", self.subject)?;
        for check in &self.checks {
            let mark = match (check.ok, check.need) {
                (true, _) => "ok  ",
                (false, Need::Optional) => "warn",
                (false, Need::Required) => "FAIL",
            };
            writeln!(f, "  {mark}  {}: {}", check.name, check.detail)?;
            if let Some(fix) = &check.fix {
                writeln!(f, "        fix: {fix}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_failure_decides() {
        let passed = |need| Check::passed("a", need, "there");
        let failed = |need| Check::failed("b", need, "missing", None);
        for (checks, verdict) in [
            (vec![], Verdict::Runnable),
            (vec![passed(Need::Required), passed(Need::Optional)], Verdict::Runnable),
            (vec![passed(Need::Required), failed(Need::Optional)], Verdict::Limited),
            (vec![failed(Need::Required), failed(Need::Optional)], Verdict::NotRunnable),
            (
                vec![failed(Need::Optional), failed(Need::Required), failed(Need::Optional)],
                Verdict::NotRunnable,
            ),
        ] {
            let probe = Probe { subject: "guests".to_owned(), checks };
            assert_eq!(probe.verdict(), verdict, "{probe}");
            assert_eq!(probe.runnable(), verdict != Verdict::NotRunnable);
        }
    }
}
