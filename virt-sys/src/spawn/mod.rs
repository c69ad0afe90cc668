//! Starting a program that outlives its parent.
//!
//! [`Spawn`] collects everything that the child needs; [`Spawn::start`] creates it. Between the
//! creation of the process and its exec only async-signal-safe calls run, on memory that was
//! prepared before.
//!
//! # What the child looks like
//!
//! - Its environment holds the given entries and nothing else.
//! - Standard input is `/dev/null`; output and error go where [`Spawn::output`] says, else to `/dev/null`.
//! - No descriptor but those passed and the pid file's is open in it.
//! - It leads a new session, so that a terminal's signals to the parent do not reach it, and
//!   nothing ties its life to its parent's.
//! - All signals are unblocked and have their default action.
//!
//! # Being found again
//!
//! With [`Spawn::pid_file`] the child itself, before exec, makes the pid file, locks it with a POSIX
//! record lock and writes its pid; the lock goes through exec and ends with the process, whoever
//! else dies. [`PidFile::read_locked`](crate::lock::PidFile::read_locked) asks the kernel for the
//! holder, which is right even when pids have wrapped around.
//!
//! Until that lock is held the child keeps every descriptor of its parent open, close-on-exec or
//! not. An `flock` that the parent holds on a domain's directory therefore stays held, by the shared
//! open file description, even if the parent is killed right after the process was created: whoever
//! gets the `flock` next either finds the child's locked pid file or knows that there is no child.
//!
//! Linux 5.11 is needed (`close_range` with `CLOSE_RANGE_CLOEXEC`).

mod child;
pub(crate) use child::whole_file;
mod launch;
pub(crate) use launch::probe_clone;
mod step;

use std::ffi::{CString, OsStr, OsString};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{Mode, OFlags};

use crate::error::{Error, Result};
use crate::namespace::Namespaces;
use crate::pidfd::PidFd;

pub use step::Step;

/// A started program.
#[derive(Debug)]
pub struct Child {
    /// Its pid, as seen by this process.
    pub pid: crate::Pid,
    /// A handle that names this very process, however pids are reused.
    pub pidfd: PidFd,
}

/// A resource whose use is limited, see `setrlimit(2)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resource {
    /// Bytes that may be locked into memory.
    Memlock,
    /// Bytes of a core file.
    Core,
    /// Open descriptors (one more than the highest number).
    Nofile,
    /// Processes of the user.
    Nproc,
}

/// Value of a limit that is none.
pub const UNLIMITED: u64 = libc::RLIM_INFINITY;

/// Whom the child runs as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Real, effective and saved user id.
    pub uid: u32,
    /// Real, effective and saved group id.
    pub gid: u32,
    /// The supplementary groups, exactly.
    pub groups: Vec<u32>,
}

/// Everything about a program to start.
///
/// ```
/// use std::time::{Duration, Instant};
///
/// let mut spawn = virt_sys::Spawn::new("/bin/sh");
/// spawn.args(["-c", "exit 3"]);
/// let child = spawn.start()?;
/// let status = child.pidfd.wait_exit(Some(Instant::now() + Duration::from_secs(10)))?;
/// assert_eq!(status.unwrap().code(), Some(3));
/// # Ok::<(), virt_sys::Error>(())
/// ```
#[derive(Debug)]
pub struct Spawn {
    program: PathBuf,
    argv: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    cwd: Option<PathBuf>,
    stdin: Option<OwnedFd>,
    stdout: Option<OwnedFd>,
    stderr: Option<OwnedFd>,
    fds: Vec<(OwnedFd, RawFd)>,
    pid_file: Option<(PathBuf, u32)>,
    writes: Vec<(PathBuf, Vec<u8>)>,
    rlimits: Vec<(Resource, u64, u64)>,
    umask: Option<u32>,
    nice: Option<i32>,
    ends_with_parent: bool,
    affinity: Option<Vec<usize>>,
    credentials: Option<Credentials>,
    namespaces: Namespaces,
}

impl Spawn {
    /// A child that will run `program` (a path, not looked up in `PATH`; see [`find_program`]) with
    /// that path as its only argument so far.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        let program = program.into();
        Self {
            argv: vec![program.clone().into_os_string()],
            program,
            env: Vec::new(),
            cwd: None,
            stdin: None,
            stdout: None,
            stderr: None,
            fds: Vec::new(),
            pid_file: None,
            writes: Vec::new(),
            rlimits: Vec::new(),
            umask: None,
            nice: None,
            ends_with_parent: false,
            affinity: None,
            credentials: None,
            namespaces: Namespaces::default(),
        }
    }

    /// Replaces argument 0, the name by which the program is called.
    pub fn arg0(&mut self, name: impl Into<OsString>) -> &mut Self {
        if let Some(first) = self.argv.first_mut() {
            *first = name.into();
        }
        self
    }

    /// Appends an argument.
    pub fn arg(&mut self, arg: impl Into<OsString>) -> &mut Self {
        self.argv.push(arg.into());
        self
    }

    /// Appends arguments.
    pub fn args<I: IntoIterator<Item: Into<OsString>>>(&mut self, args: I) -> &mut Self {
        self.argv.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets an environment variable, replacing an earlier value.
    pub fn env(&mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> &mut Self {
        let (name, value) = (name.into(), value.into());
        match self.env.iter_mut().find(|(n, _)| *n == name) {
            Some(entry) => entry.1 = value,
            None => self.env.push((name, value)),
        }
        self
    }

    /// Passes a variable of this process on, where it is set.
    pub fn inherit_env(&mut self, name: impl AsRef<OsStr>) -> &mut Self {
        if let Some(value) = std::env::var_os(name.as_ref()) {
            self.env(name.as_ref(), value);
        }
        self
    }

    /// Sets the working directory; without it the parent's is kept.
    pub fn cwd(&mut self, dir: impl Into<PathBuf>) -> &mut Self {
        self.cwd = Some(dir.into());
        self
    }

    /// Gives the child this standard input instead of `/dev/null`.
    pub fn stdin(&mut self, fd: OwnedFd) -> &mut Self {
        self.stdin = Some(fd);
        self
    }

    /// Gives the child this standard output instead of `/dev/null`.
    pub fn stdout(&mut self, fd: OwnedFd) -> &mut Self {
        self.stdout = Some(fd);
        self
    }

    /// Gives the child this standard error instead of `/dev/null`.
    pub fn stderr(&mut self, fd: OwnedFd) -> &mut Self {
        self.stderr = Some(fd);
        self
    }

    /// Sends both standard output and error to `fd`, a log file.
    ///
    /// # Errors
    /// When the descriptor cannot be duplicated.
    pub fn output(&mut self, fd: OwnedFd) -> Result<&mut Self> {
        self.stderr = Some(fd.try_clone().map_err(|e| Error::system("duplicate the log's descriptor", e))?);
        self.stdout = Some(fd);
        Ok(self)
    }

    /// Passes `fd` to the child under the number that it has here, which is returned for use in
    /// an argument. It stays open here as long as this value lives.
    pub fn pass_fd(&mut self, fd: OwnedFd) -> RawFd {
        let number = fd.as_raw_fd();
        self.fds.push((fd, number));
        number
    }

    /// Passes `fd` to the child under the given number.
    pub fn pass_fd_as(&mut self, fd: OwnedFd, number: RawFd) -> &mut Self {
        self.fds.push((fd, number));
        self
    }

    /// Lets the child make and lock a pid file, see the [module](self). The mode is 0644.
    ///
    /// The caller holds an exclusive lock of its own (such as an `flock` on a directory) that keeps
    /// others from starting the same thing: a pid file that is locked already refuses the start
    /// with [`Step::PidFileLocked`], but two children racing for one file are not told apart.
    pub fn pid_file(&mut self, path: impl Into<PathBuf>) -> &mut Self {
        self.pid_file = Some((path.into(), 0o644));
        self
    }

    /// Lets the child write `bytes` to an existing file before it gives up its privileges: for
    /// `/proc/self/attr/exec`, `/proc/self/coredump_filter`, or a `cgroup.procs` (`"0"`).
    pub fn write_file(&mut self, path: impl Into<PathBuf>, bytes: impl Into<Vec<u8>>) -> &mut Self {
        self.writes.push((path.into(), bytes.into()));
        self
    }

    /// Sets the badness for the out-of-memory killer, -1000 to 1000.
    pub fn oom_score_adj(&mut self, score: i32) -> &mut Self {
        self.write_file("/proc/self/oom_score_adj", score.to_string())
    }

    /// Sets the soft and the hard limit of a resource.
    pub fn rlimit(&mut self, resource: Resource, soft: u64, hard: u64) -> &mut Self {
        self.rlimits.push((resource, soft, hard));
        self
    }

    /// Sets the file mode creation mask; without it the parent's is kept.
    pub fn umask(&mut self, mask: u32) -> &mut Self {
        self.umask = Some(mask);
        self
    }

    /// Sets the nice value, -20 to 19.
    pub fn nice(&mut self, nice: i32) -> &mut Self {
        self.nice = Some(nice);
        self
    }

    /// Lets the kernel kill the child when the thread that starts it ends, and so in any case when this process does
    /// (prctl(2), `PR_SET_PDEATHSIG`). For helpers of a moment, started by a thread that waits for them or lives long.
    pub fn end_with_parent(&mut self) -> &mut Self {
        self.ends_with_parent = true;
        self
    }

    /// Binds the child to these processors.
    pub fn affinity(&mut self, cpus: impl Into<Vec<usize>>) -> &mut Self {
        self.affinity = Some(cpus.into());
        self
    }

    /// Changes user and groups. Capabilities are lost with uid 0, as usual.
    pub fn credentials(&mut self, credentials: Credentials) -> &mut Self {
        self.credentials = Some(credentials);
        self
    }

    /// Puts the child into new namespaces. With a user namespace the present user and group are
    /// mapped to 0; with a mount namespace no mount propagates out of it; with a mount and a pid
    /// namespace `/proc` is mounted anew.
    pub fn namespaces(&mut self, namespaces: Namespaces) -> &mut Self {
        self.namespaces = namespaces;
        self
    }

    /// The program's path.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// The arguments, number 0 included.
    pub fn argv(&self) -> &[OsString] {
        &self.argv
    }

    /// The environment.
    pub fn environment(&self) -> &[(OsString, OsString)] {
        &self.env
    }

    /// Starts the program. Returns once the exec has succeeded or failed.
    ///
    /// The child is a child of this process: whoever started it collects its exit status
    /// ([`PidFd::wait_exit`]). This blocks the calling thread for the time of an exec (0.3 to 1 ms).
    ///
    /// # Errors
    /// [`Error::Spawn`] with the step that failed and the child's errno; [`Error::Nul`],
    /// [`Error::Invalid`] and [`Error::System`] for failures before there was a child.
    pub fn start(&self) -> Result<Child> {
        let null = rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())
            .map_err(|e| Error::file("open", "/dev/null", e))?;
        let mut plan = self.plan(&null)?;
        launch::launch(&mut plan).map_err(|failure| failure.into_error(&self.program))
    }

    fn plan(&self, null: &OwnedFd) -> Result<child::Plan> {
        let mut maps: Vec<child::FdMap> = [&self.stdin, &self.stdout, &self.stderr]
            .into_iter()
            .zip(0..)
            .map(|(fd, to)| child::FdMap::new(fd.as_ref().unwrap_or(null).as_raw_fd(), to))
            .chain(self.fds.iter().map(|(fd, to)| child::FdMap::new(fd.as_raw_fd(), *to)))
            .collect();
        maps.sort_by_key(|map| map.to);
        if let Some(pair) = maps.windows(2).find(|pair| pair[0].to == pair[1].to) {
            return Err(Error::Invalid(format!("two descriptors are to become number {}", pair[0].to)));
        }
        if let Some(map) = maps.first().filter(|map| map.to < 0) {
            return Err(Error::Invalid(format!("{} is no descriptor number", map.to)));
        }
        let argv = c_strings(self.argv.iter().map(|a| a.as_bytes().to_vec()), "an argument")?;
        let env = c_strings(
            self.env.iter().map(|(name, value)| [name.as_bytes(), b"=", value.as_bytes()].concat()),
            "an environment variable",
        )?;
        let pid_file = match &self.pid_file {
            Some((path, mode)) => Some(child::PidFilePlan {
                path: c_path(path, "the pid file's path")?,
                fresh: c_path(&fresh_name(path), "the pid file's path")?,
                mode: *mode,
                fd: -1,
                in_place: false,
            }),
            None => None,
        };
        let writes = self
            .writes
            .iter()
            .map(|(path, bytes)| Ok((c_path(path, "a path to write to")?, bytes.clone())))
            .collect::<Result<_>>()?;
        let cwd = self.cwd.as_deref().map(|dir| c_path(dir, "the working directory")).transpose()?;
        Ok(child::Plan {
            program: c_path(&self.program, "the program's path")?,
            argv: child::PointerArray::new(argv),
            envp: child::PointerArray::new(env),
            cwd,
            maps,
            pid_file,
            writes,
            rlimits: self.rlimits.iter().map(|(r, soft, hard)| (raw_resource(*r), *soft, *hard)).collect(),
            umask: self.umask,
            nice: self.nice,
            ends_with: self.ends_with_parent.then(|| rustix::process::getpid().as_raw_nonzero().get()),
            affinity: self.affinity.as_deref().map(cpu_mask),
            credentials: self.credentials.clone(),
            namespaces: self.namespaces,
            id_maps: self.namespaces.user.then(crate::namespace::IdMaps::of_this_process),
        })
    }
}

/// Looks a program up in `PATH` (or in the usual directories, where `PATH` is not set). A name with
/// a slash is returned as it is, if it can be executed.
pub fn find_program(name: &str) -> Option<PathBuf> {
    let executable =
        |path: &Path| path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok();
    if name.contains('/') {
        return Some(PathBuf::from(name)).filter(|path| executable(path));
    }
    let path =
        std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin".into());
    std::env::split_paths(&path)
        .filter(|dir| dir.is_absolute())
        .map(|dir| dir.join(name))
        .find(|path| executable(path))
}

fn raw_resource(resource: Resource) -> libc::c_int {
    (match resource {
        Resource::Memlock => libc::RLIMIT_MEMLOCK,
        Resource::Core => libc::RLIMIT_CORE,
        Resource::Nofile => libc::RLIMIT_NOFILE,
        Resource::Nproc => libc::RLIMIT_NPROC,
    }) as libc::c_int
}

fn cpu_mask(cpus: &[usize]) -> Vec<libc::c_ulong> {
    let bits = libc::c_ulong::BITS as usize;
    let words = cpus.iter().max().map_or(0, |max| max / bits + 1);
    let mut mask = vec![0; words];
    for cpu in cpus {
        mask[cpu / bits] |= 1 << (cpu % bits);
    }
    mask
}

fn c_strings(items: impl Iterator<Item = Vec<u8>>, what: &'static str) -> Result<Vec<CString>> {
    items.map(|item| CString::new(item).map_err(|_| Error::Nul { what })).collect()
}

fn c_path(path: &Path, what: &'static str) -> Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| Error::Nul { what })
}

fn fresh_name(path: &Path) -> PathBuf {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    crate::fs::temporary_name(path, &format!("{}-{count}", std::process::id()))
}

#[cfg(test)]
mod tests;
