//! One guest that hangs is nobody else's trouble.

use std::time::{Duration, Instant};

use virt_core::types::XmlFlags;
use virt_core::{Connection, Domain, ErrorCode, OpenOptions};
use virt_sys::Signal;

use crate::support::{Lab, PATIENCE, Times, bare, enabled, pid_of, runtime, signal};

/// Guests beside the one that hangs.
const OTHERS: usize = 20;

/// How often each call is made on each of them.
const ROUNDS: usize = 8;

/// How long a call on the guest that hangs may take.
const DEADLINE: Duration = Duration::from_secs(3);

const CALLS: [&str; 7] = ["state", "info", "xml", "suspend", "resume", "destroy", "start"];

#[test]
fn a_stopped_qemu_holds_up_only_its_own_calls() {
    if !enabled("isolation") {
        return;
    }
    runtime().block_on(async {
        let lab = Lab::new("isolation");
        let options =
            OpenOptions::default().call_deadline(DEADLINE).recovery_deadline(Duration::from_secs(1));
        let connection = options.open(&lab.uri()).await.unwrap();
        let stuck = start(&connection, "stuck").await;
        let mut others = Vec::new();
        for number in 0..OTHERS {
            others.push(start(&connection, &format!("other-{number}")).await);
        }
        measure(&others).await;
        let before = measure(&others).await;

        let pid = pid_of(&lab.root(), "stuck").unwrap();
        signal(pid, Signal::STOP);
        // Calls that hang are under way all the time.
        let hanging = {
            let stuck = stuck.clone();
            tokio::spawn(async move {
                let begun = Instant::now();
                let (suspended, reset) = tokio::join!(stuck.suspend(), stuck.reset());
                (begun.elapsed(), suspended.unwrap_err(), reset.unwrap_err())
            })
        };
        let during = measure(&others).await;
        for ((call, before), during) in CALLS.iter().zip(&before).zip(&during) {
            println!("{call:8} before  {before}");
            println!("{call:8} during  {during}");
            // A call that waited for the stopped guest would take as long as that one's deadline.
            assert!(during.max() < DEADLINE, "{call}: {during}");
        }

        // What needs no answer of QEMU's is answered.
        assert!(stuck.state().await.unwrap().is_active());
        stuck.info().await.unwrap();
        assert!(stuck.xml(XmlFlags::empty()).await.unwrap().contains("<name>stuck</name>"));
        // What does ends at its deadline and says why.
        let (took, suspended, reset) = hanging.await.unwrap();
        println!("calls on the stopped guest ended after {:.2} s", took.as_secs_f64());
        assert!(took >= DEADLINE && took < DEADLINE + PATIENCE, "{took:?}");
        for error in [&suspended, &reset] {
            assert_eq!(error.code(), ErrorCode::OperationTimeout, "{error}");
            let hint = error.hint().unwrap_or_default();
            assert!(hint.contains(&format!("process {pid} is stopped (state T)")), "{error}: {hint}");
        }
        println!("  {suspended}\n  {}\n  {reset}", suspended.hint().unwrap());
        // The second waits for the turn of the first, as a third does, which gives up before its own turn has come.
        let texts = format!("{suspended} {reset}");
        assert!(texts.contains("the guest's monitor does not answer"), "{texts}");

        // Another process that opens the root waits no longer for it than it was told to.
        connection.clone().close().await;
        let begun = Instant::now();
        let connection = options.open(&lab.uri()).await.unwrap();
        println!("opened beside a stopped guest in {:.2} s", begun.elapsed().as_secs_f64());
        assert!(begun.elapsed() < DEADLINE, "{:?}", begun.elapsed());
        let other = connection.domain("other-3").await.unwrap();
        other.suspend().await.unwrap();
        let stuck = connection.domain("stuck").await.unwrap();
        let error = stuck.suspend().await.unwrap_err();
        assert!(error.hint().unwrap_or_default().contains("is stopped (state T)"), "{}", error.report());

        let begun = Instant::now();
        stuck.destroy().await.unwrap();
        println!("destroyed the stopped guest in {:.0} ms", begun.elapsed().as_secs_f64() * 1e3);
        assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
        for number in 0..OTHERS {
            connection.domain(&format!("other-{number}")).await.unwrap().destroy().await.unwrap();
        }
        assert!(lab.processes().is_empty(), "{:?}", lab.processes());
    });
}

async fn start(connection: &Connection, name: &str) -> Domain {
    connection.define(&bare(name)).await.unwrap().start().await.unwrap()
}

/// Times of each call, in the order of [`CALLS`], on every guest.
async fn measure(domains: &[Domain]) -> Vec<Times> {
    let mut times: Vec<Times> = CALLS.iter().map(|_| Times::new()).collect();
    for round in 0..ROUNDS {
        for domain in domains {
            times[0].of(domain.state()).await.unwrap();
            times[1].of(domain.info()).await.unwrap();
            times[2].of(domain.xml(XmlFlags::empty())).await.unwrap();
            times[3].of(domain.suspend()).await.unwrap();
            times[4].of(domain.resume()).await.unwrap();
        }
        // Starts take longer; a few of them will do.
        for domain in domains.iter().skip(round).step_by(4) {
            times[5].of(domain.destroy()).await.unwrap();
            times[6].of(domain.start()).await.unwrap();
        }
    }
    times
}
