//! The processes beside a guest's own: started before it, ended with it.
//!
//! Each writes and locks a pid file in the guest's directory, so whoever undoes or finishes a start finds them all by
//! looking there, whatever was known of them before. The directory's name is in the status file before any of them runs.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::timeout;
use virt_driver::{SecretSelector, Services};
use virt_sys::{Limits, Pid, PidFd, PidFile, Signal, Spawn, find_program, run, unix};
use virt_types::{Error, Result};

use super::files::GuestFiles;
use super::guest::{self, kill_and_wait};
use super::launch::cannot;
use super::log::GuestLog;
use super::monitor;
use crate::firmware::vhost_user_program;
use crate::plan::{Companion, HostNeed, Plan, Program, SwtpmState};

/// How the pid file of a companion ends, which the companion itself has locked.
const LOCKED: &str = "companion";

/// How the pid file of a companion ends that puts itself into the background: nobody has locked that.
const WRITTEN: &str = "background";

/// How long one may take to be ready, or the making of a TPM's state.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long one may take to end.
const TERM_PATIENCE: Duration = Duration::from_secs(5);

/// The most that a helper may say.
const OUTPUT: usize = 1 << 20;

/// The most of it that an error shows.
const LAST_WORDS: u64 = 2048;

/// Starts the companions of a plan; `ends` are the sockets, by device, that some of them serve. A failure leaves those that
/// run to [`end`].
///
/// # Errors
/// Where one can not be started, with its own words.
pub(super) async fn start(
    plan: &Plan,
    files: &GuestFiles,
    services: &Services,
    log: &GuestLog,
    mut ends: HashMap<String, OwnedFd>,
) -> Result<()> {
    for need in &plan.needs {
        match need {
            HostNeed::Companion(companion) => {
                let launcher = Launcher { companion, files, services, log };
                launcher.start().await?;
            }
            HostNeed::Fd { source: crate::plan::FdSource::VhostUserGpu { device, render }, .. } => {
                let end = ends.remove(device).ok_or_else(|| monitor::failed("a display has no socket"))?;
                let mut spawn = base(&vhost_user_program("gpu", None)?);
                spawn.pid_file(pid_file(files, device, LOCKED));
                let number = spawn.pass_fd(end);
                spawn.arg(format!("--fd={number}"));
                if let Some(render) = render {
                    spawn.arg("--virgl").arg("--render-node").arg(render.as_os_str());
                }
                launch(spawn, log)?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Ends every companion of the guest with these files, however it was started. Does what it can.
pub(super) async fn end(files: &GuestFiles) {
    for entry in std::fs::read_dir(&files.dir).into_iter().flatten().flatten() {
        let path = entry.path();
        let found = match path.extension().and_then(OsStr::to_str) {
            Some(LOCKED) => PidFile::open_locked(&path).map(|found| found.map(|(_, pidfd)| pidfd)),
            Some(WRITTEN) => Ok(written(&path, &files.dir)),
            _ => continue,
        };
        match found.map(|pidfd| pidfd.map(guest::watched)) {
            Ok(Some(Ok(process))) => {
                // Most are on their way out already, since QEMU has let go of them.
                let asked = process.pidfd().send_signal(Signal::TERM);
                if asked.is_ok() && timeout(TERM_PATIENCE, process.ended()).await.is_err() {
                    kill_and_wait(&process).await;
                }
            }
            Ok(Some(Err(error))) => log::warn!("{}", error.report()),
            Ok(None) => {}
            Err(error) => log::warn!("{error}"),
        }
    }
}

/// The process whose number stands in the file, if it is still the one that was given this file.
fn written(path: &Path, dir: &Path) -> Option<PidFd> {
    let number = std::fs::read_to_string(path).ok()?.trim().parse().ok()?;
    let pidfd = PidFd::open(Pid::from_raw(number)?).ok()?;
    let line = std::fs::read(format!("/proc/{number}/cmdline")).ok()?;
    let needle = dir.as_os_str().as_encoded_bytes();
    line.windows(needle.len()).any(|part| part == needle).then_some(pidfd)
}

fn pid_file(files: &GuestFiles, device: &str, ending: &str) -> PathBuf {
    files.dir.join(format!("{device}.{ending}"))
}

/// A program with what every companion is given of the environment: where programs are, and nothing of the user's.
fn base(program: &Path) -> Spawn {
    let mut spawn = Spawn::new(program);
    spawn.cwd("/").umask(0o077).env("LC_ALL", "C").env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    spawn
}

fn installed(program: &str) -> Result<PathBuf> {
    find_program(program).ok_or_else(|| {
        monitor::failed(format!("Unable to find '{program}' binary in $PATH"))
            .with_hint(format!("install {program}"))
    })
}

/// Starts a program whose words go to the guest's log.
fn launch(mut spawn: Spawn, log: &GuestLog) -> Result<virt_sys::Child> {
    let name = spawn.program().display().to_string();
    let output = log.output().map_err(|error| cannot("write the log", error))?;
    spawn.output(OwnedFd::from(output)).map_err(|error| cannot("write the log", error))?;
    spawn.start().map_err(|error| cannot(&format!("start {name}"), error))
}

struct Launcher<'a> {
    companion: &'a Companion,
    files: &'a GuestFiles,
    services: &'a Services,
    log: &'a GuestLog,
}

impl Launcher<'_> {
    async fn start(&self) -> Result<()> {
        let socket = &self.companion.socket;
        if let Some(dir) = socket.parent() {
            virt_sys::fs::create_dir_all(dir, 0o700)
                .map_err(|error| cannot("make a directory of sockets", error))?;
        }
        match &self.companion.program {
            Program::Swtpm(state) => self.swtpm(state).await,
            Program::Passt { arguments } => self.passt(arguments).await,
            Program::Virtiofsd { binary, arguments } => {
                let program = vhost_user_program("fs", binary.as_deref())?;
                let mut spawn = base(&program);
                spawn.pid_file(self.pid_file(LOCKED));
                let number = spawn.pass_fd(self.listen()?);
                spawn.arg(format!("--fd={number}")).args(arguments);
                launch(spawn, self.log).map(drop)
            }
        }
    }

    fn pid_file(&self, ending: &str) -> PathBuf {
        pid_file(self.files, &self.companion.device, ending)
    }

    /// The socket, made here: QEMU can connect whether or not its server has come so far.
    fn listen(&self) -> Result<OwnedFd> {
        let socket = &self.companion.socket;
        unix::bind_stale(socket, 0o600)
            .map(OwnedFd::from)
            .map_err(|error| cannot(&format!("listen on {}", socket.display()), error))
    }

    /// It puts itself into the background when its socket is there, so it is waited for.
    async fn passt(&self, arguments: &[String]) -> Result<()> {
        let socket = &self.companion.socket;
        let mut spawn = base(&installed("passt")?);
        let background = self.pid_file(WRITTEN);
        spawn.pid_file(self.pid_file(LOCKED)).args(["--one-off", "--socket"]).arg(socket);
        spawn.arg("--pid").arg(background).args(arguments);
        // It would become nobody, who may not write where guests' files are; it gives up all privileges in any case.
        if virt_sys::user::effective_uid() == 0 {
            spawn.args(["--runas", "0:0"]);
        }
        virt_sys::fs::remove(socket).map_err(|error| cannot("remove a stale socket", error))?;
        let words = self.files.dir.join("passt.log");
        let log = File::options().create(true).append(true).read(true).open(&words);
        let mut log = log.map_err(|error| cannot(&format!("open {}", words.display()), error))?;
        let output = log.try_clone().map_err(|error| cannot("write the log", error))?;
        spawn.output(OwnedFd::from(output)).map_err(|error| cannot("write the log", error))?;
        let child = spawn.start().map_err(|error| cannot("start passt", error))?;
        let process = guest::watched(child.pidfd)?;
        let Ok(status) = timeout(PATIENCE, process.exited()).await else {
            kill_and_wait(&process).await;
            return Err(monitor::failed("Could not start 'passt': it does not become ready"));
        };
        if status.is_some_and(|status| status.success()) {
            return Ok(());
        }
        let words = last_words(&mut log);
        Err(monitor::failed(format!("Could not start 'passt': {words}")))
    }

    async fn swtpm(&self, state: &SwtpmState) -> Result<()> {
        let secret = match state.secret() {
            Some(id) => {
                let secrets = self.services.secrets.as_ref();
                let secrets =
                    secrets.ok_or_else(|| Error::no_support("starting a guest whose TPM is encrypted"))?;
                Some(secrets.value(&SecretSelector::Uuid(id)).await?)
            }
            None => None,
        };
        let (prepared, key) = (state.clone(), secret.clone());
        tokio::task::spawn_blocking(move || prepare(&prepared, key.as_deref()))
            .await
            .map_err(|error| monitor::failed("the state of a TPM was not made").caused_by(error))??;
        let mut spawn = base(&installed("swtpm")?);
        spawn.pid_file(self.pid_file(LOCKED)).args(["socket", "--ctrl"]);
        let number = spawn.pass_fd(self.listen()?);
        spawn.arg(format!("type=unixio,fd={number}")).args(state.arguments());
        for option in ["--key", "--migration-key"] {
            if let Some(secret) = &secret {
                let number = spawn.pass_fd(holding(secret)?);
                spawn.arg(option).arg(format!("pwdfd={number},mode=aes-256-cbc"));
            }
        }
        launch(spawn, self.log).map(drop)
    }
}

/// A pipe from which a secret is read once; the largest secrets fit into it.
fn holding(secret: &[u8]) -> Result<OwnedFd> {
    let (reader, mut writer) = std::io::pipe().map_err(|error| cannot("make a pipe", error))?;
    writer.write_all(secret).map_err(|error| cannot("hand over a secret", error))?;
    Ok(reader.into())
}

/// Makes the state of a TPM where there is none, whole or not at all, and sets its banks.
fn prepare(state: &SwtpmState, secret: Option<&[u8]>) -> Result<()> {
    let directory = |path: Option<&Path>, mode| match path {
        Some(dir) => virt_sys::fs::create_dir_all(dir, mode)
            .map_err(|error| cannot(&format!("make {}", dir.display()), error)),
        None => Ok(()),
    };
    directory(state.log.parent(), 0o711)?;
    directory(state.dir.parent(), 0o711)?;
    if let Some(settings) = &state.settings {
        directory(Some(settings), 0o700)?;
        setup(state, &["--create-config-files".into(), "skip-if-exist,root".into()], None)?;
    }
    if !state.dir.exists() {
        let unfinished = state.dir.with_extension("new");
        match std::fs::remove_dir_all(&unfinished) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(cannot(&format!("remove {}", unfinished.display()), error));
            }
            _ => directory(Some(&unfinished), 0o700)?,
        }
        let made = setup(state, &state.setup_arguments(&unfinished), secret).and_then(|()| {
            std::fs::rename(&unfinished, &state.dir)
                .map_err(|error| cannot(&format!("make {}", state.dir.display()), error))
        });
        if made.is_err() {
            let _ = std::fs::remove_dir_all(&unfinished);
            return made;
        }
    }
    match state.banks_arguments() {
        Some(arguments) => setup(state, &arguments, secret),
        None => Ok(()),
    }
}

/// Runs `swtpm_setup`.
fn setup(state: &SwtpmState, arguments: &[String], secret: Option<&[u8]>) -> Result<()> {
    let program = installed("swtpm_setup")?;
    let mut spawn = base(&program);
    spawn.args(arguments).end_with_parent();
    match &state.settings {
        Some(settings) => spawn.env("XDG_CONFIG_HOME", settings),
        None => spawn.inherit_env("HOME"),
    };
    if let Some(secret) = secret {
        let number = spawn.pass_fd(holding(secret)?);
        spawn.arg("--pwdfile-fd").arg(number.to_string()).args(["--cipher", "aes-256-cbc"]);
    }
    let output =
        run(spawn, &[], Limits::new(PATIENCE, OUTPUT)).map_err(|error| cannot("run swtpm_setup", error))?;
    if output.status.success() {
        return Ok(());
    }
    let code = output.status.code().unwrap_or(-1);
    let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(monitor::failed(format!(
        "Could not run '{}'. exitstatus: {code}; Check error log '{}' for details.",
        program.display(),
        state.log.display()
    ))
    .caused_by(std::io::Error::other(words)))
}

fn last_words(log: &mut File) -> String {
    let end = log.seek(std::io::SeekFrom::End(0)).unwrap_or(0);
    let mut bytes = Vec::new();
    let from = std::io::SeekFrom::Start(end.saturating_sub(LAST_WORDS));
    if log.seek(from).is_ok() {
        let _ = log.take(LAST_WORDS).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).trim().to_owned()
}

/// Removes what a domain's emulated TPM remembers, with the directory that it shares with none but itself.
///
/// # Errors
/// Where it can not be removed.
pub(super) fn forget(state: &SwtpmState) -> Result<()> {
    let Some(dir) = state.dir.parent() else { return Ok(()) };
    match std::fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(cannot(&format!("remove {}", dir.display()), error))
        }
        _ => Ok(()),
    }
}
