//! Domains that are not those of this connection: other scopes of this engine, and stock libvirt's.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use virt_core::Scope;
use virt_core::qemu::config::Config;
use virt_core::sys::user::{Accounts, Directories, effective_uid};

/// Somewhere that has domains, or may have.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Whose they are.
    scope: String,
    /// Their names; none where this user may not look.
    names: Option<BTreeSet<String>>,
    /// What shows them.
    command: String,
}

impl Place {
    /// `scope`, `domains` (names, or null where this user may not look), `command` that shows them.
    pub(crate) fn as_json(&self) -> Value {
        json!({ "scope": self.scope, "domains": self.names, "command": self.command })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 5;
        match &self.names {
            None => write!(f, "{}: there may be some", self.scope)?,
            Some(names) => {
                let first: Vec<&str> = names.iter().take(SHOWN).map(String::as_str).collect();
                let more = if names.len() > SHOWN { ", …" } else { "" };
                write!(f, "{}: {} ({}{more})", self.scope, names.len(), first.join(", "))?;
            }
        }
        write!(f, ", see `{}`", self.command)
    }
}

/// Where else on this host domains are.
pub(crate) fn look(here: &Scope) -> Vec<Place> {
    let mut places = Vec::new();
    for (scope, command, dirs) in candidates(here) {
        places.extend(visit(scope, command, &dirs));
    }
    let known: BTreeSet<String> =
        places.iter().filter_map(|place| place.names.as_ref()).flatten().cloned().collect();
    places.extend(running(Path::new("/proc"), &known));
    places
}

/// Whose domains there may be, what shows them, and the directories that hold a file for each.
fn candidates(here: &Scope) -> Vec<(String, String, Vec<PathBuf>)> {
    let mut found = Vec::new();
    let own = |config: &Config| vec![config.config_dir.clone(), config.state_dir.join("status")];
    let all = |command: &str| format!("{command} list --all");
    if let Ok(directories) = Directories::of_this_process() {
        if matches!(here, Scope::Embed(Some(_)) | Scope::System) {
            let command = all("virt -c qemu:///embed");
            found.push(("this user's scope".to_owned(), command, own(&Config::of_user(&directories))));
        }
        let dirs =
            vec![directories.config.join("libvirt/qemu"), directories.runtime.join("libvirt/qemu/run")];
        found.push(("libvirt's session of this user".to_owned(), all("virsh -c qemu:///session"), dirs));
    }
    if let Some((name, home)) = caller_of_sudo() {
        let command = format!("sudo -u {name} virt list --all");
        found.push((format!("the scope of user {name}"), command, vec![home.join(".config/virt/qemu")]));
    }
    if *here != Scope::System {
        let command =
            all(if effective_uid() == 0 { "virt -c qemu:///system" } else { "sudo virt -c qemu:///system" });
        found.push(("this host's scope".to_owned(), command, own(&Config::host())));
    }
    for (kind, driver, dir) in [("QEMU", "qemu", "qemu"), ("LXC", "lxc", "lxc"), ("Xen", "xen", "libxl")] {
        let dirs = vec![Path::new("/etc/libvirt").join(dir), Path::new("/run/libvirt").join(dir)];
        found.push((
            format!("libvirt's system scope for {kind}"),
            all(&format!("virsh -c {driver}:///system")),
            dirs,
        ));
    }
    found
}

/// The user that became root by sudo.
fn caller_of_sudo() -> Option<(String, PathBuf)> {
    let name = std::env::var("SUDO_USER").ok().filter(|name| name != "root")?;
    let home = Accounts::load().ok()?.user(&name)?.home.clone();
    Some((name, home))
}

fn visit(scope: String, command: String, dirs: &[PathBuf]) -> Option<Place> {
    let mut names = BTreeSet::new();
    let mut barred = false;
    for dir in dirs {
        match std::fs::read_dir(dir) {
            Ok(entries) => names.extend(entries.flatten().filter_map(|entry| domain_of(&entry.path()))),
            Err(error) => barred |= error.kind() == io::ErrorKind::PermissionDenied,
        }
    }
    let names = match (names.is_empty(), barred) {
        (false, _) => Some(names),
        (true, true) => None,
        (true, false) => return None,
    };
    Some(Place { scope, names, command })
}

/// The domain that a file of a definition or of a running guest is for.
fn domain_of(file: &Path) -> Option<String> {
    let is_xml = file.extension().is_some_and(|extension| extension == "xml") && file.is_file();
    is_xml.then(|| file.file_stem()?.to_str().map(str::to_owned)).flatten()
}

/// QEMU processes of guests that nothing else names, by the user that they run as.
fn running(proc: &Path, known: &BTreeSet<String>) -> Vec<Place> {
    use std::os::unix::fs::MetadataExt as _;
    let accounts = Accounts::load().unwrap_or_default();
    let mut places: Vec<Place> = Vec::new();
    for entry in std::fs::read_dir(proc).into_iter().flatten().flatten() {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let Some(name) = guest_of(&line).filter(|name| !known.contains(name)) else { continue };
        let uid = entry.metadata().map_or(0, |metadata| metadata.uid());
        let user = accounts.user_by_id(uid).map_or_else(|| uid.to_string(), |user| user.name.clone());
        let scope = format!("QEMU processes of user {user}");
        let command = match root_of(&line) {
            Some(root) if uid == effective_uid() => format!("virt -c 'qemu:///embed?root={root}' list --all"),
            _ if uid == effective_uid() => "ps -C qemu-system-x86_64 -f".to_owned(),
            _ => format!("sudo -u {user} virt list --all"),
        };
        match places.iter_mut().find(|place| place.command == command) {
            Some(Place { names: Some(names), .. }) => drop(names.insert(name)),
            _ => places.push(Place { scope, names: Some(BTreeSet::from([name])), command }),
        }
    }
    places
}

/// The guest's name in a command line as the kernel gives it, if it is one that an engine made.
fn guest_of(line: &[u8]) -> Option<String> {
    let mut words = line.split(|&byte| byte == 0).map(|word| String::from_utf8_lossy(word));
    let program = words.next()?;
    if !program.rsplit('/').next()?.starts_with("qemu-") {
        return None;
    }
    words.find(|word| word == "-name")?;
    let value = words.next()?;
    let name = value.strip_prefix("guest=")?;
    Some(name.split(',').next()?.to_owned())
}

/// The directory of an engine that keeps all in one, from the path of the guest's key.
fn root_of(line: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(line);
    let (before, _) = text.split_once("/lib/domain-")?;
    let start = before.rfind(['"', '=', '\0'])? + 1;
    // An engine of the host or of a user has `qemu` there.
    let root = &before[start..];
    (root.starts_with('/') && !root.ends_with("/virt/qemu") && !root.ends_with("/libvirt/qemu"))
        .then(|| root.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_are_known_by_their_command_line() {
        let key = "{\"qom-type\":\"secret\",\"file\":\"/srv/a/lib/domain-1-web/master-key.aes\"}";
        let line =
            format!("/usr/bin/qemu-system-x86_64\0-name\0guest=web,debug-threads=on\0-S\0-object\0{key}\0");
        assert_eq!(guest_of(line.as_bytes()).as_deref(), Some("web"));
        assert_eq!(root_of(line.as_bytes()).as_deref(), Some("/srv/a"));
        for other in ["qemu-img\0info\0a\0", "vi\0-name\0guest=web\0", "qemu-system-x86_64\0-name\0web\0", ""]
        {
            assert_eq!(guest_of(other.as_bytes()), None, "{other:?}");
        }
        let of_libvirt = line.replace("/srv/a/lib/domain-", "/var/lib/libvirt/qemu/domain-");
        assert_eq!(root_of(of_libvirt.as_bytes()), None);
    }

    #[test]
    fn definitions_and_running_guests_count_once() {
        let root = std::env::temp_dir().join(format!("virt-elsewhere-{}", std::process::id()));
        let (config, run) = (root.join("config"), root.join("run"));
        std::fs::create_dir_all(config.join("autostart")).unwrap();
        std::fs::create_dir_all(&run).unwrap();
        for file in [config.join("web.xml"), run.join("web.xml"), run.join("db.xml"), run.join("web.pid")] {
            std::fs::write(file, "").unwrap();
        }
        let place =
            visit("a scope".into(), "look".into(), &[config.clone(), run, root.join("none")]).unwrap();
        assert_eq!(place.to_string(), "a scope: 2 (db, web), see `look`");
        assert_eq!(
            place.as_json(),
            json!({ "scope": "a scope", "domains": ["db", "web"], "command": "look" })
        );
        assert_eq!(visit("b".into(), "look".into(), &[config.join("autostart")]), None);
        std::fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn where_one_may_not_look_there_may_be_some() {
        let place =
            Place { scope: "libvirt's system scope".into(), names: None, command: "virsh list".into() };
        assert_eq!(place.to_string(), "libvirt's system scope: there may be some, see `virsh list`");
        assert_eq!(place.as_json()["domains"], Value::Null);
    }
}
