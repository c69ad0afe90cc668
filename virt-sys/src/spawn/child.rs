//! The child's side: what runs between the creation of the process and its exec.
//!
//! Everything here may run in a process that shares its memory with a suspended parent of many
//! threads. So: no allocation, no lock, no panic, and system calls where libc's wrapper would do
//! more than the call (setuid and friends signal all threads that they know of).

use std::ffi::CString;
use std::os::fd::RawFd;

use libc::{c_char, c_int, c_long};

use super::{Credentials, Step};
use crate::namespace::{IdMaps, Namespaces};

/// Everything that the child needs, allocated before it exists.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) program: CString,
    pub(super) argv: PointerArray,
    pub(super) envp: PointerArray,
    pub(super) cwd: Option<CString>,
    /// Sorted by target number, without doubles.
    pub(super) maps: Vec<FdMap>,
    pub(super) pid_file: Option<PidFilePlan>,
    pub(super) writes: Vec<(CString, Vec<u8>)>,
    pub(super) rlimits: Vec<(c_int, u64, u64)>,
    pub(super) umask: Option<u32>,
    pub(super) nice: Option<i32>,
    /// The parent with which the child ends.
    pub(super) ends_with: Option<libc::pid_t>,
    pub(super) affinity: Option<Vec<libc::c_ulong>>,
    pub(super) credentials: Option<Credentials>,
    pub(super) namespaces: Namespaces,
    pub(super) id_maps: Option<IdMaps>,
}

/// A descriptor of the parent and the number that it gets.
#[derive(Debug)]
pub(super) struct FdMap {
    from: RawFd,
    pub(super) to: RawFd,
    /// Where the child keeps its own copy while numbers are being shuffled.
    copy: RawFd,
}

impl FdMap {
    pub(super) fn new(from: RawFd, to: RawFd) -> Self {
        Self { from, to, copy: -1 }
    }
}

#[derive(Debug)]
pub(super) struct PidFilePlan {
    pub(super) path: CString,
    /// A name in the same directory that nobody else uses.
    pub(super) fresh: CString,
    pub(super) mode: u32,
    /// The locked descriptor, once the child has it.
    pub(super) fd: RawFd,
    /// Whether the fresh file has been renamed to its place.
    pub(super) in_place: bool,
}

/// A null-terminated array of C strings with its owners.
#[derive(Debug)]
pub(super) struct PointerArray {
    pointers: Vec<*const c_char>,
    _owners: Vec<CString>,
}

impl PointerArray {
    pub(super) fn new(owners: Vec<CString>) -> Self {
        let pointers = owners.iter().map(|s| s.as_ptr()).chain([std::ptr::null()]).collect();
        Self { pointers, _owners: owners }
    }
}

/// A failed step with its errno.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stop {
    pub(super) step: Step,
    pub(super) errno: c_int,
}

type Done = Result<(), Stop>;

fn errno() -> c_int {
    // SAFETY: the location is valid for the calling thread; a child that shares the memory of its
    // suspended parent uses the parent thread's, which nobody else touches meanwhile.
    unsafe { *libc::__errno_location() }
}

fn check(result: c_long, step: Step) -> Result<c_long, Stop> {
    if result < 0 { Err(Stop { step, errno: errno() }) } else { Ok(result) }
}

impl Plan {
    /// Becomes the program; returns only on failure.
    pub(super) fn run(&mut self) -> Stop {
        match self.prepare() {
            Ok(()) => self.exec(),
            Err(stop) => {
                self.remove_pid_file();
                stop
            }
        }
    }

    fn prepare(&mut self) -> Done {
        // SAFETY: takes no pointer.
        check(unsafe { libc::setsid() }.into(), Step::Session)?;
        self.enter_namespaces()?;
        // The pid file comes before anything that may close a descriptor of the parent's: see the
        // promise about locks in the module's documentation.
        self.make_pid_file()?;
        for (path, bytes) in &self.writes {
            write_existing(path, bytes, Step::WriteFile)?;
        }
        if let Some(mask) = self.umask {
            // SAFETY: takes no pointer; cannot fail.
            unsafe { libc::umask(mask as libc::mode_t) };
        }
        if let Some(nice) = self.nice {
            // SAFETY: takes no pointer.
            check(unsafe { libc::syscall(libc::SYS_setpriority, libc::PRIO_PROCESS, 0, nice) }, Step::Nice)?;
        }
        if let Some(mask) = &self.affinity {
            // SAFETY: the mask is valid for the given number of bytes.
            let result = unsafe {
                libc::syscall(libc::SYS_sched_setaffinity, 0, size_of_val(mask.as_slice()), mask.as_ptr())
            };
            check(result, Step::Affinity)?;
        }
        self.arrange_descriptors()?;
        for &(resource, soft, hard) in &self.rlimits {
            let limit = libc::rlimit64 { rlim_cur: soft, rlim_max: hard };
            // SAFETY: the new limit is valid for reading; the old one is not asked for.
            let result = unsafe {
                libc::syscall(
                    libc::SYS_prlimit64,
                    0,
                    resource,
                    &raw const limit,
                    std::ptr::null_mut::<libc::rlimit64>(),
                )
            };
            check(result, Step::Limit)?;
        }
        self.change_user()?;
        self.bind_to_parent()?;
        if let Some(dir) = &self.cwd {
            // SAFETY: the path is a valid C string.
            check(unsafe { libc::chdir(dir.as_ptr()) }.into(), Step::Directory)?;
        }
        Ok(())
    }

    fn enter_namespaces(&self) -> Done {
        if let Some(maps) = &self.id_maps {
            for (path, bytes) in maps.files() {
                write_existing(path, bytes, Step::IdMap)?;
            }
        }
        if self.namespaces.mount {
            let none = std::ptr::null();
            let flags = libc::MS_REC | libc::MS_PRIVATE;
            // SAFETY: all strings are valid C strings or null, which a change of propagation ignores.
            check(unsafe { libc::mount(none, c"/".as_ptr(), none, flags, none.cast()) }.into(), Step::Mount)?;
            if self.namespaces.pid {
                let proc = c"proc".as_ptr();
                let flags = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC;
                // SAFETY: all strings are valid C strings; no data is passed.
                let result = unsafe { libc::mount(proc, c"/proc".as_ptr(), proc, flags, none.cast()) };
                check(result.into(), Step::Mount)?;
            }
        }
        Ok(())
    }

    /// One above every number that is promised to somebody.
    fn floor(&self) -> RawFd {
        self.maps.last().map_or(3, |map| map.to.saturating_add(1))
    }

    /// A file that is made anew, locked, filled and then renamed to its place: readers see either a
    /// complete locked file or the previous one. A new file also has a new inode, of which no
    /// descriptor inherited from the parent can be: closing one would drop the lock.
    fn make_pid_file(&mut self) -> Done {
        let floor = self.floor();
        let Some(file) = &mut self.pid_file else { return Ok(()) };
        refuse_locked(&file.path)?;
        let flags = libc::O_RDWR | libc::O_CREAT | libc::O_EXCL | libc::O_NOFOLLOW | libc::O_CLOEXEC;
        // SAFETY: the path is a valid C string.
        let opened =
            check(unsafe { libc::open(file.fresh.as_ptr(), flags, file.mode) }.into(), Step::PidFile)?;
        let opened = opened as RawFd;
        // SAFETY: takes no pointer; duplicates a descriptor that this function opened.
        let fd = check(unsafe { libc::fcntl(opened, libc::F_DUPFD, floor) }.into(), Step::PidFile)? as RawFd;
        // SAFETY: the descriptor was opened above and is not used again. It is closed before the
        // lock is taken, since any close of the file would release it.
        unsafe { libc::close(opened) };
        file.fd = fd;
        let lock = whole_file(libc::F_WRLCK);
        // SAFETY: the lock is a valid flock structure.
        check(unsafe { libc::fcntl(fd, libc::F_SETLK, &raw const lock) }.into(), Step::PidFile)?;
        let mut text = [0; 12];
        // SAFETY: takes no argument; cannot fail.
        let text = decimal_line(unsafe { libc::getpid() } as u32, &mut text);
        write_all(fd, text, Step::PidFile)?;
        // SAFETY: both paths are valid C strings.
        check(unsafe { libc::rename(file.fresh.as_ptr(), file.path.as_ptr()) }.into(), Step::PidFile)?;
        file.in_place = true;
        Ok(())
    }

    fn remove_pid_file(&self) {
        let Some(file) = &self.pid_file else { return };
        if file.fd >= 0 {
            let name = if file.in_place { &file.path } else { &file.fresh };
            // SAFETY: the path is a valid C string, of a file that this process made.
            unsafe { libc::unlink(name.as_ptr()) };
        }
    }

    fn arrange_descriptors(&mut self) -> Done {
        let floor = self.floor();
        for map in &mut self.maps {
            // SAFETY: takes no pointer.
            let copy = unsafe { libc::fcntl(map.from, libc::F_DUPFD_CLOEXEC, floor) };
            map.copy = check(copy.into(), Step::Descriptors)? as RawFd;
        }
        let mut next = 0;
        for map in &self.maps {
            // SAFETY: takes no pointer. What the number meant before was the child's own copy of the
            // parent's table, which the child does not use.
            check(unsafe { libc::dup2(map.copy, map.to) }.into(), Step::Descriptors)?;
            close_on_exec(next, map.to)?;
            next = map.to.saturating_add(1);
        }
        if let Some(file) = &self.pid_file {
            close_on_exec(next, file.fd)?;
            next = file.fd.saturating_add(1);
        }
        close_on_exec(next, RawFd::MAX)
    }

    fn change_user(&self) -> Done {
        let Some(Credentials { uid, gid, groups }) = &self.credentials else { return Ok(()) };
        // SAFETY: the list is valid for the given number of entries.
        let result = unsafe { libc::syscall(SETGROUPS, groups.len(), groups.as_ptr()) };
        check(result, Step::Groups)?;
        // SAFETY: takes no pointer.
        check(unsafe { libc::syscall(SETRESGID, *gid, *gid, *gid) }, Step::Group)?;
        // SAFETY: takes no pointer.
        check(unsafe { libc::syscall(SETRESUID, *uid, *uid, *uid) }, Step::User)?;
        Ok(())
    }

    /// After the change of user, which would undo it.
    fn bind_to_parent(&self) -> Done {
        let Some(parent) = self.ends_with else { return Ok(()) };
        // SAFETY: the arguments of this operation are no pointers.
        let result = unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
        check(result.into(), Step::ParentDeath)?;
        // SAFETY: takes no pointer; cannot fail.
        let now = unsafe { libc::getppid() };
        // A parent outside of the child's pid namespace shows as 0.
        if now == parent || now == 0 {
            return Ok(());
        }
        // It died before its death could be told.
        Err(Stop { step: Step::ParentDeath, errno: libc::ECHILD })
    }

    fn exec(&self) -> Stop {
        reset_signals();
        // SAFETY: path, arguments and environment are C strings in null-terminated arrays, all
        // owned by the plan.
        unsafe {
            libc::execve(self.program.as_ptr(), self.argv.pointers.as_ptr(), self.envp.pointers.as_ptr())
        };
        let stop = Stop { step: Step::Exec, errno: errno() };
        self.remove_pid_file();
        stop
    }
}

#[cfg(any(target_arch = "x86", target_arch = "arm"))]
const SETGROUPS: c_long = libc::SYS_setgroups32;
#[cfg(any(target_arch = "x86", target_arch = "arm"))]
const SETRESGID: c_long = libc::SYS_setresgid32;
#[cfg(any(target_arch = "x86", target_arch = "arm"))]
const SETRESUID: c_long = libc::SYS_setresuid32;
#[cfg(not(any(target_arch = "x86", target_arch = "arm")))]
const SETGROUPS: c_long = libc::SYS_setgroups;
#[cfg(not(any(target_arch = "x86", target_arch = "arm")))]
const SETRESGID: c_long = libc::SYS_setresgid;
#[cfg(not(any(target_arch = "x86", target_arch = "arm")))]
const SETRESUID: c_long = libc::SYS_setresuid;

/// The lock description of a whole file.
pub(crate) fn whole_file(kind: c_int) -> libc::flock {
    // SAFETY: all-zero is a valid value of this plain C structure.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = kind as libc::c_short;
    lock.l_whence = libc::SEEK_SET as libc::c_short;
    lock
}

fn refuse_locked(path: &CString) -> Done {
    let flags = libc::O_RDONLY | libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC;
    // SAFETY: the path is a valid C string.
    let fd = unsafe { libc::open(path.as_ptr(), flags) };
    if fd < 0 {
        return match errno() {
            libc::ENOENT => Ok(()),
            errno => Err(Stop { step: Step::PidFile, errno }),
        };
    }
    let mut lock = whole_file(libc::F_WRLCK);
    // SAFETY: the lock is a valid flock structure that the kernel may overwrite.
    let asked = check(unsafe { libc::fcntl(fd, libc::F_GETLK, &raw mut lock) }.into(), Step::PidFile);
    // SAFETY: the descriptor was opened above and is not used again.
    unsafe { libc::close(fd) };
    asked?;
    if lock.l_type == libc::F_UNLCK as libc::c_short {
        Ok(())
    } else {
        Err(Stop { step: Step::PidFileLocked, errno: libc::EBUSY })
    }
}

/// Marks the descriptors from `first` to just below `end`.
fn close_on_exec(first: RawFd, end: RawFd) -> Done {
    if first >= end {
        return Ok(());
    }
    // SAFETY: takes no pointer.
    let result = unsafe {
        libc::syscall(
            libc::SYS_close_range,
            first as libc::c_uint,
            end.saturating_sub(1) as libc::c_uint,
            libc::CLOSE_RANGE_CLOEXEC,
        )
    };
    check(result, Step::Descriptors).map(drop)
}

fn write_existing(path: &std::ffi::CStr, bytes: &[u8], step: Step) -> Done {
    // SAFETY: the path is a valid C string.
    let fd =
        check(unsafe { libc::open(path.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC) }.into(), step)? as RawFd;
    let result = write_all(fd, bytes, step);
    // SAFETY: the descriptor was opened above and is not used again.
    unsafe { libc::close(fd) };
    result
}

fn write_all(fd: RawFd, mut bytes: &[u8], step: Step) -> Done {
    while !bytes.is_empty() {
        // SAFETY: the buffer is valid for its length.
        let written = unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len()) };
        if written < 0 && errno() == libc::EINTR {
            continue;
        }
        let written = check(written as c_long, step)?;
        match bytes.get(written as usize..) {
            Some(rest) if written > 0 => bytes = rest,
            _ => return Err(Stop { step, errno: libc::EIO }),
        }
    }
    Ok(())
}

fn decimal_line(mut number: u32, buffer: &mut [u8; 12]) -> &[u8] {
    let mut start = buffer.len();
    let mut put = |byte| {
        start -= 1;
        buffer[start] = byte;
    };
    put(b'\n');
    loop {
        put(b'0' + (number % 10) as u8);
        number /= 10;
        if number == 0 {
            break;
        }
    }
    &buffer[start..]
}

/// Gives every signal its default action and unblocks all. Exec itself would keep ignored signals
/// ignored; a handler of the parent must not run in the child in between either.
fn reset_signals() {
    // Whatever the order of the kernel's fields (handler, flags, restorer, mask): all zero is the
    // default action. libc's own function would leave out the two signals that it keeps for itself.
    let default = [0_u64; 8];
    let set_len = 8;
    for signal in 1..=64 {
        // SAFETY: the action is at least as long as the kernel's structure; the old one is not asked
        // for. The table of actions is the child's own.
        unsafe {
            let none = std::ptr::null_mut::<u64>();
            libc::syscall(libc::SYS_rt_sigaction, signal, default.as_ptr(), none, set_len);
        }
    }
    // SAFETY: the set is initialised before it is used, and the old one is not asked for.
    unsafe {
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
    }
}

#[cfg(test)]
mod tests {
    use super::decimal_line;

    #[test]
    fn decimal_lines() {
        for number in [0, 7, 10, 4_194_304, u32::MAX] {
            assert_eq!(decimal_line(number, &mut [0; 12]), format!("{number}\n").as_bytes());
        }
    }
}
