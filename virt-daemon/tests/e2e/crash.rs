//! The daemon is killed at any moment while clients talk to it: they see a closed connection and never a wrong answer,
//! and the next daemon finds everything as it was acknowledged.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use virt_core::types::XmlFlags;
use virt_core::{Connection, ErrorCode, ListFlags};
use virt_sys::Signal;

use crate::support::{Lab, end};
use crate::traffic::{Expected, Guest, Log, Random, carry_out, document, look_at};

const URI: &str = "qemu+unix:///system";
const GUESTS: [&str; 10] = ["ant", "bee", "cat", "dog", "eel", "fox", "gnu", "hen", "ibi", "jay"];
const CLIENTS: usize = 8;

#[test]
fn nothing_acknowledged_is_lost_with_the_daemon() {
    let Some(lab) = Lab::new("crash") else { return };
    let rounds: u64 = std::env::var("CRASH_ROUNDS").map_or(10, |rounds| rounds.parse().unwrap());
    let seed = std::env::var("CRASH_SEED").map_or(1, |seed| seed.parse().unwrap());
    let mut random = Random(seed);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut truth: BTreeMap<_, _> = GUESTS.map(|name| (name, Guest::default())).into();
    let (mut acknowledged, mut cut_short, mut active) = (0, 0, 0);
    let pid = lab.start();
    runtime.block_on(learn());
    end(pid, Signal::TERM);
    let begun = Instant::now();
    for round in 0..rounds {
        let pid = lab.start();
        let log = runtime.block_on(async {
            let traffic = tokio::spawn(traffic(truth.clone(), random.next()));
            tokio::time::sleep(Duration::from_millis(50 + random.below(600))).await;
            end(pid, Signal::KILL);
            traffic.await.unwrap()
        });
        let expected = Expected::after(&truth, &log);
        let pid = lab.start();
        truth = runtime.block_on(examine(&expected, &log, round));
        end(pid, Signal::TERM);
        acknowledged += log.iter().filter(|(_, _, done)| *done).count() as u64;
        cut_short += log.iter().filter(|(_, _, done)| !*done).count() as u64;
        active += truth.values().filter(|guest| guest.active).count();
    }
    println!(
        "{rounds} kills in {:.1} s: {acknowledged} calls acknowledged, {cut_short} cut short, {active} guests outlived their daemon",
        begun.elapsed().as_secs_f64()
    );
    // Kills that hit nothing would prove nothing.
    assert!(acknowledged > rounds && cut_short > 0 && active > 0);
    lab.start();
    runtime.block_on(tidy_up());
}

/// Has the daemon ask QEMU what it can do, which takes longer than a daemon lives here.
async fn learn() {
    let connection = Connection::open(URI).await.unwrap();
    connection.define(&document("ant")).await.unwrap().undefine().await.unwrap();
}

/// Calls on all guests by all clients, until the daemon is gone.
async fn traffic(truth: BTreeMap<&'static str, Guest>, seed: u64) -> Log {
    let log = Arc::new(Mutex::new(Log::new()));
    let mut clients = tokio::task::JoinSet::new();
    for number in 0..CLIENTS {
        let Ok(connection) = Connection::open(URI).await else { continue };
        for (name, guest) in truth.iter().skip(number).step_by(CLIENTS) {
            let random = Random(
                seed.wrapping_add(u64::from(name.as_bytes()[0])).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            );
            clients.spawn(client(connection.clone(), name, *guest, random, Arc::clone(&log)));
        }
    }
    while let Some(ended) = clients.join_next().await {
        ended.unwrap();
    }
    std::mem::take(&mut *log.lock().unwrap())
}

async fn client(
    connection: Connection,
    name: &str,
    mut guest: Guest,
    mut random: Random,
    log: Arc<Mutex<Log>>,
) {
    loop {
        let call = guest.choose(&mut random);
        let place = {
            let mut log = log.lock().unwrap();
            log.push((name.to_owned(), call.to_owned(), false));
            log.len() - 1
        };
        match carry_out(&connection, name, call).await {
            Ok(()) => log.lock().unwrap()[place].2 = true,
            Err(error) => {
                let closed = [ErrorCode::SystemError, ErrorCode::InternalError].contains(&error.code())
                    && !alive(&connection).await;
                assert!(closed, "{call} {name}: {}", error.report());
                return;
            }
        }
        guest = guest.after(call);
    }
}

/// Whether the daemon still answers.
async fn alive(connection: &Connection) -> bool {
    match connection.hypervisor() {
        Ok(hypervisor) => hypervisor.is_alive().await.unwrap_or(false),
        Err(_) => false,
    }
}

async fn examine(expected: &Expected, log: &Log, round: u64) -> BTreeMap<&'static str, Guest> {
    let connection = Connection::open(URI).await.unwrap();
    let mut found = BTreeMap::new();
    for name in GUESTS {
        // What a recovery has yet to do is done when a call has had its turn.
        if let Ok(domain) = connection.domain(name).await
            && domain.state().await.unwrap().is_active()
        {
            let _ = domain.xml(XmlFlags::empty()).await;
        }
        let guest = look_at(&connection, name).await.unwrap();
        let story: Vec<_> = log.iter().filter(|(of, _, _)| of == name).collect();
        let possible = &expected.0[name];
        assert!(
            possible.contains(&guest),
            "round {round}: {name} is {guest:?}, after {story:?} it may be {possible:?}"
        );
        found.insert(name, guest);
    }
    connection.close().await;
    found
}

async fn tidy_up() {
    let connection = Connection::open(URI).await.unwrap();
    for domain in connection.list(ListFlags::empty()).await.unwrap() {
        let persistent = domain.is_persistent().await.unwrap();
        if domain.is_active().await.unwrap() {
            domain.destroy().await.unwrap();
        }
        if persistent {
            domain.undefine().await.unwrap();
        }
    }
    assert!(connection.list(ListFlags::empty()).await.unwrap().is_empty());
}
