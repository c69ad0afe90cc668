//! What is on the disk, and what is made of it after a process died.

mod support;

use std::path::Path;

use support::*;
use virt_domain::Kill;
use virt_types::{
    CreateFlags, DomainName, DomainStatus, ErrorCode, PausedReason, RunningReason, ShutoffReason,
};

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn stored(name: &str) -> String {
    domain(name).format(virt_conf::FormatFlags::INACTIVE)
}

#[tokio::test]
async fn guests_outlive_the_engine() {
    let dir = TempDir::new("outlive");
    let engine = Engine::open(dir.path()).await;
    let web = engine.define("web").await;
    web.set_autostart(true).await.unwrap();
    let id = web.start(options(CreateFlags::empty())).await.unwrap();
    engine.create("transient", CreateFlags::START_PAUSED).await;
    let died = engine.define("died").await;
    died.start(options(CreateFlags::empty())).await.unwrap();
    let before = std::fs::read_to_string(engine.layout.status_dir.join("web.xml")).unwrap();
    assert!(before.contains("<domstatus state='running' reason='booted' pid='"), "{before}");
    let fake = std::sync::Arc::clone(&engine.fake);
    engine.registry.close().await;
    fake.process("died").unwrap().send_signal(virt_sys::Signal::KILL).unwrap();
    // What a guest does meanwhile is found out.
    fake.set_doing("web", "paused");

    let engine = Engine::open(dir.path()).await;
    assert!(engine.problems.is_empty(), "{:?}", engine.problems);
    let web = engine.get("web").await.snapshot();
    assert_eq!((web.id, web.status), (Some(id), DomainStatus::Paused(PausedReason::Unknown)));
    assert!(web.autostart && web.is_persistent());
    let transient = engine.get("transient").await;
    assert_eq!(transient.snapshot().status, DomainStatus::Paused(PausedReason::User));
    transient.resume().await.unwrap();
    assert_eq!(transient.snapshot().status, DomainStatus::Running(RunningReason::Unpaused));
    assert_eq!(engine.get("died").await.snapshot().status, DomainStatus::Shutoff(ShutoffReason::Crashed));
    for name in ["web", "transient"] {
        engine.get(name).await.destroy(Kill::Force).await.unwrap();
    }
    assert_eq!(std::fs::read_dir(&engine.layout.status_dir).unwrap().count(), 0);
    engine.registry.close().await;
    let engine = Engine::open(dir.path()).await;
    // Why it is shut off is known to the next process too.
    assert_eq!(engine.get("web").await.snapshot().status, DomainStatus::Shutoff(ShutoffReason::Destroyed));
}

#[tokio::test]
async fn bad_files_are_named_and_kept() {
    let dir = TempDir::new("bad");
    let layout = virt_domain::Layout::below(dir.path());
    write(&layout.config_dir.join("good.xml"), &stored("good"));
    write(&layout.config_dir.join("torn.xml"), "<domain type='test'><name>torn</na");
    write(&layout.config_dir.join("wrong.xml"), &stored("right"));
    write(&layout.config_dir.join("zwin.xml"), &stored("good").replace("<name>good", "<name>zwin"));
    write(&layout.status_dir.join("good.xml"), "<domstatus state='running' reason='nonsense' pid='1'/>");
    write(&layout.status_dir.join("empty.xml"), "");
    write(&layout.config_dir.join("notes.txt"), "not ours");
    let engine = Engine::open(dir.path()).await;
    let mut named: Vec<_> = engine
        .problems
        .iter()
        .map(|problem| {
            let path = problem.path.strip_prefix(dir.path()).unwrap().display().to_string();
            assert!(!problem.error.detail().is_empty(), "{path}");
            path
        })
        .collect();
    named.sort();
    let expected = [
        "config/torn.xml",
        "config/wrong.xml",
        "config/zwin.xml",
        "run/status/empty.xml",
        "run/status/good.xml",
    ];
    assert_eq!(named, expected);
    assert!(expected.iter().all(|path| dir.path().join(path).exists()));
    assert!(!engine.get("good").await.snapshot().is_active());
    assert_eq!(engine.registry.list(virt_types::ListFlags::empty()).len(), 1);
}

#[tokio::test]
async fn a_rename_that_was_cut_short_is_finished_or_taken_back() {
    // The steps of a rename, each the last one that was done.
    for done in 0..5 {
        let dir = TempDir::new("rename-cut");
        let layout = virt_domain::Layout::below(dir.path());
        write(&layout.config_dir.join("old.xml"), &stored("old"));
        std::fs::create_dir_all(&layout.autostart_dir).unwrap();
        let link = |name: &str| {
            let file = format!("{name}.xml");
            std::os::unix::fs::symlink(layout.config_dir.join(&file), layout.autostart_dir.join(&file))
                .unwrap();
        };
        link("old");
        write(&layout.config_dir.join(".rename"), "old\nnew\n");
        if done >= 1 {
            write(&layout.config_dir.join("new.xml"), &stored("old").replace("<name>old", "<name>new"));
        }
        if done >= 2 {
            link("new");
        }
        if done >= 3 {
            std::fs::remove_file(layout.autostart_dir.join("old.xml")).unwrap();
        }
        if done >= 4 {
            std::fs::remove_file(layout.config_dir.join("old.xml")).unwrap();
        }
        let engine = Engine::open(dir.path()).await;
        assert!(engine.problems.is_empty(), "{:?}", engine.problems);
        let domains = engine.registry.list(virt_types::ListFlags::AUTOSTART);
        let names: Vec<_> = domains.iter().map(|domain| domain.snapshot().name.to_string()).collect();
        assert_eq!(names, [if done == 0 { "old" } else { "new" }], "after step {done}");
        assert!(!layout.config_dir.join(".rename").exists());
        let name = names[0].clone();
        let again = engine.get(&name).await;
        again.rename(DomainName::new("third").unwrap()).await.unwrap();
    }
}

#[tokio::test]
async fn a_start_that_was_cut_short_is_undone() {
    let dir = TempDir::new("start-cut");
    let engine = Engine::open(dir.path()).await;
    engine.define("web").await.start(options(CreateFlags::empty())).await.unwrap();
    let status = engine.layout.status_dir.join("web.xml");
    let fake = std::sync::Arc::clone(&engine.fake);
    engine.registry.close().await;
    let text = std::fs::read_to_string(&status).unwrap();
    let cut = text
        .replace("state='running' reason='booted'", "state='paused' reason='starting up'")
        .replace("  <domain ", "  <engine phase='starting'/>\n  <domain ");
    assert_ne!(cut, text);
    std::fs::write(&status, cut).unwrap();
    let engine = Engine::open(dir.path()).await;
    let web = engine.get("web").await;
    assert_eq!(web.snapshot().status, DomainStatus::Shutoff(ShutoffReason::Failed));
    assert!(fake.process("web").is_none() && !status.exists());
    web.start(options(CreateFlags::empty())).await.unwrap();
    web.destroy(Kill::Force).await.unwrap();
}

#[tokio::test]
async fn a_failed_write_changes_nothing() {
    let dir = TempDir::new("failed-write");
    let engine = Engine::open(dir.path()).await;
    // A directory stands where the file would go.
    std::fs::create_dir(engine.layout.config_dir.join("web.xml")).unwrap();
    let error = engine.registry.define(domain("web")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::SystemError);
    assert!(error.detail().contains("web.xml"), "{error}");
    std::fs::remove_dir(engine.layout.config_dir.join("web.xml")).unwrap();
    engine.define("web").await;
}
