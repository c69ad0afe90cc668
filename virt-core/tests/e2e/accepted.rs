//! What is planned is what QEMU takes: every document of `fixtures/accepted` becomes a guest that waits for its first
//! instruction.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use virt_core::driver::MonitorCommandFlags;
use virt_core::{Connection, CreateFlags};

use crate::support::{Lab, enabled, runtime};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/accepted");

/// Documents with what none but a machine like the tests' own has: a KVM of its own, other architectures' QEMUs, programs.
/// A first line `<!-- needs: kvm swtpm /dev/vhost-vsock -->` names it.
fn missing(document: &str) -> Option<String> {
    let needs = document.strip_prefix("<!-- needs: ")?.split_once(" -->")?.0;
    let there = |need: &&str| match *need {
        "kvm" => virt_sys::kvm::check().is_usable(),
        path if path.starts_with('/') => Path::new(path).exists(),
        program => virt_sys::find_program(program).is_some(),
    };
    needs.split(' ').find(|need| !there(need)).map(str::to_owned)
}

/// The files that the documents name below `@DIR@`.
fn furnish(dir: &Path) {
    let size = |name: &str, bytes: u64| {
        std::fs::File::create(dir.join(name)).and_then(|file| file.set_len(bytes)).unwrap();
    };
    for name in ["a.img", "b.img", "d.img", "e.img", "ro.img"] {
        size(name, 8 << 20);
    }
    size("floppy.img", 1440 << 10);
    size("cd.iso", 2 << 20);
    size("nvdimm.img", 130 << 20);
    size("pmem.img", 2 << 20);
    size("code.fd", 64 << 10);
    size("vars.template.fd", 64 << 10);
    std::fs::write(dir.join("small"), "x").unwrap();
    std::fs::create_dir(dir.join("tree")).unwrap();
    run(dir, "mkfifo", &["pipe"]);
    run(dir, "qemu-img", &["create", "-q", "-f", "qcow2", "c3.qcow2", "8M"]);
    run(dir, "qemu-img", &["create", "-q", "-f", "qcow2", "-b", "ro.img", "-F", "raw", "c2.qcow2"]);
    run(dir, "qemu-img", &["create", "-q", "-f", "qcow2", "-b", "c2.qcow2", "-F", "qcow2", "c.qcow2"]);
}

fn run(dir: &Path, program: &str, arguments: &[&str]) {
    let status = Command::new(program).args(arguments).current_dir(dir).status().unwrap();
    assert!(status.success(), "{program} {arguments:?}: {status}");
}

/// Starts the document's guest with its processors stopped, asks QEMU what it does, and ends it.
async fn accept(connection: &Connection, xml: &str) -> Result<(), String> {
    let failed = |error: virt_core::Error| error.report().to_string();
    let domain = connection.create(xml, CreateFlags::START_PAUSED).await.map_err(failed)?;
    let asked = connection.domains().map_err(failed)?.monitor_command(
        domain.reference(),
        r#"{"execute":"query-status"}"#,
        MonitorCommandFlags::empty(),
    );
    let status = asked.await.map_err(failed)?;
    domain.destroy().await.map_err(failed)?;
    match status.contains(r#""status":"prelaunch""#) || status.contains(r#""status":"paused""#) {
        true => Ok(()),
        false => Err(format!("QEMU says {status}")),
    }
}

#[test]
fn planned_guests_are_accepted() {
    if !enabled("accepted documents") {
        return;
    }
    // What tells machines of a multicast network from each other needs a route, which a new namespace has not.
    run(Path::new("/"), "ip", &["route", "replace", "224.0.0.0/4", "dev", "lo"]);
    let guest = PathBuf::from(std::env::var_os("VIRT_GUEST_DIR").expect("VIRT_GUEST_DIR"));
    let only = std::env::var("ACCEPTED_ONLY").ok();
    let mut waiting = VecDeque::new();
    let mut files: Vec<_> = std::fs::read_dir(FIXTURES).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for path in files {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let document = std::fs::read_to_string(&path).unwrap();
        match missing(&document) {
            _ if only.as_ref().is_some_and(|only| *only != name) => {}
            Some(need) => println!("SKIPPED {name}: there is no {need}"),
            None => {
                waiting.push_back((name, document.replace("@GUEST@", &guest.display().to_string())));
            }
        }
    }
    let count = waiting.len();
    let (waiting, refused) = (Mutex::new(waiting), Mutex::new(Vec::new()));
    runtime().block_on(async {
        let work = async || {
            let lab = Lab::new("accepted");
            furnish(lab.path());
            let connection = Connection::open(&lab.uri()).await.unwrap();
            let take = || waiting.lock().unwrap().pop_front();
            while let Some((name, document)) = take() {
                let document = document.replace("@DIR@", &lab.path().display().to_string());
                if let Err(error) = accept(&connection, &document).await {
                    refused.lock().unwrap().push(format!("{name}: {error}"));
                }
            }
            connection.close().await;
            assert!(lab.processes().is_empty(), "{:?}", lab.processes());
        };
        tokio::join!(work(), work());
    });
    let refused = refused.into_inner().unwrap();
    assert!(refused.is_empty(), "{} of {count} were refused:\n{}", refused.len(), refused.join("\n"));
    println!("{count} documents were accepted");
    assert!(only.is_some() || count >= 50, "only {count} documents were tried");
}
