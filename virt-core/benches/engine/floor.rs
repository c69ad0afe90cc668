//! A bare QEMU: what no engine can be faster than.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use virt_core::qemu::config::Config;
use virt_core::qemu::host::Host;
use virt_core::qemu::process::QemuBackend;
use virt_sys::{Pid, PidFd, Signal};

use crate::{MINIMAL, Result};

/// The command that starts the minimal domain.
pub(crate) struct Floor {
    program: String,
    args: Vec<String>,
    env: Vec<(String, String)>,
    socket: PathBuf,
}

/// A QEMU that greeted.
pub(crate) struct Bare {
    child: Child,
    pidfd: PidFd,
    monitor: BufReader<UnixStream>,
}

impl Floor {
    /// Plans the minimal domain, in a directory of its own.
    pub(crate) async fn plan(dir: &Path) -> Result<Self> {
        let backend = QemuBackend::new(Config::in_dir(dir), Host::detect());
        let plan = backend.plan(MINIMAL).await?;
        for need in &plan.needs {
            use virt_core::qemu::plan::HostNeed;
            match need {
                HostNeed::Directory(dir) => std::fs::create_dir_all(dir)?,
                HostNeed::RandomKey(path) => {
                    std::fs::create_dir_all(path.parent().unwrap_or(dir))?;
                    std::fs::write(path, [7; 32])?;
                }
                other => return Err(format!("the minimal domain needs more than a file: {other}").into()),
            }
        }
        // The monitor's socket is inherited, so that nobody polls for it: as the engine does it.
        let monitor = |word: String| match word.strip_prefix("socket,id=charmonitor,path=") {
            Some(_) => "socket,id=charmonitor,fd=0,server=on,wait=off".to_owned(),
            None => word,
        };
        let args = plan.argv().into_iter().map(monitor).collect();
        let socket = dir.join("floor.sock");
        Ok(Self { program: plan.program, args, env: plan.env, socket })
    }

    /// From nothing to the answer of `qmp_capabilities`.
    pub(crate) fn start(&self) -> Result<(Bare, Duration)> {
        let _ = std::fs::remove_file(&self.socket);
        let begin = Instant::now();
        let listener = UnixListener::bind(&self.socket)?;
        let mut monitor = BufReader::new(UnixStream::connect(&self.socket)?);
        let child = Command::new(&self.program)
            .args(&self.args)
            .env_clear()
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::from(OwnedFd::from(listener)))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let pid =
            i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or("a process without a number")?;
        let pidfd = PidFd::open(pid)?;
        let mut line = String::new();
        monitor.read_line(&mut line)?;
        monitor.get_mut().write_all(b"{\"execute\":\"qmp_capabilities\"}\n")?;
        line.clear();
        monitor.read_line(&mut line)?;
        if !line.contains("return") {
            return Err(format!("QEMU answered {line:?}").into());
        }
        Ok((Bare { child, pidfd, monitor }, begin.elapsed()))
    }
}

impl Bare {
    /// From the command to the end of the process.
    pub(crate) fn quit(mut self) -> Result<Duration> {
        let begin = Instant::now();
        self.monitor.get_mut().write_all(b"{\"execute\":\"quit\"}\n")?;
        self.ended(begin)
    }

    /// From the signal to the end of the process.
    pub(crate) fn terminate(mut self) -> Result<Duration> {
        let begin = Instant::now();
        self.pidfd.send_signal(Signal::TERM)?;
        self.ended(begin)
    }

    fn ended(&mut self, begin: Instant) -> Result<Duration> {
        if !self.pidfd.wait(Some(begin + Duration::from_secs(10)))? {
            return Err("QEMU did not end".into());
        }
        Ok(begin.elapsed())
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
