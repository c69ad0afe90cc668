//! Starting a guest: from its plan to a monitor that answers.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::time::Instant;
use virt_conf::domain::Domain;
use virt_domain::{BackendEvent, EventSink, Start, Started};
use virt_driver::{MonitorEventFilter, Services};
use virt_qmp::CloseReason;
use virt_sys::{Spawn, unix};
use virt_types::{Error, ErrorCode, ErrorDomain, Result};

use super::companions;
use super::connections::Connections;
use super::counters::Counters;
use super::files::GuestFiles;
use super::filters::Filters;
use super::group::{self, ControlGroup};
use super::guest::{self, Guest, Parts};
use super::log::GuestLog;
use super::monitor::{self, GuestMonitor, Partner};
use super::raw_events::{RawEvents, RawEventsOf};
use super::{live_cpu, needs, saved, secrets, settle, status, taint};
use crate::caps::Capabilities;
use crate::config::Config;
use crate::host::Host;
use crate::plan::{self, Monitor, Part, Plan, Props};

/// How long QEMU may take from its start to its greeting.
const GREETING_DEADLINE: Duration = Duration::from_secs(60);

/// Starts a guest with its virtual CPUs stopped. A failure leaves nothing behind. `link` is how long its monitor may take
/// for an answer, and who wants to hear what it says.
pub(super) async fn start(
    mut start: Start,
    caps: &Capabilities,
    config: &Arc<Config>,
    (host, services): (&Host, &Services),
    link: (Duration, &Arc<RawEvents>),
) -> Result<Started> {
    let files = GuestFiles::of(config, &start.live);
    let groups = host.control_groups.as_ref();
    group::note_partition(&mut start.live, config, groups);
    let own = group::of(&start.live, config, groups);
    let connections = Connections::decide(&mut start.live, services)?;
    // What another process needs to undo this start is on its way to the disk before there is anything to undo.
    start.record(None, &status::text(&files, &connections))?;
    let cancelled = start.cancelled();
    let filters = OnceLock::new();
    let started = tokio::select! {
        started = launch(start, files.clone(), caps, config, (host, services), (&filters, &connections), link) => started,
        () = cancelled => Err(Error::new(ErrorCode::OperationAborted, ErrorDomain::Qemu, "the start was cancelled")),
    };
    if started.is_err() {
        undo(&files).await;
        group::remove_later(own).await;
        if let Some(filters) = filters.get() {
            Filters::release(filters).await;
        }
        connections.release().await;
    }
    started
}

/// Ends what a start has begun, whoever began it.
pub(super) async fn undo(files: &GuestFiles) {
    match virt_sys::PidFile::open_locked(&files.pid) {
        Ok(Some((_, pidfd))) => {
            if let Ok(process) = guest::watched(pidfd) {
                guest::kill_and_wait(&process).await;
            }
        }
        Ok(None) => {}
        Err(error) => log::warn!("{error}"),
    }
    companions::end(files).await;
    files.remove();
}

async fn launch(
    mut start: Start,
    files: GuestFiles,
    caps: &Capabilities,
    config: &Arc<Config>,
    (host, services): (&Host, &Services),
    (filters, connections): (&OnceLock<Filters>, &Connections),
    link: (Duration, &Arc<RawEvents>),
) -> Result<Started> {
    let mut live = start.live.clone();
    connections.take(&mut live).await?;
    let mut plan = plan::build(&live, caps, config, host, Monitor::Descriptor)?;
    if start.incoming.is_some() {
        plan.parts.push(Part::Option("-incoming", "defer".to_owned()));
    }
    for dir in [&files.dir, &config.state_dir] {
        virt_sys::fs::create_dir_all(dir, 0o700).map_err(|error| cannot("create a directory", error))?;
    }
    let listener =
        unix::bind_stale(&files.monitor, 0o600).map_err(|error| cannot("listen for the monitor", error))?;
    let ours = unix::connect(&files.monitor).map_err(|error| cannot("reach the monitor's socket", error))?;
    let log = GuestLog::open(&files.log, &plan)
        .map_err(|error| cannot(&format!("open the log {}", files.log.display()), error))?;
    let mut spawn = spawn(&plan, &files, &log)?;
    let values = secrets::values(&plan.parts, services).await?;
    let ends = needs::open(&plan, &mut live, &mut spawn, listener.into())?;
    companions::start(&plan, &files, services, &log, ends).await?;
    spawn.args(arguments(&plan, &secrets::objects(&values, &files.key())?));
    let filters = filters.get_or_init(|| Filters::of(&live, services));
    filters.bind(&live).await?;
    let groups = host.control_groups.as_ref();
    let own = group::make(&live, config, groups, &plan.argv())?;
    group::enter(&mut spawn, own.as_ref(), &live);
    let child = spawn.start().map_err(|error| cannot(&format!("start {}", plan.program), error))?;
    drop(spawn);
    let pid = child.pid.as_raw_nonzero().get().unsigned_abs();
    start.record(Some(pid), &status::text(&files, connections))?;
    let process = Arc::new(guest::watched(child.pidfd)?);
    let monitor = Arc::new(GuestMonitor::start(
        ours,
        Partner { pid, patience: link.0 },
        start.events.clone(),
        RawEventsOf::of(&live, link.1),
        settle::agent_alias(&live),
    )?);
    let greeting = tokio::select! {
        greeting = monitor.monitor.ready(Instant::now() + GREETING_DEADLINE) => greeting.map(drop),
        () = process.ended() => Err(virt_qmp::Error::Closed { command: "the greeting".into(), reason: CloseReason::EndOfFile }),
    };
    if let Err(error) = greeting {
        return Err(died(error, &monitor, &log, &process, &live, host).await);
    }
    let restored = start.incoming.is_some();
    if let Some(state) = start.incoming.take() {
        let filter = MonitorEventFilter { domain: live.uuid, event: Some("MIGRATION".to_owned()), flags: 0 };
        let received = match link.1.subscribe(&filter, 64) {
            Ok(reports) => saved::receive(&monitor, state, reports).await,
            Err(error) => Err(error),
        };
        if let Err(error) = received {
            guest::kill_and_wait(&process).await;
            let words = log.last_words();
            return Err(match words {
                Some(words) => error.with_hint(words),
                None => error,
            });
        }
    }
    let agent = settle::agent_socket(&live);
    let group = match ControlGroup::place(own, &monitor, &live, host.cpus).await {
        Ok(group) => group,
        Err(error) => {
            guest::kill_and_wait(&process).await;
            return Err(error);
        }
    };
    let events = start.events.clone();
    let (filters, connections, counters) = (filters.clone(), connections.clone(), Counters::default());
    let parts = Parts {
        files,
        pid,
        process,
        monitor,
        log,
        agent,
        filters,
        connections,
        group,
        asked_cpu: None,
        counters,
    };
    hold(parts, live, caps, events, restored).await
}

async fn hold(
    mut parts: Parts,
    mut live: Domain,
    caps: &Capabilities,
    events: EventSink,
    restored: bool,
) -> Result<Started> {
    let ready = match parts.counters.begin(&live.perf, parts.pid) {
        Ok(()) => ask(&parts.monitor, &mut live, caps).await,
        refused => refused,
    };
    if let Err(error) = ready {
        guest::kill_and_wait(&parts.process).await;
        return Err(error);
    }
    parts.asked_cpu.clone_from(&live.asked_cpu);
    for word in taint::of(&live, virt_sys::user::effective_uid() == 0) {
        events.send(BackendEvent::Tainted(word.to_owned()));
    }
    let news = match restored {
        true => settle::look_at_ports(&parts.monitor, &mut live).await,
        false => Ok(settle::close_ports(&mut live)),
    };
    match news {
        Ok(news) => drop(news.map(|news| events.send(news))),
        Err(error) => {
            guest::kill_and_wait(&parts.process).await;
            return Err(error);
        }
    }
    Ok(Started { running: Arc::new(Guest::hold(parts, events)), live })
}

/// What only a running QEMU can tell, or be told: asked for where the domain has it, and not otherwise.
async fn ask(monitor: &GuestMonitor, live: &mut Domain, caps: &Capabilities) -> Result<()> {
    live_cpu::settle(monitor, live, caps).await?;
    settle::settle(monitor, live).await?;
    monitor.flush().await;
    Ok(())
}

fn spawn(plan: &Plan, files: &GuestFiles, log: &GuestLog) -> Result<Spawn> {
    let mut spawn = Spawn::new(&plan.program);
    spawn.cwd("/").umask(0o002).pid_file(&files.pid);
    for (name, value) in &plan.env {
        spawn.env(name, value);
    }
    let output = log.output().map_err(|error| cannot("write the log", error))?;
    spawn.output(OwnedFd::from(output)).map_err(|error| cannot("write the log", error))?;
    Ok(spawn)
}

/// The command line, with the secrets that the plan only names.
fn arguments(plan: &Plan, secrets: &HashMap<String, Props>) -> Vec<String> {
    let arguments = |part: &Part| match part {
        Part::Secret { id, .. } if secrets.contains_key(id) => {
            vec!["-object".to_owned(), secrets[id].to_string()]
        }
        part => part.argv(),
    };
    plan.parts.iter().flat_map(arguments).collect()
}

/// Why QEMU ended before it greeted: its own last words, and what they mean.
async fn died(
    error: virt_qmp::Error,
    monitor: &GuestMonitor,
    log: &GuestLog,
    process: &virt_sys::Process,
    live: &Domain,
    host: &Host,
) -> Error {
    if !error.is_closed() {
        let error = monitor.refused(error);
        guest::kill_and_wait(process).await;
        return error;
    }
    // The words are complete when the process is gone.
    process.ended().await;
    let words = log.last_words().unwrap_or_default();
    let error = monitor::failed(format!("qemu unexpectedly closed the monitor: {words}")).caused_by(error);
    match explain(&words, live, host) {
        Some(hint) => error.with_hint(hint),
        None => error.with_hint(format!("the guest's log has more: {}", log_name(live))),
    }
}

fn log_name(live: &Domain) -> String {
    format!("{}.log", live.name)
}

/// What QEMU's last words mean to the user.
fn explain(words: &str, live: &Domain, host: &Host) -> Option<String> {
    let gib = |kib: u64| kib as f64 / f64::from(1 << 20);
    if words.contains("Cannot allocate memory") || words.contains("cannot set up guest memory") {
        return Some(format!(
            "the guest wants {:.1} GiB of memory, this host has {:.1} GiB: lower <memory>",
            gib(live.memory.total),
            gib(host.memory)
        ));
    }
    if words.contains("Could not access KVM kernel module") || words.contains("failed to initialize kvm") {
        return host.kvm_refusal.as_ref().map(|refusal| format!("{}: {}", refusal.reason, refusal.hint));
    }
    if words.contains("Failed to get \"write\" lock") || words.contains("Failed to get shared \"write\" lock")
    {
        return Some(
            "another process uses the disk image: shut that guest off, or mark the disk <shareable/>".into(),
        );
    }
    if words.contains("Permission denied") {
        return Some("check the owner and mode of the file and of every directory above it".into());
    }
    if words.contains("Address already in use") {
        return Some("another program listens there: choose another port or autoport='yes'".into());
    }
    None
}

pub(super) fn cannot(what: &str, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    let mut reason = error.to_string();
    if let Some(source) = error.source() {
        reason = format!("{reason}: {source}");
    }
    Error::new(ErrorCode::SystemError, ErrorDomain::Qemu, format!("cannot {what}: {reason}")).caused_by(error)
}
