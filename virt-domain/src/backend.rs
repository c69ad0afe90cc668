//! The hypervisor side: what the engine asks of a driver, and what the driver tells the engine.
//!
//! A driver writes a [`Backend`], which starts guests and finds them again, and a [`Running`], which is its hold on
//! one guest. Both only act; they keep no state of their own about the domain. The engine decides what may run when, moves the
//! state, writes the files and tells the subscribers.
//!
//! Rules that hold for every call:
//!
//! - Calls on one domain come one at a time, but for [`Running::kill`] and the agent's calls, which may come beside another.
//! - A call may hang: the engine gives its caller an error at the deadline and keeps the call. A call on a [`Running`] is dropped
//!   unfinished only after [`Running::kill`] has returned, or just before [`Running::detach`] for another process that is about to destroy the guest.
//! - What the hypervisor reports is sent to the [`EventSink`] in the order in which it happened, and before the
//!   answer of the call that caused it: `stop`'s event comes before `stop`'s reply.

use std::any::Any;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use virt_conf::domain::Domain;
use virt_conf::domain::passes::NullPolicy;
use virt_conf::{FormatFlags, ParseFlags};
use virt_driver::{BoxFuture, DomainEventKind};
use virt_types::{
    CreateFlags, DomainName, DomainStatus, ErrorDomain, PausedReason, Result, ShutoffReason, UndefineFlags,
    Uuid,
};
use virt_xml::{Element, Writer};

use crate::JobContext;

/// A hypervisor driver, as the engine sees it.
pub trait Backend: Send + Sync + 'static {
    /// The error domain of refusals that the engine words for the driver (`VIR_FROM_QEMU`, …).
    fn error_domain(&self) -> ErrorDomain;

    /// Reads a configuration file. It was accepted before, so it is not validated again, and has what the driver adds;
    /// what is not written because it goes without saying is filled in.
    ///
    /// # Errors
    /// For what is no domain of this driver.
    fn parse_config(&self, xml: &str) -> Result<Domain> {
        let flags = ParseFlags::INACTIVE | ParseFlags::SKIP_VALIDATE;
        let mut config = Domain::parse(xml, flags)?;
        config.fill(&NullPolicy, flags)?;
        Ok(config)
    }

    /// The text of a configuration file, without the warning at its top.
    fn format_config(&self, config: &Domain) -> String {
        config.format(FormatFlags::INACTIVE | FormatFlags::SECURE)
    }

    /// Reads the `<domain>` of a status file.
    ///
    /// # Errors
    /// For what is no domain of this driver.
    fn parse_live(&self, domain: Element<'_>) -> Result<Domain> {
        let flags = ParseFlags::STATUS
            | ParseFlags::ACTUAL_NET
            | ParseFlags::PCI_ORIG_STATES
            | ParseFlags::SKIP_VALIDATE;
        Domain::parse_element(domain, flags)
    }

    /// Writes the `<domain>` of a status file.
    fn format_live(&self, live: &Domain, w: &mut Writer) {
        let flags = FormatFlags::SECURE
            | FormatFlags::STATUS
            | FormatFlags::ACTUAL_NET
            | FormatFlags::PCI_ORIG_STATES
            | FormatFlags::CLOCK_ADJUST
            | FormatFlags::VOLUME_TRANSLATED;
        live.format_into(w, flags);
    }

    /// Turns a configuration, with the number of the coming instance, into its live domain: aliases, addresses, resolved sources. Changes
    /// nothing on the host; a failure leaves nothing to undo.
    fn prepare<'a>(&'a self, config: &'a Domain, flags: CreateFlags) -> BoxFuture<'a, Result<Domain>>;

    /// The state that waits for this configuration's next start, if there is one and the flags want it.
    ///
    /// # Errors
    /// For a state that is there but can not be used.
    fn saved<'a>(&'a self, config: &'a Domain, flags: CreateFlags) -> BoxFuture<'a, Result<Option<Saved>>> {
        let _ = (config, flags);
        Box::pin(async { Ok(None) })
    }

    /// Starts the guest with its virtual CPUs stopped.
    ///
    /// The engine has written the intent into the status file before. What another process would need to undo a start that was cut
    /// short is recorded with [`Start::record`] before it is done. A start that fails, or that [`Start::cancelled`] ends, has
    /// undone everything itself: no process, no host state is left.
    fn start(&self, start: Start) -> BoxFuture<'_, Result<Started>>;

    /// Takes hold of a guest that another process left, or that an earlier life of this one did.
    ///
    /// For [`Phase::Running`] it re-attaches; if the guest is gone it releases what the guest held. For [`Phase::Starting`] it undoes the
    /// start, for [`Phase::Stopping`] it finishes the stop: both answer [`Recovered::Gone`].
    ///
    /// An error means that the guest may well run but that no hold on it could be had: the status file stays. The call
    /// may be dropped unfinished when the guest is to be destroyed instead; another one follows then.
    fn recover(&self, recover: Recover) -> BoxFuture<'_, Result<Recovered>>;

    /// Checks that a configuration may be removed and removes what belongs to it (NVRAM, managed save, TPM state) as
    /// the flags say, with libvirt's refusals. The configuration file goes after that.
    fn undefine<'a>(
        &'a self,
        config: &'a Domain,
        active: bool,
        flags: UndefineFlags,
    ) -> BoxFuture<'a, Result<()>> {
        let _ = (config, active, flags);
        Box::pin(async { Ok(()) })
    }

    /// Moves what the driver keeps under the domain's name, before the configuration moves. Called again with the same
    /// names if the process died half way, or with the names exchanged to take it back.
    fn rename<'a>(&'a self, from: &'a DomainName, to: &'a DomainName) -> BoxFuture<'a, Result<()>> {
        let _ = (from, to);
        Box::pin(async { Ok(()) })
    }

    /// Removes the guest's logs (`VIR_DOMAIN_DESTROY_REMOVE_LOGS`).
    fn remove_logs<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<()>> {
        let _ = name;
        Box::pin(async { Ok(()) })
    }

    /// Why the guest with this process may not answer, as the host sees it: a sentence with what can be done. Looked up at
    /// once; the guest is not asked.
    fn why_silent(&self, pid: u32) -> Option<String> {
        let _ = pid;
        None
    }

    /// A guest has let go of the device with this alias, without anybody who waits for it: what it was made of is taken away,
    /// and the live domain and the subscribers learn of it.
    fn unplugged<'a>(&'a self, context: &'a JobContext, alias: &'a str) -> BoxFuture<'a, Result<()>> {
        let _ = (context, alias);
        Box::pin(async { Ok(()) })
    }

    /// Whether a saved state waits for the next start.
    fn has_managed_save(&self, name: &str) -> bool {
        let _ = name;
        false
    }
}

/// The hold on a running guest.
pub trait Running: Send + Sync + Any {
    /// The process, if the guest is one.
    fn pid(&self) -> Option<u32>;

    /// What [`Backend::recover`] needs to find the guest again, as elements of the status file.
    fn format_status(&self, w: &mut Writer);

    /// Stops the virtual CPUs. [`BackendEvent::Stopped`] comes before the answer.
    fn suspend(&self) -> BoxFuture<'_, Result<()>>;

    /// Lets the virtual CPUs go on. [`BackendEvent::Resumed`] comes before the answer.
    fn resume(&self) -> BoxFuture<'_, Result<()>>;

    /// Asks the guest to power off or to reboot; does not wait for it.
    ///
    /// With [`PowerWay::Acpi`] a reboot is the power button too: the engine turns the power-off that follows into a
    /// [`Running::reset`].
    fn power(&self, way: PowerWay, reboot: bool) -> BoxFuture<'_, Result<()>>;

    /// Whether the guest has an agent that could be asked.
    fn has_agent(&self) -> bool {
        false
    }

    /// Resets the machine at once. [`BackendEvent::Reset`] comes before the answer.
    fn reset(&self) -> BoxFuture<'_, Result<()>>;

    /// Wakes a sleeping guest.
    fn wake_up(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async { Err(virt_types::Error::no_support("virDomainPMWakeup")) })
    }

    /// Writes the guest's memory where crashes go (`on_crash` with `coredump-…`).
    fn core_dump(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async { Err(virt_types::Error::no_support("virDomainCoreDump")) })
    }

    /// What the guest is doing, asked anew.
    fn observe(&self) -> BoxFuture<'_, Result<Observed>>;

    /// Ends the guest; the answer comes when its process is gone. May come beside any other call, which then ends
    /// with an error or is dropped.
    ///
    /// A graceful kill that does not work within the driver's time ends with an error, and the guest runs on.
    fn kill(&self, kill: Kill) -> BoxFuture<'_, Result<()>>;

    /// Releases what the guest held on the host; its process is gone. Does what it can and never fails.
    fn release(&self) -> BoxFuture<'_, ()>;

    /// Lets go of the guest, which runs on: another process takes it over. Nothing is sent to the [`EventSink`] after
    /// the answer.
    fn detach(&self) -> BoxFuture<'_, ()>;
}

impl dyn Running {
    /// The driver's own type behind the hold: how its own jobs get from [`JobContext::running`](crate::JobContext::running)
    /// to what the engine knows nothing of.
    #[must_use]
    pub fn downcast_ref<T: Running>(&self) -> Option<&T> {
        (self as &dyn Any).downcast_ref()
    }
}

impl std::fmt::Debug for dyn Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").field("pid", &self.pid()).finish_non_exhaustive()
    }
}

/// How a guest is asked to power off or reboot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PowerWay {
    /// The ACPI power button, or the default of a hypervisor without one.
    Acpi,
    /// The guest's agent.
    Agent,
    /// The init process's pipe.
    Initctl,
    /// A signal to the init process.
    Signal,
    /// The hypervisor's own channel.
    Paravirt,
}

/// How a guest is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kill {
    /// Only if it goes by itself when asked.
    Graceful,
    /// In any case.
    Force,
    /// As after a power-off: asked, again if need be, but never made to. The answer comes with the end, of which
    /// [`BackendEvent::Exited`] tells too.
    Ask,
}

/// What a guest was found to be doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Observed {
    /// Its virtual CPUs run.
    Running,
    /// They are stopped; why, if the hypervisor knows.
    Paused(Option<PausedReason>),
    /// It powered off and waits to be ended.
    ShutDown,
    /// It sleeps.
    PmSuspended,
    /// It panicked.
    Crashed,
}

/// A state that a guest goes on from, in place of booting.
#[derive(Debug)]
pub struct Saved {
    /// The domain that was saved, filled.
    pub domain: Domain,
    /// Where the hypervisor reads the state.
    pub state: OwnedFd,
    /// Whether the virtual CPUs run then.
    pub running: bool,
    /// The file of the state, if it goes once the guest is there: before its virtual CPUs run, because the state is of the past
    /// from then on.
    pub removes: Option<PathBuf>,
}

/// A start that is asked for.
#[derive(Debug)]
pub struct Start {
    /// The domain, as [`Backend::prepare`] made it, with its number.
    pub live: Domain,
    /// How.
    pub flags: CreateFlags,
    /// Descriptors that the caller hands to the guest.
    pub files: Vec<OwnedFd>,
    /// The state that the guest goes on from; without one it boots.
    pub incoming: Option<OwnedFd>,
    /// Where the guest's events go.
    pub events: EventSink,
    pub(crate) record: Arc<dyn Record>,
    pub(crate) cancel: watch::Receiver<bool>,
}

impl Start {
    /// Writes into the status file what is needed to undo the start: the process, and elements of the driver's own.
    /// It is on its way to the disk when this returns.
    ///
    /// # Errors
    /// If the file cannot be written; the start must not go on then.
    pub fn record(&self, pid: Option<u32>, elements: &str) -> Result<()> {
        self.record.record(pid, elements)
    }

    /// Waits until the start is to be given up, which may be never.
    pub fn cancelled(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut cancel = self.cancel.clone();
        async move {
            // The sender's end means that the job is over: nobody waits any more.
            if cancel.wait_for(|cancelled| *cancelled).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

pub(crate) trait Record: Send + Sync + std::fmt::Debug {
    fn record(&self, pid: Option<u32>, elements: &str) -> Result<()>;
}

/// A guest that was started, or found.
#[derive(Debug)]
pub struct Started {
    /// The hold on it.
    pub running: Arc<dyn Running>,
    /// The live domain, with what only the start could tell: ports, terminals, process details.
    pub live: Domain,
}

/// How far a guest had come according to its status file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It was being started.
    Starting,
    /// It ran.
    Running,
    /// It was being ended, to be shut off for this reason.
    Stopping(ShutoffReason),
}

/// A guest to take hold of.
#[derive(Debug)]
pub struct Recover {
    /// Its identity.
    pub uuid: Uuid,
    /// The live domain of the status file.
    pub live: Domain,
    /// How far it had come.
    pub phase: Phase,
    /// Its state, as last written.
    pub status: DomainStatus,
    /// Its process, as last written.
    pub pid: Option<u32>,
    /// The whole status file; the driver's elements are children of its root.
    pub status_xml: String,
    /// Where the guest's events go.
    pub events: EventSink,
}

/// What became of a guest that was looked for.
#[derive(Debug)]
pub enum Recovered {
    /// It is there: the hold on it, the live domain brought up to date, and what it does.
    Running(Box<Started>, Observed),
    /// It is not there (any more), and everything that it held is released. Why it ended, where that is known better
    /// than from the file.
    Gone(Option<ShutoffReason>),
}

/// What a guest's hypervisor reports.
#[non_exhaustive]
pub enum BackendEvent {
    /// The virtual CPUs stopped.
    Stopped,
    /// The virtual CPUs go on.
    Resumed,
    /// The machine was reset, by the guest or by [`Running::reset`].
    Reset,
    /// The guest powered off, by itself or because the host asked, if that is known; its process waits to be ended.
    PoweredOff {
        /// Whether the guest did it.
        by_guest: Option<bool>,
    },
    /// The guest panicked.
    Panicked,
    /// The guest sleeps in memory.
    PmSuspended,
    /// The guest sleeps on disk: a power-off follows.
    PmSuspendedDisk,
    /// The guest woke up.
    WokeUp,
    /// The process is gone, or control of it was lost for good. The last words on its error output, if there are any.
    Exited {
        /// What it said.
        last_words: Option<String>,
    },
    /// The guest has let go of a device: [`Backend::unplugged`] follows, as a job.
    Unplugged {
        /// Its alias.
        alias: String,
    },
    /// The live domain changed (a balloon, a tray).
    Changed(Box<dyn FnOnce(&mut Domain) + Send>),
    /// The guest is tainted: libvirt's word for why, such as `custom-monitor`.
    Tainted(String),
    /// The guest uses something that is going away; a sentence.
    Deprecated(String),
    /// Something for the subscribers. A disk error or watchdog that pauses the guest pauses the domain with it.
    Published(DomainEventKind),
    /// The same, for what the live domain is needed to tell.
    Told(Box<dyn FnOnce(&Domain) -> DomainEventKind + Send>),
}

impl std::fmt::Debug for BackendEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Stopped => f.write_str("Stopped"),
            Self::Resumed => f.write_str("Resumed"),
            Self::Reset => f.write_str("Reset"),
            Self::PoweredOff { by_guest } => {
                f.debug_struct("PoweredOff").field("by_guest", by_guest).finish()
            }
            Self::Panicked => f.write_str("Panicked"),
            Self::PmSuspended => f.write_str("PmSuspended"),
            Self::PmSuspendedDisk => f.write_str("PmSuspendedDisk"),
            Self::WokeUp => f.write_str("WokeUp"),
            Self::Exited { last_words } => f.debug_struct("Exited").field("last_words", last_words).finish(),
            Self::Unplugged { alias } => f.debug_struct("Unplugged").field("alias", alias).finish(),
            Self::Changed(_) => f.write_str("Changed"),
            Self::Told(_) => f.write_str("Told"),
            Self::Tainted(word) => f.debug_tuple("Tainted").field(word).finish(),
            Self::Deprecated(sentence) => f.debug_tuple("Deprecated").field(sentence).finish(),
            Self::Published(kind) => f.debug_tuple("Published").field(kind).finish(),
        }
    }
}

/// Where the events of one guest go, in order. Sending never waits.
#[derive(Debug, Clone)]
pub struct EventSink {
    pub(crate) sender: mpsc::UnboundedSender<BackendEvent>,
}

impl EventSink {
    /// Sends an event. False if nobody listens any more: the guest is gone or was given to another process.
    pub fn send(&self, event: BackendEvent) -> bool {
        self.sender.send(event).is_ok()
    }
}
