//! The daemon's life.

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use virt_engine::Settings;
use virt_rpc::bind::{HypervisorService, Opener};
use virt_rpc::keepalive;
use virt_rpc::server::{Limits, Listener, ListenerSettings, Server, Service};

use crate::admin::{AdminService, Counted, Presence, Served, Wishes, Work};
use crate::args::Args;
use crate::authentication;
use crate::background;
use crate::config::ServerLimits;
use crate::drivers::Drivers;
use crate::failure::Failure;
use crate::forward::Forward;
use crate::logging::Logging;
use crate::notify::Notify;
use crate::pid_file::PidFile;
use crate::places::{Places, Role};
use crate::setup::{Configuration, make_directories, start_log};
use crate::sockets::{self, Listening, Purpose, Socket};
use crate::tls;

/// How long calls in progress may take when the daemon ends.
const LAST_CALLS: Duration = Duration::from_secs(5);

/// Runs the daemon until it is asked to end.
///
/// # Errors
/// If it can not start.
pub fn run(role: Role, args: &Args) -> Result<(), Failure> {
    let places = Places::of_this_process(role)?;
    let configuration = Configuration::load(role, &places, args)?;
    make_directories(&places, args)?;
    let logging = Logging::of_this_process();
    start_log(logging, &configuration.daemon.log, args, &places)?;
    std::panic::set_hook(Box::new(|panic| log::error!("{panic}")));
    configuration.remark();
    let _pid_file = PidFile::take(args.pid_file.as_ref().unwrap_or(&places.pid_file))?;
    allow_many_clients();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(virt_sys::host::online_cpus().clamp(2, 4))
        .thread_name("virtd")
        .enable_all()
        .build()
        .map_err(Failure::io("make a runtime"))?;
    let outcome = runtime.block_on(async {
        let daemon = Daemon::start(role, places, configuration, args)?;
        daemon.live(args).await;
        Ok(())
    });
    // What does not come to an end does not hold up the process.
    runtime.shutdown_timeout(Duration::from_secs(1));
    outcome
}

/// Each client takes a descriptor, and most systems allow a thousand until they are asked for more.
fn allow_many_clients() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        log::debug!("cannot raise the limit of open files: {error}");
    }
}

/// A daemon that serves.
struct Daemon {
    role: Role,
    places: Places,
    /// None where all is forwarded.
    drivers: Option<Arc<Drivers>>,
    clients: Served,
    administrators: Served,
    presence: Presence,
    wishes: Arc<Wishes>,
    sockets: Vec<Socket>,
    notify: Notify,
}

impl Daemon {
    /// Opens the sockets and serves them. Nothing that takes time is done before.
    fn start(role: Role, places: Places, configuration: Configuration, args: &Args) -> Result<Self, Failure> {
        let Configuration { daemon: config, qemu, networks, calls, .. } = configuration;
        let passed = virt_sys::activation::take()?;
        let mut sockets = sockets::open(role, &places, &config, args.listen, passed)?;
        let (drivers, opener): (_, Arc<dyn Opener>) = match &args.forward {
            Some(peer) => (None, Arc::new(Forward(peer.clone()))),
            None => {
                let drivers = Arc::new(Drivers::new(Settings {
                    privileged: places.privileged,
                    qemu,
                    layout: places.layout(role),
                    limits: calls,
                    networks,
                    filters: places.filters(),
                    storage: places.storage(),
                    secrets: places.secrets(),
                }));
                (Some(Arc::clone(&drivers)), drivers)
            }
        };
        let presence = Presence::default();
        let wishes = Arc::new(Wishes::new(args.timeout));
        let (announce, servers) = watch::channel(Vec::new());
        let service = HypervisorService::new(opener);
        let mut clients = serve(role.name(), Arc::new(service), &config.limits, &presence);
        let administration = AdminService::new(servers, Logging::of_this_process(), Arc::clone(&wishes));
        let administrators = serve("admin", Arc::new(administration), &config.admin, &presence);
        let wants_tls = |socket: &Socket| matches!(socket.purpose, Purpose::Clients { tls: true, .. });
        let mut tls = None;
        if sockets.iter().any(wants_tls) {
            let (server, certificates) = tls::server(&config.tls, places.privileged)?;
            tls = Some(server);
            clients.certificates = Some(certificates);
        }
        announce.send_replace(vec![clients.clone(), administrators.clone()]);
        for socket in &mut sockets {
            let Some(listening) = socket.listening.take() else { continue };
            let auth = authentication::of(socket.purpose, &listening, &config.ip, &places)?;
            let listener = match (listening, &tls) {
                (Listening::Unix(listener), _) => Listener::unix(listener),
                (Listening::Tcp(listener), Some(tls)) if wants_tls(socket) => {
                    Listener::tls(listener, tls.clone())
                }
                (Listening::Tcp(listener), _) => Listener::tcp(listener),
            };
            let listener = listener.map_err(Failure::io("watch a socket"))?;
            let (server, read_only) = match socket.purpose {
                Purpose::Clients { read_only, .. } => (&clients.server, read_only),
                Purpose::Administrators => (&administrators.server, false),
            };
            let settings = ListenerSettings { read_only, auth };
            server.listen(listener, settings);
        }
        let notify = Notify::from_env();
        Ok(Self { role, places, drivers, clients, administrators, presence, wishes, sockets, notify })
    }

    /// Lives until it is asked to end, or was idle for long enough.
    async fn live(self, args: &Args) {
        let mut signals = match Signals::take() {
            Ok(signals) => signals,
            Err(error) => {
                log::error!("cannot watch for signals: {error}");
                return;
            }
        };
        let name = self.role.name();
        if args.tell_start {
            background::tell(Ok(()));
        }
        self.notify.ready("answers calls");
        log::info!("{name} answers calls");
        if let Some(drivers) = self.drivers.clone() {
            tokio::spawn(async move { drivers.host().wake().await });
        }
        let mut end = self.wishes.end.subscribe();
        let why = loop {
            tokio::select! {
                signal = signals.next() => match signal {
                    Asked::End(why) => break why,
                    Asked::Reload => self.reload(args),
                },
                _ = end.wait_for(|end| *end) => break "an administrator asked for it",
                () = self.idle() => break "nobody needs it",
            }
        };
        log::info!("{name} ends: {why}");
        self.end(why).await;
    }

    async fn end(self, why: &str) {
        self.notify.stopping(why);
        // New clients find nobody, rather than somebody who leaves.
        drop(self.sockets);
        let (clients, administrators) = tokio::join!(
            self.clients.server.shut_down(LAST_CALLS),
            self.administrators.server.shut_down(LAST_CALLS),
        );
        if clients + administrators > 0 {
            log::warn!("{} clients were cut off", clients + administrators);
        }
        if let Some(drivers) = &self.drivers {
            drivers.host().close().await;
        }
    }

    /// Waits until there was no client and no guest for as long as was asked for.
    async fn idle(&self) {
        let mut timeout = self.wishes.timeout.subscribe();
        loop {
            let seconds = *timeout.borrow_and_update();
            let waited = async {
                if seconds == 0 {
                    return std::future::pending().await;
                }
                self.presence.wait(false).await;
                tokio::select! {
                    () = tokio::time::sleep(Duration::from_secs(seconds.into())) => {
                        !self.drivers.as_ref().is_some_and(|drivers| drivers.host().is_needed())
                    }
                    () = self.presence.wait(true) => false,
                }
            };
            tokio::select! {
                idle = waited => if idle { return },
                _ = timeout.changed() => {}
            }
        }
    }

    /// Takes up what can change while the daemon runs: limits, certificates, log files that were moved away.
    fn reload(&self, args: &Args) {
        self.notify.reloading();
        log::info!("reloading the configuration");
        match Configuration::load(self.role, &self.places, args) {
            Ok(configuration) => {
                configuration.remark();
                let config = &configuration.daemon;
                self.clients.server.set_limits(limits(&config.limits));
                self.administrators.server.set_limits(limits(&config.admin));
            }
            Err(failure) => log::error!("the configuration stays as it was: {}", failure.report()),
        }
        if let Some(drivers) = self.drivers.clone() {
            tokio::spawn(async move { drivers.host().reload().await });
        }
        if let Some(certificates) = &self.clients.certificates
            && let Err(error) = (certificates.0)()
        {
            log::error!("the certificates stay as they were: {}", error.report());
        }
        if let Err(error) = Logging::of_this_process().reopen() {
            log::error!("the log stays where it was: {error}");
        }
        self.notify.ready("answers calls");
    }
}

fn serve(name: &str, service: Arc<dyn Service>, config: &ServerLimits, presence: &Presence) -> Served {
    let work = Work::new(config, presence.clone());
    let counted = Arc::new(Counted::new(service, Arc::clone(&work)));
    let seconds = u64::try_from(config.keepalive_interval).unwrap_or(0);
    let keepalive = (seconds > 0).then(|| keepalive::Settings {
        interval: Duration::from_secs(seconds),
        count: config.keepalive_count,
    });
    Served { server: Server::new(name, counted, limits(config), keepalive), work, certificates: None }
}

fn limits(config: &ServerLimits) -> Limits {
    let size = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    Limits {
        clients: size(config.clients),
        unauthenticated: size(config.anonymous),
        requests: size(config.requests),
        ..Limits::default()
    }
}

/// What a signal asks for.
enum Asked {
    End(&'static str),
    Reload,
}

struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    quit: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
}

impl Signals {
    fn take() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.terminate.recv() => Asked::End("it was terminated"),
            _ = self.interrupt.recv() => Asked::End("it was interrupted"),
            _ = self.quit.recv() => Asked::End("it was told to quit"),
            _ = self.hangup.recv() => Asked::Reload,
        }
    }
}
