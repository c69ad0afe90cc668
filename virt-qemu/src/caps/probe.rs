//! Asking a QEMU binary what it can do: one short-lived process per accelerator, all questions at once.

use std::collections::BTreeSet;
use std::os::fd::OwnedFd;
use std::time::Duration;

use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use virt_qmp::{Call, Monitor};
use virt_sys::{PidFd, Process, Signal, Spawn};
use virt_types::{Arch, Error, ErrorCode, ErrorDomain, Result, TextEnum};

use super::emulator::is_native;
use super::machine::arch_of_target;
use super::table::{Cap, Evidence};
use super::{Capabilities, Replies, host_model};

/// How long a binary may take to answer; the usual time is a fraction of a second.
const DEADLINE: Duration = Duration::from_secs(30);

/// The number that the monitor's socket has in the probed process.
const MONITOR_FD: i32 = 3;

/// Questions without arguments that are asked whatever the accelerator.
const ALWAYS: &[&str] = &[
    "query-version",
    "query-target",
    "query-kvm",
    "query-machines",
    "query-cpu-definitions",
    "query-gic-capabilities",
];

/// Questions whose answers do not depend on the accelerator.
const ONCE: &[&str] = &[
    "query-commands",
    "query-qmp-schema",
    // Loads all modules, whose options the next question would else miss.
    "qom-list-types",
    "query-command-line-options",
    "query-tpm-models",
    "query-tpm-types",
    "query-sgx-capabilities",
];

/// Finds out what a binary can do, with and, where `kvm` says that it can be used, under KVM.
///
/// # Errors
/// `VIR_ERR_INTERNAL_ERROR` where the binary can not be started or does not answer, and as
/// [`Capabilities::check_version`].
pub(super) async fn probe(binary: &str, kvm: bool) -> Result<Capabilities> {
    let accelerated = async { if kvm { ask(binary, "kvm", false).await.map(Some) } else { Ok(None) } };
    let (tcg, kvm) = tokio::join!(ask(binary, "tcg", true), accelerated);
    match (tcg, kvm) {
        (Err(error), Ok(None) | Err(_)) => Err(error),
        // A binary without one of the accelerators ends at once; the other's answers do.
        (tcg, kvm) => {
            let kvm = kvm.unwrap_or_default();
            let caps = Capabilities::from_replies(binary, tcg.ok().as_ref(), kvm.as_ref());
            caps.check_version()?;
            Ok(caps)
        }
    }
}

async fn ask(binary: &str, accelerator: &str, everything: bool) -> Result<Replies> {
    let session = Session::start(binary, accelerator).await?;
    let replies = questions(&session.monitor, everything, session.deadline).await;
    session.end(replies.is_ok()).await;
    replies.map_err(|error| failed(binary, "no answer").caused_by(error))
}

fn failed(binary: &str, why: &str) -> Error {
    let detail = format!("Failed to probe QEMU binary with QMP: {binary}: {why}");
    Error::new(ErrorCode::InternalError, ErrorDomain::Qemu, detail)
}

/// A binary that was started without a guest, to be asked.
pub(super) struct Session {
    monitor: Monitor,
    child: PidFd,
    deadline: Instant,
}

impl Session {
    /// Starts a binary.
    ///
    /// # Errors
    /// `VIR_ERR_INTERNAL_ERROR` where it can not be started or does not speak.
    pub(super) async fn start(binary: &str, accelerator: &str) -> Result<Self> {
        let failed = |why| failed(binary, why);
        let deadline = Instant::now() + DEADLINE;
        let (ours, theirs) = std::os::unix::net::UnixStream::pair()
            .map_err(|error| failed("no socket pair").caused_by(error))?;
        ours.set_nonblocking(true).map_err(|error| failed("no socket").caused_by(error))?;
        let mut spawn = Spawn::new(binary);
        spawn
            .args(["-S", "-no-user-config", "-nodefaults", "-display", "none", "-machine"])
            .arg(format!("none,accel={accelerator}"))
            .args([
                "-chardev",
                &format!("socket,id=monitor,fd={MONITOR_FD}"),
                "-mon",
                "chardev=monitor,mode=control",
            ])
            .env("LC_ALL", "C")
            .inherit_env("PATH")
            // Nobody would look for a probe whose asker is gone.
            .end_with_parent()
            .pass_fd_as(OwnedFd::from(theirs), MONITOR_FD);
        let stream =
            tokio::net::UnixStream::from_std(ours).map_err(|error| failed("no socket").caused_by(error))?;
        let child = spawn.start().map_err(|error| failed("cannot start it").caused_by(error))?;
        // The child's end has to be closed here, or its death would not be seen.
        drop(spawn);
        let (events, _) = mpsc::channel(1);
        let session = Self { monitor: Monitor::start(stream, events), child: child.pidfd, deadline };
        if let Err(error) = session.monitor.ready(deadline).await {
            session.end(false).await;
            return Err(failed("no answer").caused_by(error));
        }
        Ok(session)
    }

    /// Executes a command.
    ///
    /// # Errors
    /// The binary's refusal in libvirt's words; `VIR_ERR_INTERNAL_ERROR` where it does not answer.
    pub(super) async fn execute(&self, command: &'static str, arguments: &Value) -> Result<Value> {
        let call = Call::raw(command, to_raw_value(arguments).ok());
        let answer = self.monitor.call(call, self.deadline).await.map_err(|error| {
            let detail = match error.command_error() {
                Some(refusal) => {
                    format!("unable to execute QEMU command '{command}': {}", refusal.desc)
                }
                None => format!("no answer to the QEMU command '{command}'"),
            };
            Error::new(ErrorCode::InternalError, ErrorDomain::Qemu, detail).caused_by(error)
        })?;
        Ok(serde_json::from_str(answer.get()).unwrap_or_default())
    }

    /// Ends the binary; one that did not answer is made to.
    pub(super) async fn end(self, answered: bool) {
        if answered {
            let _ = self.monitor.call(Call::raw("quit", None), self.deadline).await;
        }
        if let Ok(process) = Process::new(self.child) {
            if !answered {
                let _ = process.pidfd().send_signal(Signal::KILL);
            }
            let _ = timeout_at(self.deadline, process.ended()).await;
        }
    }
}

/// Asks everything; what a binary does not know it answers with an error, which is left out.
async fn questions(monitor: &Monitor, everything: bool, deadline: Instant) -> virt_qmp::Result<Replies> {
    let mut replies = Replies::new();
    let mut asked: Vec<(&str, Option<String>)> = ALWAYS.iter().map(|question| (*question, None)).collect();
    if everything {
        asked.extend(ONCE.iter().map(|question| (*question, None)));
        let mut types: BTreeSet<(&str, &str)> = BTreeSet::new();
        for (_, evidence) in Cap::TABLE {
            match evidence {
                Evidence::DeviceProperty(name, _) => types.insert(("device-list-properties", name)),
                Evidence::ObjectProperty(name, _) => types.insert(("qom-list-properties", name)),
                _ => false,
            };
        }
        asked.extend(types.into_iter().map(|(question, name)| (question, Some(name.to_owned()))));
    }
    ask_all(monitor, asked, deadline, &mut replies).await?;
    ask_for_cpu(monitor, deadline, &mut replies).await?;
    if everything {
        let machines = machines_in_question(&replies);
        let asked = machines.into_iter().map(|name| ("qom-list-properties", Some(name))).collect();
        ask_all(monitor, asked, deadline, &mut replies).await?;
    }
    Ok(replies)
}

/// Asks what the best CPU has, where guests run on the host's processors: only their capabilities tell of it.
async fn ask_for_cpu(monitor: &Monitor, deadline: Instant, replies: &mut Replies) -> virt_qmp::Result<()> {
    let target = replies.get("query-target").and_then(|target| target["arch"].as_str());
    let target = arch_of_target(target.unwrap_or_default());
    let host = Arch::from_text(&virt_sys::host::machine()).unwrap_or_default();
    if !(target.is_x86() || target.is_s390()) || !is_native(host, target) {
        return Ok(());
    }
    let kvm = replies.get("query-kvm").is_some_and(|kvm| kvm["enabled"] == true);
    let model = if kvm { "host" } else { "max" };
    let mut asked = vec![
        (host_model::MIGRATABLE, json!({ "type": "static", "model": { "name": model } })),
        (
            host_model::WHOLE,
            json!({ "type": "static", "model": { "name": model, "props": { "migratable": false } } }),
        ),
    ];
    if kvm && target.is_x86() {
        let props = json!({ "migratable": false, "hv-passthrough": true });
        asked.push((
            host_model::HYPERV,
            json!({ "type": "full", "model": { "name": model, "props": props } }),
        ));
    }
    let calls = asked.iter().map(|(_, question)| {
        monitor.call(Call::raw("query-cpu-model-expansion", arguments(question)), deadline)
    });
    let answers = join_all(calls).await;
    for ((name, _), answer) in asked.iter().zip(answers) {
        match answer {
            Ok(raw) => replies.insert(*name, serde_json::from_str(raw.get()).unwrap_or_default()),
            Err(error) if error.command_error().is_some() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The machine types of which capabilities depend on a property.
fn machines_in_question(replies: &Replies) -> BTreeSet<String> {
    let wanted: Vec<&str> = Cap::TABLE
        .iter()
        .filter_map(|(_, evidence)| match evidence {
            Evidence::MachineProperty(alias, _) => Some(*alias),
            _ => None,
        })
        .collect();
    replies
        .list("query-machines")
        .filter(|machine| {
            let alias = machine["alias"].as_str().or_else(|| machine["name"].as_str());
            alias.is_some_and(|alias| wanted.contains(&alias))
        })
        .filter_map(|machine| Some(format!("{}-machine", machine["name"].as_str()?)))
        .collect()
}

/// Asks these questions, and records what is answered.
async fn ask_all(
    monitor: &Monitor,
    asked: Vec<(&str, Option<String>)>,
    deadline: Instant,
    replies: &mut Replies,
) -> virt_qmp::Result<()> {
    let calls = asked.iter().map(|(question, name)| {
        let arguments = name.as_ref().map(|name| arguments(&json!({ "typename": name })));
        monitor.call(Call::raw(*question, arguments.flatten()), deadline)
    });
    // All are sent before the first is awaited: QEMU answers in order, without a round trip for each.
    let answers = join_all(calls).await;
    for ((question, name), answer) in asked.into_iter().zip(answers) {
        let value: Value = match answer {
            Ok(raw) => serde_json::from_str(raw.get()).unwrap_or_default(),
            Err(error) if error.command_error().is_some() => continue,
            Err(error) => return Err(error),
        };
        match name {
            Some(name) => {
                let name = name.strip_suffix("-machine").unwrap_or(&name);
                replies.insert_properties(question, name, value);
            }
            None => replies.insert(question, value),
        }
    }
    Ok(())
}

fn arguments(value: &Value) -> Option<Box<RawValue>> {
    to_raw_value(value).ok()
}

/// A future that was started, and its output once it has one.
type Slot<F> = (std::pin::Pin<Box<F>>, Option<<F as Future>::Output>);

/// Polls all futures to their ends, in one task.
pub(crate) async fn join_all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut slots: Vec<Slot<F>> = futures.map(|f| (Box::pin(f), None)).collect();
    std::future::poll_fn(|cx| {
        let mut pending = false;
        for (future, output) in &mut slots {
            if output.is_none() {
                match future.as_mut().poll(cx) {
                    std::task::Poll::Ready(value) => *output = Some(value),
                    std::task::Poll::Pending => pending = true,
                }
            }
        }
        if pending { std::task::Poll::Pending } else { std::task::Poll::Ready(()) }
    })
    .await;
    slots.into_iter().filter_map(|(_, output)| output).collect()
}
