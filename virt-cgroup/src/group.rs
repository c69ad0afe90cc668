//! One group, under all its controllers.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use crate::host::offered;
use crate::{Controller, Controllers, Error, Host, Result, Version};

/// The most that is read of one of the kernel's files.
const LIMIT: u64 = 1 << 20;

/// What of a parent's settings a new group of v1 has to be given before any process can be in it.
const INHERITED: [&str; 3] = ["cpuset.cpus", "cpuset.mems", "cpuset.memory_migrate"];

/// A thread of a guest that has a group of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Thread {
    /// One that runs a virtual CPU.
    Vcpu(u32),
    /// Everything that is none of the others.
    Emulator,
    /// An I/O thread.
    Iothread(u32),
}

impl std::fmt::Display for Thread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Vcpu(id) => write!(f, "vcpu{id}"),
            Self::Emulator => f.write_str("emulator"),
            Self::Iothread(id) => write!(f, "iothread{id}"),
        }
    }
}

/// A group: one path under every controller that it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    host: Arc<Host>,
    path: String,
    controllers: Controllers,
    threaded: bool,
}

impl Group {
    pub(crate) fn at(host: Arc<Host>, path: String) -> Self {
        let controllers = host.controllers();
        Self { host, path, controllers, threaded: false }
    }

    /// Its path from the top of the hierarchies.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The host.
    #[must_use]
    pub const fn host(&self) -> &Arc<Host> {
        &self.host
    }

    /// Whether a controller limits it.
    #[must_use]
    pub const fn has(&self, controller: Controller) -> bool {
        self.controllers.contains(controller)
    }

    /// A group in this one, whether it is there or not.
    #[must_use]
    pub fn child(&self, name: &str) -> Self {
        let path = format!("{}/{name}", self.path.trim_end_matches('/'));
        Self { path, ..self.clone() }
    }

    /// The group of one of a guest's threads, whether it is there or not.
    #[must_use]
    pub fn thread(&self, thread: Thread) -> Self {
        let child = self.child(&thread.to_string());
        let controllers = child.controllers.intersection(Controllers::OF_THREADS);
        Self { controllers, threaded: true, ..child }
    }

    /// The same group with the controllers that it really has, which is asked of the kernel.
    #[must_use]
    pub fn known(mut self) -> Self {
        for controller in self.controllers.iter() {
            if !self.dir(controller).is_some_and(|dir| dir.exists()) {
                self.controllers.remove(controller);
            }
        }
        self.limit_to_offered();
        self
    }

    /// The same group, if it is there under any controller.
    #[must_use]
    pub fn existing(self) -> Option<Self> {
        Some(self.known()).filter(|group| !group.controllers.is_empty())
    }

    /// The first controller under which the group is not there.
    pub(crate) fn first_missing(&self) -> Option<(Version, Controller)> {
        let missing = |c: &Controller| !self.dir(*c).is_some_and(|dir| dir.exists());
        let controller = self.controllers.iter().find(missing)?;
        Some((self.host.version(controller)?, controller))
    }

    /// Makes the group, and what is above it, where it is not there yet; tells it with the controllers that it got.
    ///
    /// # Errors
    /// [`Error::Create`] if it could be made under no controller at all.
    pub fn create(mut self) -> Result<Self> {
        let mut refusal = None;
        for (controller, _) in self.host.hierarchies() {
            // Those that are mounted together come and go together.
            let together =
                |c: &Controller| self.host.mounts().legacy(*c) == self.host.mounts().legacy(controller);
            let legacy = self.host.legacy();
            let wanted: Vec<Controller> = legacy.iter().filter(|c| together(c) && self.has(*c)).collect();
            if wanted.is_empty() {
                continue;
            }
            if let Err(error) = self.create_legacy(&wanted) {
                log::warn!("the group {} goes without the controller {controller}: {error}", self.path);
                wanted.into_iter().for_each(|controller| self.controllers.remove(controller));
                refusal.get_or_insert(error);
            }
        }
        if self.controllers.intersection(self.host.unified()).iter().next().is_some()
            && let Err(error) = self.create_unified()
        {
            log::warn!("the group {} goes without v2: {error}", self.path);
            self.host.unified().iter().for_each(|controller| self.controllers.remove(controller));
            refusal.get_or_insert(error);
        }
        if self.controllers.is_empty() {
            let source = match refusal {
                Some(Error::Create { source, .. } | Error::Write { source, .. }) => source,
                other => std::io::Error::other(other.map_or_else(String::new, |error| error.to_string())),
            };
            return Err(Error::Create { path: self.path, source });
        }
        Ok(self)
    }

    fn create_legacy(&self, wanted: &[Controller]) -> Result<()> {
        let Some(first) = wanted.first() else { return Ok(()) };
        let is_cpuset = wanted.contains(&Controller::Cpuset);
        for path in self.way() {
            let Some(dir) = self.host.dir(*first, path) else { continue };
            if self.make(&dir)? && is_cpuset {
                self.inherit(&dir)?;
            }
        }
        Ok(())
    }

    /// Every group of v2 has to let its children have the controllers; one of threads is marked so.
    fn create_unified(&mut self) -> Result<()> {
        let Some(top) = self.host.unified_dir("/") else { return Ok(()) };
        let mut parent = top;
        let steps: Vec<PathBuf> = self.way().filter_map(|path| self.host.unified_dir(path)).collect();
        for dir in &steps {
            let is_new = self.make(dir)?;
            let is_last = steps.last() == Some(dir);
            if is_new && is_last && self.threaded {
                self.put(&dir.join("cgroup.type"), "threaded")?;
            }
            self.delegate(&parent, dir);
            parent.clone_from(dir);
        }
        self.limit_to_offered();
        Ok(())
    }

    /// Lets the children of a group of v2 have what this group wants.
    fn delegate(&self, parent: &Path, child: &Path) {
        let wanted = self.controllers.intersection(offered(parent));
        let has = offered(child);
        for controller in wanted.iter().filter(|controller| !has.contains(*controller)) {
            let name = format!("+{}", controller.unified_name());
            if let Err(error) = self.put(&parent.join("cgroup.subtree_control"), &name) {
                log::debug!("the controller {controller} is not for {}: {error}", self.path);
            }
        }
    }

    /// Drops the controllers of v2 that this group was not given; time and freezing need no leave.
    fn limit_to_offered(&mut self) {
        let Some(dir) = self.host.unified_dir(&self.path) else { return };
        let offered = offered(&dir);
        for controller in self.host.unified().iter() {
            let is_free = matches!(controller, Controller::Cpuacct | Controller::Freezer);
            if !is_free && !offered.contains(controller) {
                self.controllers.remove(controller);
            }
        }
    }

    /// The paths from below the top to this group.
    fn way(&self) -> impl Iterator<Item = &str> {
        let ends = self.path.match_indices('/').map(|(at, _)| at).filter(|at| *at > 0);
        ends.chain([self.path.len()]).filter_map(|end| self.path.get(..end)).filter(|path| path.len() > 1)
    }

    /// Whether a directory had to be made.
    fn make(&self, dir: &Path) -> Result<bool> {
        match fs::DirBuilder::new().mode(0o755).create(dir) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(source) => Err(Error::Create { path: self.path.clone(), source }),
        }
    }

    /// Gives a new group what its parent has.
    fn inherit(&self, dir: &Path) -> Result<()> {
        let Some(parent) = dir.parent() else { return Ok(()) };
        for key in INHERITED {
            let value = self.get(&parent.join(key))?;
            if !value.is_empty() {
                self.put(&dir.join(key), &value)?;
            }
        }
        Ok(())
    }

    /// Removes the group and those in it, under every controller; that it is not there is what is wanted.
    ///
    /// # Errors
    /// [`Error::Remove`], of the first that could not be removed; the others are. A group in which there is a process
    /// can not.
    pub fn remove(&self) -> Result<()> {
        if self.path.trim_matches('/').is_empty() {
            return Ok(());
        }
        let legacy = self.host.hierarchies().into_iter().filter_map(|(c, _)| self.host.dir(c, &self.path));
        let dirs = legacy.chain(self.host.unified_dir(&self.path));
        let mut outcome = Ok(());
        for dir in dirs {
            let removed = remove_tree(&dir);
            outcome = outcome.and(removed);
        }
        outcome
    }

    /// The files that a process writes `0` to, to be in this group under each of its controllers.
    #[must_use]
    pub fn process_files(&self) -> Vec<PathBuf> {
        self.member_files("cgroup.procs", "cgroup.procs")
    }

    /// The same for a process that has one thread only: no other process's start or end is waited for. A thread's group of
    /// v2 is entered from within the guest's.
    #[must_use]
    pub fn entry_files(&self) -> Vec<PathBuf> {
        self.member_files("tasks", if self.threaded { "cgroup.threads" } else { "cgroup.procs" })
    }

    /// Moves a process with all its threads here.
    ///
    /// # Errors
    /// [`Error::Write`] under the first controller that refuses.
    pub fn add_process(&self, pid: u32) -> Result<()> {
        self.add(&self.process_files(), pid)
    }

    /// Moves a thread here.
    ///
    /// # Errors
    /// [`Error::Write`] under the first controller that refuses.
    pub fn add_thread(&self, thread: u32) -> Result<()> {
        self.add(&self.member_files("tasks", "cgroup.threads"), thread)
    }

    /// The processes here, under the first controller; none where the group is gone.
    #[must_use]
    pub fn processes(&self) -> Vec<u32> {
        let file = self.process_files().into_iter().next();
        let text = file.and_then(|file| fs::read_to_string(file).ok()).unwrap_or_default();
        text.lines().filter_map(|line| line.trim().parse().ok()).collect()
    }

    fn member_files(&self, legacy: &str, unified: &str) -> Vec<PathBuf> {
        let mine = self.controllers.intersection(self.host.legacy());
        let places = self.host.hierarchies().into_iter().filter(|(_, mount)| {
            mine.iter().any(|controller| self.host.mounts().legacy(controller) == Some(*mount))
        });
        let mut files: Vec<PathBuf> =
            places.filter_map(|(c, _)| Some(self.host.dir(c, &self.path)?.join(legacy))).collect();
        if !self.controllers.intersection(self.host.unified()).is_empty() {
            files.extend(self.host.unified_dir(&self.path).map(|dir| dir.join(unified)));
        }
        files
    }

    fn add(&self, files: &[PathBuf], id: u32) -> Result<()> {
        files.iter().try_for_each(|file| self.put(file, &id.to_string()))
    }

    fn dir(&self, controller: Controller) -> Option<PathBuf> {
        self.host.dir(controller, &self.path)
    }

    /// The version that has a controller of this group, and the controller's directory.
    pub(crate) fn place(&self, controller: Controller) -> Result<(Version, PathBuf)> {
        let version = self.host.version(controller).filter(|_| self.has(controller));
        version.zip(self.dir(controller)).ok_or(Error::NoController(controller))
    }

    /// The text of a file without the blanks around it.
    pub(crate) fn get(&self, path: &Path) -> Result<String> {
        match virt_sys::fs::read_bounded(path, LIMIT) {
            Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).trim().to_owned()),
            Err(error) => {
                let errno = error.errno().unwrap_or_default();
                let source = std::io::Error::from_raw_os_error(errno);
                Err(Error::Read { path: path.to_owned(), source })
            }
        }
    }

    pub(crate) fn number<T: FromStr>(&self, path: &Path) -> Result<T> {
        let text = self.get(path)?;
        parse(&text)
    }

    /// Writes a value in one piece, as the kernel wants it.
    pub(crate) fn put(&self, path: &Path, value: &str) -> Result<()> {
        let written = OpenOptions::new()
            .write(true)
            .truncate(true)
            .open(path)
            .and_then(|mut f| f.write_all(value.as_bytes()));
        written.map_err(|source| {
            if source.raw_os_error() == Some(EINVAL) {
                let key = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                return Error::Invalid { value: value.to_owned(), key, source };
            }
            Error::Write { path: path.to_owned(), source }
        })
    }
}

const EINVAL: i32 = 22;

pub(crate) fn parse<T: FromStr>(text: &str) -> Result<T> {
    text.trim().parse().map_err(|_| Error::Parse { text: text.to_owned() })
}

/// Directories only: what the kernel keeps in them goes with them.
fn remove_tree(dir: &Path) -> Result<()> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(Error::Remove { path: dir.to_owned(), source }),
    };
    for entry in entries.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_tree(&entry.path())?;
        }
    }
    match fs::remove_dir(dir) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(Error::Remove { path: dir.to_owned(), source: error })
        }
        _ => Ok(()),
    }
}
