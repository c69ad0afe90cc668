//! Where answers go: to people or to programs.

use std::io::{self, Write as _};

use serde_json::Value;

/// How answers are given. Standard output holds the answer and nothing else; all that is said besides goes to standard error.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
    quiet: bool,
}

impl Output {
    pub(crate) const fn new(json: bool, quiet: bool) -> Self {
        Self { json, quiet }
    }

    pub(crate) const fn is_json(&self) -> bool {
        self.json
    }

    /// Whether what is said besides the answer is wanted.
    pub(crate) const fn is_talkative(&self) -> bool {
        !self.quiet && !self.json
    }

    /// Gives the answer: `human` as it is, or the one JSON document.
    pub(crate) fn answer(
        &self,
        human: impl FnOnce() -> String,
        json: impl FnOnce() -> Value,
    ) -> io::Result<()> {
        if self.json { self.raw(format!("{:#}\n", json()).as_bytes()) } else { self.raw(human().as_bytes()) }
    }

    /// Confirms something that was done: a sentence for people, who may not want it, or the JSON document.
    pub(crate) fn done(
        &self,
        sentence: impl FnOnce() -> String,
        json: impl FnOnce() -> Value,
    ) -> io::Result<()> {
        if self.json || !self.quiet { self.answer(|| sentence() + "\n", json) } else { Ok(()) }
    }

    /// Bytes of the answer.
    pub(crate) fn raw(&self, bytes: &[u8]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(bytes)?;
        out.flush()
    }

    /// Something besides the answer.
    pub(crate) fn note(&self, text: &str) {
        if self.is_talkative() {
            self.warn(text);
        }
    }

    /// Something besides the answer that even those hear who want nothing else.
    #[expect(clippy::unused_self, reason = "it belongs to the others")]
    pub(crate) fn warn(&self, text: &str) {
        // Without standard error there is nobody to tell.
        let _ = writeln!(io::stderr(), "{text}");
    }
}

/// A table with a line below its heads, as `virsh` prints it.
pub(crate) fn table(heads: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([heads[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let line = |cells: &[String]| {
        let padded: Vec<String> =
            cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        format!(" {}", padded.join("   ")).trim_end().to_owned() + "\n"
    };
    let heads: Vec<String> = heads.iter().map(|&head| head.to_owned()).collect();
    let rule = "-".repeat(widths.iter().sum::<usize>() + 3 * widths.len());
    let mut text = line(&heads) + &rule + "\n";
    text.extend(rows.iter().map(|row| line(row)));
    text
}

/// Names and values below each other.
pub(crate) fn pairs(pairs: &[(&str, String)]) -> String {
    let width = pairs.iter().map(|(name, _)| name.len()).max().unwrap_or(0) + 2;
    pairs.iter().map(|(name, value)| format!("{:width$}{value}\n", format!("{name}:"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [
            vec!["1".into(), "web".into(), "running".into()],
            vec!["-".into(), "database".into(), "shut off".into()],
        ];
        let expected = concat!(
            " Id   Name       State\n",
            "---------------------------\n",
            " 1    web        running\n",
            " -    database   shut off\n",
        );
        assert_eq!(table(&["Id", "Name", "State"], &rows), expected);
    }

    #[test]
    fn values_stand_below_each_other() {
        assert_eq!(pairs(&[("Id", "1".into()), ("OS type", "hvm".into())]), "Id:      1\nOS type: hvm\n");
    }
}
