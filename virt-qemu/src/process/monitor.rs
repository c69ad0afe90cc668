//! The connection to a guest's monitor, and its events on their way to the engine.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use virt_domain::{BackendEvent, EventSink};
use virt_qmp::command::Command;
use virt_qmp::{Event, EventKind, Monitor};
use virt_types::{Error, ErrorCode, ErrorDomain, Result};

use super::raw_events::RawEventsOf;
use super::removals::{Removal, Removals};
use super::{event, silence};

/// Room for events between the connection and their translation; more than QEMU has between two replies.
const EVENT_ROOM: usize = 1024;

/// A connected monitor.
#[derive(Debug)]
pub(super) struct GuestMonitor {
    pub(super) monitor: Monitor,
    partner: Partner,
    flush: mpsc::Sender<oneshot::Sender<()>>,
    resets: watch::Receiver<()>,
    pub(super) removals: Arc<Removals>,
    pump: JoinHandle<()>,
}

/// Who is at the other end of a monitor.
#[derive(Debug, Clone, Copy)]
pub(super) struct Partner {
    /// The QEMU process.
    pub(super) pid: u32,
    /// How long a command may take before its caller is told; the guest is not given up for it.
    pub(super) patience: Duration,
}

impl GuestMonitor {
    /// Takes over a connected socket; events go to `sink` from now on. `agent` is the alias of the agent's channel.
    pub(super) fn start(
        stream: std::os::unix::net::UnixStream,
        partner: Partner,
        sink: EventSink,
        raw: RawEventsOf,
        agent: Option<String>,
    ) -> Result<Self> {
        let stream = stream
            .set_nonblocking(true)
            .and_then(|()| tokio::net::UnixStream::from_std(stream))
            .map_err(|error| failed("cannot watch the monitor socket").caused_by(error))?;
        let (sender, events) = mpsc::channel(EVENT_ROOM);
        let (flush, flushes) = mpsc::channel(1);
        let monitor = Monitor::start(stream, sender);
        let (was_reset, resets) = watch::channel(());
        let removals = Arc::new(Removals::default());
        let translator = Translator { sink, raw, agent, was_reset, removals: Arc::clone(&removals) };
        let pump = tokio::spawn(pump(events, flushes, translator));
        Ok(Self { monitor, partner, flush, resets, removals, pump })
    }

    /// Executes a command; events that came before its answer are with the engine when this returns.
    pub(super) async fn execute<C: Command>(&self, command: &C) -> Result<C::Reply> {
        let answer = self.monitor.execute(command, self.deadline()).await;
        self.flush().await;
        answer.map_err(|error| self.refused(error))
    }

    /// When a command that is sent now has to be answered.
    pub(super) fn deadline(&self) -> Instant {
        Instant::now() + self.partner.patience
    }

    /// A failed command in libvirt's words; for a monitor that does not answer, with what the host knows of its process.
    pub(super) fn refused(&self, error: virt_qmp::Error) -> Error {
        if !matches!(error, virt_qmp::Error::Deadline { .. }) {
            return refused(error);
        }
        let detail = format!("the guest's monitor does not answer: {error}");
        Error::new(ErrorCode::OperationTimeout, ErrorDomain::Qemu, detail)
            .with_hint(format!("{}; a destroy ends it in any case", silence::why(self.partner.pid)))
            .caused_by(error)
    }

    /// Waits until every event received so far is with the engine.
    pub(super) async fn flush(&self) {
        let (done, wait) = oneshot::channel();
        // The pump ends with the connection; there is nothing to wait for then.
        if self.flush.send(done).await.is_ok() {
            let _ = wait.await;
        }
    }

    /// Waits for a reset of the machine that comes after this call; for ever, if the connection ends first.
    pub(super) fn next_reset(&self) -> impl Future<Output = ()> + use<> {
        let mut resets = self.resets.clone();
        resets.mark_unchanged();
        async move {
            if resets.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Ends the connection; no event goes to the engine after this.
    pub(super) async fn close(&self) {
        self.pump.abort();
        self.monitor.close();
        self.monitor.closed().await;
    }
}

impl Drop for GuestMonitor {
    fn drop(&mut self) {
        self.pump.abort();
    }
}

/// Translates events in order; a flush is answered when all that were received before it have been.
async fn pump(
    mut events: mpsc::Receiver<Event>,
    mut flushes: mpsc::Receiver<oneshot::Sender<()>>,
    translator: Translator,
) {
    loop {
        tokio::select! {
            biased;
            event = events.recv() => match event {
                Some(event) => translator.forward(event),
                None => return,
            },
            Some(done) = flushes.recv() => {
                while let Ok(event) = events.try_recv() {
                    translator.forward(event);
                }
                let _ = done.send(());
            }
        }
    }
}

/// Turns QEMU's events into the engine's.
struct Translator {
    sink: EventSink,
    raw: RawEventsOf,
    agent: Option<String>,
    was_reset: watch::Sender<()>,
    removals: Arc<Removals>,
}

impl Translator {
    fn forward(&self, event: Event) {
        let is_reset = matches!(event.kind, EventKind::Reset(_));
        self.raw.publish(&event);
        let removed = match &event.kind {
            EventKind::DeviceDeleted(deleted) => deleted.device.as_deref().map(|id| (id, Removal::Gone)),
            EventKind::DeviceUnplugGuestError(error) => {
                error.device.as_deref().map(|id| (id, Removal::Refused))
            }
            EventKind::MemUnplugError(error) => Some((error.device.as_str(), Removal::Refused)),
            _ => None,
        };
        if let Some((alias, removal)) = removed
            && self.removals.tell(alias, removal)
            && removal == Removal::Gone
        {
            // Who waited does the rest.
            return;
        }
        for event in event::translate(event, self.agent.as_deref()) {
            self.sink.send(event);
        }
        if is_reset {
            self.was_reset.send_replace(());
        }
    }
}

/// Connects to the monitor of a guest that was started before.
pub(super) fn connect(path: &Path) -> Result<std::os::unix::net::UnixStream> {
    virt_sys::unix::connect(path).map_err(|error| {
        failed(format!("Failed to connect monitor socket {}", path.display())).caused_by(error)
    })
}

fn refused(error: virt_qmp::Error) -> Error {
    match &error {
        virt_qmp::Error::Command { command, error } => {
            failed(format!("unable to execute QEMU command '{command}': {}", error.desc))
        }
        _ => Error::new(ErrorCode::OperationFailed, ErrorDomain::Qemu, "domain is no longer running")
            .caused_by(error),
    }
}

pub(super) fn failed(detail: impl Into<String>) -> Error {
    Error::new(ErrorCode::InternalError, ErrorDomain::Qemu, detail)
}

/// What the engine is told of that is no event of QEMU's.
pub(super) fn exited(last_words: Option<String>) -> BackendEvent {
    BackendEvent::Exited { last_words }
}
