//! dnf and rpm.

use std::{path::Path, process::Command};

use super::Archive;
use crate::process::{Failure, Result, output, run};

const GUEST: &[&str] = &["kernel-core", "kernel-modules-core", "busybox", "qemu-guest-agent"];

pub(super) fn install(packages: &[&str]) -> Command {
    let mut command = Command::new("dnf");
    command.args(["install", "-y", "--setopt=install_weak_deps=False"]).args(packages);
    command
}

pub(super) fn guest_archives() -> Result<Vec<Archive>> {
    let format = "%{name} %{version}-%{release}.%{arch}\n";
    let query = ["repoquery", "-q", "--latest-limit=1", "--arch=x86_64", "--qf", format];
    let text = output(Command::new("dnf").args(query).args(GUEST))?;
    GUEST.iter().map(|name| exact(&text, name)).collect()
}

fn exact(listing: &str, name: &str) -> Result<Archive> {
    let version = listing.lines().rev().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let version = version.ok_or_else(|| Failure::new(format!("dnf knows no package {name}")))?.trim();
    let exact = format!("{name}-{version}");
    Ok(Archive { file: format!("{exact}.rpm"), exact })
}

pub(super) fn fetch(package: &str, dir: &Path) -> Result<()> {
    run(Command::new("dnf").args(["download", "-q", "--destdir"]).arg(dir).arg(package))
}

pub(super) fn unpack(package: &Path, dir: &Path) -> Result<()> {
    let script = r#"rpm2cpio "$1" | (cd "$2" && cpio --quiet -idmu)"#;
    run(Command::new("sh").args(["-c", script, "sh"]).args([package, dir]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_of_the_exact_name_is_taken() {
        let listing = "kernel-core 6.8.5-301.fc40.x86_64\nkernel-core-x 9-9.x86_64\nkernel-core 6.14.5-100.fc40.x86_64\n";
        let archive = exact(listing, "kernel-core").unwrap();
        assert_eq!(archive.file, "kernel-core-6.14.5-100.fc40.x86_64.rpm");
        assert!(exact(listing, "busybox").is_err());
    }
}
