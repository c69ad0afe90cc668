//! Under which name the daemon runs, and where its files are.

use std::path::{Path, PathBuf};

use virt_domain::Layout;
use virt_qemu::config::Config;
use virt_sys::user::Directories;

/// As what the daemon is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// As itself, with places of its own.
    Virtd,
    /// In libvirtd's place.
    Libvirtd,
}

impl Role {
    /// libvirtd's place is taken where it is asked for, or the program is called so.
    #[must_use]
    pub fn of(program: Option<&Path>, drop_in: bool) -> Self {
        let called = program.and_then(Path::file_name).is_some_and(|name| name == "libvirtd");
        if drop_in || called { Self::Libvirtd } else { Self::Virtd }
    }

    /// The daemon's name: of its files, of its server as administrators see it, and in the log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Virtd => "virtd",
            Self::Libvirtd => "libvirtd",
        }
    }

    /// The name that sockets begin with.
    #[must_use]
    pub const fn socket_prefix(self) -> &'static str {
        match self {
            Self::Virtd => "virt",
            Self::Libvirtd => "libvirt",
        }
    }

    /// The folder of the files in each place.
    const fn folder(self) -> &'static str {
        self.socket_prefix()
    }

    /// Names of libvirt's separate daemons whose sockets lead here as well.
    #[must_use]
    pub const fn also(self) -> &'static [&'static str] {
        match self {
            Self::Virtd => &[],
            Self::Libvirtd => &["virtqemud"],
        }
    }
}

/// Where the daemon's files are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// Whether it is the host's daemon, of root, and not a user's.
    pub privileged: bool,
    /// The daemon's configuration.
    pub config_file: PathBuf,
    /// The QEMU driver's configuration.
    pub qemu_file: PathBuf,
    /// The network driver's configuration.
    pub network_file: PathBuf,
    /// Sockets.
    pub run_dir: PathBuf,
    /// The file with the process's number.
    pub pid_file: PathBuf,
    /// The log of a daemon in the background, where there is no journal.
    pub log_file: PathBuf,
    /// The QEMU driver's settings before its configuration was read.
    pub qemu: Config,
    /// The network driver's settings before its configuration was read.
    pub networks: virt_network::Config,
}

impl Places {
    /// Those of this process: the host's for root, else the user's own.
    ///
    /// # Errors
    /// For a user without a home directory.
    pub fn of_this_process(role: Role) -> virt_sys::Result<Self> {
        if virt_sys::user::effective_uid() == 0 {
            return Ok(Self::of_host(role));
        }
        Ok(Self::of_user(role, &Directories::of_this_process()?))
    }

    /// The host's.
    #[must_use]
    pub fn of_host(role: Role) -> Self {
        let (name, folder) = (role.name(), role.folder());
        Self {
            privileged: true,
            config_file: format!("/etc/{folder}/{name}.conf").into(),
            qemu_file: format!("/etc/{folder}/qemu.conf").into(),
            network_file: format!("/etc/{folder}/network.conf").into(),
            run_dir: format!("/run/{folder}").into(),
            pid_file: match role {
                Role::Virtd => "/run/virt/virtd.pid".into(),
                Role::Libvirtd => "/run/libvirtd.pid".into(),
            },
            log_file: format!("/var/log/{folder}/{name}.log").into(),
            qemu: match role {
                Role::Virtd => Config::host(),
                Role::Libvirtd => Config::system(),
            },
            networks: match role {
                Role::Virtd => virt_network::Config { helps_itself: true, ..virt_network::Config::host() },
                Role::Libvirtd => {
                    virt_network::Config { helps_itself: true, ..virt_network::Config::system() }
                }
            },
        }
    }

    /// A user's.
    #[must_use]
    pub fn of_user(role: Role, user: &Directories) -> Self {
        let (name, folder) = (role.name(), role.folder());
        let (config, cache, runtime) =
            (user.config.join(folder), user.cache.join(folder), user.runtime.join(folder));
        let qemu = match role {
            Role::Virtd => Config::of_user(user),
            Role::Libvirtd => Config {
                privileged: false,
                lib_dir: config.join("qemu/lib"),
                log_dir: cache.join("qemu/log"),
                state_dir: runtime.join("qemu/run"),
                config_dir: config.join("qemu"),
                cache_dir: cache.join("qemu/cache"),
                ..Config::system()
            },
        };
        Self {
            privileged: false,
            config_file: config.join(format!("{name}.conf")),
            qemu_file: config.join("qemu.conf"),
            network_file: config.join("network.conf"),
            networks: virt_network::Config {
                helps_itself: true,
                starts_on_demand: role == Role::Virtd,
                ..virt_network::Config::of_user(user, folder)
            },
            pid_file: runtime.join(format!("{name}.pid")),
            run_dir: runtime,
            log_file: cache.join(format!("{name}.log")),
            qemu,
        }
    }

    /// Where network filters are, and what they are bound to.
    #[must_use]
    pub fn filters(&self) -> virt_nwfilter::Directories {
        virt_nwfilter::Directories {
            filters: self.config_file.with_file_name("nwfilter"),
            bindings: self.run_dir.join("nwfilter-binding"),
        }
    }

    /// Where storage pools are, and which of them run.
    #[must_use]
    pub fn storage(&self) -> virt_storage::Layout {
        let config_dir = self.config_file.with_file_name("storage");
        let state = if self.privileged { "storage" } else { "storage/run" };
        virt_storage::Layout {
            autostart_dir: config_dir.join("autostart"),
            config_dir,
            state_dir: self.run_dir.join(state),
        }
    }

    /// Where secrets are.
    #[must_use]
    pub fn secrets(&self) -> PathBuf {
        self.config_file.with_file_name("secrets")
    }

    /// Where the engine keeps what it knows of domains: in libvirtd's place, under libvirt's names, with locks of its own
    /// in a directory that libvirt does not look at.
    #[must_use]
    pub fn layout(&self, role: Role) -> Layout {
        let qemu = &self.qemu;
        Layout {
            autostart_dir: qemu.config_dir.join("autostart"),
            config_dir: qemu.config_dir.clone(),
            status_dir: match role {
                Role::Virtd => qemu.state_dir.join("status"),
                Role::Libvirtd => qemu.state_dir.clone(),
            },
            // Apart from the status files, which are watched.
            run_dir: qemu.state_dir.join("engine"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_decides_whose_place_is_taken() {
        for (program, drop_in, role) in [
            (Some("/usr/sbin/libvirtd"), false, Role::Libvirtd),
            (Some("libvirtd"), false, Role::Libvirtd),
            (Some("/usr/sbin/virtd"), false, Role::Virtd),
            (Some("virtd"), true, Role::Libvirtd),
            (None, false, Role::Virtd),
        ] {
            assert_eq!(Role::of(program.map(Path::new), drop_in), role, "{program:?}");
        }
    }

    #[test]
    fn places_are_libvirts_or_our_own() {
        let user = Directories {
            home: "/h".into(),
            config: "/h/.config".into(),
            state: "/h/.local/state".into(),
            data: "/h/.local/share".into(),
            cache: "/h/.cache".into(),
            runtime: "/run/user/7".into(),
        };
        for (places, config, run, pid, qemu) in [
            (
                Places::of_host(Role::Libvirtd),
                "/etc/libvirt/libvirtd.conf",
                "/run/libvirt",
                "/run/libvirtd.pid",
                "/etc/libvirt/qemu",
            ),
            (
                Places::of_host(Role::Virtd),
                "/etc/virt/virtd.conf",
                "/run/virt",
                "/run/virt/virtd.pid",
                "/etc/virt/qemu",
            ),
            (
                Places::of_user(Role::Libvirtd, &user),
                "/h/.config/libvirt/libvirtd.conf",
                "/run/user/7/libvirt",
                "/run/user/7/libvirt/libvirtd.pid",
                "/h/.config/libvirt/qemu",
            ),
            (
                Places::of_user(Role::Virtd, &user),
                "/h/.config/virt/virtd.conf",
                "/run/user/7/virt",
                "/run/user/7/virt/virtd.pid",
                "/h/.config/virt/qemu",
            ),
        ] {
            assert_eq!(places.config_file, Path::new(config));
            assert_eq!(places.run_dir, Path::new(run));
            assert_eq!(places.pid_file, Path::new(pid));
            assert_eq!(places.qemu.config_dir, Path::new(qemu));
        }
        let layout = Places::of_host(Role::Libvirtd).layout(Role::Libvirtd);
        assert_eq!(layout.status_dir, Path::new("/run/libvirt/qemu"));
        // What the engine's own files in it do must not look like a change of a status.
        assert_ne!(layout.status_dir, layout.run_dir);
    }
}
