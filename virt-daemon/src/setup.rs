//! What has to be read and made before the daemon serves.

use std::io::IsTerminal;
use std::path::Path;

use virt_domain::Limits;
use virt_qemu::config::Config;

use crate::args::Args;
use crate::authentication;
use crate::config::{DaemonConfig, Defaults, HostUuid, LogConfig, apply_network, apply_qemu};
use crate::failure::Failure;
use crate::logging::{Logging, Priority};
use crate::places::{Places, Role};
use crate::settings::{Problem, Remarks, Settings};

/// What the configuration files say.
#[derive(Debug)]
pub struct Configuration {
    /// The daemon's own.
    pub daemon: DaemonConfig,
    /// The QEMU driver's.
    pub qemu: Config,
    /// The network driver's.
    pub networks: virt_network::Config,
    /// How long calls may take and how many may wait.
    pub calls: Limits,
    /// Keys that nobody knows, which only libvirtd's place allows.
    unknown: Vec<Problem>,
    /// Keys that do nothing.
    idle: Vec<Problem>,
}

impl Configuration {
    /// Reads the files. One that was named has to be there; others need not.
    ///
    /// # Errors
    /// For a file that is wrong, with its line.
    pub fn load(role: Role, places: &Places, args: &Args) -> Result<Self, Failure> {
        let settings = match &args.config {
            Some(file) => Settings::read(file)?,
            None => Settings::read_if_there(&places.config_file)?,
        };
        let defaults =
            Defaults { polkit: authentication::POLKIT && places.privileged, tls: role == Role::Libvirtd };
        let (daemon, of_daemon) = DaemonConfig::from_settings(&settings, defaults)?;
        let mut qemu = places.qemu.clone();
        let (queue, of_qemu) = apply_qemu(&Settings::read_if_there(&places.qemu_file)?, &mut qemu)?;
        qemu.host_uuid = match daemon.host_uuid {
            HostUuid::Given(uuid) => Some(uuid),
            // What a host is asked for that is told nothing.
            HostUuid::Smbios => None,
            HostUuid::MachineId => virt_host::uuid::of_installation(&virt_host::Root::host()),
        };
        let mut networks = places.networks.clone();
        let of_networks = apply_network(&Settings::read_if_there(&places.network_file)?, &mut networks)?;
        let mut all = Remarks::default();
        for remarks in [of_daemon, of_qemu, of_networks] {
            all.unknown.extend(remarks.unknown);
            all.idle.extend(remarks.idle);
        }
        // A newer libvirt's file has keys that this daemon has not heard of, and libvirtd ignores such.
        if role == Role::Virtd && !all.unknown.is_empty() {
            return Err(all.unknown.swap_remove(0).into());
        }
        let calls = Limits { max_queued: queue.max_queued, ..Limits::default() };
        Ok(Self { daemon, qemu, networks, calls, unknown: all.unknown, idle: all.idle })
    }

    /// Tells the log what of the files has no effect.
    pub fn remark(&self) {
        for problem in &self.unknown {
            log::warn!("{problem}");
        }
        for problem in &self.idle {
            log::debug!("{problem}");
        }
    }
}

/// Sets up the log: what the command line says goes before the environment, and that before the configuration.
///
/// # Errors
/// For settings that make no sense, and where the log can not be written.
pub fn start_log(
    logging: &'static Logging,
    config: &LogConfig,
    args: &Args,
    places: &Places,
) -> Result<(), Failure> {
    let file = args.config.as_ref().unwrap_or(&places.config_file);
    let var = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let wrong = |file: &Path, key| {
        let file = file.to_owned();
        move |source| Failure::Log { file, key, source }
    };
    let mut usual = Priority::from_number(config.level).unwrap_or(Priority::Warning);
    if let Some(level) = var("LIBVIRT_DEBUG") {
        usual = level_of(&level).unwrap_or(usual);
    }
    if args.verbose {
        usual = usual.min(Priority::Info);
    }
    let environment = Path::new("the environment");
    let filters = match var("LIBVIRT_LOG_FILTERS") {
        Some(text) => text.parse().map_err(wrong(environment, "LIBVIRT_LOG_FILTERS"))?,
        None => config.filters.parse().map_err(wrong(file, "log_filters"))?,
    };
    let outputs = match var("LIBVIRT_LOG_OUTPUTS") {
        Some(text) => text.parse().map_err(wrong(environment, "LIBVIRT_LOG_OUTPUTS"))?,
        None => config.outputs.parse().map_err(wrong(file, "log_outputs"))?,
    };
    logging.set_usual(usual);
    logging.set_filters(filters);
    let fallback = fallback(usual, args, places);
    logging.set_fallback(fallback.parse().map_err(wrong(file, "log_outputs"))?);
    logging.set_outputs(&outputs)?;
    logging.install();
    Ok(())
}

fn level_of(text: &str) -> Option<Priority> {
    match text {
        "1" | "debug" => Some(Priority::Debug),
        "2" | "info" => Some(Priority::Info),
        "3" | "warning" => Some(Priority::Warning),
        "4" | "error" => Some(Priority::Error),
        _ => None,
    }
}

/// The journal, unless somebody looks; and not what happens inside, of which it would be too much.
fn fallback(usual: Priority, args: &Args, places: &Places) -> String {
    let journal = Path::new("/run/systemd/journal/socket").exists();
    let looked_at = !args.tell_start && std::io::stdin().is_terminal();
    match (journal && !looked_at, args.tell_start) {
        (true, _) => format!("{}:journald", usual.max(Priority::Info)),
        (false, true) => format!("{usual}:file:{}", places.log_file.display()),
        (false, false) => format!("{usual}:stderr"),
    }
}

/// Makes the directories that have to be there before anything else is made in them.
///
/// # Errors
/// Where one can not be made.
pub fn make_directories(places: &Places, args: &Args) -> Result<(), Failure> {
    let mode = if places.privileged { 0o755 } else { 0o700 };
    let parent = |path: &Path| path.parent().map(Path::to_owned);
    let mut wanted = vec![places.run_dir.clone()];
    if args.pid_file.is_none() {
        wanted.extend(parent(&places.pid_file));
    }
    if args.tell_start {
        wanted.extend(parent(&places.log_file));
    }
    for dir in wanted {
        virt_sys::fs::create_dir_all(&dir, mode)?;
    }
    Ok(())
}
