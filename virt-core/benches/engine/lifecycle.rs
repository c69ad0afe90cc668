//! Starting and ending the minimal domain.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use virt_core::{Connection, CreateFlags, Domain};

use crate::floor::Floor;
use crate::harness::{Table, Unit::Milliseconds};
use crate::{Result, Setting, minimal};

/// How many guests there are at a time.
const MANY: usize = 20;

/// Rounds that are not counted: caches fill.
const WARM_UP: usize = 3;

const FLOOR_START: &str = "start: bare QEMU to its answer";
const FLOOR_QUIT: &str = "end: bare QEMU, quit";
const FLOOR_TERM: &str = "end: bare QEMU, SIGTERM";
const START: &str = "start: a defined domain, paused";
const DESTROY: &str = "end: destroy";
const CREATE: &str = "start: a transient domain, paused";
const DESTROY_TRANSIENT: &str = "end: destroy a transient domain";
const PEER_START: &str = "start: libvirt, a transient domain, paused";
const PEER_DESTROY: &str = "end: libvirt, destroy a transient domain";

async fn start(domain: &Domain) -> virt_core::Result<()> {
    domain.start_with(CreateFlags::START_PAUSED).await.map(drop)
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

/// One guest at a time, all sides in turns.
pub(crate) fn run(setting: &mut Setting, table: &mut Table) -> Result<()> {
    let runtime = runtime()?;
    let floor = runtime.block_on(Floor::plan(&setting.dir.path("floor")))?;
    let connection = runtime.block_on(Connection::open(&setting.dir.uri("one")))?;
    let defined = runtime.block_on(connection.define(&minimal("defined")))?;
    let transient = minimal("transient");
    let mut warm_up = Table::default();
    for round in 0..WARM_UP + setting.samples {
        let table = if round < WARM_UP { &mut warm_up } else { &mut *table };
        let (bare, time) = floor.start()?;
        table.time(FLOOR_START, Milliseconds, time);
        table.time(FLOOR_QUIT, Milliseconds, bare.quit()?);

        table.measure(START, Milliseconds, || runtime.block_on(start(&defined)))?;
        table.measure(DESTROY, Milliseconds, || runtime.block_on(defined.destroy()))?;

        let (bare, time) = floor.start()?;
        table.time(FLOOR_START, Milliseconds, time);
        table.time(FLOOR_TERM, Milliseconds, bare.terminate()?);

        let create = || runtime.block_on(connection.create(&transient, CreateFlags::START_PAUSED));
        let created = table.measure(CREATE, Milliseconds, create)?;
        table.measure(DESTROY_TRANSIENT, Milliseconds, || runtime.block_on(created.destroy()))?;

        if let Some(peer) = &mut setting.peer {
            table.time(PEER_START, Milliseconds, peer.ask("start one")?);
            table.time(PEER_DESTROY, Milliseconds, peer.ask("destroy one")?);
        }
    }
    runtime.block_on(async {
        defined.undefine().await?;
        connection.close().await;
        Ok::<(), virt_core::Error>(())
    })?;
    table.compare(START, FLOOR_START, 1.6);
    table.compare(CREATE, FLOOR_START, 1.6);
    table.compare(DESTROY, FLOOR_QUIT, 3.0);
    table.compare(DESTROY_TRANSIENT, FLOOR_QUIT, 3.0);
    table.compare(DESTROY, FLOOR_TERM, 3.0);
    table.compare(START, PEER_START, 0.2);
    table.compare(CREATE, PEER_START, 0.2);
    table.compare(DESTROY, PEER_DESTROY, 0.2);
    Ok(())
}

const SEQUENCE: &str = "20 defined domains, one after another: start";
const SEQUENCE_END: &str = "20 defined domains, one after another: destroy";
const PARALLEL: &str = "20 defined domains at once: start";
const PARALLEL_END: &str = "20 defined domains at once: destroy";
const FLOOR_SEQUENCE: &str = "20 bare QEMUs, one after another: start";
const FLOOR_SEQUENCE_END: &str = "20 bare QEMUs, one after another: quit";
const FLOOR_PARALLEL: &str = "20 bare QEMUs at once: start";
const PEER_SEQUENCE: &str = "20 transient domains of libvirt in sequence: start";
const PEER_SEQUENCE_END: &str = "20 transient domains of libvirt in sequence: destroy";

/// Twenty guests.
pub(crate) fn run_many(setting: &mut Setting, table: &mut Table) -> Result<()> {
    const ROUNDS: usize = 3;
    let runtime = runtime()?;
    // Each has a socket of its own.
    let floors: Vec<Floor> = (0..MANY)
        .map(|i| runtime.block_on(Floor::plan(&setting.dir.path(&format!("floor-{i}")))))
        .collect::<Result<_>>()?;
    let connection = runtime.block_on(Connection::open(&setting.dir.uri("many")))?;
    let domains: Vec<_> = (0..MANY)
        .map(|i| runtime.block_on(connection.define(&minimal(&format!("guest-{i}")))))
        .collect::<virt_core::Result<_>>()?;
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        let bare = floors.iter().map(Floor::start).collect::<Result<Vec<_>>>()?;
        table.time(FLOOR_SEQUENCE, Milliseconds, begin.elapsed());
        let begin = Instant::now();
        for (bare, _) in bare {
            bare.quit()?;
        }
        table.time(FLOOR_SEQUENCE_END, Milliseconds, begin.elapsed());

        table.measure(SEQUENCE, Milliseconds, || {
            domains.iter().try_for_each(|domain| runtime.block_on(start(domain)))
        })?;
        table.measure(SEQUENCE_END, Milliseconds, || {
            domains.iter().try_for_each(|domain| runtime.block_on(domain.destroy()))
        })?;

        let (bare, time) = together(&floors)?;
        table.time(FLOOR_PARALLEL, Milliseconds, time);
        drop(bare);

        let at_once = |end: bool| {
            runtime.block_on(async {
                let mut calls = JoinSet::new();
                let all = domains.clone();
                for domain in all {
                    calls.spawn(
                        async move { if end { domain.destroy().await } else { start(&domain).await } },
                    );
                }
                calls.join_all().await.into_iter().collect::<virt_core::Result<()>>()
            })
        };
        table.measure(PARALLEL, Milliseconds, || at_once(false))?;
        table.measure(PARALLEL_END, Milliseconds, || at_once(true))?;

        if let Some(peer) = &mut setting.peer {
            let mut sum = |verb: &str| {
                (0..MANY).try_fold(Duration::ZERO, |sum, i| Ok(sum + peer.ask(&format!("{verb} guest-{i}"))?))
            };
            let (start, end): (Result<Duration>, Result<Duration>) = (sum("start"), sum("destroy"));
            table.time(PEER_SEQUENCE, Milliseconds, start?);
            table.time(PEER_SEQUENCE_END, Milliseconds, end?);
        }
    }
    runtime.block_on(connection.close());
    table.compare(SEQUENCE, FLOOR_SEQUENCE, 1.6);
    table.compare(PARALLEL, FLOOR_PARALLEL, 1.6);
    table.compare(SEQUENCE_END, FLOOR_SEQUENCE_END, 3.0);
    table.compare(SEQUENCE, PEER_SEQUENCE, 0.2);
    Ok(())
}

/// Starts bare QEMUs, each from a thread of its own.
fn together(floors: &[Floor]) -> Result<(Vec<crate::floor::Bare>, Duration)> {
    let begin = Instant::now();
    let bare = std::thread::scope(|scope| {
        let threads: Vec<_> = floors
            .iter()
            .map(|floor| {
                scope.spawn(|| floor.start().map(|(bare, _)| bare).map_err(|error| error.to_string()))
            })
            .collect();
        let joined = threads.into_iter().map(|thread| match thread.join() {
            Ok(started) => started,
            Err(_) => Err("a thread panicked".to_owned()),
        });
        joined.collect::<std::result::Result<Vec<_>, String>>()
    });
    Ok((bare?, begin.elapsed()))
}
