//! A host of its own for the daemon: private `/run`, `/etc` and `/var` in namespaces that are private already.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use virt_sys::{Pid, PidFd, Signal};

/// One daemon at a time: they all take libvirtd's place.
static PLACE: Mutex<()> = Mutex::new(());

/// A directory, and libvirtd's place for as long as it is there.
pub(crate) struct Lab {
    dir: PathBuf,
    _place: MutexGuard<'static, ()>,
}

impl Lab {
    /// Nothing where these tests do not run; says so.
    pub(crate) fn new(name: &str) -> Option<Self> {
        if std::env::var_os("VIRT_E2E").is_none_or(|value| value != "1") {
            println!("SKIPPED {name}: VIRT_E2E=1 is not set (`cargo xtask test` sets it)");
            return None;
        }
        let place = PLACE.lock().unwrap_or_else(PoisonError::into_inner);
        make_private();
        let dir = std::env::temp_dir().join(format!("virt-daemon-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        // The name says whose place is taken.
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_virtd"), dir.join("libvirtd")).unwrap();
        Some(Self { dir, _place: place })
    }

    /// Where a file of this name is.
    pub(crate) fn path(&self, name: &str) -> String {
        self.dir.join(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn pid_file(&self) -> PathBuf {
        self.dir.join("pid")
    }

    fn daemon(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.dir.join("libvirtd"));
        command.arg("-p").arg(self.pid_file()).args(arguments).stdin(Stdio::null());
        command
    }

    /// Runs it to its end, and answers its status and what it said.
    pub(crate) fn run(&self, arguments: &[&str]) -> (ExitStatus, String) {
        let output = self.daemon(arguments).output().unwrap();
        (output.status, String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// Starts it in the background: its sockets are there when this comes back.
    pub(crate) fn start(&self) -> u32 {
        let (status, words) = self.run(&["-d"]);
        assert!(status.success(), "{words}");
        std::fs::read_to_string(self.pid_file()).unwrap().trim().parse().unwrap()
    }

    pub(crate) fn virsh(&self, arguments: &[&str]) -> String {
        ask("virsh", "qemu:///system", arguments)
    }

    pub(crate) fn virt_admin(&self, arguments: &[&str]) -> String {
        ask("virt-admin", "libvirtd:///system", arguments)
    }

    /// The sockets in libvirtd's place.
    pub(crate) fn sockets(&self) -> Vec<String> {
        let entries = std::fs::read_dir("/run/libvirt").unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.contains("-sock")).collect()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if let Ok(text) = std::fs::read_to_string(self.pid_file())
            && let Ok(pid) = text.trim().parse()
        {
            end(pid, Signal::KILL);
        }
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn ask(program: &str, uri: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(["-q", "-c", uri]).args(arguments).output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {words}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Whether libvirt's own clients are installed; says so where they are not.
pub(crate) fn has_virsh() -> bool {
    let found = virt_sys::find_program("virsh").is_some();
    if !found {
        println!("SKIPPED: virsh is not installed (`cargo xtask setup` installs it)");
    }
    found
}

/// Sends a signal and waits for the end.
pub(crate) fn end(pid: u32, signal: Signal) {
    let Ok(process) = PidFd::open(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap()) else { return };
    let _ = process.send_signal(signal);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    assert!(process.wait(Some(deadline)).unwrap(), "process {pid} does not end");
}

/// Puts private directories over those that the daemon and its guests write to, once for all tests of the process.
fn make_private() {
    static DONE: OnceLock<()> = OnceLock::new();
    DONE.get_or_init(|| {
        let copy = std::env::temp_dir().join(format!("virt-daemon-etc-{}", std::process::id()));
        let script = r#"set -e
            # Process numbers come again in every namespace.
            rm -rf "$1"
            mkdir -p "$1"
            cp -rP /etc/passwd /etc/group "$1/"
            for name in ethertypes protocols ld.so.cache ld.so.conf ld.so.conf.d alternatives qemu nsswitch.conf; do
                [ ! -e "/etc/$name" ] || cp -rP "/etc/$name" "$1/"
            done
            mkdir -p "$1/libvirt"
            printf 'auth_unix_rw = "none"\nauth_unix_ro = "none"\n' > "$1/libvirt/libvirtd.conf"
            mount --bind "$1" /etc
            for dir in /run /var/lib /var/log /var/cache; do mount -t tmpfs tmpfs "$dir"; done
            mkdir -p /run/libvirt"#;
        let status = Command::new("sh").args(["-c", script, "sh"]).arg(&copy).status().unwrap();
        assert!(status.success(), "no private host: these tests need a mount namespace of their own");
        assert!(Path::new("/etc/libvirt/libvirtd.conf").exists());
    });
}
