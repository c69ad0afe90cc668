//! The hold on a running guest.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::timeout;
use virt_conf::domain::Cpu;
use virt_domain::{EventSink, Kill, Observed, PowerWay, Running};
use virt_driver::BoxFuture;
use virt_qmp::command::{Cont, QueryStatus, RunState, Stop, SystemPowerdown, SystemReset, SystemWakeup};
use virt_sys::{PidFd, Process, Signal};
use virt_types::{Error, ErrorCode, ErrorDomain, PausedReason, Result};
use virt_xml::Writer;

use super::companions;
use super::connections::Connections;
use super::counters::Counters;
use super::files::GuestFiles;
use super::filters::Filters;
use super::group::ControlGroup;
use super::log::GuestLog;
use super::monitor::{self, GuestMonitor};
use super::removals::Removals;
use super::{silence, status};

/// How long a guest that is asked to end may take before it is made to.
const TERM_PATIENCE: Duration = Duration::from_secs(10);

/// How often a process is asked to end after its guest has powered off.
const ASKS: u32 = 6;

/// How long a process may live on after its monitor has closed.
const CLOSE_PATIENCE: Duration = Duration::from_secs(5);

/// A guest: a QEMU process and the connection to its monitor.
#[derive(Debug)]
pub struct Guest {
    pub(super) files: GuestFiles,
    pub(super) pid: u32,
    pub(super) process: Arc<Process>,
    pub(super) monitor: Arc<GuestMonitor>,
    log: Arc<GuestLog>,
    pub(super) agent: Option<PathBuf>,
    filters: Mutex<Filters>,
    connections: Mutex<Connections>,
    group: ControlGroup,
    /// The CPU that the document asked for, where the guest got something else.
    asked_cpu: Option<Box<Cpu>>,
    counters: Counters,
    watch: JoinHandle<()>,
}

/// What a hold is made of.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) files: GuestFiles,
    pub(super) pid: u32,
    pub(super) process: Arc<Process>,
    pub(super) monitor: Arc<GuestMonitor>,
    pub(super) log: GuestLog,
    pub(super) agent: Option<PathBuf>,
    pub(super) filters: Filters,
    pub(super) connections: Connections,
    pub(super) group: ControlGroup,
    pub(super) asked_cpu: Option<Box<Cpu>>,
    pub(super) counters: Counters,
}

impl Guest {
    /// Holds a guest whose monitor answers; its end goes to `sink`.
    pub(super) fn hold(parts: Parts, sink: EventSink) -> Self {
        let Parts {
            files,
            pid,
            process,
            monitor,
            log,
            agent,
            filters,
            connections,
            group,
            asked_cpu,
            counters,
        } = parts;
        let log = Arc::new(log);
        let watch = tokio::spawn(watch(Arc::clone(&process), Arc::clone(&monitor), Arc::clone(&log), sink));
        let (filters, connections) = (Mutex::new(filters), Mutex::new(connections));
        Self {
            files,
            pid,
            process,
            monitor,
            log,
            agent,
            filters,
            connections,
            group,
            asked_cpu,
            counters,
            watch,
        }
    }

    /// Where files that QEMU writes for a moment belong: the guest's own directory.
    pub(crate) fn dir(&self) -> &Path {
        &self.files.dir
    }

    /// Who waits for devices to go.
    pub(crate) fn removals(&self) -> &Removals {
        &self.monitor.removals
    }

    /// What its interfaces are connected by; what is written down is written with its next status file.
    // What is done under it leaves one state or another.
    pub(super) fn connections(&self) -> MutexGuard<'_, Connections> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The filters of its interfaces.
    pub(super) fn filters(&self) -> MutexGuard<'_, Filters> {
        self.filters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its control group.
    pub(crate) const fn group(&self) -> &ControlGroup {
        &self.group
    }

    /// What is counted of it.
    pub(crate) const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Waits until the process is gone.
    pub(crate) async fn ended(&self) {
        self.process.ended().await;
    }

    /// Sends a signal. That there is no such process any more is what the signal is for.
    fn signal(&self, signal: Signal) -> Result<()> {
        let gone = Some(rustix::io::Errno::SRCH.raw_os_error());
        match self.process.pidfd().send_signal(signal) {
            Err(error) if error.errno() != gone => {
                let detail = format!("Failed to terminate process {} with {signal:?}", self.pid);
                Err(Error::new(ErrorCode::SystemError, ErrorDomain::Qemu, detail).caused_by(error))
            }
            _ => Ok(()),
        }
    }

    async fn end(&self, kill: Kill) -> Result<()> {
        if self.process.pidfd().has_ended().unwrap_or(true) {
            return Ok(());
        }
        if kill == Kill::Ask {
            return self.ask_to_go().await;
        }
        self.log.note("ending");
        self.signal(Signal::TERM)?;
        if kill == Kill::Force {
            // A stopped process would not see the first signal.
            self.signal(Signal::CONT)?;
        }
        if timeout(TERM_PATIENCE, self.process.ended()).await.is_ok() {
            hear_out(&self.monitor, &self.log).await;
            return Ok(());
        }
        if kill == Kill::Graceful {
            let detail =
                format!("Failed to terminate process {} with SIGTERM: Device or resource busy", self.pid);
            return Err(Error::new(ErrorCode::SystemError, ErrorDomain::Qemu, detail)
                .with_hint("the guest was left running; destroy it without the graceful flag to force it"));
        }
        self.signal(Signal::KILL)?;
        if timeout(TERM_PATIENCE, self.process.ended()).await.is_ok() {
            return Ok(());
        }
        // Uninterruptible sleep: the kernel waits for a device or a network file system.
        let detail =
            format!("Failed to terminate process {} with SIGKILL: Device or resource busy", self.pid);
        Err(Error::new(ErrorCode::SystemError, ErrorDomain::Qemu, detail).with_hint(
            "the process waits for a device or network file system; see its kernel stack in /proc",
        ))
    }

    /// Ends QEMU after its guest has powered off. It is never made to: what it still writes is the guest's data, and
    /// slow storage takes its time.
    async fn ask_to_go(&self) -> Result<()> {
        self.log.note("ending after power-off");
        for _ in 0..ASKS {
            self.signal(Signal::TERM)?;
            if timeout(TERM_PATIENCE, self.process.ended()).await.is_ok() {
                return Ok(());
            }
            self.log.note("still there after its guest has powered off: asking again");
        }
        let seconds = TERM_PATIENCE.as_secs() * u64::from(ASKS);
        let detail = format!("process {} lives on {seconds} s after its guest has powered off", self.pid);
        Err(Error::new(ErrorCode::SystemError, ErrorDomain::Qemu, detail)
            .with_hint(format!("{}; a destroy ends it in any case", silence::why(self.pid))))
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

impl Running for Guest {
    fn pid(&self) -> Option<u32> {
        Some(self.pid)
    }

    fn format_status(&self, w: &mut Writer) {
        status::format(w, &self.files);
        self.connections().format(w);
        if let Some(cpu) = &self.asked_cpu {
            cpu.format_element(w);
        }
    }

    fn suspend(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async { self.monitor.execute(&Stop {}).await.map(drop) })
    }

    fn resume(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async { self.monitor.execute(&Cont {}).await.map(drop) })
    }

    fn power(&self, way: PowerWay, reboot: bool) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            match way {
                PowerWay::Acpi => self.monitor.execute(&SystemPowerdown {}).await.map(drop),
                PowerWay::Agent => self.power_by_agent(reboot).await,
                PowerWay::Initctl | PowerWay::Signal | PowerWay::Paravirt => {
                    Err(Error::no_support("this way to power a QEMU guest off"))
                }
            }
        })
    }

    fn has_agent(&self) -> bool {
        self.agent.is_some()
    }

    fn reset(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async { self.monitor.execute(&SystemReset {}).await.map(drop) })
    }

    fn wake_up(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async { self.monitor.execute(&SystemWakeup {}).await.map(drop) })
    }

    fn observe(&self) -> BoxFuture<'_, Result<Observed>> {
        Box::pin(async { observe(&self.monitor).await })
    }

    fn kill(&self, kill: Kill) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.end(kill))
    }

    fn release(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.monitor.close().await;
            self.log.note("shut off");
            let filters = self.filters().clone();
            filters.release().await;
            let connections = self.connections().clone();
            connections.release().await;
            companions::end(&self.files).await;
            self.group.release().await;
            self.files.remove();
        })
    }

    fn detach(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.watch.abort();
            self.monitor.close().await;
        })
    }
}

/// What the guest does, asked anew.
pub(super) async fn observe(monitor: &GuestMonitor) -> Result<Observed> {
    let status = monitor.execute(&QueryStatus {}).await?;
    Ok(match status.status {
        RunState::Shutdown => Observed::ShutDown,
        RunState::Suspended => Observed::PmSuspended,
        RunState::GuestPanicked => Observed::Crashed,
        RunState::IoError => Observed::Paused(Some(PausedReason::Ioerror)),
        RunState::Watchdog => Observed::Paused(Some(PausedReason::Watchdog)),
        RunState::PreLaunch => Observed::Paused(Some(PausedReason::StartingUp)),
        _ if status.running => Observed::Running,
        _ => Observed::Paused(None),
    })
}

/// Tells the engine of the guest's end, after all that the guest told before it.
async fn watch(process: Arc<Process>, monitor: Arc<GuestMonitor>, log: Arc<GuestLog>, sink: EventSink) {
    let closed_first = tokio::select! {
        () = process.ended() => false,
        _ = monitor.monitor.closed() => true,
    };
    if closed_first && timeout(CLOSE_PATIENCE, process.ended()).await.is_err() {
        // Without a monitor the guest can not be controlled any more, and would never be again.
        log.note("the monitor is closed but the process lives on: ending it");
        kill_and_wait(&process).await;
    }
    hear_out(&monitor, &log).await;
    sink.send(monitor::exited(log.last_words()));
}

/// Takes in the last events of a process that has ended. Its end of the monitor went with it; but if somebody holds
/// that open, the process is gone all the same.
async fn hear_out(monitor: &GuestMonitor, log: &GuestLog) {
    if timeout(CLOSE_PATIENCE, monitor.monitor.closed()).await.is_err() {
        log.note("the process is gone but somebody holds its monitor open");
    }
    monitor.flush().await;
}

/// Ends a process in any case.
pub(super) async fn kill_and_wait(process: &Process) {
    if process.pidfd().send_signal(Signal::KILL).is_ok() {
        process.ended().await;
    }
}

/// A handle on a process, to be waited for.
pub(super) fn watched(pidfd: PidFd) -> Result<Process> {
    Process::new(pidfd).map_err(|error| monitor::failed("cannot watch the QEMU process").caused_by(error))
}
