//! The parent's side of creating a process.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};
use std::path::Path;
use std::ptr::NonNull;

use libc::{c_int, c_void};

use super::child::{Plan, Stop};
use super::{Child, Step};
use crate::error::Error;
use crate::pidfd::PidFd;

/// Enough for the child's shallow calls, with room for an unoptimised build.
const STACK: usize = 64 * 1024;

/// Why there is no program running.
#[derive(Debug)]
pub(super) enum Failure {
    /// There was no child yet.
    Parent(Error),
    /// The child, since gone, could not do a step.
    Child(Stop),
}

impl Failure {
    pub(super) fn into_error(self, program: &Path) -> Error {
        match self {
            Self::Parent(error) => error,
            Self::Child(Stop { step, errno }) => Error::Spawn {
                program: program.to_path_buf(),
                step,
                source: io::Error::from_raw_os_error(errno),
            },
        }
    }
}

/// What the child leaves for its parent when it fails; in memory that both see.
#[repr(C)]
struct Report {
    step: c_int,
    errno: c_int,
}

struct Work<'a> {
    plan: &'a mut Plan,
    report: *mut Report,
}

/// Creates the process and waits until it has executed the program or failed.
///
/// `CLONE_VFORK` suspends the calling thread until then, so that nothing needs to be awaited
/// afterwards and the stack can be freed. The memory is shared (`CLONE_VM`), as copying the page
/// tables of a big process takes milliseconds, unless the child changes its user or its namespaces:
/// the kernel keeps the "may be traced" mark with the memory, and it would change for the parent too.
pub(super) fn launch(plan: &mut Plan) -> Result<Child, Failure> {
    let mapping = Mapping::new().map_err(Failure::Parent)?;
    let share = if plan.credentials.is_none() && plan.namespaces.is_empty() { libc::CLONE_VM } else { 0 };
    let flags = libc::CLONE_VFORK | libc::CLONE_PIDFD | libc::SIGCHLD | share | plan.namespaces.clone_flags();
    let report = mapping.report();
    let mut work = Work { plan, report };
    let mut pidfd: c_int = -1;
    let blocked = BlockedSignals::new();
    // SAFETY: the stack is writable memory that stays mapped until the child has left it, as the
    // parent is suspended that long; `work` outlives the child's use for the same reason. The
    // parent's pidfd location is valid. Signals are blocked, so no handler runs in the child.
    let pid = unsafe {
        libc::clone(run_child, mapping.stack_top(), flags, (&raw mut work).cast::<c_void>(), &raw mut pidfd)
    };
    let errno = io::Error::last_os_error();
    drop(blocked);
    let Some(pid) = crate::Pid::from_raw(pid).filter(|_| pid > 0) else {
        return Err(Failure::Child(Stop {
            step: Step::Clone,
            errno: errno.raw_os_error().unwrap_or(libc::EAGAIN),
        }));
    };
    // SAFETY: the kernel has just made this descriptor for us; nobody else knows its number.
    let pidfd = PidFd::from(unsafe { OwnedFd::from_raw_fd(pidfd) });
    // SAFETY: the report is mapped and aligned; the child has either executed or exited, so nobody
    // writes to it now. It is read as volatile because another process may have written it.
    let report = unsafe { report.read_volatile() };
    match Step::from_raw(report.step) {
        None => Ok(Child { pid, pidfd }),
        Some(step) => {
            // The child is exiting: collect it, whatever its status.
            if let Err(error) = pidfd.wait_exit(None) {
                log::warn!("cannot collect the failed child {pid}: {error}");
            }
            Err(Failure::Child(Stop { step, errno: report.errno }))
        }
    }
}

extern "C" fn run_child(work: *mut c_void) -> c_int {
    // SAFETY: `launch` passes its own `Work`, which lives until the child has gone on.
    let work = unsafe { &mut *work.cast::<Work<'_>>() };
    let stop = work.plan.run();
    let report = Report { step: stop.step as c_int, errno: stop.errno };
    // SAFETY: the report is mapped and aligned, and the parent reads it only after we are gone.
    unsafe { work.report.write_volatile(report) };
    // SAFETY: ends the process without running anybody's exit handlers.
    unsafe { libc::_exit(127) }
}

/// A guard page, the child's stack and the report above it, shared with a forked child too.
struct Mapping {
    base: NonNull<c_void>,
    page: usize,
    len: usize,
}

impl Mapping {
    fn new() -> Result<Self, Error> {
        let page = rustix::param::page_size();
        let len = page + STACK + page;
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS;
        // SAFETY: asks for fresh anonymous memory at any address.
        let base = unsafe { libc::mmap(std::ptr::null_mut(), len, access, flags, -1, 0) };
        if base == libc::MAP_FAILED {
            return Err(Error::system("map a stack for a child", io::Error::last_os_error()));
        }
        let Some(base) = NonNull::new(base) else {
            return Err(Error::system("map a stack for a child", io::Error::from_raw_os_error(libc::ENOMEM)));
        };
        let mapping = Self { base, page, len };
        // SAFETY: the first page belongs to the mapping and holds nothing.
        if unsafe { libc::mprotect(base.as_ptr(), page, libc::PROT_NONE) } != 0 {
            return Err(Error::system("protect a child's stack", io::Error::last_os_error()));
        }
        Ok(mapping)
    }

    /// The report lies in the last page, above the stack, and starts as zero: "no failure".
    fn report(&self) -> *mut Report {
        self.stack_top().cast()
    }

    fn stack_top(&self) -> *mut c_void {
        // SAFETY: the offset is inside the mapping.
        unsafe { self.base.as_ptr().byte_add(self.len - self.page) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours and nothing points into it any more.
        unsafe { libc::munmap(self.base.as_ptr(), self.len) };
    }
}

/// All signals blocked in the calling thread while it lives.
struct BlockedSignals {
    previous: libc::sigset_t,
}

impl BlockedSignals {
    fn new() -> Self {
        // SAFETY: both sets are valid for writing; `pthread_sigmask` fails only for a wrong "how".
        unsafe {
            let mut all: libc::sigset_t = std::mem::zeroed();
            let mut previous: libc::sigset_t = std::mem::zeroed();
            libc::sigfillset(&raw mut all);
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut previous);
            Self { previous }
        }
    }
}

impl Drop for BlockedSignals {
    fn drop(&mut self) {
        // SAFETY: the set was filled by the kernel.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.previous, std::ptr::null_mut()) };
    }
}

/// Makes a child with these flags that ends at once.
pub(crate) fn probe_clone(flags: c_int) -> io::Result<()> {
    extern "C" fn end(_: *mut c_void) -> c_int {
        // SAFETY: ends the process without running anybody's exit handlers.
        unsafe { libc::_exit(0) }
    }
    let mapping = Mapping::new()
        .map_err(|error| io::Error::from_raw_os_error(error.errno().unwrap_or(libc::ENOMEM)))?;
    let flags = flags | libc::CLONE_VFORK | libc::CLONE_PIDFD | libc::SIGCHLD;
    let mut pidfd: c_int = -1;
    let blocked = BlockedSignals::new();
    // SAFETY: the child runs on a copy of this memory and calls nothing but `_exit`; the stack and
    // the pidfd's location are valid.
    let pid = unsafe { libc::clone(end, mapping.stack_top(), flags, std::ptr::null_mut(), &raw mut pidfd) };
    let error = io::Error::last_os_error();
    drop(blocked);
    if pid < 0 {
        return Err(error);
    }
    // SAFETY: the kernel has just made this descriptor for us; nobody else knows its number.
    let pidfd = PidFd::from(unsafe { OwnedFd::from_raw_fd(pidfd) });
    pidfd.wait_exit(None).map_err(|e| io::Error::from_raw_os_error(e.errno().unwrap_or(libc::ECHILD)))?;
    Ok(())
}
