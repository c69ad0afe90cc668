//! The committed list of cases that pass, one a line, sorted: `KIND FAMILY/CASE`.

use std::{collections::BTreeSet, fs, path::PathBuf};

use crate::{
    process::{During, Result},
    workspace,
};

fn file() -> PathBuf {
    workspace::root().join("CONFORMANCE")
}

/// The word before the case, of a line that is well formed.
pub(crate) fn kind(line: &str) -> Option<&str> {
    line.split_once(' ').filter(|(_, case)| case.split_once('/').is_some()).map(|(kind, _)| kind)
}

/// Every line; none where the file is not there.
pub(crate) fn read() -> Result<BTreeSet<String>> {
    match fs::read_to_string(file()) {
        Ok(text) => Ok(text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(BTreeSet::new()),
        Err(error) => Err(error).during("CONFORMANCE"),
    }
}

/// Adds lines, and says how many are new.
pub(crate) fn add(lines: impl Iterator<Item = String>) -> Result<()> {
    let mut all = read()?;
    let before = all.len();
    all.extend(lines);
    let text = all.iter().fold(String::new(), |text, line| text + line + "\n");
    fs::write(file(), text).during("CONFORMANCE")?;
    println!("CONFORMANCE: {} cases, {} of them new", all.len(), all.len() - before);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_list_is_sorted_and_well_formed() {
        let text = fs::read_to_string(file()).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        assert!(lines.is_sorted(), "CONFORMANCE is not sorted");
        for line in lines {
            assert!(matches!(kind(line), Some("argv" | "canonical" | "corpus")), "{line}");
        }
    }
}
