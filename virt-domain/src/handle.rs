//! A domain, for its callers.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, timeout_at};
use virt_conf::domain::Domain;
use virt_types::{
    DestroyFlags, DomainName, Error, ErrorCode, ErrorDomain, RebootFlags, Result, ShutdownFlags,
    UndefineFlags,
};

use crate::admission::{Needs, held_by, not_running};
use crate::context::{JobContext, JobSpec};
use crate::engine::{Entry, closed};
use crate::lifecycle::{self, StartOptions};
use crate::task::{Answer, Input, JobRequest, Ticket, no_domain};
use crate::{JobKind, Kill, LongJob, PowerWay, Snapshot, config_jobs};

/// A domain of a [`Registry`](crate::Registry). Cheap to clone; it outlives the domain, whose calls end with
/// `VIR_ERR_NO_DOMAIN` then.
///
/// Every call but [`DomainHandle::snapshot`] and [`DomainHandle::watch`] is a job: it waits for its turn and ends with
/// `VIR_ERR_OPERATION_TIMEOUT` at the engine's deadline, naming the job that is in its way. A call whose future is
/// dropped goes on, if it had begun.
#[derive(Clone)]
pub struct DomainHandle {
    entry: Arc<Entry>,
}

/// How long after its deadline a job may still answer by itself.
const GRACE: std::time::Duration = std::time::Duration::from_millis(100);

impl DomainHandle {
    pub(crate) const fn of(entry: Arc<Entry>) -> Self {
        Self { entry }
    }

    /// Everything about it that is known without asking its hypervisor. Never waits.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.entry.core.snapshot()
    }

    /// Its snapshots, as they change.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.entry.core.watch()
    }

    /// Runs a job of the driver's own: `work` begins when its turn has come.
    ///
    /// # Errors
    /// What `work` answers; the refusals of [`admission`](crate::admission); `VIR_ERR_OPERATION_TIMEOUT`.
    pub async fn job<T, W>(
        &self,
        spec: JobSpec,
        work: impl FnOnce(JobContext) -> W + Send + 'static,
    ) -> Result<T>
    where
        T: Send + 'static,
        W: Future<Output = Result<T>> + Send + 'static,
    {
        let deadline = self.entry.engine()?.deadline();
        let ticket = Arc::<Ticket>::default();
        let (reply, mut answer) = oneshot::channel();
        let request = JobRequest {
            spec,
            deadline,
            ticket: Arc::clone(&ticket),
            work: Box::new(move |context| {
                Box::pin(async move {
                    let done = match context {
                        Ok(context) => work(context).await,
                        Err(error) => Err(error),
                    };
                    // A caller that is gone needs no answer.
                    let answer: Answer = Box::new(move || drop(reply.send(done)));
                    answer
                })
            }),
        };
        if self.entry.inbox.send(Input::Job(Box::new(request))).is_err() {
            return Err(self.gone());
        }
        let answer = match timeout_at(deadline, &mut answer).await {
            Ok(done) => Some(done),
            Err(_) if ticket.give_up() => return Err(self.late(spec, deadline, false)),
            // What the job waits for has the same deadline, and names better what does not come.
            Err(_) if spec.kind.is_bounded() => timeout_at(deadline + GRACE, answer).await.ok(),
            Err(_) => Some(answer.await),
        };
        match answer {
            Some(done) => done.unwrap_or_else(|_| Err(self.broken_off())),
            None => Err(self.late(spec, deadline, true)),
        }
    }

    /// The error of a call whose deadline has come.
    fn late(&self, spec: JobSpec, deadline: Instant, begun: bool) -> Error {
        let snapshot = self.snapshot();
        let engine = self.entry.engine().ok();
        let why = snapshot.pid.zip(engine.as_ref()).and_then(|(pid, e)| e.store.backend.why_silent(pid));
        if begun {
            let job = snapshot.held.iter().find(|job| job.api == spec.api);
            let waited = job.map(|job| job.since.elapsed()).unwrap_or_default().as_secs_f64();
            let detail = format!("{} has had no answer from the hypervisor for {waited:.1} s", spec.api);
            let why = why.unwrap_or_else(|| format!("the process of '{}' hangs", snapshot.name));
            return Error::new(ErrorCode::OperationTimeout, ErrorDomain::None, detail)
                .with_hint(format!("{why}; ending the guest with a destroy is still possible"));
        }
        let holder = crate::admission::blocker(spec.kind, &snapshot.held);
        let detail = format!("cannot acquire state change lock{}", held_by(spec.kind, &snapshot.held));
        let error = Error::new(ErrorCode::OperationTimeout, ErrorDomain::None, detail);
        match holder {
            None => error,
            Some(job) => error.with_hint(format!(
                "{} has held '{}' for {} s{}; a destroy does not wait for it",
                job.api,
                snapshot.name,
                deadline.max(Instant::now()).duration_since(job.since).as_secs(),
                why.map(|why| format!(": {why}")).unwrap_or_default()
            )),
        }
    }

    fn gone(&self) -> Error {
        let snapshot = self.snapshot();
        if snapshot.removed { no_domain(&snapshot) } else { closed() }
    }

    /// The error of a job that was ended from outside: its guest is gone.
    fn broken_off(&self) -> Error {
        let snapshot = self.snapshot();
        if snapshot.is_active() && !snapshot.removed {
            Error::new(
                ErrorCode::OperationFailed,
                ErrorDomain::Domain,
                "the guest was taken by another process",
            )
        } else {
            not_running()
        }
    }

    /// Starts it; answers the number of the instance.
    ///
    /// # Errors
    /// `VIR_ERR_OPERATION_INVALID` if it runs; what the driver says.
    pub async fn start(&self, options: StartOptions) -> Result<u32> {
        let spec = JobSpec::any("virDomainCreateWithFlags", JobKind::Long(LongJob::Start));
        self.job(spec, move |context| lifecycle::start(context, None, options)).await
    }

    pub(crate) async fn start_offered(&self, offer: Offer) -> Result<u32> {
        let spec = JobSpec::any("virDomainCreateXML", JobKind::Long(LongJob::Start));
        let start = move |context| async move {
            match offer.take() {
                Some((live, options)) => lifecycle::start(context, Some(live), options).await,
                // Only a start that had its turn takes it, and that one is not asked for again.
                None => Err(closed()),
            }
        };
        self.job(spec, start).await
    }

    /// Ends it: answers when its process is gone. Overtakes every other job.
    ///
    /// # Errors
    /// `VIR_ERR_OPERATION_INVALID` if it does not run; what the driver says if it does not go.
    pub async fn destroy(&self, kill: Kill) -> Result<()> {
        let spec = JobSpec::active("virDomainDestroyFlags", JobKind::Destroy);
        self.job(spec, move |context| lifecycle::destroy(context, kill)).await
    }

    /// [`DomainHandle::destroy`] as the flags say.
    ///
    /// # Errors
    /// As [`DomainHandle::destroy`].
    pub async fn destroy_flags(&self, flags: DestroyFlags) -> Result<()> {
        let kill = if flags.contains(DestroyFlags::GRACEFUL) { Kill::Graceful } else { Kill::Force };
        self.destroy(kill).await?;
        if flags.contains(DestroyFlags::REMOVE_LOGS) {
            let name = self.snapshot().name.clone();
            if let Err(error) = self.entry.engine()?.store.backend.remove_logs(name.as_str()).await {
                log::warn!("{}", error.report());
            }
        }
        Ok(())
    }

    /// Stops the virtual CPUs; no error if they stand still.
    ///
    /// # Errors
    /// `VIR_ERR_OPERATION_INVALID` if it does not run or sleeps.
    pub async fn suspend(&self) -> Result<()> {
        self.job(JobSpec::active("virDomainSuspend", JobKind::Suspend), lifecycle::suspend).await
    }

    /// Lets the virtual CPUs go on.
    ///
    /// # Errors
    /// `VIR_ERR_OPERATION_INVALID` if they do already, or it sleeps.
    pub async fn resume(&self) -> Result<()> {
        self.job(JobSpec::active("virDomainResume", JobKind::Modify), lifecycle::resume).await
    }

    /// Resets it.
    ///
    /// # Errors
    /// `VIR_ERR_OPERATION_INVALID` if it does not run.
    pub async fn reset(&self) -> Result<()> {
        self.job(JobSpec::active("virDomainReset", JobKind::Modify), lifecycle::reset).await
    }

    /// Wakes it up.
    ///
    /// # Errors
    /// `VIR_ERR_OPERATION_INVALID` if it does not sleep.
    pub async fn wake_up(&self) -> Result<()> {
        self.job(JobSpec::active("virDomainPMWakeup", JobKind::Modify), lifecycle::wake_up).await
    }

    /// Asks the guest to power off, through its agent or the power button as the flags say.
    ///
    /// # Errors
    /// `VIR_ERR_OPERATION_INVALID` if it does not run; what the agent says if only it was to be asked.
    pub async fn shutdown(&self, flags: ShutdownFlags) -> Result<()> {
        self.power("virDomainShutdownFlags", flags.bits(), false).await
    }

    /// Asks the guest to reboot, in the same ways.
    ///
    /// # Errors
    /// As [`DomainHandle::shutdown`].
    pub async fn reboot(&self, flags: RebootFlags) -> Result<()> {
        self.power("virDomainReboot", flags.bits(), true).await
    }

    async fn power(&self, api: &'static str, flags: u32, reboot: bool) -> Result<()> {
        let engine = self.entry.engine()?;
        let driver = engine.store.backend.error_domain();
        // libvirt words this refusal of a shutdown in its driver's name, and that of a reboot in the domain's.
        let refusal = || {
            if reboot {
                not_running()
            } else {
                Error::new(ErrorCode::OperationInvalid, driver, "domain is not running")
            }
        };
        let snapshot = self.snapshot();
        let Some(live) = &snapshot.live else { return Err(refusal()) };
        let becomes_reboot = lifecycle::reboots(live.lifecycle, reboot);
        let has_agent = self.entry.core.lock().running().is_some_and(|running| running.has_agent());
        let mut last = Err(refusal());
        for way in lifecycle::ways(has_agent, flags) {
            let kind = if way == PowerWay::Agent { JobKind::AgentModify } else { JobKind::Modify };
            let spec = JobSpec { api, kind, needs: Needs::Nothing };
            let only_running = !reboot;
            last = self
                .job(spec, move |context| lifecycle::power(context, way, becomes_reboot, only_running))
                .await;
            if last.is_ok() || (way == PowerWay::Agent && !self.snapshot().is_active()) {
                // A guest that went while its agent was asked did what it was asked for.
                return Ok(());
            }
        }
        last
    }

    /// Comes back when the jobs before it have, and with `VIR_ERR_NO_DOMAIN` from a domain that is gone.
    pub(crate) async fn pass(&self) -> Result<()> {
        let spec = JobSpec::any("a look at the domain", JobKind::ModifyConfig);
        self.job(spec, |_| async { Ok(()) }).await
    }

    pub(crate) async fn redefine(&self, config: Domain) -> Result<()> {
        let spec = JobSpec::any("virDomainDefineXMLFlags", JobKind::Config);
        self.job(spec, move |context| config_jobs::redefine(context, config)).await
    }

    /// Removes the configuration; a running domain becomes transient.
    ///
    /// # Errors
    /// `VIR_ERR_OPERATION_INVALID` if it is transient, or the driver keeps something that the flags do not name.
    pub async fn undefine(&self, flags: UndefineFlags) -> Result<()> {
        let spec = JobSpec::any("virDomainUndefineFlags", JobKind::ModifyConfig);
        self.job(spec, move |context| config_jobs::undefine(context, flags)).await
    }

    /// Makes it start with the engine, or not.
    ///
    /// # Errors
    /// `VIR_ERR_OPERATION_INVALID` if it is transient.
    pub async fn set_autostart(&self, autostart: bool) -> Result<()> {
        let spec = JobSpec::any("virDomainSetAutostart", JobKind::ModifyConfig);
        self.job(spec, move |context| config_jobs::set_autostart(context, autostart)).await
    }

    /// Gives it another name.
    ///
    /// # Errors
    /// `VIR_ERR_OPERATION_INVALID` if it runs, is transient, has a saved state, or the name is taken.
    pub async fn rename(&self, to: DomainName) -> Result<()> {
        let spec = JobSpec {
            api: "virDomainRename",
            kind: JobKind::ModifyConfig,
            needs: Needs::Inactive("cannot rename active domain"),
        };
        self.job(spec, move |context| config_jobs::rename(context, to)).await
    }
}

/// A transient domain on its way to a start, which takes it when its turn has come.
#[derive(Clone)]
pub(crate) struct Offer(Arc<Mutex<Option<(Domain, StartOptions)>>>);

impl Offer {
    pub(crate) fn new(live: Domain, options: StartOptions) -> Self {
        Self(Arc::new(Mutex::new(Some((live, options)))))
    }

    /// Whether nobody took it.
    pub(crate) fn is_open(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn take(&self) -> Option<(Domain, StartOptions)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl std::fmt::Debug for DomainHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("DomainHandle").field(&self.snapshot().name).finish()
    }
}

/// A number for a connection of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LeaseId(u64);

/// The life of a connection: guests that were started to end with it do so when it is dropped.
pub struct Lease {
    id: LeaseId,
    engine: Arc<crate::engine::Engine>,
    closed: Mutex<bool>,
}

impl Lease {
    pub(crate) fn new(engine: Arc<crate::engine::Engine>) -> Self {
        static COUNTER: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
        let id = LeaseId(COUNTER.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        Self { id, engine, closed: Mutex::new(false) }
    }

    /// What guests are bound to.
    #[must_use]
    pub const fn id(&self) -> LeaseId {
        self.id
    }

    fn bound(&self) -> Vec<DomainHandle> {
        let mut closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut *closed, true) {
            return vec![];
        }
        let entries: Vec<Arc<Entry>> = self.engine.maps().entries().cloned().collect();
        entries
            .into_iter()
            .filter(|entry| entry.core.lock().bound_to() == Some(self.id))
            .map(DomainHandle::of)
            .collect()
    }

    /// Ends the guests that are bound to it, and answers when they are gone.
    pub async fn close(&self) {
        for domain in self.bound() {
            end(domain).await;
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        for domain in self.bound() {
            self.engine.runtime.spawn(end(domain));
        }
    }
}

async fn end(domain: DomainHandle) {
    if let Err(error) = domain.destroy(Kill::Force).await {
        log::debug!("{}", error.report());
    }
}

impl std::fmt::Debug for Lease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Lease").field(&self.id).finish()
    }
}
