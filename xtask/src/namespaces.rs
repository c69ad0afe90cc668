//! Running a program in fresh user, network, mount and process namespaces, as root or as anybody.
//!
//! In them the program is root over an empty network, and whatever it leaves running ends with it. util-linux's
//! unshare(1) does the work.

use std::{path::Path, process::Command};

use crate::process::{is_root, output};

/// What the first process of the namespaces does before it runs the program. It stays, to reap orphans; `exit` keeps the
/// shell from replacing itself with the program.
const FIRST: &str = r#"ip link set lo up || exit 125
if [ "$1" != keep-sys ]; then
    groups=
    if [ "$1" = fresh-sys-and-groups ]; then
        groups=$(mktemp -d) && mount --rbind /sys/fs/cgroup "$groups" || exit 125
    fi
    mount -t sysfs sysfs /sys || exit 125
    if [ -n "$groups" ]; then
        mount --rbind "$groups" /sys/fs/cgroup && umount -l "$groups" && rmdir "$groups" || exit 125
    fi
fi
shift
"$@"
exit $?"#;

/// Whether the program sees the new network in /sys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sys {
    /// /sys shows the new network, and no control groups.
    Fresh,
    /// /sys shows the new network, and the control groups as they are outside.
    FreshWithGroups,
    /// /sys stays as it is outside.
    Kept,
}

/// The ways into fresh namespaces; what the program sees is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// With a user namespace, which anybody may make, if the machine allows it.
    User,
    /// Without: as root, who can then make device nodes and load nothing but what root can.
    Root,
    /// Root steps down to a user without any privilege first, who then makes a user namespace.
    Nobody,
}

/// The user and group that [`Way::Nobody`] steps down to.
const NOBODY: &str = "65534";

impl Way {
    /// The first way that works on this machine, or why there is none.
    pub(crate) fn find() -> Result<Self, String> {
        let attempt = |way: Self| output(&mut way.enter(&Command::new("true"), Sys::Fresh, 20));
        let Err(failure) = attempt(Self::User) else { return Ok(Self::User) };
        if is_root() && attempt(Self::Root).is_ok() {
            return Ok(Self::Root);
        }
        let said = failure.to_string();
        Err(format!(
            "this machine lets us make no namespaces ({}); see /proc/sys/user/max_user_namespaces, \
             /proc/sys/kernel/unprivileged_userns_clone and /proc/sys/kernel/apparmor_restrict_unprivileged_userns; \
             a container needs --privileged",
            said.lines().last().unwrap_or_default()
        ))
    }

    /// The way with the most privileges: root stays root, and can make what only root can, such as a macvtap's device node.
    pub(crate) fn strongest() -> Result<Self, String> {
        let attempt = output(&mut Self::Root.enter(&Command::new("true"), Sys::FreshWithGroups, 20));
        if is_root() && attempt.is_ok() { Ok(Self::Root) } else { Self::find() }
    }

    /// Every way that works on this machine and differs in what it may do: as root and as a plain user, or only the latter.
    /// The program has to be readable for everybody.
    pub(crate) fn all(program: &Path) -> Vec<Self> {
        let works = |way: &Self| {
            let mut look = Command::new("test");
            look.arg("-x").arg(program);
            output(&mut way.enter(&look, Sys::Fresh, 20)).is_ok()
        };
        let ways = if is_root() { &[Self::Root, Self::Nobody][..] } else { &[Self::User] };
        ways.iter().copied().filter(works).collect()
    }

    /// Who the program's user is.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Root => "as root",
            Self::User | Self::Nobody => "as a plain user",
        }
    }

    /// `program` and its arguments in namespaces of their own, ended by force after `limit` seconds.
    pub(crate) fn enter(self, program: &Command, sys: Sys, limit: u32) -> Command {
        let mut command = Command::new("timeout");
        command.args(["--kill-after=5", &limit.to_string()]);
        if self == Self::Nobody {
            command.args(["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--"]);
        }
        command.arg("unshare");
        if self != Self::Root {
            command.args(["--user", "--map-root-user"]);
        }
        command.args(["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]);
        let sys = match sys {
            Sys::Fresh => "fresh-sys",
            Sys::FreshWithGroups => "fresh-sys-and-groups",
            Sys::Kept => "keep-sys",
        };
        command.args(["sh", "-c", FIRST, "sh", sys]);
        command.arg(program.get_program()).args(program.get_args());
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if let Some(dir) = program.get_current_dir() {
            command.current_dir(dir);
        }
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way() -> Option<Way> {
        Way::find().inspect_err(|why| eprintln!("skipped: {why}")).ok()
    }

    #[test]
    fn a_program_inside_is_root_over_an_empty_network_and_leaves_no_process() {
        let Some(way) = way() else { return };
        let script = r#"echo "$(id -u) $(ls /sys/class/net) $$ $MARK $(pwd)"; sleep 600 & exit 7"#;
        let mut inside = Command::new("sh");
        inside.args(["-c", script]).env("MARK", "seen").current_dir("/");
        let started = std::time::Instant::now();
        let out = way.enter(&inside, Sys::Fresh, 60).output().unwrap();
        let said = String::from_utf8(out.stdout).unwrap();
        let words: Vec<_> = said.split_whitespace().collect();
        assert_eq!((words[0], words[1], words[3], words[4]), ("0", "lo", "seen", "/"), "{said}");
        assert_eq!(out.status.code(), Some(7));
        assert!(started.elapsed().as_secs() < 50, "the sleep held the namespaces up");
    }

    #[test]
    fn every_way_leads_to_the_same_place() {
        for way in Way::all(Path::new("/bin/sh")) {
            let mut inside = Command::new("sh");
            inside.args(["-c", "echo $(id -u) $(ls /sys/class/net)"]);
            let out = way.enter(&inside, Sys::Fresh, 60).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&out.stdout), "0 lo\n", "{way:?}");
        }
        assert_eq!(Way::all(Path::new("/no/such/program")), []);
    }

    #[test]
    fn a_program_that_hangs_is_ended() {
        let Some(way) = way() else { return };
        let mut inside = Command::new("sleep");
        inside.arg("600");
        assert_eq!(way.enter(&inside, Sys::Kept, 1).output().unwrap().status.code(), Some(124));
    }
}
