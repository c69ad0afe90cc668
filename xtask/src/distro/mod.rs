//! What differs between distributions: how packages are named, found, installed, fetched and unpacked.

mod debian;
mod fedora;

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

use crate::process::{Failure, Result};

/// The families of distributions that are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Distro {
    /// Debian, Ubuntu and what is made from them.
    Debian,
    /// Fedora and what is made from it.
    Fedora,
}

/// A package that is fetched for the guest and never installed.
#[derive(Debug)]
pub(crate) struct Archive {
    /// Its file name, which tells its version.
    pub(crate) file: String,
    /// What the package manager takes to fetch exactly this one.
    exact: String,
}

impl Distro {
    /// The distribution of this machine, from os-release(5).
    pub(crate) fn detect() -> Result<Self> {
        let text = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
        Self::from_os_release(&text).ok_or_else(|| {
            Failure::new(
                "knows the packages of Debian, Ubuntu and Fedora; on another distribution install \
                 qemu-system-x86_64, qemu-img, iproute2, util-linux and e2fsprogs yourself",
            )
        })
    }

    fn from_os_release(text: &str) -> Option<Self> {
        let value = |key: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
            line.unwrap_or_default().trim_matches('"').to_owned()
        };
        let ids = format!("{} {}", value("ID"), value("ID_LIKE"));
        ids.split_whitespace().find_map(|id| match id {
            "debian" | "ubuntu" => Some(Self::Debian),
            "fedora" | "rhel" | "centos" => Some(Self::Fedora),
            _ => None,
        })
    }

    /// When the package lists that `fetch` needs last changed; nothing if they are not on this machine.
    pub(crate) fn lists_changed(self) -> Option<SystemTime> {
        match self {
            Self::Debian => debian::lists_changed(),
            // dnf fetches its lists when it needs them: they may always have changed.
            Self::Fedora => Some(SystemTime::now()),
        }
    }

    /// The command that refreshes the package lists, where that is a step of its own.
    pub(crate) fn refresh(self) -> Option<Command> {
        (self == Self::Debian).then(debian::refresh)
    }

    /// The command that installs `packages`, and remarks about what it has to do besides.
    pub(crate) fn install(self, packages: &[&str]) -> (Command, Vec<String>) {
        match self {
            Self::Debian => debian::install(packages),
            Self::Fedora => (fedora::install(packages), Vec::new()),
        }
    }

    /// The newest packages that hold a small kernel, its modules, a static busybox and the guest agent.
    pub(crate) fn guest_archives(self) -> Result<Vec<Archive>> {
        match self {
            Self::Debian => debian::guest_archives(),
            Self::Fedora => fedora::guest_archives(),
        }
    }

    /// Downloads one package into `dir`, unless it is there; needs no privileges.
    pub(crate) fn fetch(self, archive: &Archive, dir: &Path) -> Result<PathBuf> {
        let file = dir.join(&archive.file);
        if !file.exists() {
            match self {
                Self::Debian => debian::fetch(&archive.exact, dir)?,
                Self::Fedora => fedora::fetch(&archive.exact, dir)?,
            }
            if !file.exists() {
                return Err(Failure::new(format!("the download of {} left no such file", archive.file)));
            }
        }
        Ok(file)
    }

    /// Unpacks a package's files below `dir`; no script of the package runs.
    pub(crate) fn unpack(self, package: &Path, dir: &Path) -> Result<()> {
        match self {
            Self::Debian => debian::unpack(package, dir),
            Self::Fedora => fedora::unpack(package, dir),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derived_distributions_are_recognised() {
        let cases = [
            ("ID=debian\n", Some(Distro::Debian)),
            ("NAME=Mint\nID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", Some(Distro::Debian)),
            ("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n", Some(Distro::Fedora)),
            ("ID=arch\n", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(Distro::from_os_release(text), expected, "{text}");
        }
    }
}
