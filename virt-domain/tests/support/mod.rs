//! A hypervisor whose guests are real processes that sleep, and helpers around it.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Notify;
use virt_conf::domain::{Domain, Lifecycle};
use virt_domain::{
    Backend, BackendEvent, DomainHandle, EventSink, Kill, Layout, Limits, LoadProblem, Observed, Phase,
    PowerWay, Recover, Recovered, Registry, Running, Start, StartOptions, Started,
};
use virt_driver::{BoxFuture, Delivery, DomainEvent, DomainEventFilter, DomainEventKind, Subscription};
use virt_sys::{PidFd, PidFile, Process, Signal, Spawn};
use virt_types::{
    CreateFlags, DomainEventId, DomainName, Error, ErrorCode, ErrorDomain, Result, UndefineFlags, Uuid,
};
use virt_xml::Writer;

/// A directory that goes with the test.
pub struct TempDir(PathBuf);

impl TempDir {
    pub fn new(name: &str) -> Self {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let unique =
            format!("virt-domain-{name}-{}-{}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(unique);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        // A test that failed leaves no guests either.
        for entry in std::fs::read_dir(self.0.join("guests")).into_iter().flatten().flatten() {
            if let Ok(Some((_, process))) = PidFile::open_locked(entry.path()) {
                let _ = process.send_signal(Signal::KILL);
            }
        }
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What the fake does with a call on a domain.
#[derive(Clone)]
pub enum Behaviour {
    /// Never answers; tells when it was asked.
    Hang(Arc<Notify>),
    /// Answers with an error.
    Fail,
}

/// The hypervisor.
pub struct Fake {
    dir: PathBuf,
    pub wishes: Mutex<Lifecycle>,
    behaviours: Mutex<HashMap<(String, &'static str), Behaviour>>,
    guests: Mutex<HashMap<String, EventSink>>,
}

impl Fake {
    /// Its guests leave their traces in this directory.
    pub fn new(dir: &Path) -> Arc<Self> {
        let dir = dir.join("guests");
        std::fs::create_dir_all(&dir).unwrap();
        Arc::new(Self {
            dir,
            wishes: Mutex::default(),
            behaviours: Mutex::default(),
            guests: Mutex::default(),
        })
    }

    pub fn set(&self, name: &str, call: &'static str, behaviour: Behaviour) {
        self.behaviours.lock().unwrap().insert((name.to_owned(), call), behaviour);
    }

    /// Makes a call hang; the answer is notified when it is asked.
    pub fn hang(&self, name: &str, call: &'static str) -> Arc<Notify> {
        let asked = Arc::new(Notify::new());
        self.set(name, call, Behaviour::Hang(Arc::clone(&asked)));
        asked
    }

    pub fn behave(&self, name: &str, call: &'static str) {
        self.behaviours.lock().unwrap().remove(&(name.to_owned(), call));
    }

    async fn act(&self, name: &str, call: &'static str) -> Result<()> {
        let behaviour = self.behaviours.lock().unwrap().get(&(name.to_owned(), call)).cloned();
        match behaviour {
            None => Ok(()),
            Some(Behaviour::Fail) => {
                Err(Error::new(ErrorCode::InternalError, ErrorDomain::Test, format!("{call} fails")))
            }
            Some(Behaviour::Hang(asked)) => {
                asked.notify_one();
                std::future::pending().await
            }
        }
    }

    /// Something happens in a guest.
    pub fn happen(&self, name: &str, event: BackendEvent) {
        let sink = self.guests.lock().unwrap().get(name).cloned();
        assert!(sink.unwrap().send(event), "nobody listens to {name}");
    }

    pub fn pid_file(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.pid"))
    }

    fn doing_file(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.doing"))
    }

    fn doing(&self, name: &str) -> Observed {
        match std::fs::read_to_string(self.doing_file(name)).unwrap_or_default().as_str() {
            "running" => Observed::Running,
            _ => Observed::Paused(None),
        }
    }

    pub fn set_doing(&self, name: &str, doing: &str) {
        // The kernel keeps it whole, as it would a guest's own memory.
        let temporary = self.dir.join(format!("{name}.doing.{}", std::process::id()));
        std::fs::write(&temporary, doing).unwrap();
        std::fs::rename(temporary, self.doing_file(name)).unwrap();
    }

    /// The guest's process.
    pub fn process(&self, name: &str) -> Option<PidFd> {
        PidFile::open_locked(self.pid_file(name)).unwrap().map(|(_, process)| process)
    }

    fn attach(self: &Arc<Self>, name: &str, pid: u32, process: PidFd, events: EventSink) -> Arc<dyn Running> {
        self.guests.lock().unwrap().insert(name.to_owned(), events.clone());
        let process = Arc::new(Process::new(process).unwrap());
        let watched = Arc::clone(&process);
        let sink = events.clone();
        let watcher = tokio::spawn(async move {
            watched.ended().await;
            sink.send(BackendEvent::Exited { last_words: None });
        });
        Arc::new(FakeGuest {
            fake: Arc::clone(self),
            name: name.to_owned(),
            pid,
            process,
            events,
            watcher: watcher.abort_handle(),
        })
    }

    fn clean(&self, name: &str) {
        let _ = std::fs::remove_file(self.pid_file(name));
        let _ = std::fs::remove_file(self.doing_file(name));
    }
}

/// The driver: the fake behind an `Arc` of its own, which its guests share.
pub struct Driver(pub Arc<Fake>);

impl Backend for Driver {
    fn error_domain(&self) -> ErrorDomain {
        ErrorDomain::Test
    }

    fn prepare<'a>(&'a self, config: &'a Domain, _flags: CreateFlags) -> BoxFuture<'a, Result<Domain>> {
        Box::pin(async move {
            self.0.act(&config.name, "prepare").await?;
            Ok(Domain { lifecycle: *self.0.wishes.lock().unwrap(), ..config.clone() })
        })
    }

    fn start(&self, start: Start) -> BoxFuture<'_, Result<Started>> {
        Box::pin(async move {
            let name = start.live.name.clone();
            let cancelled = start.cancelled();
            start.record(None, "<fake stage='spawn'/>\n")?;
            tokio::select! {
                acted = self.0.act(&name, "start") => acted?,
                () = cancelled => return Err(Error::new(ErrorCode::OperationAborted, ErrorDomain::Test, "the start was given up")),
            }
            let mut spawn = Spawn::new("/bin/sleep");
            spawn.arg("1000").pid_file(self.0.pid_file(&name));
            let child = spawn.start().map_err(|error| {
                Error::new(ErrorCode::InternalError, ErrorDomain::Test, format!("{error:?}")).caused_by(error)
            })?;
            let pid = child.pid.as_raw_nonzero().get().unsigned_abs();
            self.0.set_doing(&name, "paused");
            start.record(Some(pid), "<fake stage='spawned'/>\n")?;
            let running = self.0.attach(&name, pid, child.pidfd, start.events.clone());
            if let Err(error) = self.0.act(&name, "greet").await {
                running.kill(Kill::Force).await?;
                running.release().await;
                return Err(error);
            }
            Ok(Started { running, live: start.live })
        })
    }

    fn recover(&self, recover: Recover) -> BoxFuture<'_, Result<Recovered>> {
        Box::pin(async move {
            let name = recover.live.name.clone();
            if recover.phase == Phase::Running {
                self.0.act(&name, "recover").await?;
            }
            let Some((pid, process)) = PidFile::open_locked(self.0.pid_file(&name)).unwrap() else {
                self.0.clean(&name);
                return Ok(Recovered::Gone(None));
            };
            let pid = pid.as_raw_nonzero().get().unsigned_abs();
            let running = self.0.attach(&name, pid, process, recover.events);
            if recover.phase == Phase::Running {
                let observed = self.0.doing(&name);
                return Ok(Recovered::Running(Box::new(Started { running, live: recover.live }), observed));
            }
            running.kill(Kill::Force).await?;
            running.release().await;
            Ok(Recovered::Gone(None))
        })
    }

    fn undefine<'a>(
        &'a self,
        config: &'a Domain,
        _active: bool,
        _flags: UndefineFlags,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { self.0.act(&config.name, "undefine").await })
    }

    fn rename<'a>(&'a self, from: &'a DomainName, _to: &'a DomainName) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { self.0.act(from.as_str(), "rename").await })
    }
}

struct FakeGuest {
    fake: Arc<Fake>,
    name: String,
    pid: u32,
    process: Arc<Process>,
    events: EventSink,
    watcher: tokio::task::AbortHandle,
}

impl Running for FakeGuest {
    fn pid(&self) -> Option<u32> {
        Some(self.pid)
    }

    fn format_status(&self, w: &mut Writer) {
        w.element("fake", |w| w.attr("stage", "up"));
    }

    fn suspend(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async {
            self.fake.act(&self.name, "suspend").await?;
            self.fake.set_doing(&self.name, "paused");
            self.events.send(BackendEvent::Stopped);
            Ok(())
        })
    }

    fn resume(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async {
            self.fake.act(&self.name, "resume").await?;
            self.fake.set_doing(&self.name, "running");
            self.events.send(BackendEvent::Resumed);
            Ok(())
        })
    }

    fn power(&self, _way: PowerWay, _reboot: bool) -> BoxFuture<'_, Result<()>> {
        Box::pin(async {
            self.fake.act(&self.name, "power").await?;
            self.events.send(BackendEvent::PoweredOff { by_guest: Some(true) });
            self.events.send(BackendEvent::Stopped);
            Ok(())
        })
    }

    fn reset(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async {
            self.fake.act(&self.name, "reset").await?;
            self.events.send(BackendEvent::Reset);
            Ok(())
        })
    }

    fn observe(&self) -> BoxFuture<'_, Result<Observed>> {
        Box::pin(async {
            self.fake.act(&self.name, "observe").await?;
            Ok(self.fake.doing(&self.name))
        })
    }

    fn kill(&self, kill: Kill) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            self.fake.act(&self.name, "kill").await?;
            if kill != Kill::Force {
                self.events.send(BackendEvent::PoweredOff { by_guest: Some(false) });
            }
            let signal = if kill == Kill::Force { Signal::KILL } else { Signal::TERM };
            // A process that has ended already is no error: it is what was wanted.
            let _ = self.process.pidfd().send_signal(signal);
            if kill != Kill::Ask {
                self.process.ended().await;
            }
            Ok(())
        })
    }

    fn release(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.watcher.abort();
            self.fake.clean(&self.name);
        })
    }

    fn detach(&self) -> BoxFuture<'_, ()> {
        Box::pin(async { self.watcher.abort() })
    }
}

/// An engine on a directory.
pub struct Engine {
    pub fake: Arc<Fake>,
    pub registry: Registry,
    pub problems: Vec<LoadProblem>,
    pub layout: Layout,
}

pub fn limits() -> Limits {
    Limits { call: Duration::from_secs(20), ..Limits::default() }
}

impl Engine {
    pub async fn open(dir: &Path) -> Self {
        Self::with(dir, limits()).await
    }

    pub async fn with(dir: &Path, limits: Limits) -> Self {
        Self::on(Fake::new(dir), dir, limits).await
    }

    pub async fn on(fake: Arc<Fake>, dir: &Path, limits: Limits) -> Self {
        let layout = Layout::below(dir);
        let (registry, problems) =
            Registry::open(Arc::new(Driver(Arc::clone(&fake))), layout.clone(), limits).await.unwrap();
        Self { fake, registry, problems, layout }
    }

    pub async fn define(&self, name: &str) -> DomainHandle {
        self.registry.define(domain(name)).await.unwrap()
    }

    pub async fn create(&self, name: &str, flags: CreateFlags) -> DomainHandle {
        self.registry.create(domain(name), options(flags)).await.unwrap()
    }

    pub async fn get(&self, name: &str) -> DomainHandle {
        self.registry.by_name(name).await.unwrap()
    }

    pub fn listen(&self) -> Ear {
        let kinds = vec![DomainEventId::Lifecycle, DomainEventId::Reboot];
        Ear(self.registry.subscribe(DomainEventFilter { domain: None, kinds }, 1000))
    }
}

pub fn options(flags: CreateFlags) -> StartOptions {
    StartOptions { flags, ..StartOptions::default() }
}

/// The identity of the domain with this name.
pub fn uuid_of(name: &str) -> Uuid {
    let mut bytes = [0x5a; 16];
    for (byte, letter) in bytes.iter_mut().zip(name.bytes()) {
        *byte = letter;
    }
    Uuid::from_bytes(bytes)
}

pub fn domain_xml(name: &str, uuid: Uuid) -> String {
    format!(
        "<domain type='test'><name>{name}</name><uuid>{uuid}</uuid><memory>1024</memory>\
         <os><type arch='x86_64'>hvm</type></os></domain>"
    )
}

pub fn domain(name: &str) -> Domain {
    Domain::parse(&domain_xml(name, uuid_of(name)), virt_conf::ParseFlags::INACTIVE).unwrap()
}

/// A subscriber to lifecycle events and reboots.
pub struct Ear(Subscription<DomainEvent>);

pub fn word(event: &DomainEvent) -> String {
    let words = match &event.kind {
        DomainEventKind::Lifecycle(pair) => format!("{}/{}", pair.event().word(), pair.detail_word()),
        other => format!("{other:?}").to_lowercase(),
    };
    if event.domain.id.is_some() { format!("{words} with id") } else { words }
}

impl Ear {
    /// The next event.
    pub async fn next(&mut self) -> DomainEvent {
        match tokio::time::timeout(Duration::from_secs(20), self.0.next()).await.expect("an event in time") {
            Some(Delivery::Event(event)) => event,
            other => panic!("{other:?}"),
        }
    }

    /// What has come so far.
    pub fn heard(&mut self) -> Vec<String> {
        let mut words = Vec::new();
        while let Some(Delivery::Event(event)) = self.0.try_next() {
            words.push(word(&event));
        }
        words
    }

    /// Everything up to the event with this beginning.
    pub async fn until(&mut self, last: &str) -> Vec<String> {
        let mut words = Vec::new();
        loop {
            let event = self.next().await;
            words.push(word(&event));
            if words.last().is_some_and(|word| word.starts_with(last)) {
                return words;
            }
        }
    }
}

/// The words of a refusal, with code and domain.
pub fn refusal<T: std::fmt::Debug>(answer: Result<T>) -> (ErrorCode, ErrorDomain, String) {
    let error = answer.unwrap_err();
    (error.code(), error.domain(), error.detail().to_owned())
}
