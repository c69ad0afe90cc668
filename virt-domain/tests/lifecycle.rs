//! States, reasons and events of a domain's life, as stock libvirt 9.0.0 with QEMU 7.2 was seen to have them.

mod support;

use support::*;
use virt_conf::domain::{Lifecycle, LifecycleAction};
use virt_domain::{BackendEvent, Holder, Kill};
use virt_types::{
    CrashedReason, CreateFlags, DomainName, DomainState, DomainStatus, ErrorCode, ErrorDomain, ListFlags,
    PausedReason, RebootFlags, RunningReason, ShutdownFlags, ShutoffReason, UndefineFlags,
};

const BOOTED: DomainStatus = DomainStatus::Running(RunningReason::Booted);

#[tokio::test]
async fn a_persistent_domain_from_define_to_undefine() {
    let dir = TempDir::new("life");
    let engine = Engine::open(dir.path()).await;
    let mut ear = engine.listen();
    let web = engine.define("web").await;
    assert_eq!(ear.heard(), ["defined/added"]);
    assert_eq!(web.snapshot().status, DomainStatus::Shutoff(ShutoffReason::Unknown));

    let id = web.start(options(CreateFlags::empty())).await.unwrap();
    assert_eq!(ear.heard(), ["resumed/unpaused with id", "started/booted with id"]);
    assert_eq!((web.snapshot().status, web.snapshot().id), (BOOTED, Some(id)));
    assert_eq!(web.snapshot().holder, Holder::This);
    let again = refusal(web.start(options(CreateFlags::empty())).await);
    assert_eq!(again, (ErrorCode::OperationInvalid, ErrorDomain::Test, "domain is already running".into()));

    web.suspend().await.unwrap();
    web.suspend().await.unwrap();
    assert_eq!(ear.heard(), ["suspended/paused with id"]);
    assert_eq!(web.snapshot().status, DomainStatus::Paused(PausedReason::User));
    web.resume().await.unwrap();
    assert_eq!(ear.heard(), ["resumed/unpaused with id"]);
    assert_eq!(web.snapshot().status, DomainStatus::Running(RunningReason::Unpaused));
    let again = refusal(web.resume().await);
    assert_eq!(again, (ErrorCode::OperationInvalid, ErrorDomain::Test, "domain is already running".into()));
    web.reset().await.unwrap();
    assert_eq!(ear.heard(), ["reboot with id"]);

    web.destroy(Kill::Force).await.unwrap();
    assert_eq!(ear.heard(), ["stopped/destroyed"]);
    assert_eq!(
        (web.snapshot().status, web.snapshot().id),
        (DomainStatus::Shutoff(ShutoffReason::Destroyed), None)
    );
    assert!(engine.fake.process("web").is_none());
    for answer in [web.destroy(Kill::Force).await, web.suspend().await, web.resume().await, web.reset().await]
    {
        let not_running = (ErrorCode::OperationInvalid, ErrorDomain::Domain, "domain is not running".into());
        assert_eq!(refusal(answer), not_running);
    }
    let not_running = (ErrorCode::OperationInvalid, ErrorDomain::Test, "domain is not running".into());
    assert_eq!(refusal(web.shutdown(ShutdownFlags::empty()).await), not_running);

    let second = web.start(options(CreateFlags::START_PAUSED)).await.unwrap();
    assert!(second > id);
    assert_eq!(ear.heard(), ["started/booted with id", "suspended/paused with id"]);
    assert_eq!(web.snapshot().status, DomainStatus::Paused(PausedReason::User));
    web.destroy(Kill::Graceful).await.unwrap();
    assert_eq!(ear.heard(), ["shutdown/host with id", "stopped/destroyed"]);

    web.undefine(UndefineFlags::empty()).await.unwrap();
    assert_eq!(ear.heard(), ["undefined/removed"]);
    assert_eq!(engine.registry.by_name("web").await.unwrap_err().code(), ErrorCode::NoDomain);
    let gone = refusal(web.suspend().await);
    let words = format!("no domain with matching uuid '{}' (web)", uuid_of("web"));
    assert_eq!(gone, (ErrorCode::NoDomain, ErrorDomain::Domain, words));
}

#[tokio::test]
async fn transient_domains_go_with_their_guest() {
    let dir = TempDir::new("transient");
    let engine = Engine::open(dir.path()).await;
    let mut ear = engine.listen();
    let web = engine.create("web", CreateFlags::empty()).await;
    assert!(!web.snapshot().is_persistent());
    let refused = |words: &str| (ErrorCode::OperationInvalid, ErrorDomain::Test, words.to_owned());
    assert_eq!(
        refusal(web.undefine(UndefineFlags::empty()).await),
        refused("cannot undefine transient domain")
    );
    assert_eq!(refusal(web.set_autostart(true).await), refused("cannot set autostart for transient domain"));
    web.destroy(Kill::Force).await.unwrap();
    assert_eq!(ear.heard(), ["resumed/unpaused with id", "started/booted with id", "stopped/destroyed"]);
    assert!(engine.registry.by_uuid(uuid_of("web")).await.is_err());

    // A running one is defined for the first time here.
    let web = engine.create("web", CreateFlags::empty()).await;
    ear.heard();
    engine.define("web").await;
    assert_eq!(ear.heard(), ["defined/added with id"]);
    web.destroy(Kill::Force).await.unwrap();

    // Undefined while it runs, a persistent one becomes transient, and defined again it is persistent.
    let web = engine.define("web").await;
    web.start(options(CreateFlags::empty())).await.unwrap();
    web.undefine(UndefineFlags::empty()).await.unwrap();
    assert!(web.snapshot().is_active() && !web.snapshot().is_persistent());
    ear.heard();
    engine.define("web").await;
    assert_eq!(ear.heard(), ["defined/updated with id"]);
    web.destroy(Kill::Force).await.unwrap();
    assert!(web.snapshot().is_persistent() && !web.snapshot().removed);

    // A persistent domain can be started with a configuration of the moment.
    engine.registry.create(domain("web"), options(CreateFlags::empty())).await.unwrap();
    assert!(web.snapshot().is_active() && web.snapshot().is_persistent());
    let active = refusal(engine.registry.create(domain("web"), options(CreateFlags::empty())).await);
    assert_eq!(
        active,
        (ErrorCode::OperationInvalid, ErrorDomain::Domain, "domain 'web' is already active".into())
    );
    web.destroy(Kill::Force).await.unwrap();
}

#[tokio::test]
async fn names_and_identities_are_unique() {
    let dir = TempDir::new("unique");
    let engine = Engine::open(dir.path()).await;
    engine.define("web").await;
    let uuid = uuid_of("web");
    let failed = |words: String| (ErrorCode::OperationFailed, ErrorDomain::Domain, words);
    let mut other = domain("db");
    other.name = "web".into();
    let same_name = refusal(engine.registry.define(other.clone()).await);
    assert_eq!(same_name, failed(format!("domain 'web' already exists with uuid {uuid}")));
    let started = refusal(engine.registry.create(other, options(CreateFlags::empty())).await);
    assert_eq!(started, failed(format!("domain 'web' already exists with uuid {uuid}")));
    let mut other = domain("web");
    other.name = "db".into();
    let same_uuid = refusal(engine.registry.define(other).await);
    assert_eq!(same_uuid, failed(format!("domain 'web' is already defined with uuid {uuid}")));
}

#[tokio::test]
async fn rename_moves_configuration_and_link() {
    let dir = TempDir::new("rename");
    let engine = Engine::open(dir.path()).await;
    let web = engine.define("web").await;
    engine.define("db").await;
    web.set_autostart(true).await.unwrap();
    let name = |name: &str| DomainName::new(name).unwrap();
    let domain_says = |words: &str| (ErrorCode::OperationInvalid, ErrorDomain::Domain, words.to_owned());
    assert_eq!(refusal(web.rename(name("web")).await), domain_says("Can't rename domain to itself"));
    assert_eq!(refusal(web.rename(name("db")).await), domain_says("domain with name 'db' already exists"));
    web.start(options(CreateFlags::empty())).await.unwrap();
    let active = refusal(web.rename(name("shop")).await);
    assert_eq!(
        active,
        (ErrorCode::OperationInvalid, ErrorDomain::Test, "cannot rename active domain".into())
    );
    web.destroy(Kill::Force).await.unwrap();
    let mut ear = engine.listen();
    web.rename(name("shop")).await.unwrap();
    assert_eq!(ear.heard(), ["undefined/renamed", "defined/renamed"]);
    assert_eq!(engine.get("shop").await.snapshot().uuid, uuid_of("web"));
    assert!(engine.registry.by_name("web").await.is_err());
    assert!(web.snapshot().autostart);
    assert_eq!(files(&engine.layout.config_dir), ["db.xml", "shop.xml"]);
    assert_eq!(files(&engine.layout.autostart_dir), ["shop.xml"]);
    // It starts under its new name, and another one may have the old one.
    web.start(options(CreateFlags::empty())).await.unwrap();
    engine
        .registry
        .define({
            let mut d = domain("new");
            d.name = "web".into();
            d
        })
        .await
        .unwrap();
    web.destroy(Kill::Force).await.unwrap();
}

fn files(dir: &std::path::Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| !entry.file_type().unwrap().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn guests_that_end_by_themselves() {
    let dir = TempDir::new("ends");
    let engine = Engine::open(dir.path()).await;
    let web = engine.define("web").await;
    let mut ear = engine.listen();

    web.start(options(CreateFlags::empty())).await.unwrap();
    web.shutdown(ShutdownFlags::empty()).await.unwrap();
    let heard = ear.until("stopped").await;
    assert_eq!(heard[2..], ["shutdown/guest with id", "stopped/shutdown with id"]);
    assert_eq!(web.snapshot().status, DomainStatus::Shutoff(ShutoffReason::Shutdown));

    web.start(options(CreateFlags::empty())).await.unwrap();
    engine.fake.process("web").unwrap().send_signal(virt_sys::Signal::KILL).unwrap();
    assert_eq!(ear.until("stopped").await[2..], ["stopped/failed with id"]);
    assert_eq!(web.snapshot().status, DomainStatus::Shutoff(ShutoffReason::Crashed));

    engine.fake.set("web", "greet", Behaviour::Fail);
    assert_eq!(web.start(options(CreateFlags::empty())).await.unwrap_err().detail(), "greet fails");
    assert_eq!(web.snapshot().status, DomainStatus::Shutoff(ShutoffReason::Failed));
    assert_eq!(ear.heard(), [""; 0]);
    assert!(engine.fake.process("web").is_none());
}

#[tokio::test]
async fn reboots_are_resets_after_a_power_off() {
    let dir = TempDir::new("reboot");
    let engine = Engine::open(dir.path()).await;
    let web = engine.define("web").await;
    web.start(options(CreateFlags::empty())).await.unwrap();
    let mut ear = engine.listen();
    web.reboot(RebootFlags::empty()).await.unwrap();
    assert_eq!(ear.until("reboot").await, ["reboot with id"]);
    assert_eq!(web.snapshot().status, BOOTED);
    // The next one is a shutdown again.
    web.suspend().await.unwrap();
    web.resume().await.unwrap();
    web.shutdown(ShutdownFlags::empty()).await.unwrap();
    ear.until("stopped/shutdown").await;

    *engine.fake.wishes.lock().unwrap() =
        Lifecycle { on_poweroff: Some(LifecycleAction::Restart), ..Lifecycle::default() };
    web.start(options(CreateFlags::empty())).await.unwrap();
    ear.heard();
    web.shutdown(ShutdownFlags::empty()).await.unwrap();
    assert_eq!(ear.until("reboot").await, ["reboot with id"]);
    web.destroy(Kill::Force).await.unwrap();
}

#[tokio::test]
async fn panics_are_followed_by_what_was_wished() {
    let dir = TempDir::new("panic");
    let engine = Engine::open(dir.path()).await;
    let web = engine.define("web").await;
    let mut ear = engine.listen();
    let crash = |on_crash| {
        *engine.fake.wishes.lock().unwrap() = Lifecycle { on_crash: Some(on_crash), ..Lifecycle::default() };
    };
    let panic = || {
        engine.fake.set_doing("web", "paused");
        engine.fake.happen("web", BackendEvent::Panicked);
        engine.fake.happen("web", BackendEvent::Stopped);
    };

    crash(LifecycleAction::Destroy);
    web.start(options(CreateFlags::empty())).await.unwrap();
    ear.heard();
    panic();
    let heard = ear.until("stopped").await;
    assert_eq!(heard, ["suspended/paused with id", "crashed/panicked with id", "stopped/crashed"]);
    assert_eq!(web.snapshot().status, DomainStatus::Shutoff(ShutoffReason::Crashed));

    crash(LifecycleAction::Restart);
    web.start(options(CreateFlags::empty())).await.unwrap();
    ear.heard();
    panic();
    let heard = ear.until("resumed").await;
    assert_eq!(
        heard,
        [
            "suspended/paused with id",
            "crashed/panicked with id",
            "reboot with id",
            "resumed/unpaused with id"
        ]
    );
    assert_eq!(web.snapshot().status, DomainStatus::Running(RunningReason::Crashed));
    web.destroy(Kill::Force).await.unwrap();

    crash(LifecycleAction::Preserve);
    web.start(options(CreateFlags::empty())).await.unwrap();
    panic();
    ear.until("crashed").await;
    assert_eq!(web.snapshot().status, DomainStatus::Crashed(CrashedReason::Panicked));
    assert!(web.snapshot().is_active());
    web.suspend().await.unwrap();
    web.resume().await.unwrap();
    assert_eq!(web.snapshot().status, DomainStatus::Running(RunningReason::Unpaused));
    panic();
    ear.until("crashed").await;
    web.reset().await.unwrap();
    assert_eq!(web.snapshot().status.state(), DomainState::Paused);
    web.destroy(Kill::Force).await.unwrap();
}

#[tokio::test]
async fn guests_end_with_the_connection_that_they_are_bound_to() {
    let dir = TempDir::new("lease");
    let engine = Engine::open(dir.path()).await;
    let (mine, other) = (engine.registry.connect(), engine.registry.connect());
    let bound = |lease: &virt_domain::Lease| virt_domain::StartOptions {
        bound_to: Some(lease.id()),
        ..virt_domain::StartOptions::default()
    };
    let a = engine.registry.create(domain("a"), bound(&mine)).await.unwrap();
    let b = engine.registry.create(domain("b"), bound(&other)).await.unwrap();
    mine.close().await;
    assert!(!a.snapshot().is_active() && b.snapshot().is_active());
    let mut ear = engine.listen();
    drop(other);
    assert_eq!(ear.until("stopped").await, ["stopped/destroyed"]);
    assert!(!b.snapshot().is_active());
}

#[tokio::test]
async fn listings_match_every_group_of_flags() {
    let dir = TempDir::new("list");
    let engine = Engine::open(dir.path()).await;
    engine.define("idle").await.set_autostart(true).await.unwrap();
    engine.create("gone", CreateFlags::empty()).await;
    let paused = engine.define("paused").await;
    paused.start(options(CreateFlags::START_PAUSED)).await.unwrap();
    let names = |flags| {
        let list = engine.registry.list(flags);
        list.iter().map(|domain| domain.snapshot().name.to_string()).collect::<Vec<_>>().join(" ")
    };
    for (flags, expected) in [
        (ListFlags::empty(), "gone idle paused"),
        (ListFlags::ACTIVE, "gone paused"),
        (ListFlags::INACTIVE, "idle"),
        (ListFlags::ACTIVE | ListFlags::INACTIVE, "gone idle paused"),
        (ListFlags::PERSISTENT | ListFlags::ACTIVE, "paused"),
        (ListFlags::TRANSIENT, "gone"),
        (ListFlags::RUNNING | ListFlags::SHUTOFF, "gone idle"),
        (ListFlags::PAUSED, "paused"),
        (ListFlags::OTHER, ""),
        (ListFlags::AUTOSTART, "idle"),
        (ListFlags::NO_AUTOSTART | ListFlags::PERSISTENT, "paused"),
        (ListFlags::HAS_SNAPSHOT, ""),
        (ListFlags::NO_SNAPSHOT | ListFlags::NO_CHECKPOINT | ListFlags::NO_MANAGEDSAVE, "gone idle paused"),
    ] {
        assert_eq!(names(flags), expected, "{flags:?}");
    }
    for name in ["gone", "paused"] {
        engine.get(name).await.destroy(Kill::Force).await.unwrap();
    }
}

/// Whoever was told that a domain ended may use its name and its UUID at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_are_free_when_the_end_was_told() {
    let dir = TempDir::new("names");
    let engine = Engine::open(dir.path()).await;
    for round in 0..60 {
        let mut next = domain("web");
        if round % 2 == 0 {
            next.uuid = Some(uuid_of(&format!("web-{round}")));
        }
        let web = engine.registry.create(next, options(CreateFlags::empty())).await;
        let web = web.unwrap_or_else(|error| panic!("round {round}: {error}"));
        web.destroy(Kill::Force).await.unwrap();
    }
}
