//! `quickstart`: builds the `virt` command and shows a Linux guest booting under it, then that nothing is left of it.
//!
//! Everything that happens to the guest is done by `virt up`; here it is only given a throw-away directory, watched and
//! checked.

use std::{
    fs,
    io::{Read, Write},
    os::unix::fs::FileTypeExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    args::Args,
    guest::{self, Guest, Scratch},
    process::{During, Failure, Result, run as run_command, shown},
    setup,
    workspace::{self, cargo},
};

const NAME: &str = "quickstart";

/// What is run in the guest, and what its output has to hold besides the guest's command line.
const EXEC: &str = "uname -a; cat /proc/cmdline";
const EXPECTED: &str = "Linux guest ";

/// The guest's login prompt, and the longest that it may take, counted from the start of `virt`.
const PROMPT: &str = "guest login: ";
const LIMIT: Duration = Duration::from_secs(10);

/// The verb.
pub(crate) fn run(args: &mut Args) -> Result<()> {
    let release = args.flag("--release");
    args.end()?;
    let mut phases = Phases::default();
    phases.time("system packages", setup::ensure)?;
    let virt = phases.time("virt built", || build(release))?;
    let guest = phases.time("test guest", guest::ensure)?;
    let scratch = Scratch::new(std::env::temp_dir().join(format!("virt-quickstart-{}", std::process::id())))?;
    let session = Session::run(&virt, &guest, &scratch.0)?;
    session.check(&guest)?;
    phases.0.push(("login prompt", session.prompt));
    phases.0.push(("guest off", session.whole));
    let kept = leftovers(&scratch.0)?;
    let dir = scratch.0.clone();
    drop(scratch);
    if dir.exists() {
        return Err(Failure::new(format!("{} cannot be removed", dir.display())));
    }
    println!(
        "\nNothing is left: no process, no socket, no file of the guest ({kept} logs and caches went with the folder)."
    );
    phases.print();
    Ok(())
}

fn build(release: bool) -> Result<PathBuf> {
    let mut command = cargo();
    command.args(["build", "-p", "virt-cli"]).args(release.then_some("--release"));
    println!("+ {}", shown(&command));
    run_command(&mut command)?;
    Ok(workspace::target_dir()?.join(if release { "release/virt" } else { "debug/virt" }))
}

/// Names of what was done, and how long each took.
#[derive(Default)]
struct Phases(Vec<(&'static str, Duration)>);

impl Phases {
    fn time<T>(&mut self, name: &'static str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let started = Instant::now();
        let done = work()?;
        self.0.push((name, started.elapsed()));
        Ok(done)
    }

    fn print(&self) {
        for (name, time) in &self.0 {
            println!("{:8.2} s  {name}", time.as_secs_f64());
        }
    }
}

/// One run of `virt up`: what it printed, and when, counted from its start.
struct Session {
    output: String,
    prompt: Duration,
    whole: Duration,
}

impl Session {
    fn run(virt: &Path, guest: &Guest, root: &Path) -> Result<Self> {
        let mut command = Command::new(virt);
        command.arg("--connect").arg(format!("qemu:///embed?root={}", root.display()));
        command.args(["up", "--name", NAME, "--memory", "256", "--login", "root", "--exec", EXEC]);
        command.arg("--kernel").arg(guest.kernel()).arg("--initrd").arg(guest.initrd());
        command.args(["--cmdline", &guest.cmdline()?]);
        // Emulation works everywhere: what is shown here must not depend on the host's processor.
        command.args(["--accel", "tcg"]);
        // What it writes anywhere else than it is told to is found there too.
        for name in [
            "HOME",
            "TMPDIR",
            "XDG_CONFIG_HOME",
            "XDG_CACHE_HOME",
            "XDG_STATE_HOME",
            "XDG_DATA_HOME",
            "XDG_RUNTIME_DIR",
        ] {
            command.env(name, root);
        }
        println!("+ {}\n", shown(&command));
        let started = Instant::now();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().during(virt.display())?;
        let mut seen = Vec::new();
        let mut prompt = None;
        let mut chunk = [0; 4096];
        if let Some(mut output) = child.stdout.take() {
            loop {
                let count = output.read(&mut chunk).during("virt up")?;
                if count == 0 {
                    break;
                }
                std::io::stdout().write_all(&chunk[..count]).during("standard output")?;
                seen.extend_from_slice(&chunk[..count]);
                if prompt.is_none() && String::from_utf8_lossy(&seen).contains(PROMPT) {
                    prompt = Some(started.elapsed());
                }
            }
        }
        let status = child.wait().during("virt up")?;
        if !status.success() {
            return Err(Failure::new(format!("virt up failed ({status})")));
        }
        let prompt = prompt.ok_or_else(|| Failure::new("virt up did not show the guest's login prompt"))?;
        Ok(Self { output: String::from_utf8_lossy(&seen).into_owned(), prompt, whole: started.elapsed() })
    }

    fn check(&self, guest: &Guest) -> Result<()> {
        if self.prompt > LIMIT {
            let seconds = self.prompt.as_secs_f64();
            return Err(Failure::new(format!(
                "the login prompt came after {seconds:.1} s; it may take {LIMIT:?}"
            )));
        }
        let (_, after) = self.output.split_once(PROMPT).unwrap_or_default();
        for text in [EXPECTED, &guest.cmdline()?] {
            if !after.contains(text) {
                return Err(Failure::new(format!("the output of `{EXEC}` in the guest lacks `{text}`")));
            }
        }
        Ok(())
    }
}

/// Fails if a process still uses `root`, or if something of the guest but logs and caches is in it; else how many files.
fn leftovers(root: &Path) -> Result<usize> {
    if let Some((pid, line)) = users_of(root) {
        return Err(Failure::new(format!("process {pid} is left: {line}")));
    }
    let mut files = Vec::new();
    walk(root, &mut files)?;
    for file in &files {
        let kind = file.symlink_metadata().during(file.display())?.file_type();
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let of_guest = name.contains(NAME) && !name.ends_with(".log");
        if kind.is_socket() || kind.is_fifo() || of_guest {
            return Err(Failure::new(format!("{} is left", file.display())));
        }
    }
    Ok(files.len())
}

/// A process whose command line names the directory, or that works in it.
fn users_of(root: &Path) -> Option<(u32, String)> {
    let root_text = root.to_string_lossy();
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let mut pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.find_map(|pid| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        let works_there = fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|dir| dir.starts_with(root));
        (line.contains(root_text.as_ref()) || works_there).then_some((pid, line))
    })
}

fn walk(dir: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(dir).during(dir.display())? {
        let path = entry.during(dir.display())?.path();
        if path.is_dir() && !path.is_symlink() {
            walk(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_s_files_sockets_and_processes_are_noticed() {
        let scratch =
            Scratch::new(std::env::temp_dir().join(format!("virt-leftovers-{}", std::process::id())))
                .unwrap();
        let root = &scratch.0;
        fs::create_dir_all(root.join("log")).unwrap();
        fs::write(root.join("log/quickstart.log"), "").unwrap();
        assert_eq!(leftovers(root).unwrap(), 1);

        fs::write(root.join("quickstart.xml"), "").unwrap();
        assert!(leftovers(root).unwrap_err().to_string().contains("quickstart.xml"));
        fs::remove_file(root.join("quickstart.xml")).unwrap();

        let socket = std::os::unix::net::UnixListener::bind(root.join("monitor")).unwrap();
        assert!(leftovers(root).unwrap_err().to_string().contains("monitor"));
        drop(socket);
        fs::remove_file(root.join("monitor")).unwrap();

        let mut child =
            Command::new("sleep").arg("60").current_dir(root).stdout(Stdio::null()).spawn().unwrap();
        let found = leftovers(root);
        child.kill().unwrap();
        child.wait().unwrap();
        let expected = format!("process {} is left", child.id());
        assert!(found.unwrap_err().to_string().starts_with(&expected));
        assert_eq!(leftovers(root).unwrap(), 1);
    }
}
