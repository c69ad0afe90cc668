//! The configuration files of the lxc tools (`lxc.container.conf(5)`), as domains.

mod mount;
mod network;
mod settings;
mod tuning;

use rustix::rand::{GetRandomFlags, getrandom};
use virt_conf::common::{Chardev, ChardevSource};
use virt_conf::domain::device::{AccessMode, Console, ConsoleTarget, Filesystem, FilesystemSource};
use virt_conf::domain::{
    CapabilitiesPolicy, ContainerCapabilities, Domain, IdRange, Init, Memory, OsType, VirtType,
};
use virt_conf::{ParseFlags, Result, TextEnum as _};
use virt_types::{Arch, Error, ErrorCode, ErrorDomain, Uuid};

use crate::LxcPolicy;
use settings::Settings;

/// The memory of a container whose configuration names no limit, in KiB.
const DEFAULT_MEMORY: u64 = 64 << 10;

/// More terminals than any container has.
const MAX_TERMINALS: u32 = 4096;

impl LxcPolicy {
    /// Turns a configuration of the lxc tools, before or since their release 3.0, into a domain.
    ///
    /// # Errors
    /// `VIR_ERR_CONF_SYNTAX` for what is no such file, `VIR_ERR_ARGUMENT_UNSUPPORTED` for mounts that another file lists, and
    /// `VIR_ERR_INTERNAL_ERROR` or what the value calls for where a value can not be understood.
    pub fn from_native(&self, config: &str) -> Result<Domain> {
        self.convert(config, random_uuid()?)
    }

    fn convert(&self, config: &str, uuid: Uuid) -> Result<Domain> {
        let settings = Settings::parse(config)?;
        let name = settings
            .first(&["lxc.uts.name", "lxc.utsname"])
            .ok_or_else(|| unexplained("lxc.uts.name is missing"))?;
        let rootfs = settings
            .first(&["lxc.rootfs.path", "lxc.rootfs"])
            .ok_or_else(|| unexplained("lxc.rootfs.path is missing"))?;
        if settings.first(&["lxc.mount.fstab", "lxc.mount"]).is_some() {
            let detail = "lxc.mount.fstab or lxc.mount found, use lxc.mount.entry lines instead";
            return Err(Error::new(ErrorCode::ArgumentUnsupported, ErrorDomain::Lxc, detail));
        }
        let mut domain = Domain {
            virt_type: VirtType::Lxc,
            name: name.to_owned(),
            uuid: Some(uuid),
            memory: Memory { total: DEFAULT_MEMORY, ..Memory::default() },
            ..Domain::default()
        };
        domain.os.os_type = OsType::Exe;
        domain.os.arch = settings.first(&["lxc.arch"]).map_or(Arch::None, arch);
        domain.os.init = Init { path: Some("/sbin/init".to_owned()), ..Init::default() };
        domain.devices.filesystems = mount::filesystems(rootfs, &settings)?;
        network::add(&mut domain, &settings)?;
        domain.devices.consoles = consoles(&settings)?;
        add_ids(&mut domain, &settings)?;
        tuning::add(&mut domain, &settings)?;
        domain.features.capabilities = capabilities(&settings);
        domain.fill(self, ParseFlags::INACTIVE | ParseFlags::ABI_UPDATE)?;
        Ok(domain)
    }
}

/// A refusal for which libvirt has no words of its own: the reason is its hint.
fn unexplained(reason: impl Into<String>) -> Error {
    Error::new(ErrorCode::InternalError, ErrorDomain::Lxc, "An error occurred, but the cause is unknown")
        .with_hint(reason.into())
}

fn random_uuid() -> Result<Uuid> {
    let mut bytes = [0; 16];
    let filled = getrandom(&mut bytes, GetRandomFlags::empty());
    match filled {
        // The kernel gives this few at once.
        Ok(_) => Ok(Uuid::from_random(bytes)),
        Err(errno) => Err(internal("failed to generate uuid").caused_by(std::io::Error::from(errno))),
    }
}

fn internal(detail: impl Into<String>) -> Error {
    Error::new(ErrorCode::InternalError, ErrorDomain::Lxc, detail.into())
}

/// A container's file system as the tools make it.
fn filesystem(source: FilesystemSource, target: &str, readonly: bool) -> Filesystem {
    Filesystem {
        source,
        target: Some(target.to_owned()),
        readonly,
        access_mode: Some(AccessMode::Passthrough),
        ..Filesystem::default()
    }
}

/// An architecture as the tools spell it: the kernel's names, or Debian's for PCs.
fn arch(text: &str) -> Arch {
    match text {
        "x86" => Arch::I686,
        "amd64" => Arch::X86_64,
        other => Arch::from_text(other).unwrap_or(Arch::None),
    }
}

fn consoles(settings: &Settings<'_>) -> Result<Vec<Console>> {
    let Some(text) = settings.first(&["lxc.tty.max", "lxc.tty"]) else { return Ok(Vec::new()) };
    let count = text
        .parse::<u32>()
        .ok()
        .filter(|count| *count <= MAX_TERMINALS)
        .ok_or_else(|| internal(format!("failed to parse int: '{text}'")))?;
    let console = |port| Console {
        chardev: Chardev { source: ChardevSource::Pty { path: None }, ..Chardev::default() },
        target: ConsoleTarget::Lxc,
        port: Some(port),
        ..Console::default()
    };
    Ok((0..count).map(console).collect())
}

/// `lxc.idmap = u HOST CONTAINER COUNT`
fn add_ids(domain: &mut Domain, settings: &Settings<'_>) -> Result<()> {
    for (key, value) in settings.all(&["lxc.idmap", "lxc.id_map"]) {
        let invalid = || internal(format!("invalid {key}: '{value}'"));
        let mut words = value.split_ascii_whitespace();
        let kind = words.next().ok_or_else(invalid)?;
        let mut number = || words.next().and_then(|word| word.parse().ok()).ok_or_else(invalid);
        let (target, start, count) = (number()?, number()?, number()?);
        let range = IdRange { start, target, count };
        match kind {
            "u" => domain.idmap.uids.push(range),
            "g" => domain.idmap.gids.push(range),
            other => return Err(unexplained(format!("{key} is for 'u' or 'g', not '{other}'"))),
        }
    }
    Ok(())
}

/// What is dropped is off; all else is allowed.
fn capabilities(settings: &Settings<'_>) -> ContainerCapabilities {
    let dropped: Vec<&str> = settings.first(&["lxc.cap.drop"]).unwrap_or_default().split(' ').collect();
    let known = ContainerCapabilities::NAMES.iter().filter(|name| dropped.contains(name));
    ContainerCapabilities {
        policy: CapabilitiesPolicy::Allow,
        states: known.map(|name| (*name, false)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use virt_conf::FormatFlags;

    use super::*;

    const UUID: Uuid = Uuid::from_random([7; 16]);

    fn convert(config: &str) -> Result<String> {
        let base = "lxc.uts.name = box\nlxc.rootfs.path = /srv/box\n";
        let domain = LxcPolicy::default().convert(&format!("{base}{config}"), UUID)?;
        Ok(domain.format(FormatFlags::INACTIVE))
    }

    #[test]
    fn each_setting_has_its_element() {
        for (config, parts) in [
            ("", &["<privnet/>", "<source dir='/srv/box'/>", "<memory unit='KiB'>65536</memory>"][..]),
            ("lxc.arch = amd64", &["<type arch='x86_64'>exe</type>"]),
            ("lxc.tty = 1", &["<target type='lxc' port='0'/>"]),
            ("lxc.id_map = u 1000 0 10", &["<uid start='0' target='1000' count='10'/>"]),
            ("lxc.cap.drop = kill mknod", &["<kill state='off'/>", "<mknod state='off'/>"]),
            ("lxc.cgroup.memory.limit_in_bytes = 128M", &["<hard_limit unit='KiB'>131072</hard_limit>"]),
            ("lxc.cgroup.cpu.shares = 7", &["<shares>7</shares>"]),
            ("lxc.cgroup.cpuset.cpus = 0-1\nlxc.cgroup.cpuset.mems = 3", &["cpuset='0-1'", "nodeset='3'"]),
            ("lxc.cgroup.blkio.weight = 400", &["<weight>400</weight>"]),
            (
                "lxc.mount.entry = tmpfs tmp tmpfs size=1k 0 0",
                &["<source usage='1' units='KiB'/>", "dir='/tmp'"],
            ),
            (
                "lxc.net.0.type = veth\nlxc.net.0.flags = up",
                &["<interface type='ethernet'>", "<link state='up'/>"],
            ),
            (
                "lxc.network.type = vlan\nlxc.network.link = e\nlxc.network.vlan.id = 5",
                &["<interface>e.5</interface>"],
            ),
        ] {
            let xml = convert(config).unwrap();
            for part in parts {
                assert!(xml.contains(part), "{config}: {part} in {xml}");
            }
        }
    }

    #[test]
    fn what_can_not_be_understood_is_refused() {
        for (config, code) in [
            ("lxc.mount = /etc/fstab", ErrorCode::ArgumentUnsupported),
            ("lxc.tty = many", ErrorCode::InternalError),
            ("lxc.idmap = x 0 0 1", ErrorCode::InternalError),
            ("lxc.net.0.type = phys", ErrorCode::ConfigUnsupported),
            ("lxc.net.0.type = veth\nlxc.net.0.ipv4.address = 10.0.0.1", ErrorCode::InvalidArg),
            ("lxc.net.0.type = veth\nlxc.net.0.veth.pair = x", ErrorCode::InternalError),
            ("lxc.mount.entry = tmpfs tmp tmpfs ro 0 0", ErrorCode::InternalError),
            ("lxc.cgroup.memory.limit_in_bytes = 50%", ErrorCode::InternalError),
            ("no equals sign", ErrorCode::ConfSyntax),
        ] {
            assert_eq!(convert(config).unwrap_err().code(), code, "{config}");
        }
    }
}
