//! Crates that others pick on their own pull nothing that they do not need.

use super::{Findings, Repository};
use crate::{process::output, workspace::cargo};

/// Crates that do without an async runtime unless a feature asks for one.
const SYNCHRONOUS: &[&str] = &["virt-netlink", "virt-netdev"];

/// What they must not pull then.
const RUNTIMES: &[&str] = &["tokio", "smol", "async-std", "async-global-executor", "futures-executor"];

pub(super) fn check(repository: &Repository, findings: &mut Findings) {
    for name in SYNCHRONOUS {
        if !repository.packages.iter().any(|package| package.name() == *name) {
            findings.add("xtask/src/tidy/alone.rs", format!("there is no crate {name}"));
            continue;
        }
        let mut tree = cargo();
        tree.args(["tree", "--offline", "--package", name, "--edges", "normal", "--prefix", "none"]);
        tree.args(["--format", "{p}"]);
        match output(&mut tree) {
            Ok(text) => {
                for runtime in runtimes(&text) {
                    findings.add(
                        format_args!("{name}/Cargo.toml"),
                        format!("{name} pulls {runtime} without a feature that asks for it (`cargo tree -p {name} -i {runtime}`)"),
                    );
                }
            }
            Err(failure) => findings.add(format_args!("{name}/Cargo.toml"), failure),
        }
    }
}

/// The runtimes in a list of packages, each a line of name and version.
fn runtimes(tree: &str) -> Vec<&'static str> {
    let used = |runtime: &&&str| tree.lines().any(|line| line.split(' ').next() == Some(**runtime));
    RUNTIMES.iter().filter(used).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_is_found_by_its_whole_name() {
        assert!(runtimes("virt-netlink v0.1.0 (/x)\nlog v0.4\ntokio-util v0.7").is_empty());
        assert_eq!(runtimes("log v0.4\ntokio v1.54.1\n"), ["tokio"]);
    }
}
