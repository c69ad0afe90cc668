//! What there is of control groups on a host.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::{Controller, Controllers, Error, Group, Mounts, Placement, Result, name};

/// Which of the kernel's two interfaces has a controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// A hierarchy for each controller, or for a few.
    Legacy,
    /// One hierarchy for all.
    Unified,
}

/// The controllers of a host, found once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    root: PathBuf,
    mounts: Mounts,
    legacy: Controllers,
    unified: Controllers,
    /// What the kernel calls its controllers, which no group may be called.
    names: Vec<String>,
}

impl Host {
    /// Looks what a host has; `root` is `/` for this one, or where another one was recorded.
    ///
    /// A controller that v2 offers is v2's. A v2 that offers none of them is not used: systemd mounts it to keep track of
    /// its units.
    ///
    /// # Errors
    /// [`Error::None`] where nothing is mounted, [`Error::Read`] where the mounts can not be told.
    pub fn detect(root: impl Into<PathBuf>) -> Result<Self> {
        let root = root.into();
        let read = |path: &str| {
            let path = root.join(path);
            fs::read_to_string(&path).map_err(|source| Error::Read { path, source })
        };
        let mounts = Mounts::parse(&read("proc/mounts")?)?;
        // A kernel without v1 has no such table.
        let names = read("proc/cgroups").map(|table| names(&table)).unwrap_or_default();
        let offered = mounts.unified().map(|mount| offered(&below(&root, mount))).unwrap_or_default();
        let mounted = |controller: &Controller| {
            *controller != Controller::Systemd && mounts.legacy(*controller).is_some()
        };
        let legacy: Controllers =
            Controller::ALL.into_iter().filter(|c| mounted(c) && !offered.contains(*c)).collect();
        let mut unified = offered;
        if !unified.is_empty() && !legacy.contains(Controller::Cpuacct) {
            // Every group of v2 counts the time.
            unified.insert(Controller::Cpuacct);
        }
        if !unified.is_empty() && !legacy.contains(Controller::Freezer) {
            unified.insert(Controller::Freezer);
        }
        if legacy.is_empty() && unified.is_empty() {
            return Err(Error::None);
        }
        Ok(Self { root, mounts, legacy, unified, names })
    }

    /// Where the controllers are mounted.
    #[must_use]
    pub const fn mounts(&self) -> &Mounts {
        &self.mounts
    }

    /// Which controllers it has.
    #[must_use]
    pub fn controllers(&self) -> Controllers {
        self.legacy.iter().chain(self.unified.iter()).collect()
    }

    /// Who has a controller.
    #[must_use]
    pub fn version(&self, controller: Controller) -> Option<Version> {
        if self.unified.contains(controller) {
            return Some(Version::Unified);
        }
        self.legacy.contains(controller).then_some(Version::Legacy)
    }

    /// The groups of a process.
    ///
    /// # Errors
    /// [`Error::Read`] for a process that is not there.
    pub fn placement(&self, pid: u32) -> Result<Placement> {
        let path = self.root.join(format!("proc/{pid}/cgroup"));
        let lines = fs::read_to_string(&path).map_err(|source| Error::Read { path, source })?;
        Ok(Placement::parse(&lines))
    }

    /// A name for a group that the kernel can not take for one of its own files.
    #[must_use]
    pub fn escape(&self, name: &str) -> String {
        name::escape(name, &self.names)
    }

    /// The group at a path from the top of the hierarchies, whether it is there or not.
    #[must_use]
    pub fn group(self: &Arc<Self>, path: &str) -> Group {
        Group::at(Arc::clone(self), path.to_owned())
    }

    /// The group of a partition, such as `/machine`, by libvirt's rules of names; made where it has to be and may be.
    ///
    /// # Errors
    /// [`Error::Partition`] for a path that is not absolute, [`Error::NoPartition`] for one that is not there and not to
    /// be made; else as [`Group::create`].
    pub fn partition(self: &Arc<Self>, path: &str, make: bool) -> Result<Group> {
        let group = self.partition_path(path)?;
        if group.path() == "/" {
            return Ok(group);
        }
        if make {
            return group.create();
        }
        match group.first_missing() {
            Some((version, controller)) => {
                let version = if version == Version::Legacy { "v1" } else { "v2" };
                Err(Error::NoPartition { version, controller })
            }
            None => Ok(group.known()),
        }
    }

    /// The same, whether it is there or not.
    ///
    /// # Errors
    /// [`Error::Partition`] for a path that is not absolute.
    pub fn partition_path(self: &Arc<Self>, path: &str) -> Result<Group> {
        if !path.starts_with('/') {
            return Err(Error::Partition(path.to_owned()));
        }
        Ok(self.group(&name::partition(path, &self.names)))
    }

    /// The directory of a group under a controller.
    pub(crate) fn dir(&self, controller: Controller, path: &str) -> Option<PathBuf> {
        let mount = match self.version(controller)? {
            Version::Legacy => self.mounts.legacy(controller)?,
            Version::Unified => self.mounts.unified()?,
        };
        Some(below(&below(&self.root, mount), path))
    }

    /// The directory of a group in v2, if that is used.
    pub(crate) fn unified_dir(&self, path: &str) -> Option<PathBuf> {
        let mount = self.mounts.unified().filter(|_| !self.unified.is_empty())?;
        Some(below(&below(&self.root, mount), path))
    }

    /// The controllers of v1 by hierarchy: those that are mounted together have one.
    pub(crate) fn hierarchies(&self) -> Vec<(Controller, &str)> {
        let mut found: Vec<(Controller, &str)> = Vec::new();
        for controller in self.legacy.iter() {
            let Some(mount) = self.mounts.legacy(controller) else { continue };
            if found.iter().all(|(_, other)| *other != mount) {
                found.push((controller, mount));
            }
        }
        found
    }

    pub(crate) const fn legacy(&self) -> Controllers {
        self.legacy
    }

    pub(crate) const fn unified(&self) -> Controllers {
        self.unified
    }
}

/// The controllers that a group of v2 offers.
pub(crate) fn offered(dir: &Path) -> Controllers {
    let text = fs::read_to_string(dir.join("cgroup.controllers")).unwrap_or_default();
    let has = |controller: &Controller| text.split_whitespace().any(|name| name == controller.unified_name());
    Controller::ALL.into_iter().filter(has).collect()
}

fn names(table: &str) -> Vec<String> {
    let lines = table.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

fn below(root: &Path, path: &str) -> PathBuf {
    root.join(path.trim_start_matches('/'))
}
