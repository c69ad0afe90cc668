//! The driver as the engine sees it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::timeout;
use virt_cgroup::Group;
use virt_conf::ParseFlags;
use virt_conf::capabilities::HostCpu;
use virt_conf::domain::device::TpmBackend;
use virt_conf::domain::{Domain, Genid};
use virt_domain::{
    Backend, BackendEvent, JobContext, Observed, Phase, Recover, Recovered, Saved, Start, Started,
};
use virt_driver::{BoxFuture, Services};
use virt_types::{CreateFlags, DomainName, Error, ErrorCode, ErrorDomain, Result, UndefineFlags, Uuid};

use super::companions;
use super::connections::Connections;
use super::counters::Counters;
use super::files::{self, GuestFiles};
use super::filters::Filters;
use super::group::{self, ControlGroup};
use super::guest::{self, Guest, Parts};
use super::log::GuestLog;
use super::monitor::{self, GuestMonitor, Partner};
use super::ports::HostPorts;
use super::raw_events::{RawEvents, RawEventsOf};
use super::{launch, missing, plug, settle, silence, status, volumes};
use crate::caps::Capabilities;
use crate::caps::cache::Cache;
use crate::caps::emulator::default_emulator;
use crate::config::Config;
use crate::device::tpm::swtpm_state;
use crate::driver::Sessions;
use crate::driver::host::host_cpu;
use crate::host::Host;
use crate::plan::{self, Monitor, Plan};
use crate::prepare::{self, PrepareContext, PretendedPorts};
use crate::{planner, preflight, random};

/// The QEMU driver's side of the engine.
#[derive(Debug)]
pub struct QemuBackend {
    config: Arc<Config>,
    host: Host,
    cache: Cache,
    patience: Duration,
    services: Services,
    agent_timeouts: Mutex<HashMap<Uuid, i32>>,
    /// Who wants to hear what monitors say.
    pub(crate) raw_events: Arc<RawEvents>,
    /// Consoles and channels that callers have open.
    pub(crate) sessions: Sessions,
}

/// An agent may take as long as the engine lets a call take (`VIR_DOMAIN_AGENT_RESPONSE_TIMEOUT_BLOCK`).
const WAIT: i32 = -2;

/// How long a monitor command may take, where the engine's owner says nothing else.
const PATIENCE: Duration = Duration::from_secs(30);

impl QemuBackend {
    /// A driver with these settings on this host.
    #[must_use]
    pub fn new(config: Config, host: Host) -> Self {
        let cache = Cache::new(Some(config.cache_dir.join("capabilities")));
        Self {
            config: Arc::new(config),
            host,
            cache,
            patience: PATIENCE,
            services: Services::default(),
            agent_timeouts: Mutex::default(),
            raw_events: Arc::default(),
            sessions: Sessions::default(),
        }
    }

    /// The same, where a guest may take this long for the answer to a command before its caller is told.
    #[must_use]
    pub const fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The same, with what other drivers do for its guests.
    #[must_use]
    pub fn with_services(mut self, services: Services) -> Self {
        self.services = services;
        self
    }

    /// What other drivers do for its guests.
    pub(crate) const fn services(&self) -> &Services {
        &self.services
    }

    /// How long a domain's agent may take to answer, in seconds; -2 as long as it likes, -1 a few.
    pub(crate) fn agent_timeout(&self, domain: Uuid) -> i32 {
        self.agent_timeouts().get(&domain).copied().unwrap_or(WAIT)
    }

    /// Sets how long that is, until the engine ends.
    pub(crate) fn set_agent_timeout(&self, domain: Uuid, seconds: i32) {
        match seconds {
            WAIT => self.agent_timeouts().remove(&domain),
            _ => self.agent_timeouts().insert(domain, seconds),
        };
    }

    // A panic while it is held leaves the old number or the new one.
    fn agent_timeouts(&self) -> MutexGuard<'_, HashMap<Uuid, i32>> {
        self.agent_timeouts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The driver's settings.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The control group of a guest that runs, if it has one.
    pub(crate) fn control_group(&self, live: &Domain) -> Option<Group> {
        group::existing(live, &self.config, self.host.control_groups.as_ref())
    }

    /// The host.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// What a binary can do.
    ///
    /// # Errors
    /// As [`Cache::get`].
    pub async fn capabilities_of(&self, binary: &str) -> Result<Arc<Capabilities>> {
        self.cache.get(binary).await
    }

    /// The binary that runs a domain.
    ///
    /// # Errors
    /// As [`planner::emulator_of`].
    pub fn emulator_of(&self, domain: &Domain) -> Result<String> {
        planner::emulator_of(domain, self.host.arch, default_emulator)
    }

    /// What the domain's binary can do.
    ///
    /// # Errors
    /// As [`Cache::get`], and as [`Backend::emulator_of`].
    pub async fn capabilities(&self, domain: &Domain) -> Result<Arc<Capabilities>> {
        self.capabilities_of(&self.emulator_of(domain)?).await
    }

    /// Parses, completes and checks a document; a domain without an identity is given one.
    ///
    /// # Errors
    /// Each refusal with libvirt's code, and the place where there is one.
    pub async fn define(&self, xml: &str, flags: ParseFlags) -> Result<Domain> {
        self.complete(xml, flags).await.map(|(domain, _)| domain)
    }

    /// What starting the document's domain would do; nothing is done.
    ///
    /// # Errors
    /// As [`QemuBackend::define`], and for what shows only when it is planned.
    pub async fn plan(&self, xml: &str) -> Result<Plan> {
        let (mut domain, caps) = self.complete(xml, ParseFlags::INACTIVE | ParseFlags::ABI_UPDATE).await?;
        let processor = self.processor(&domain).await?;
        let processor = processor.as_deref();
        let cx = PrepareContext { caps: &caps, config: &self.config, host: &self.host, processor };
        prepare::prepare(&mut domain, &cx, &mut PretendedPorts)?;
        plan::build(&domain, &caps, &self.config, &self.host, Monitor::Path)
    }

    /// The host's processor, where the domain's CPU depends on it.
    async fn processor(&self, domain: &Domain) -> Result<Option<Arc<HostCpu>>> {
        match prepare::needs_processor(domain) {
            true => host_cpu(self.host.arch).await.map(Some),
            false => Ok(None),
        }
    }

    /// Completes and checks a configuration that was changed.
    ///
    /// # Errors
    /// As [`QemuBackend::define`].
    pub(crate) fn complete_again(&self, config: &mut Domain, caps: &Capabilities) -> Result<()> {
        planner::complete(config, caps, &self.config, &self.host, ParseFlags::INACTIVE)
    }

    async fn complete(&self, xml: &str, flags: ParseFlags) -> Result<(Domain, Arc<Capabilities>)> {
        let mut domain = Domain::parse(xml, flags)?;
        let caps = self.capabilities(&domain).await?;
        planner::complete(&mut domain, &caps, &self.config, &self.host, flags)?;
        make_up_identities(&mut domain)?;
        Ok((domain, caps))
    }

    /// Removes what the TPM of a domain that goes away remembers, unless the document or the flags keep it.
    fn forget_tpm(&self, config: &Domain, flags: UndefineFlags) -> Result<()> {
        for tpm in &config.devices.tpms {
            let TpmBackend::Emulator(emulator) = &tpm.backend else { continue };
            let goes = match emulator.persistent_state {
                true => flags.contains(UndefineFlags::TPM),
                false => !flags.contains(UndefineFlags::KEEP_TPM),
            };
            if goes {
                companions::forget(&swtpm_state(&self.config, config, emulator))?;
            }
        }
        Ok(())
    }

    async fn take_hold(&self, recover: Recover, files: GuestFiles) -> Result<Recovered> {
        let found = virt_sys::PidFile::open_locked(&files.pid)
            .map_err(|error| launch::cannot("look for the guest's process", error))?;
        let Some((pid, pidfd)) = found else {
            return Ok(self.gone(&recover, &files).await);
        };
        let process = Arc::new(guest::watched(pidfd)?);
        if recover.phase != Phase::Running {
            guest::kill_and_wait(&process).await;
            return Ok(self.gone(&recover, &files).await);
        }
        let pid = pid.as_raw_nonzero().get().unsigned_abs();
        match self.speak_with(&recover, &files, pid).await {
            Ok((monitor, live, observed)) => {
                let log = GuestLog::reopen(&files.log).map_err(|error| {
                    launch::cannot(&format!("open the log {}", files.log.display()), error)
                })?;
                log.note("held again");
                let agent = settle::agent_socket(&live);
                let filters = Filters::of(&live, &self.services);
                let counters = Counters::default();
                // A host that no longer counts an event is no reason to let go of the guest.
                if let Err(error) = counters.begin(&live.perf, pid) {
                    log::warn!("{}", error.report());
                }
                let connections = Connections::parse(&recover.status_xml, &self.services)?;
                let asked_cpu = live.asked_cpu.clone();
                let group = ControlGroup::found(&live, &self.config, self.host.control_groups.as_ref());
                let parts = Parts {
                    files,
                    pid,
                    process,
                    monitor: Arc::new(monitor),
                    log,
                    agent,
                    filters,
                    connections,
                    group,
                    asked_cpu,
                    counters,
                };
                let events = recover.events.clone();
                let running = Arc::new(Guest::hold(parts, recover.events));
                let mut live = live;
                plug::reconcile(self, &running, &mut live, &events).await?;
                Ok(Recovered::Running(Box::new(Started { running, live }), observed))
            }
            Err(error) if error.code() == ErrorCode::OperationTimeout => Err(error),
            // Whoever held it before may have told it to end: then it was on its way out when it was found.
            Err(error) => match timeout(self.patience, process.ended()).await {
                Ok(()) => Ok(self.gone(&recover, &files).await),
                Err(_) => Err(error),
            },
        }
    }

    /// Releases what a guest held that is gone.
    async fn gone(&self, recover: &Recover, files: &GuestFiles) -> Recovered {
        Filters::of(&recover.live, &self.services).release().await;
        match Connections::parse(&recover.status_xml, &self.services) {
            Ok(connections) => connections.release().await,
            Err(error) => log::warn!("what connected a guest that is gone is not known: {}", error.report()),
        }
        companions::end(files).await;
        let groups = self.host.control_groups.as_ref();
        group::remove_later(group::of(&recover.live, &self.config, groups)).await;
        files.remove();
        Recovered::Gone(None)
    }

    /// Connects to a running guest's monitor, and asks what the guest does.
    async fn speak_with(
        &self,
        recover: &Recover,
        files: &GuestFiles,
        pid: u32,
    ) -> Result<(GuestMonitor, Domain, Observed)> {
        let monitor = GuestMonitor::start(
            monitor::connect(&files.monitor)?,
            Partner { pid, patience: self.patience },
            recover.events.clone(),
            RawEventsOf::of(&recover.live, &self.raw_events),
            settle::agent_alias(&recover.live),
        )?;
        monitor.monitor.ready(monitor.deadline()).await.map_err(|error| monitor.refused(error))?;
        let observed = guest::observe(&monitor).await?;
        let mut live = recover.live.clone();
        if let Some(news) = settle::look_at_ports(&monitor, &mut live).await? {
            recover.events.send(news);
        }
        Ok((monitor, live, observed))
    }
}

impl Backend for QemuBackend {
    fn error_domain(&self) -> ErrorDomain {
        ErrorDomain::Qemu
    }

    fn prepare<'a>(&'a self, config: &'a Domain, _flags: CreateFlags) -> BoxFuture<'a, Result<Domain>> {
        Box::pin(async {
            let caps = self.capabilities(config).await?;
            if !caps.supports(config.virt_type) {
                return Err(planner::refuse_virt_type(&caps.binary, config.virt_type, &self.host));
            }
            preflight::check(config, &self.host)?;
            preflight::interfaces(config, &self.services)?;
            Ok(config.clone())
        })
    }

    fn saved<'a>(&'a self, config: &'a Domain, flags: CreateFlags) -> BoxFuture<'a, Result<Option<Saved>>> {
        Box::pin(self.waiting_state(config, flags))
    }

    fn has_managed_save(&self, name: &str) -> bool {
        self.managed_save(name).exists()
    }

    fn start(&self, mut start: Start) -> BoxFuture<'_, Result<Started>> {
        Box::pin(async move {
            let caps = self.capabilities(&start.live).await?;
            for event in missing::drop_missing(&mut start.live) {
                start.events.send(BackendEvent::Published(event));
            }
            // Not before: the paths of sockets hold the number that the domain has only now.
            let processor = self.processor(&start.live).await?;
            let processor = processor.as_deref();
            let with_pools = volumes::of(&start.live, &self.services)
                .await?
                .map(|pools| Host { pools: Some(pools), ..self.host.clone() });
            let host = with_pools.as_ref().unwrap_or(&self.host);
            let cx = PrepareContext { caps: &caps, config: &self.config, host, processor };
            prepare::prepare(&mut start.live, &cx, &mut HostPorts)?;
            launch::start(
                start,
                &caps,
                &self.config,
                (&self.host, &self.services),
                (self.patience, &self.raw_events),
            )
            .await
        })
    }

    fn recover(&self, mut recover: Recover) -> BoxFuture<'_, Result<Recovered>> {
        Box::pin(async move {
            recover.live.asked_cpu = status::asked_cpu(&recover.status_xml)?.map(Box::new);
            let files = status::parse(&recover.status_xml, GuestFiles::of(&self.config, &recover.live))?;
            self.take_hold(recover, files).await
        })
    }

    fn undefine<'a>(
        &'a self,
        config: &'a Domain,
        _active: bool,
        flags: UndefineFlags,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            self.undefine_managed_save(&config.name, flags)?;
            undefine_nvram(config, flags)?;
            self.forget_tpm(config, flags)
        })
    }

    fn rename<'a>(&'a self, from: &'a DomainName, to: &'a DomainName) -> BoxFuture<'a, Result<()>> {
        Box::pin(async {
            let (old, new) =
                (files::log_file(&self.config, from.as_str()), files::log_file(&self.config, to.as_str()));
            match std::fs::rename(&old, &new) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    Err(launch::cannot(&format!("rename {}", old.display()), error))
                }
                _ => Ok(()),
            }
        })
    }

    fn why_silent(&self, pid: u32) -> Option<String> {
        Some(silence::why(pid))
    }

    fn unplugged<'a>(&'a self, context: &'a JobContext, alias: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(plug::finish(self, context, alias))
    }

    fn remove_logs<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let path = files::log_file(&self.config, name);
            virt_sys::fs::remove(&path).map(drop).map_err(|error| launch::cannot("remove the log", error))
        })
    }
}

/// Gives a domain the identities that the document left to the engine.
fn make_up_identities(domain: &mut Domain) -> Result<()> {
    if domain.uuid.is_none() {
        domain.uuid = Some(Uuid::from_random(random::bytes()?));
    }
    if domain.genid == Some(Genid::ToGenerate) {
        domain.genid = Some(Genid::Id(Uuid::from_random(random::bytes()?)));
    }
    Ok(())
}

/// Removes the NVRAM of a domain that goes away, as the flags say.
fn undefine_nvram(config: &Domain, flags: UndefineFlags) -> Result<()> {
    let nvram = config.os.loader.as_ref().and_then(|loader| loader.nvram.as_ref());
    let Some(path) = nvram.and_then(|nvram| nvram.path.as_deref()) else { return Ok(()) };
    if !std::path::Path::new(path).exists() || flags.contains(UndefineFlags::KEEP_NVRAM) {
        return Ok(());
    }
    if !flags.contains(UndefineFlags::NVRAM) {
        return Err(Error::new(
            ErrorCode::OperationInvalid,
            ErrorDomain::Qemu,
            "cannot undefine domain with nvram",
        )
        .with_hint("say whether it goes too: --nvram removes it, --keep-nvram leaves it"));
    }
    std::fs::remove_file(path).map_err(|error| {
        let detail = format!("failed to remove nvram: {path}");
        Error::new(ErrorCode::OperationFailed, ErrorDomain::Qemu, detail).caused_by(error)
    })
}
