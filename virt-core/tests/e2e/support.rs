//! A directory with an engine in it, and what the tests ask of the host.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use virt_core::{Connection, Delivery, DomainEventFilter, DomainEventKind, Subscription};
use virt_sys::{Pid, PidFd, Signal};

/// How long anything may take that is not about time.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Whether these tests run here; says so where they do not.
pub(crate) fn enabled(test: &str) -> bool {
    let enabled = std::env::var_os("VIRT_E2E").is_some_and(|value| value == "1");
    if !enabled {
        println!("SKIPPED {test}: VIRT_E2E=1 is not set (`cargo xtask test` sets it)");
    }
    enabled
}

/// A directory of its own for one test. Whatever happens, no process that names it and no file of it is left.
pub(crate) struct Lab(PathBuf);

impl Lab {
    pub(crate) fn new(name: &str) -> Self {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("virt-e2e-{name}-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.0.join("root")
    }

    pub(crate) fn uri(&self) -> String {
        format!("qemu:///embed?root={}", self.root().display())
    }

    /// Every process whose command line names this directory, but for this one.
    pub(crate) fn processes(&self) -> Vec<(u32, String)> {
        let needle = self.0.display().to_string();
        let mut found = Vec::new();
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
                continue;
            };
            // A process that is gone meanwhile, or a zombie, has none.
            let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            if pid != std::process::id() && line.contains(&needle) {
                found.push((pid, line));
            }
        }
        found
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for (pid, _) in self.processes() {
            signal(pid, Signal::KILL);
        }
        // What is left is below the temporary directory.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn signal(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    if let Ok(process) = PidFd::open(pid) {
        let _ = process.send_signal(signal);
    }
}

pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// The smallest guest: no disk, no kernel, up as soon as QEMU is.
pub(crate) fn bare(name: &str) -> String {
    format!(
        "<domain type='qemu'><name>{name}</name><memory unit='MiB'>16</memory>\
         <os><type arch='x86_64' machine='q35'>hvm</type></os></domain>"
    )
}

/// An empty qcow2 image of 8 MiB (QEMU's docs/interop/qcow2): header, refcount table, refcount block and L1 table, a
/// cluster each.
pub(crate) fn make_image(path: &Path) {
    const CLUSTER: usize = 1 << 16;
    let mut image = vec![0u8; 4 * CLUSTER];
    let mut put = |at: usize, bytes: &[u8]| image[at..at + bytes.len()].copy_from_slice(bytes);
    let cluster = |number: usize| ((number * CLUSTER) as u64).to_be_bytes();
    put(0, b"QFI\xfb");
    put(4, &3u32.to_be_bytes());
    put(20, &16u32.to_be_bytes());
    put(24, &(8u64 << 20).to_be_bytes());
    put(36, &1u32.to_be_bytes());
    put(40, &cluster(3));
    put(48, &cluster(1));
    put(56, &1u32.to_be_bytes());
    put(96, &4u32.to_be_bytes());
    put(100, &104u32.to_be_bytes());
    put(CLUSTER, &cluster(2));
    for number in 0..4 {
        put(2 * CLUSTER + 2 * number, &1u16.to_be_bytes());
    }
    std::fs::write(path, image).unwrap();
}

/// The number of a guest's process, as the engine wrote it down.
pub(crate) fn pid_of(root: &Path, name: &str) -> Option<u32> {
    std::fs::read_to_string(root.join(format!("run/{name}.pid"))).ok()?.trim().parse().ok()
}

/// Events as lines, in the words of the fixtures.
pub(crate) struct Ear(Subscription<virt_core::DomainEvent>);

impl Ear {
    pub(crate) async fn on(connection: &Connection) -> Self {
        Self(connection.events(DomainEventFilter::default()).await.unwrap())
    }

    pub(crate) async fn next(&mut self, patience: Duration) -> Option<String> {
        Some(self.next_with_name(patience).await?.1)
    }

    /// The name of the domain and the line: only the events of one domain have an order.
    pub(crate) async fn next_with_name(&mut self, patience: Duration) -> Option<(String, String)> {
        let deadline = tokio::time::Instant::now() + patience;
        loop {
            let delivery = tokio::time::timeout_at(deadline, self.0.next()).await.ok()??;
            let Delivery::Event(event) = delivery else { panic!("events were lost") };
            if let Some(line) = line_of(&event.kind) {
                return Some((event.domain.name.to_string(), line));
            }
        }
    }
}

fn line_of(kind: &DomainEventKind) -> Option<String> {
    Some(match kind {
        DomainEventKind::Lifecycle(pair) => format!("event {}: {}", pair.event().word(), pair.detail_word()),
        DomainEventKind::Reboot => "event reboot".to_owned(),
        DomainEventKind::PmSuspend => "event pm suspend".to_owned(),
        DomainEventKind::PmWakeup => "event pm wakeup".to_owned(),
        DomainEventKind::AgentLifecycle { connected, reason } => {
            let state = if *connected { "connected" } else { "disconnected" };
            let reason = match reason {
                virt_core::driver::AgentReason::Unknown => "unknown",
                virt_core::driver::AgentReason::DomainStarted => "domain started",
                virt_core::driver::AgentReason::Channel => "channel",
            };
            format!("event agent: {state}, {reason}")
        }
        // Clocks, balloons and trays are not about a machine's life.
        _ => return None,
    })
}

/// Numbers of a measurement.
pub(crate) struct Times(Vec<Duration>);

impl Times {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds how long something takes.
    pub(crate) async fn of<T>(&mut self, work: impl Future<Output = T>) -> T {
        let begun = Instant::now();
        let done = work.await;
        self.0.push(begun.elapsed());
        done
    }

    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        sorted
            .get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1)))
            .copied()
            .unwrap_or_default()
    }

    pub(crate) fn max(&self) -> Duration {
        self.percentile(100)
    }
}

impl std::fmt::Display for Times {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ms = |percent| self.percentile(percent).as_secs_f64() * 1e3;
        write!(
            f,
            "n {:4}  p50 {:8.2} ms  p99 {:8.2} ms  max {:8.2} ms",
            self.0.len(),
            ms(50),
            ms(99),
            ms(100)
        )
    }
}
