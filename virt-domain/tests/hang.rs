//! A hypervisor that never answers holds up its own domain's callers until their deadline, and nobody else.

mod support;

use std::time::Duration;

use support::*;
use virt_domain::{Holder, JobKind, JobSpec, Kill, Limits};
use virt_driver::ControlState;
use virt_types::{CreateFlags, DomainStatus, ErrorCode, RunningReason, ShutoffReason};

fn short() -> Limits {
    Limits { call: Duration::from_millis(300), ..Limits::default() }
}

#[tokio::test]
async fn others_are_not_delayed() {
    let dir = TempDir::new("hang-others");
    let engine = Engine::open(dir.path()).await;
    let stuck = engine.create("stuck", CreateFlags::empty()).await;
    let asked = engine.fake.hang("stuck", "suspend");
    let hung = tokio::spawn({
        let stuck = stuck.clone();
        async move { stuck.suspend().await }
    });
    asked.notified().await;
    // Everything that follows is answered while that call is still under way.
    for number in 0..10 {
        let name = format!("other{number}");
        let other = engine.define(&name).await;
        other.start(options(CreateFlags::empty())).await.unwrap();
        other.suspend().await.unwrap();
        other.resume().await.unwrap();
        other.destroy(Kill::Force).await.unwrap();
    }
    // And so are questions about the stuck domain that need no answer of its hypervisor.
    assert_eq!(stuck.snapshot().status, DomainStatus::Running(RunningReason::Booted));
    let control = stuck.snapshot().control_info();
    assert_eq!(
        (control.state, control.held_by.as_deref()),
        (ControlState::Occupied, Some("virDomainSuspend"))
    );
    engine.registry.define(domain("stuck")).await.unwrap();
    assert!(stuck.snapshot().is_persistent());
    assert!(!hung.is_finished());
    stuck.destroy(Kill::Force).await.unwrap();
    assert_eq!(stuck.snapshot().status, DomainStatus::Shutoff(ShutoffReason::Destroyed));
    // The call that was overtaken ends with the guest.
    let overtaken = hung.await.unwrap().unwrap_err();
    assert_eq!(
        (overtaken.code(), overtaken.detail()),
        (ErrorCode::OperationInvalid, "domain is not running")
    );
}

#[tokio::test]
async fn callers_hear_at_their_deadline_who_is_in_the_way() {
    let dir = TempDir::new("hang-deadline");
    let engine = Engine::with(dir.path(), short()).await;
    let stuck = engine.create("stuck", CreateFlags::empty()).await;
    engine.fake.hang("stuck", "suspend");
    let own = stuck.suspend().await.unwrap_err();
    assert_eq!(own.code(), ErrorCode::OperationTimeout);
    assert!(own.detail().starts_with("virDomainSuspend has had no answer"), "{own}");
    let other = stuck.resume().await.unwrap_err();
    assert_eq!(other.code(), ErrorCode::OperationTimeout);
    assert_eq!(other.detail(), "cannot acquire state change lock (held by monitor=virDomainSuspend)");
    assert!(other.hint().unwrap().contains("virDomainSuspend has held 'stuck' for"), "{:?}", other.hint());
    // A caller that gave up is not served later.
    assert_eq!(stuck.snapshot().held.iter().count(), 1);
    stuck.destroy(Kill::Force).await.unwrap();
    assert!(stuck.snapshot().held.is_free() || !stuck.snapshot().is_active());
}

#[tokio::test]
async fn the_agent_has_a_lane_of_its_own() {
    let dir = TempDir::new("hang-agent");
    let engine = Engine::with(dir.path(), short()).await;
    let web = engine.create("web", CreateFlags::empty()).await;
    let (begun, waits) = tokio::sync::oneshot::channel();
    let asking = tokio::spawn({
        let web = web.clone();
        async move {
            web.job(JobSpec::active("virDomainGetTime", JobKind::AgentQuery), |_| async move {
                begun.send(()).unwrap();
                std::future::pending::<virt_types::Result<()>>().await
            })
            .await
        }
    });
    waits.await.unwrap();
    web.suspend().await.unwrap();
    web.resume().await.unwrap();
    let second = web
        .job(JobSpec::active("virDomainSetTime", JobKind::AgentModify), |_| async { Ok(()) })
        .await
        .unwrap_err();
    assert_eq!(second.detail(), "cannot acquire state change lock (held by agent=virDomainGetTime)");
    web.destroy(Kill::Force).await.unwrap();
    assert!(asking.await.unwrap().is_err());
}

#[tokio::test]
async fn a_start_that_hangs_can_be_given_up() {
    let dir = TempDir::new("hang-start");
    let engine = Engine::open(dir.path()).await;
    let web = engine.define("web").await;
    let asked = engine.fake.hang("web", "start");
    let starting = tokio::spawn({
        let web = web.clone();
        async move { web.start(options(CreateFlags::empty())).await }
    });
    asked.notified().await;
    assert!(web.snapshot().is_active());
    web.destroy(Kill::Force).await.unwrap();
    assert_eq!(starting.await.unwrap().unwrap_err().code(), ErrorCode::OperationAborted);
    assert_eq!(web.snapshot().status, DomainStatus::Shutoff(ShutoffReason::Failed));
    engine.fake.behave("web", "start");
    web.start(options(CreateFlags::empty())).await.unwrap();
    web.destroy(Kill::Force).await.unwrap();
}

#[tokio::test]
async fn a_guest_that_is_not_let_hold_of_can_still_be_destroyed() {
    let dir = TempDir::new("hang-recover");
    let fake = Fake::new(dir.path());
    let engine = Engine::on(std::sync::Arc::clone(&fake), dir.path(), limits()).await;
    engine.define("web").await.start(options(CreateFlags::empty())).await.unwrap();
    engine.define("db").await.start(options(CreateFlags::empty())).await.unwrap();
    engine.registry.close().await;
    // The next life of the engine cannot attach to one of its guests; that does not keep it from opening.
    fake.hang("web", "recover");
    let quick = Limits { recovery: Duration::from_millis(200), ..limits() };
    let engine = Engine::on(std::sync::Arc::clone(&fake), dir.path(), quick).await;
    assert_eq!(engine.get("db").await.snapshot().holder, Holder::This);
    let web = engine.get("web").await;
    assert!(web.snapshot().is_active());
    let waiting = tokio::spawn({
        let web = web.clone();
        async move { web.suspend().await }
    });
    web.destroy(Kill::Force).await.unwrap();
    assert!(fake.process("web").is_none());
    assert_eq!(web.snapshot().status, DomainStatus::Shutoff(ShutoffReason::Destroyed));
    assert!(waiting.await.unwrap().is_err());
    engine.get("db").await.destroy(Kill::Force).await.unwrap();
}

#[tokio::test]
async fn a_caller_that_leaves_does_not_stop_its_job() {
    let dir = TempDir::new("leave");
    let engine = Engine::open(dir.path()).await;
    let web = engine.define("web").await;
    let (begun, waits) = tokio::sync::oneshot::channel();
    let (go, may_go) = tokio::sync::oneshot::channel::<()>();
    let caller = tokio::spawn({
        let web = web.clone();
        async move {
            web.job(JobSpec::any("virDomainSetMetadata", JobKind::ModifyConfig), |context| async move {
                begun.send(()).unwrap();
                may_go.await.unwrap();
                context
                    .change_config(|config| {
                        config.emulator = Some("/bin/other".into());
                        Ok(())
                    })
                    .await
            })
            .await
        }
    });
    waits.await.unwrap();
    caller.abort();
    go.send(()).unwrap();
    let mut snapshots = web.watch();
    snapshots
        .wait_for(|snapshot| {
            snapshot
                .config
                .as_ref()
                .is_some_and(|config| config.model().unwrap().emulator.as_deref() == Some("/bin/other"))
        })
        .await
        .unwrap();
}

/// Engines of several threads tell the end of a job from another one than the task's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_finds_a_job_whose_end_was_told() {
    let dir = TempDir::new("hang-told");
    let engine = Engine::open(dir.path()).await;
    let web = engine.define("web").await;
    let free = |after: &str| {
        let control = web.snapshot().control_info();
        assert_eq!((control.state, control.held_by), (ControlState::Ok, None), "after {after}");
    };
    for _ in 0..100 {
        web.start(options(CreateFlags::empty())).await.unwrap();
        free("a start");
        web.suspend().await.unwrap();
        free("a suspend");
        web.destroy(Kill::Force).await.unwrap();
        free("a destroy");
    }
}
