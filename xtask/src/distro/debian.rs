//! apt and dpkg.

use std::{collections::BTreeSet, path::Path, process::Command, time::SystemTime};

use super::Archive;
use crate::process::{Failure, Result, output, run};

/// Packages that depend on one release's guest kernels; the first that the archive has is taken.
const KERNELS: &[&str] = &["linux-image-cloud-amd64", "linux-image-virtual", "linux-image-amd64"];

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    // As root apt would download as its own user, who may not write into our folder.
    command.args(["-q", "-o", "APT::Sandbox::User=root"]).env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// When apt last fetched its package lists; nothing if it never did.
pub(super) fn lists_changed() -> Option<SystemTime> {
    let dir = Path::new("/var/lib/apt/lists");
    let mut files = dir.read_dir().ok()?.flatten();
    files.find(|file| file.file_name().to_string_lossy().contains("_Packages"))?;
    dir.metadata().ok()?.modified().ok()
}

/// The versions that the configured archives offer, newest first.
fn versions(package: &str) -> Vec<String> {
    parse_madison(&output(Command::new("apt-cache").args(["madison", package])).unwrap_or_default())
}

fn parse_madison(text: &str) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let versions = text
        .lines()
        .filter(|line| !line.ends_with(" Sources"))
        .filter_map(|line| Some(line.split('|').nth(1)?.trim().to_owned()));
    versions.filter(|version| seen.insert(version.clone())).collect()
}

pub(super) fn refresh() -> Command {
    let mut command = Command::new("apt-get");
    command.args(["-q", "update"]);
    command
}

pub(super) fn install(packages: &[&str]) -> (Command, Vec<String>) {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command.args(["-q", "install", "-y", "--no-install-recommends"]);
    let pins =
        if packages.iter().any(|package| package.starts_with("qemu")) { foreign_qemu() } else { Vec::new() };
    let mut remarks = Vec::new();
    if !pins.is_empty() {
        command.arg("--allow-downgrades");
    }
    for Pin { package, installed, archive } in &pins {
        remarks.push(format!(
            "{package} {installed} is installed but in no configured archive, and QEMU's packages must have one \
             version: it is replaced by {archive}"
        ));
    }
    command.args(packages.iter().filter(|name| pins.iter().all(|pin| pin.package != **name)));
    command.args(pins.iter().map(|pin| format!("{}={}", pin.package, pin.archive)));
    (command, remarks)
}

/// An installed package that is newer than any archive's, and what would replace it.
struct Pin {
    package: String,
    installed: String,
    archive: String,
}

/// Installed QEMU packages that came from an archive which is no longer configured (backports, usually). apt keeps
/// them, and then refuses to install the others as "held broken packages".
fn foreign_qemu() -> Vec<Pin> {
    let format = "${db:Status-Abbrev} ${Package} ${Version}\n";
    let listing = output(Command::new("dpkg-query").args(["-W", "-f", format, "qemu-*"])).unwrap_or_default();
    installed(&listing)
        .filter_map(|(package, version)| {
            let versions = versions(package);
            let archive = versions.first()?.clone();
            let newer = Command::new("dpkg").args(["--compare-versions", version, "gt", &archive]).status();
            let pin = Pin { package: package.to_owned(), installed: version.to_owned(), archive };
            (!versions.iter().any(|known| known == version) && newer.is_ok_and(|status| status.success()))
                .then_some(pin)
        })
        .collect()
}

fn installed(listing: &str) -> impl Iterator<Item = (&str, &str)> {
    listing.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        (words.next()? == "ii").then_some(())?;
        Some((words.next()?, words.next()?))
    })
}

pub(super) fn guest_archives() -> Result<Vec<Archive>> {
    let image = KERNELS.iter().find_map(|meta| dependency(meta, "linux-image-")).ok_or_else(no_lists)?;
    let modules = dependency(&image, "linux-modules-");
    let mut packages = vec![image];
    packages.extend(modules);
    packages.extend(["busybox-static", "qemu-guest-agent"].map(str::to_owned));
    let uris = output(apt_get().args(["download", "--print-uris"]).args(&packages))?;
    packages
        .into_iter()
        .map(|package| {
            let file = uris.lines().filter_map(file_of_uri).find(|file| is_of(file, &package));
            let file = file.ok_or_else(no_lists)?.to_owned();
            Ok(Archive { file, exact: package })
        })
        .collect()
}

fn is_of(file: &str, package: &str) -> bool {
    file.strip_prefix(package).is_some_and(|rest| rest.starts_with('_'))
}

fn no_lists() -> Failure {
    Failure::new("apt's package lists are missing or know no kernel for guests; as root: apt-get update")
}

/// The first dependency of `package` whose name begins with `prefix` and a digit; nothing for an unknown package.
fn dependency(package: &str, prefix: &str) -> Option<String> {
    parse_depends(&output(Command::new("apt-cache").args(["depends", package])).ok()?, prefix)
}

fn parse_depends(text: &str, prefix: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let name = line.trim_start_matches([' ', '|']).strip_prefix("Depends: ")?;
        name.strip_prefix(prefix)?.starts_with(|c: char| c.is_ascii_digit()).then(|| name.to_owned())
    })
}

/// The file name in a line of `apt-get download --print-uris`: `'URI' FILE SIZE HASH`.
fn file_of_uri(line: &str) -> Option<&str> {
    line.strip_prefix('\'')?.split_whitespace().nth(1)
}

pub(super) fn fetch(package: &str, dir: &Path) -> Result<()> {
    run(apt_get().args(["download", package]).current_dir(dir))
}

pub(super) fn unpack(package: &Path, dir: &Path) -> Result<()> {
    run(Command::new("dpkg-deb").arg("-x").args([package, dir]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archive_versions_are_read_in_order_without_sources() {
        let text = " qemu-utils | 1:7.2-b3 | http://deb bookworm/main amd64 Packages\n \
                    qemu-utils | 1:7.2-b3 | http://sec bookworm/main amd64 Packages\n \
                    qemu-utils | 1:7.2-a1 | http://sec bookworm/main amd64 Packages\n \
                    qemu | 1:7.2-a1 | http://sec bookworm/main Sources\n";
        assert_eq!(parse_madison(text), ["1:7.2-b3", "1:7.2-a1"]);
        assert!(parse_madison("").is_empty());
    }

    #[test]
    fn only_installed_packages_count() {
        let listing = "ii  qemu-utils 1:10.0\nrc  qemu-kvm 1:2\nun  qemu-system \n";
        assert_eq!(installed(listing).collect::<Vec<_>>(), [("qemu-utils", "1:10.0")]);
    }

    #[test]
    fn a_kernel_meta_package_leads_to_its_image() {
        let text =
            "linux-image-virtual\n  Depends: linux-firmware\n  Depends: linux-image-5.15.0-92-generic\n";
        assert_eq!(parse_depends(text, "linux-image-").as_deref(), Some("linux-image-5.15.0-92-generic"));
        assert_eq!(parse_depends(text, "linux-modules-"), None);
        let line = "'http://deb/pool/b.deb' busybox-static_1%3a1.35_amd64.deb 928188 SHA256:00";
        assert_eq!(file_of_uri(line), Some("busybox-static_1%3a1.35_amd64.deb"));
        assert_eq!(file_of_uri("Reading package lists..."), None);
    }
}
