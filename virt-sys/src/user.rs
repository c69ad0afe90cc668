//! Users, groups and their directories, by reading files: no name service, so that a static binary
//! works. Users that only a directory service knows are not found.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Longest `/etc/passwd` or `/etc/group` that is read.
const MAX: u64 = 64 << 20;

/// A line of `/etc/passwd`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Login name.
    pub name: String,
    /// User id.
    pub uid: u32,
    /// Id of the primary group.
    pub gid: u32,
    /// Home directory.
    pub home: PathBuf,
    /// Login shell.
    pub shell: PathBuf,
}

/// A line of `/etc/group`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Name.
    pub name: String,
    /// Group id.
    pub gid: u32,
    /// Login names of its members, without those whose primary group it is.
    pub members: Vec<String>,
}

/// The users and groups of a machine.
///
/// ```
/// let accounts = virt_sys::user::Accounts::load()?;
/// assert_eq!(accounts.user_by_id(0).map(|user| user.name.as_str()), Some("root"));
/// # Ok::<(), virt_sys::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Accounts {
    users: Vec<User>,
    groups: Vec<Group>,
}

impl Accounts {
    /// Those of this machine. A missing file counts as empty.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn load() -> Result<Self> {
        Ok(Self::parse(&read("/etc/passwd")?, &read("/etc/group")?))
    }

    /// Those in the given texts of `passwd` and `group`; lines that make no sense are skipped.
    pub fn parse(passwd: &str, group: &str) -> Self {
        Self {
            users: passwd.lines().filter_map(parse_user).collect(),
            groups: group.lines().filter_map(parse_group).collect(),
        }
    }

    /// The user of that name.
    pub fn user(&self, name: &str) -> Option<&User> {
        self.users.iter().find(|user| user.name == name)
    }

    /// The first user with that id.
    pub fn user_by_id(&self, uid: u32) -> Option<&User> {
        self.users.iter().find(|user| user.uid == uid)
    }

    /// The group of that name.
    pub fn group(&self, name: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.name == name)
    }

    /// The first group with that id.
    pub fn group_by_id(&self, gid: u32) -> Option<&Group> {
        self.groups.iter().find(|group| group.gid == gid)
    }

    /// All groups of a user, the primary one first: what a fresh login would get.
    pub fn groups_of(&self, user: &User) -> Vec<u32> {
        let mut ids = vec![user.gid];
        for group in &self.groups {
            if group.members.contains(&user.name) && !ids.contains(&group.gid) {
                ids.push(group.gid);
            }
        }
        ids
    }

    /// The user id for a name, or for a number (`107` or `+107`) that need not exist.
    pub fn resolve_user(&self, text: &str) -> Option<u32> {
        resolve(text, |name| self.user(name).map(|user| user.uid))
    }

    /// The group id for a name, or for a number that need not exist.
    pub fn resolve_group(&self, text: &str) -> Option<u32> {
        resolve(text, |name| self.group(name).map(|group| group.gid))
    }
}

/// A leading `+` says that a number is meant; else a name goes before a number.
fn resolve(text: &str, by_name: impl Fn(&str) -> Option<u32>) -> Option<u32> {
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    match text.strip_prefix('+') {
        Some(rest) => number(rest),
        None => by_name(text).or_else(|| number(text)),
    }
}

fn read(path: &str) -> Result<String> {
    match crate::fs::read_bounded(Path::new(path), MAX) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.errno() == Some(libc::ENOENT) => Ok(String::new()),
        Err(error) => Err(error),
    }
}

fn parse_user(line: &str) -> Option<User> {
    let fields: Vec<&str> = line.split(':').collect();
    let [name, _, uid, gid, _, home, shell] = fields.as_slice() else { return None };
    if name.is_empty() || name.starts_with('#') {
        return None;
    }
    Some(User {
        name: (*name).to_owned(),
        uid: uid.parse().ok()?,
        gid: gid.parse().ok()?,
        home: PathBuf::from(home),
        shell: PathBuf::from(shell),
    })
}

fn parse_group(line: &str) -> Option<Group> {
    let fields: Vec<&str> = line.split(':').collect();
    let [name, _, gid, members] = fields.as_slice() else { return None };
    if name.is_empty() || name.starts_with('#') {
        return None;
    }
    let members = members.split(',').map(str::trim).filter(|m| !m.is_empty()).map(str::to_owned).collect();
    Some(Group { name: (*name).to_owned(), gid: gid.parse().ok()?, members })
}

/// Effective user id of this process.
pub fn effective_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Effective group id of this process.
pub fn effective_gid() -> u32 {
    rustix::process::getegid().as_raw()
}

/// Effective and supplementary group ids of this process.
pub fn effective_groups() -> Vec<u32> {
    let mut groups = vec![effective_gid()];
    for group in rustix::process::getgroups().unwrap_or_default() {
        if !groups.contains(&group.as_raw()) {
            groups.push(group.as_raw());
        }
    }
    groups
}

/// Where a user's files belong, by the XDG base directory specification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directories {
    /// Home directory.
    pub home: PathBuf,
    /// Configuration; `~/.config`.
    pub config: PathBuf,
    /// State that lasts; `~/.local/state`.
    pub state: PathBuf,
    /// Data that is shared between machines; `~/.local/share`.
    pub data: PathBuf,
    /// What can be computed again; `~/.cache`.
    pub cache: PathBuf,
    /// Sockets and the like, gone after the session. Without `XDG_RUNTIME_DIR` and `/run/user/UID`
    /// it lies in the cache directory (`run`).
    pub runtime: PathBuf,
}

impl Directories {
    /// Those of this process's effective user.
    ///
    /// # Errors
    /// When neither the environment nor `/etc/passwd` tells the home directory.
    pub fn of_this_process() -> Result<Self> {
        let uid = effective_uid();
        let from_passwd = || Some(Accounts::load().ok()?.user_by_id(uid)?.home.clone());
        let login = PathBuf::from(format!("/run/user/{uid}"));
        let login = login.is_dir().then_some(login);
        Self::new(|name| std::env::var_os(name), from_passwd, login)
            .ok_or_else(|| Error::Invalid(format!("user {uid} has no home directory: set HOME")))
    }

    /// Relative paths in variables are ignored, as the specification demands.
    fn new(
        var: impl Fn(&str) -> Option<OsString>,
        home: impl Fn() -> Option<PathBuf>,
        login: Option<PathBuf>,
    ) -> Option<Self> {
        let var = |name: &str| var(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let home = var("HOME").or_else(home)?;
        let or = |name: &str, default: &str| var(name).unwrap_or_else(|| home.join(default));
        let cache = or("XDG_CACHE_HOME", ".cache");
        Some(Self {
            config: or("XDG_CONFIG_HOME", ".config"),
            state: or("XDG_STATE_HOME", ".local/state"),
            data: or("XDG_DATA_HOME", ".local/share"),
            runtime: var("XDG_RUNTIME_DIR").or(login).unwrap_or_else(|| cache.join("run")),
            cache,
            home,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\n\n# note\nbroken:x:1\n\
        ada:x:1000:100:Ada,,,:/home/ada:/bin/zsh\n107:x:2000:100::/:/bin/false\n";
    const GROUP: &str = "root:x:0:\nusers:x:100:ada\nkvm:x:106:root,ada\nvideo:x:44:grace\nodd:x\n";

    #[test]
    fn accounts() {
        let accounts = Accounts::parse(PASSWD, GROUP);
        let ada = accounts.user("ada").unwrap();
        assert_eq!((ada.uid, ada.gid, ada.home.as_path()), (1000, 100, Path::new("/home/ada")));
        assert_eq!(accounts.user_by_id(1000), Some(ada));
        assert_eq!(accounts.user("broken"), None);
        assert_eq!(accounts.groups_of(ada), [100, 106]);
        assert_eq!(accounts.group_by_id(106).unwrap().name, "kvm");
        assert_eq!(accounts.group("odd"), None);
    }

    #[test]
    fn names_go_before_numbers() {
        let accounts = Accounts::parse(PASSWD, GROUP);
        let cases =
            [("ada", Some(1000)), ("107", Some(2000)), ("+107", Some(107)), ("55", Some(55)), ("bob", None)];
        for (text, uid) in cases {
            assert_eq!(accounts.resolve_user(text), uid, "{text}");
        }
        for (text, gid) in
            [("kvm", Some(106)), ("+kvm", None), ("-1", None), ("4294967296", None), ("", None)]
        {
            assert_eq!(accounts.resolve_group(text), gid, "{text}");
        }
    }

    #[test]
    fn directories() {
        let none = |_: &str| None;
        let home = || Some(PathBuf::from("/home/ada"));
        let plain = Directories::new(none, home, None).unwrap();
        assert_eq!(plain.config, Path::new("/home/ada/.config"));
        assert_eq!(plain.runtime, Path::new("/home/ada/.cache/run"));
        let vars = |name: &str| match name {
            "HOME" => Some("/h".into()),
            "XDG_STATE_HOME" => Some("relative".into()),
            "XDG_RUNTIME_DIR" => Some("/r".into()),
            _ => None,
        };
        let set = Directories::new(vars, home, Some("/run/user/1".into())).unwrap();
        assert_eq!((set.home.as_path(), set.runtime.as_path()), (Path::new("/h"), Path::new("/r")));
        assert_eq!(set.state, Path::new("/h/.local/state"));
        let login = Directories::new(none, home, Some("/run/user/1".into())).unwrap();
        assert_eq!(login.runtime, Path::new("/run/user/1"));
        assert_eq!(Directories::new(none, || None, None), None);
    }

    #[test]
    fn own_ids() {
        assert_eq!(effective_groups()[0], effective_gid());
        assert!(Directories::of_this_process().is_ok() || std::env::var_os("HOME").is_none());
    }
}
