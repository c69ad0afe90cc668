//! Putting the host to sleep: `virNodeSuspendForDuration`.

use std::time::Duration;

use virt_conf::capabilities::SleepState;
use virt_sys::{Limits, Spawn};

use crate::{Error, Result, Root, only_flags};

/// The shortest sleep that the host is sure to wake up from, in seconds.
const SHORTEST: u64 = 60;

/// How long a program may take that only says what is to be done.
const LIMITS: Duration = Duration::from_secs(20);

/// The ways in which the host can sleep.
///
/// They are told where systemd runs, which is who puts the host to sleep: what the kernel can do (Linux'
/// Documentation/admin-guide/pm/sleep-states.rst), and to disk only with swap to write memory to.
#[must_use]
pub fn states(root: &Root) -> Vec<SleepState> {
    if !root.exists("/run/systemd/system") {
        return Vec::new();
    }
    let words = |path: &str| root.text(path).ok().flatten().unwrap_or_default();
    let (states, disk, swaps) = (words("/sys/power/state"), words("/sys/power/disk"), words("/proc/swaps"));
    let has = |text: &str, wanted: &[&str]| {
        text.split_ascii_whitespace().any(|word| wanted.contains(&word.trim_matches(['[', ']'])))
    };
    let hibernates = has(&states, &["disk"])
        && has(&disk, &["platform", "shutdown", "reboot"])
        && swaps.lines().count() > 1;
    let known = [
        (SleepState::SuspendMem, has(&states, &["mem", "standby", "freeze"])),
        (SleepState::SuspendDisk, hibernates),
        (SleepState::SuspendHybrid, hibernates && has(&disk, &["suspend"])),
    ];
    known.into_iter().filter(|(_, can)| *can).map(|(state, _)| state).collect()
}

/// Puts the host to sleep for so many seconds: 0 in memory, 1 on disk, 2 both (`virNodeSuspendTarget`). It goes to sleep
/// after this has returned. Blocks the calling thread for a moment.
///
/// # Errors
/// [`Error::CannotSleep`], [`Error::SleepTarget`], [`Error::SleepTooShort`], [`Error::Flags`]; [`Error::Program`] where the
/// alarm clock can not be set or the manager of the system refuses.
pub fn suspend(root: &Root, target: u32, seconds: u64, flags: u32) -> Result<()> {
    only_flags(flags, 0, "virNodeSuspend")?;
    let (state, name, verb) = match target {
        0 => (SleepState::SuspendMem, "Suspend-to-RAM", "suspend"),
        1 => (SleepState::SuspendDisk, "Suspend-to-Disk", "hibernate"),
        2 => (SleepState::SuspendHybrid, "Hybrid-Suspend", "hybrid-sleep"),
        _ => return Err(Error::SleepTarget),
    };
    if !states(root).contains(&state) {
        return Err(Error::CannotSleep(name));
    }
    if seconds < SHORTEST {
        return Err(Error::SleepTooShort);
    }
    run("rtcwake", &["-m", "no", "-s", &seconds.to_string()])?;
    run("systemctl", &["--no-block", verb])
}

fn run(program: &'static str, args: &[&str]) -> Result<()> {
    let failed = |source| Error::Program { program, source };
    let path = virt_sys::find_program(program).ok_or_else(|| Error::Missing { path: program.to_owned() })?;
    let mut spawn = Spawn::new(path);
    spawn.args(args.iter().copied()).inherit_env("PATH");
    let output = virt_sys::run(spawn, b"", Limits::new(LIMITS, 64 * 1024)).map_err(failed)?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(Error::Refused { program, said })
}
