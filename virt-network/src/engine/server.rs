//! The process of a network's dnsmasq.

use std::time::{Duration, Instant};

use virt_conf::network::Network;
use virt_sys::{Limits, Pid, PidFd, Signal, Spawn};
use virt_types::Result;

use crate::config::Config;
use crate::dnsmasq::{self, Capabilities, Files};
use crate::error::{internal, refuse, system};
use crate::leases_helper;

/// dnsmasq goes into the background once it listens.
const STARTS: Duration = Duration::from_secs(30);

/// After the polite signal.
const ENDS: Duration = Duration::from_secs(2);

const PROGRAM: &str = "/usr/sbin/dnsmasq";

fn files(network: &Network, config: &Config) -> Files {
    Files::new(&network.name, &config.dnsmasq_dir, &config.pid_dir)
}

/// Starts a network's dnsmasq, if it has anything to do.
pub(super) fn start(network: &Network, config: &Config) -> Result<()> {
    if !dnsmasq::is_needed(network) {
        return Ok(());
    }
    let files = files(network, config);
    let helper = super::helper(config)?;
    write_hosts(network, &files)?;
    let text = dnsmasq::configuration(network, &files, true, Capabilities::CURRENT)?;
    let failed = |error| {
        system(format!("couldn't write dnsmasq config file '{}'", files.configuration.display()), error)
    };
    virt_sys::fs::replace(&files.configuration, text.as_bytes(), 0o600).map_err(failed)?;
    let program = virt_sys::find_program("dnsmasq").or_else(|| virt_sys::find_program(PROGRAM));
    let program = program.ok_or_else(|| {
        refuse(virt_types::ErrorCode::OperationFailed, "dnsmasq binary not found")
            .with_hint("install the package dnsmasq-base")
    })?;
    let mut spawn = Spawn::new(&program);
    // Until it has gone into the background.
    spawn.end_with_parent();
    spawn
        .arg(format!("--conf-file={}", files.configuration.display()))
        .arg("--leasefile-ro")
        .arg(format!("--dhcp-script={}", helper.display()))
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .env("LC_ALL", "C")
        .env(leases_helper::DIRECTORY, &config.dnsmasq_dir)
        .env(leases_helper::BRIDGE, network.bridge.name.as_deref().unwrap_or_default());
    let output = virt_sys::run(spawn, b"", Limits::new(STARTS, 1 << 16))
        .map_err(|error| system(format!("cannot run {}", program.display()), error))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let status = output.status.code().map_or_else(|| output.status.to_string(), |code| code.to_string());
    let command = format!(
        "VIR_BRIDGE_NAME={} {} --conf-file={} --leasefile-ro --dhcp-script={}",
        network.bridge.name.as_deref().unwrap_or_default(),
        program.display(),
        files.configuration.display(),
        helper.display()
    );
    let error = internal(format!("Child process ({command}) unexpected exit status {status}: {said}"));
    if said.contains("in use") {
        let hint = "another name or DHCP server listens on every address of the host: `ss -lunp 'sport = 53 or sport = 67'` names it";
        return Err(error.with_hint(hint));
    }
    Err(error)
}

fn write_hosts(network: &Network, files: &Files) -> Result<()> {
    for (path, text) in
        [(&files.hosts, dnsmasq::static_hosts(network)), (&files.names, dnsmasq::names_file(network))]
    {
        let failed = |error| system(format!("cannot write config file '{}'", path.display()), error);
        virt_sys::fs::replace(path, text.as_bytes(), 0o644).map_err(failed)?;
    }
    Ok(())
}

/// The process that serves a network. A number in the file that is another process's by now is none.
pub(super) fn find(network: &Network, config: &Config) -> Option<PidFd> {
    let files = files(network, config);
    let text = virt_sys::fs::read_bounded(&files.pid, 64).ok()?;
    let pid: i32 = String::from_utf8_lossy(&text).trim().parse().ok()?;
    let handle = PidFd::open(Pid::from_raw(pid)?).ok()?;
    let command = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let ours = format!("--conf-file={}", files.configuration.display());
    command.split(|byte| *byte == 0).any(|arg| arg == ours.as_bytes()).then_some(handle)
}

/// Ends what was started for a network and had no time to say so, because its parent was killed.
pub(super) fn stop_strays(network: &Network, config: &Config) {
    let ours = format!("--conf-file={}", files(network, config).configuration.display());
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    for pid in pids {
        let Some(handle) = Pid::from_raw(pid).and_then(|pid| PidFd::open(pid).ok()) else { continue };
        let command = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        if command.split(|byte| *byte == 0).any(|arg| arg == ours.as_bytes()) {
            let _ = handle.send_signal(Signal::KILL);
            let _ = handle.wait(Some(Instant::now() + ENDS));
        }
    }
}

/// Has a running dnsmasq read guests and names anew; one that does not run is started.
pub(super) fn refresh(network: &Network, config: &Config) -> Result<()> {
    let Some(process) = find(network, config) else { return start(network, config) };
    write_hosts(network, &files(network, config))?;
    process.send_signal(Signal::HUP).map_err(|error| system("cannot signal dnsmasq", error))
}

/// Ends a network's dnsmasq, if it runs, and waits for it. Its leases stay.
///
/// Its number is forgotten first: whoever finds a process that is about to end must not take it for one that serves.
pub(super) fn stop(network: &Network, config: &Config) {
    let process = find(network, config);
    if let Err(error) = virt_sys::fs::remove(&files(network, config).pid) {
        log::debug!("{error}");
    }
    if let Some(process) = process {
        for signal in [Signal::TERM, Signal::KILL] {
            let _ = process.send_signal(signal);
            if matches!(process.wait(Some(Instant::now() + ENDS)), Ok(true)) {
                break;
            }
            log::warn!("dnsmasq of network '{}' does not heed {signal:?}", network.name);
        }
    }
}
