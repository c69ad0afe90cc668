//! The task that owns a domain: jobs begin in its order, and what the hypervisor reports is taken in as it comes.

use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;
use virt_driver::BoxFuture;
use virt_types::{Error, Result};

use crate::admission::{Admission, Situation, admit};
use crate::context::{JobContext, JobSpec};
use crate::control::Outlet;
use crate::engine::{Engine, Entry};
use crate::machine::FollowUp;
use crate::ownership::{Peer, Request};
use crate::takeover::take_over_deadline;
use crate::{ActiveJob, BackendEvent, JobKind, Kill, Lane, LongJob};

/// What comes to a domain's task. Small, because every domain has room for some from its beginning.
pub(crate) enum Input {
    Job(Box<JobRequest>),
    /// Another process changed the configuration.
    ConfigTouched,
    /// Another process changed the status.
    StatusTouched,
    /// Another process wants the guest.
    Wanted(Box<Wanted>),
    /// The process that holds the guest gave it up, or died.
    HolderGone,
}

/// The request of another process.
pub(crate) struct Wanted {
    pub(crate) request: Request,
    pub(crate) by: Peer,
    pub(crate) outlet: Outlet,
}

/// Where a request stands, shared with its caller: 0 waits, 1 was given up by the caller, others are the number of
/// the running job.
#[derive(Debug, Default)]
pub(crate) struct Ticket(AtomicU64);

impl Ticket {
    const WAITING: u64 = 0;
    const GIVEN_UP: u64 = 1;

    /// The caller waits no longer. False if the job has begun.
    pub(crate) fn give_up(&self) -> bool {
        self.0.compare_exchange(Self::WAITING, Self::GIVEN_UP, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    fn begin(&self, number: u64) -> bool {
        self.0.compare_exchange(Self::WAITING, number, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    fn is_given_up(&self) -> bool {
        self.0.load(Ordering::Acquire) == Self::GIVEN_UP
    }
}

/// A job that wants to begin. `work` gets the hold on the domain, or the refusal.
pub(crate) struct JobRequest {
    pub(crate) spec: JobSpec,
    pub(crate) deadline: Instant,
    pub(crate) ticket: Arc<Ticket>,
    pub(crate) work: Box<dyn FnOnce(Result<JobContext>) -> BoxFuture<'static, Answer> + Send>,
}

/// Tells the caller how the job ended. The task does so when the job holds the domain no more, so that nobody finds a job
/// whose end has been told.
pub(crate) type Answer = Box<dyn FnOnce() + Send>;

/// What the task learns of work that has ended.
struct Ended {
    number: u64,
    answer: Answer,
}

/// The task's own side.
pub(crate) struct Task {
    entry: Arc<Entry>,
    engine: std::sync::Weak<Engine>,
    waiting: VecDeque<JobRequest>,
    running: JoinSet<Ended>,
    handles: HashMap<u64, (JobKind, AbortHandle)>,
    next_number: u64,
    /// Processes that want to hear when this one gives the guest up.
    watchers: Vec<Outlet>,
    following: Option<AbortHandle>,
    releasing: Option<AbortHandle>,
    config_touched: bool,
}

/// What a piece of background work that is no job counts as.
const NO_JOB: u64 = 0;

impl Task {
    pub(crate) fn new(entry: Arc<Entry>, engine: &Arc<Engine>) -> Self {
        Self {
            entry,
            engine: Arc::downgrade(engine),
            waiting: VecDeque::new(),
            running: JoinSet::new(),
            handles: HashMap::new(),
            next_number: Ticket::GIVEN_UP + 1,
            watchers: Vec::new(),
            following: None,
            releasing: None,
            config_touched: false,
        }
    }

    /// Runs until the engine is closed or the domain is gone.
    pub(crate) async fn run(mut self, mut closing: watch::Receiver<bool>) {
        let entry = Arc::clone(&self.entry);
        let _ends = EndOfInbox(Arc::clone(&entry));
        loop {
            tokio::select! {
                biased;
                () = crate::engine::until_closed(&mut closing) => {
                    self.running.abort_all();
                    self.join_all().await;
                    return Box::pin(self.let_go()).await;
                }
                report = next_report(&entry) => self.report(report),
                () = entry.core.stirred.notified() => {}
                Some(ended) = self.running.join_next_with_id(), if !self.running.is_empty() => self.ended(ended),
                input = entry.inbox.next() => self.input(input),
            }
            let Some(engine) = self.engine.upgrade() else { return };
            self.follow_up(&engine);
            self.look_at_config(&engine);
            self.begin_jobs(&engine);
            if self.is_over(&engine) {
                break;
            }
        }
        // Rare, and not to take room in every task.
        Box::pin(self.refuse_rest()).await;
    }

    fn report(&self, report: BackendEvent) {
        let mut state = self.entry.core.lock();
        state.take_in(report);
        state.settle();
    }

    fn input(&mut self, input: Input) {
        match input {
            Input::Job(request) => self.waiting.push_back(*request),
            Input::ConfigTouched => self.config_touched = true,
            Input::StatusTouched => {
                let Some(engine) = self.engine.upgrade() else { return };
                if let Err(error) = self.entry.refresh_status(&engine) {
                    log::warn!("{}", error.report());
                }
                self.follow_holder(&engine);
            }
            Input::Wanted(wanted) if wanted.request == Request::Watch => self.watchers.push(wanted.outlet),
            Input::Wanted(wanted) => self.wanted(*wanted),
            Input::HolderGone => {
                self.following = None;
                self.take_over();
            }
        }
    }

    /// Another process asked for the guest.
    fn wanted(&mut self, Wanted { request, by, mut outlet }: Wanted) {
        let held = self.entry.core.snapshot().held.iter().next().map(|job| job.api);
        if let Some(api) = held {
            outlet.say(&format!("held {api}"));
        }
        if request == Request::Seize {
            self.abort_stuck();
        }
        let spec = JobSpec::any("a request of another process", JobKind::HandOver);
        self.internal(spec, move |context| {
            Box::pin(async move {
                context.entry.hand_over(&context.engine, by).await;
                outlet.say("yielded");
                Ok(())
            })
        });
    }

    /// Background work that ends with the task, and is no job.
    fn background(&mut self, work: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        self.running.spawn(async move {
            work.await;
            Ended { number: NO_JOB, answer: Box::new(|| ()) }
        })
    }

    /// A job of the engine's own.
    fn internal(
        &mut self,
        spec: JobSpec,
        work: impl FnOnce(JobContext) -> BoxFuture<'static, Result<()>> + Send + 'static,
    ) {
        let deadline = self.engine.upgrade().map_or_else(Instant::now, |engine| take_over_deadline(&engine));
        let work = Box::new(move |context: Result<JobContext>| -> BoxFuture<'static, Answer> {
            Box::pin(async move {
                let done = match context {
                    Ok(context) => work(context).await,
                    Err(error) => Err(error),
                };
                if let Err(error) = done {
                    log::debug!("{}: {}", spec.api, error.report());
                }
                let nobody: Answer = Box::new(|| ());
                nobody
            })
        });
        self.waiting.push_back(JobRequest { spec, deadline, ticket: Arc::default(), work });
    }

    fn take_over(&mut self) {
        let spec = JobSpec::any("taking over a guest", JobKind::Query);
        self.internal(spec, |context| {
            Box::pin(async move {
                let told = context.snapshot().is_active()
                    && context.state().guest.as_ref().is_some_and(|g| g.is_told());
                if told { context.own(Request::Yield).await.map(drop) } else { Ok(()) }
            })
        });
    }

    /// Listens to the process that holds the guest.
    fn follow_holder(&mut self, engine: &Arc<Engine>) {
        let other = {
            let state = self.entry.core.lock();
            let told = state.guest.as_ref().is_some_and(|guest| guest.is_told()) && state.lock.is_none();
            told.then(|| (state.name.clone(), state.other.clone().flatten()))
        };
        let Some((name, peer)) = other else {
            if let Some(following) = self.following.take() {
                following.abort();
            }
            return;
        };
        if self.following.as_ref().is_some_and(|following| !following.is_finished()) {
            return;
        }
        let entry = Arc::clone(&self.entry);
        let engine = Arc::clone(engine);
        self.following = Some(self.background(async move {
            let holder = match peer {
                Some(peer) => Some(peer),
                // Not known yet: either it is free, or whoever has it has written its name.
                None => match entry.own_if_free(&engine, take_over_deadline(&engine)).await {
                    Ok(false) => entry.core.lock().other.clone().flatten(),
                    Ok(true) | Err(_) => return,
                },
            };
            let Some(mut holder) = holder else { return };
            while holder != engine.ownership.me {
                let Some(mut answers) = engine.ownership.ask(&holder, Request::Watch, name.as_str()).await
                else {
                    break;
                };
                entry.core.lock().other = Some(Some(holder.clone()));
                match answers
                    .next()
                    .await
                    .as_deref()
                    .and_then(|line| line.strip_prefix("moved "))
                    .and_then(Peer::parse)
                {
                    Some(next) => holder = next,
                    None => break,
                }
            }
            let _ = entry.inbox.send(Input::HolderGone);
        }));
    }

    /// What the reports call for.
    fn follow_up(&mut self, engine: &Arc<Engine>) {
        let (follow_ups, panicked, unplugged) = {
            let mut state = self.entry.core.lock();
            let panicked = std::mem::take(&mut state.panicked) && state.running().is_some();
            let unplugged = std::mem::take(&mut state.unplugged);
            (std::mem::take(&mut state.follow_ups), panicked, unplugged)
        };
        for alias in unplugged {
            self.internal(JobSpec::active("removal of a device", JobKind::Modify), |context| {
                Box::pin(async move { context.backend().unplugged(&context, &alias).await })
            });
        }
        if panicked {
            self.internal(
                JobSpec::active("handling of a guest panic", JobKind::Long(LongJob::Dump)),
                |context| Box::pin(crate::lifecycle::panicked(context)),
            );
        }
        for follow_up in follow_ups {
            match follow_up {
                FollowUp::Nothing => {}
                FollowUp::AskToGo => {
                    let running = self.entry.core.lock().running();
                    self.background(async move {
                        if let Some(running) = running
                            && let Err(error) = running.kill(Kill::Ask).await
                        {
                            log::warn!("{}", error.report());
                        }
                    });
                }
                FollowUp::Reboot => {
                    self.internal(JobSpec::active("reboot after a power-off", JobKind::Modify), |context| {
                        Box::pin(crate::lifecycle::fake_reboot(context))
                    });
                }
                FollowUp::Crash(_) => {
                    self.internal(
                        JobSpec::active("handling of a guest panic", JobKind::Long(LongJob::Dump)),
                        |context| Box::pin(crate::lifecycle::after_crash(context)),
                    );
                }
                FollowUp::Ended(reason) => {
                    self.internal(JobSpec::active("end of the guest", JobKind::Destroy), move |context| {
                        Box::pin(crate::lifecycle::after_exit(context, reason))
                    });
                }
            }
        }
        // A guest that has just been given away, or told of by a file, has a holder to listen to.
        let told = {
            let state = self.entry.core.lock();
            state.lock.is_none()
                && state.held.is_free()
                && state.guest.as_ref().is_some_and(|guest| guest.is_told())
        };
        if told && self.following.is_none() {
            self.follow_holder(engine);
        }
    }

    fn look_at_config(&mut self, engine: &Engine) {
        let busy =
            self.entry.core.lock().held.any(|kind| matches!(kind, JobKind::Config | JobKind::ModifyConfig));
        if self.config_touched && !busy {
            self.config_touched = false;
            if let Err(error) = self.entry.refresh_config(engine) {
                log::warn!("{}", error.report());
            }
        }
    }

    fn begin_jobs(&mut self, engine: &Arc<Engine>) {
        let refusals = engine.store.backend.error_domain();
        let mut index = 0;
        while let Some(request) = self.waiting.get(index) {
            if request.ticket.is_given_up() {
                self.waiting.remove(index);
                continue;
            }
            let spec = request.spec;
            let ahead: Vec<JobKind> =
                self.waiting.iter().take(index).map(|request| request.spec.kind).collect();
            let admission = {
                let state = self.entry.core.lock();
                let at = Situation {
                    active: state.is_active(),
                    held: &state.held,
                    ahead: &ahead,
                    max_queued: engine.limits.max_queued,
                };
                admit(spec.kind, spec.needs, refusals, at)
            };
            match admission {
                Admission::Wait => index += 1,
                Admission::Run => {
                    if let Some(request) = self.waiting.remove(index) {
                        self.begin(request, engine);
                    }
                }
                Admission::Refuse(error) => {
                    if let Some(request) = self.waiting.remove(index) {
                        self.refuse(request, error);
                    }
                }
            }
        }
    }

    fn refuse(&mut self, request: JobRequest, error: Error) {
        if request.ticket.begin(self.next_number) {
            let refusal = (request.work)(Err(error));
            self.background(async move { (refusal.await)() });
        }
    }

    fn begin(&mut self, request: JobRequest, engine: &Arc<Engine>) {
        let number = self.next_number;
        if !request.ticket.begin(number) {
            return;
        }
        self.next_number += 1;
        let JobSpec { api, kind, needs: _ } = request.spec;
        {
            let mut state = self.entry.core.lock();
            state.held.begin(ActiveJob { number, api, kind, since: Instant::now() });
            state.publish();
        }
        let context = JobContext {
            entry: Arc::clone(&self.entry),
            engine: Arc::clone(engine),
            number,
            deadline: request.deadline,
        };
        let work = (request.work)(Ok(context));
        let handle = self.running.spawn(async move { Ended { number, answer: work.await } });
        self.handles.insert(number, (kind, handle));
    }

    /// Lets go of the domain when nothing goes on any more; one whose guest has just ended leaves no lock file.
    async fn let_go(self) {
        {
            let mut state = self.entry.core.lock();
            self.handles.keys().for_each(|number| state.held.end(*number));
        }
        if let Some(engine) = self.engine.upgrade() {
            self.entry.release_if_idle(&engine).await;
        }
        self.entry.let_go().await;
    }

    fn ended(&mut self, ended: std::result::Result<(tokio::task::Id, Ended), tokio::task::JoinError>) {
        let mut answer: Option<Answer> = None;
        let number = match ended {
            Ok((_, Ended { number: NO_JOB, .. })) => return,
            Ok((_, ended)) => {
                answer = Some(ended.answer);
                ended.number
            }
            Err(error) => {
                if error.is_panic() {
                    log::error!("domain {}: a job panicked", self.entry.core.snapshot().name);
                }
                let id = error.id();
                let Some(number) =
                    self.handles.iter().find(|(_, (_, handle))| handle.id() == id).map(|(number, _)| *number)
                else {
                    return;
                };
                number
            }
        };
        let Some((kind, _)) = self.handles.remove(&number) else { return };
        let (active, free, has_lock, moved_to) = {
            let mut state = self.entry.core.lock();
            state.settle();
            state.held.end(number);
            state.publish();
            (state.is_active(), state.held.is_free(), state.lock.is_some(), state.other.clone().flatten())
        };
        if kind == JobKind::Destroy && !active {
            self.abort_stuck();
        }
        if kind == JobKind::HandOver || !active {
            let word = moved_to.map_or_else(|| "free".to_owned(), |peer| format!("moved {}", peer.as_str()));
            for mut watcher in self.watchers.drain(..) {
                watcher.say(&word);
            }
        }
        if let Some(answer) = answer {
            answer();
        }
        if !active && free && has_lock {
            self.release();
        }
    }

    /// Gives up the lock of a domain that does not run, if nothing goes on by then.
    fn release(&mut self) {
        if self.releasing.as_ref().is_some_and(|releasing| !releasing.is_finished()) {
            return;
        }
        let (entry, engine) = (Arc::clone(&self.entry), self.engine.clone());
        self.releasing = Some(self.background(async move {
            if let Some(engine) = engine.upgrade() {
                entry.release_if_idle(&engine).await;
            }
        }));
    }

    /// Ends the jobs that wait for a guest that is gone, or is to be destroyed by another process. Their callers hear
    /// that the domain does not run.
    fn abort_stuck(&self) {
        for (kind, handle) in self.handles.values() {
            let needs_guest = match kind.lane() {
                Lane::Hypervisor => {
                    !matches!(kind, JobKind::ModifyConfig | JobKind::HandOver | JobKind::Destroy)
                }
                Lane::Agent => true,
                // A start undoes itself when it is told to.
                Lane::Long => *kind != JobKind::Long(LongJob::Start),
                Lane::Config => false,
            };
            if needs_guest {
                handle.abort();
            }
        }
    }

    /// Whether the domain is gone: it neither runs nor has a configuration, and nothing is going on.
    fn is_over(&mut self, engine: &Engine) -> bool {
        let entry = Arc::clone(&self.entry);
        let mut state = entry.core.lock();
        if state.removed {
            return self.handles.is_empty();
        }
        let over = !state.is_active()
            && state.config.is_none()
            && state.held.is_free()
            && self.handles.is_empty()
            && !self
                .waiting
                .iter()
                .any(|request| matches!(request.spec.kind, JobKind::Long(_) | JobKind::Config));
        if over && state.lock.is_some() {
            // The next domain of this name would wait for it, and be asked for it.
            drop(state);
            self.release();
            return false;
        }
        if over {
            state.removed = true;
            let uuid = state.uuid;
            drop(state);
            engine.remove(uuid);
            // Who waits for this finds its name and its identity free.
            entry.core.lock().publish();
        }
        over
    }

    async fn refuse_rest(mut self) {
        for input in self.entry.inbox.close() {
            self.input_after_end(input);
        }
        let snapshot = self.entry.core.snapshot();
        while let Some(request) = self.waiting.pop_front() {
            self.refuse(request, no_domain(&snapshot));
        }
        if let Some(engine) = self.engine.upgrade() {
            self.entry.release_if_idle(&engine).await;
        }
        if let Some(following) = self.following.take() {
            following.abort();
        }
        self.join_all().await;
    }

    /// Waits for all that goes on; whose job came to an end is told so.
    async fn join_all(&mut self) {
        while let Some(ended) = self.running.join_next().await {
            if let Ok(ended) = ended {
                (ended.answer)();
            }
        }
    }

    fn input_after_end(&mut self, input: Input) {
        match input {
            Input::Job(request) => self.waiting.push_back(*request),
            Input::Wanted(mut wanted) => wanted.outlet.say("yielded"),
            Input::ConfigTouched | Input::StatusTouched | Input::HolderGone => {}
        }
    }
}

/// Closes the inbox of a task that ends, in whatever way.
struct EndOfInbox(Arc<Entry>);

impl Drop for EndOfInbox {
    fn drop(&mut self) {
        self.0.inbox.close();
    }
}

/// The refusal of a call on a domain that is gone.
pub(crate) fn no_domain(snapshot: &crate::Snapshot) -> Error {
    Error::new(
        virt_types::ErrorCode::NoDomain,
        virt_types::ErrorDomain::Domain,
        format!("no domain with matching uuid '{}' ({})", snapshot.uuid, snapshot.name),
    )
}

/// The next report of the hypervisor; waits for ever while there is no guest.
async fn next_report(entry: &Entry) -> BackendEvent {
    poll_fn(|cx| {
        let mut state = entry.core.lock();
        let Some(guest) = state.guest.as_mut() else { return Poll::Pending };
        let Some(reports) = guest.reports.as_mut() else { return Poll::Pending };
        match reports.poll_recv(cx) {
            Poll::Ready(Some(report)) => Poll::Ready(report),
            Poll::Ready(None) => {
                guest.reports = None;
                Poll::Pending
            }
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}
