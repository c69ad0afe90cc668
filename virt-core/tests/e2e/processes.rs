//! Several engines over one directory: guests change hands, are followed, and are found again.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use virt_core::types::DomainState;
use virt_core::{Connection, ListFlags, OpenOptions};
use virt_sys::Signal;

use crate::support::{Ear, Lab, PATIENCE, Times, bare, enabled, pid_of, runtime, signal};

const SHARED: usize = 4;
const ROUNDS: usize = 12;

#[test]
fn guests_go_from_hand_to_hand_and_everybody_hears_of_it() {
    if !enabled("processes") {
        return;
    }
    let lab = Lab::new("hands");
    // Engines of their own, over runtimes of their own: the kernel's locks and the sockets are all that they share.
    let (one, two) = (runtime(), runtime());
    let (first, second) = (
        one.block_on(Connection::open(&lab.uri())).unwrap(),
        two.block_on(Connection::open(&lab.uri())).unwrap(),
    );
    let mut ear = two.block_on(Ear::on(&second));
    one.block_on(async {
        for number in 0..SHARED {
            first.define(&bare(&format!("g{number}"))).await.unwrap().start().await.unwrap();
        }
    });
    two.block_on(async {
        for number in 0..SHARED {
            let domain = second.domain(&format!("g{number}")).await.unwrap();
            assert!(domain.state().await.unwrap().is_active(), "g{number} is not seen to run");
        }
        let started = ["event defined: added", "event resumed: unpaused", "event started: booted"];
        let mut heard = BTreeMap::<String, Vec<String>>::new();
        for _ in 0..SHARED * started.len() {
            let (name, event) = ear.next_with_name(PATIENCE).await.expect("an event for each change");
            heard.entry(name).or_default().push(event);
        }
        for number in 0..SHARED {
            assert_eq!(heard[&format!("g{number}")], started, "g{number}");
        }
    });
    // Both act on all of them at once; each call works, whoever had the guest before.
    let act = |connection: Connection| async move {
        let mut times = Times::new();
        for round in 0..ROUNDS {
            for number in 0..SHARED {
                let domain = connection.domain(&format!("g{number}")).await.unwrap();
                let done = if round % 2 == 0 {
                    times.of(domain.suspend()).await
                } else {
                    // The other one may have been first.
                    times.of(domain.resume()).await.or_else(|error| {
                        if error.to_string().ends_with("domain is already running") {
                            Ok(())
                        } else {
                            Err(error)
                        }
                    })
                };
                done.unwrap_or_else(|error| panic!("g{number}: {}", error.report()));
            }
        }
        times
    };
    let (here, there) = (one.spawn(act(first.clone())), two.spawn(act(second.clone())));
    println!("one  {}", one.block_on(here).unwrap());
    println!("two  {}", two.block_on(there).unwrap());

    // Both see the same in the end.
    one.block_on(async { first.domain("g0").await.unwrap().destroy().await.unwrap() });
    two.block_on(async {
        let domain = second.domain("g0").await.unwrap();
        let deadline = Instant::now() + PATIENCE;
        while domain.state().await.unwrap().is_active() {
            assert!(Instant::now() < deadline, "the end of g0 is not seen");
            ear.next(Duration::from_millis(100)).await;
        }
        domain.start().await.unwrap();
    });
    // The first leaves, and its guests go on; the other one has them all.
    one.block_on(first.close());
    two.block_on(async {
        for number in 0..SHARED {
            let domain = second.domain(&format!("g{number}")).await.unwrap();
            domain.reset().await.unwrap();
            domain.destroy().await.unwrap();
            domain.undefine().await.unwrap();
        }
        assert!(second.list(ListFlags::empty()).await.unwrap().is_empty());
        second.close().await;
    });
    assert_eq!(lab.processes(), []);
}

/// Guests that run when an engine is opened.
const MANY: usize = 50;

#[test]
fn fifty_guests_are_found_again_and_a_stuck_one_holds_nobody_up() {
    if !enabled("opening") {
        return;
    }
    let recovery = Duration::from_secs(2);
    runtime().block_on(async {
        let lab = Lab::new("many");
        let options =
            OpenOptions::default().call_deadline(Duration::from_secs(10)).recovery_deadline(recovery);
        let connection = options.open(&lab.uri()).await.unwrap();
        for number in 0..MANY {
            let domain =
                connection.define(&bare(&format!("m{number}"))).await.unwrap().start().await.unwrap();
            if number % 5 == 0 {
                domain.suspend().await.unwrap();
            }
        }
        connection.close().await;
        assert_eq!(lab.processes().len(), MANY);

        let begun = Instant::now();
        let connection = options.open(&lab.uri()).await.unwrap();
        println!("{MANY} running guests were found again in {:.0} ms", begun.elapsed().as_secs_f64() * 1e3);
        for number in 0..MANY {
            let state =
                connection.domain(&format!("m{number}")).await.unwrap().state().await.unwrap().state();
            let expected = if number % 5 == 0 { DomainState::Paused } else { DomainState::Running };
            assert_eq!(state, expected, "m{number}");
        }
        connection.close().await;

        let stuck = pid_of(&lab.root(), "m7").unwrap();
        signal(stuck, Signal::STOP);
        let begun = Instant::now();
        let connection = options.open(&lab.uri()).await.unwrap();
        let took = begun.elapsed();
        println!("the same with a stopped one among them: {:.0} ms", took.as_secs_f64() * 1e3);
        assert!(took >= recovery && took < recovery + PATIENCE, "{took:?}");
        connection.domain("m8").await.unwrap().suspend().await.unwrap();
        // Once it goes on it is held like the others.
        signal(stuck, Signal::CONT);
        connection.domain("m7").await.unwrap().suspend().await.unwrap();
        for domain in connection.list(ListFlags::ACTIVE).await.unwrap() {
            domain.destroy().await.unwrap();
        }
        assert_eq!(lab.processes(), []);
    });
}
