//! An engine with nothing to do does nothing.

use std::time::Duration;

use virt_core::Connection;

use crate::support::{Lab, bare, enabled};

const GUESTS: usize = 20;

#[test]
fn an_idle_engine_sleeps() {
    if !enabled("idle") {
        return;
    }
    // A runtime with named threads, so that other tests' do not count.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("idle-engine")
        .enable_all()
        .build()
        .unwrap();
    let lab = Lab::new("idle");
    let connection = runtime.block_on(async {
        let connection = Connection::open(&lab.uri()).await.unwrap();
        for number in 0..GUESTS {
            let xml = bare(&format!("i{number}"));
            let flags = virt_core::CreateFlags::START_PAUSED;
            connection.create(&xml, flags).await.unwrap();
        }
        connection
    });
    // Threads that were needed for the starts leave after ten seconds of idleness; they are not what is looked at.
    std::thread::sleep(Duration::from_secs(1));
    let before = switches("idle-engine");
    std::thread::sleep(Duration::from_secs(2));
    let woken = switches("idle-engine") - before;
    println!("{GUESTS} guests: {woken} wake-ups of the engine in 2 s");
    // A poll loop of the slowest kind, once a second for each guest, would give forty.
    assert!(woken < 10, "{woken} wake-ups");
    runtime.block_on(async {
        for domain in connection.list(virt_core::ListFlags::ACTIVE).await.unwrap() {
            domain.destroy().await.unwrap();
        }
        connection.close().await;
    });
}

/// Voluntary context switches of this process's threads with that name.
fn switches(name: &str) -> u64 {
    let mut sum = 0;
    for entry in std::fs::read_dir("/proc/self/task").unwrap().flatten() {
        let status = std::fs::read_to_string(entry.path().join("status")).unwrap_or_default();
        let field = |key: &str| status.lines().find_map(|line| line.strip_prefix(key)).map(str::trim);
        if field("Name:") == Some(name) {
            sum += field("voluntary_ctxt_switches:").and_then(|count| count.parse::<u64>().ok()).unwrap_or(0);
        }
    }
    sum
}
